"""The container tools, their store, and the image's base in the Dockerfile."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "image"
"""The folder for everything that is made, including images, so that the replacement of a public base is not used elsewhere."""

TOOLS = ("buildah", "podman", "runc")
NAME = "sagemaker-tuning-exporter"

_FROM = re.compile(
    r"^FROM (?P<image>docker\.io/library/python:(?P<python>3\.\d+)-slim-(?P<debian>[a-z]+)) AS python$", re.MULTILINE
)


class Base:
    """The base in the Dockerfile: image, version of Python and release of Debian."""

    def __init__(self, dockerfile: str) -> None:
        """Raise ValueError if the base is not an official slim Python image on a release of Debian."""
        found = _FROM.search(dockerfile)
        if found is None:
            raise ValueError("the Dockerfile is from no docker.io/library/python:3.X-slim-RELEASE")
        self.image = found["image"]
        self.python = found["python"]
        self.debian = found["debian"]


def base() -> Base:
    """Return the base of the project's Dockerfile."""
    return Base((ROOT / "Dockerfile").read_text(encoding="utf-8"))


def version() -> str:
    """Return the package's version."""
    text = (ROOT / "exporter" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if found is None:
        raise ValueError("exporter/__init__.py names no version")
    return found[1]


def image() -> str:
    """Return the name of the built image in the store."""
    return f"localhost/{NAME}:{version()}"


def buildah(*arguments: str) -> list[str]:
    """Return the command line of buildah on the project's store."""
    return ["buildah", *_store(), *arguments]


def podman(*arguments: str) -> list[str]:
    """Return the command line of podman on the project's store. It works without systemd, and with both versions of cgroups."""
    return ["podman", *_store(), "--cgroup-manager=cgroupfs", "--runtime=runc", *arguments]


def run(command: list[str]) -> str:
    """Run a command and return its output. Raises CalledProcessError with its error output if it fails."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    except subprocess.CalledProcessError as error:
        error.add_note(f"{error.stdout[-2000:]}{error.stderr[-4000:]}")
        raise


def has_image(name: str) -> bool:
    """Return whether the store has an image."""
    return subprocess.run(podman("image", "exists", name), check=False).returncode == 0


def require_tools() -> None:
    """Raise SystemExit if the container tools are not installed."""
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        raise SystemExit(
            f"not installed: {', '.join(missing)}; on Debian as root, `tools/install-debian image` brings them"
        )


def _store() -> list[str]:
    return [f"--root={CACHE / 'store'}", f"--runroot={CACHE / 'run'}"]
