"""The container tools, their store, and what the Dockerfile says of the image's base."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "image"
"""Everything that is made goes here, the images too: the stand-in for a public base must not pass for it elsewhere."""

TOOLS = ("buildah", "podman", "runc")
NAME = "sagemaker-tuning-exporter"

_FROM = re.compile(
    r"^FROM (?P<image>docker\.io/library/python:(?P<python>3\.\d+)-slim-(?P<debian>[a-z]+)) AS python$", re.MULTILINE
)


class Base:
    """The base that the Dockerfile names: image, version of Python and release of Debian."""

    def __init__(self, dockerfile: str) -> None:
        """Raise ValueError when the base is not an official slim Python on a release of Debian."""
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
    """Return the name that the built image has in the store."""
    return f"localhost/{NAME}:{version()}"


def buildah(*arguments: str) -> list[str]:
    """Return the command line of buildah on the project's store."""
    return ["buildah", *_store(), *arguments]


def podman(*arguments: str) -> list[str]:
    """Return the command line of podman on the project's store. It works without systemd, and on any kind of cgroups."""
    return ["podman", *_store(), "--cgroup-manager=cgroupfs", "--runtime=runc", *arguments]


def run(command: list[str]) -> str:
    """Run a command and return its output; raise CalledProcessError, its own complaint attached, when it fails."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    except subprocess.CalledProcessError as error:
        error.add_note(f"{error.stdout[-2000:]}{error.stderr[-4000:]}")
        raise


def has_image(name: str) -> bool:
    """Whether the store holds an image."""
    return subprocess.run(podman("image", "exists", name), check=False).returncode == 0


def require_tools() -> None:
    """Raise SystemExit unless the container tools are installed."""
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        raise SystemExit(
            f"not installed: {', '.join(missing)}; on Debian as root, `tools/install-debian image` brings them"
        )


def _store() -> list[str]:
    return [f"--root={CACHE / 'store'}", f"--runroot={CACHE / 'run'}"]
