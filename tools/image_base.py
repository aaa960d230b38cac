"""Make a replacement for the image's public base from Debian packages, if there is no access to a registry.

It has what the Dockerfile needs: the same release of Debian, the same version of Python as ``python``, and pip. Needs Debian
and root.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from image_engine import CACHE, Base, base, has_image, podman, require_tools, run

_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


def make(wanted: Base) -> None:
    """Add the base to the store, unless it is already there."""
    if has_image(wanted.image):
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as directory:
        root = Path(directory, "root")
        root.mkdir()
        for package in _download(wanted, Path(directory)):
            run(["dpkg", "-x", str(package), str(root)])
        _finish(root, wanted.python)
        with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as tar:
            subprocess.run(
                podman("import", "--quiet", "--change", "ENV PATH=/usr/local/bin:/usr/bin", "-", wanted.image),
                stdin=tar.stdout,
                stdout=subprocess.DEVNULL,
                check=True,
            )


def _download(wanted: Base, directory: Path) -> list[Path]:
    """Download the packages of Python and all dependencies, with package lists separate from those of the machine."""
    for folder in ("lists/partial", "cache/archives/partial"):
        (directory / folder).mkdir(parents=True)
    (directory / "status").touch()  # nothing is installed, so all dependencies are downloaded
    (directory / "sources").write_text(f"deb [signed-by={_KEYS}] {_archive()} {wanted.debian} main\n")
    options = {
        "Dir::Etc::SourceList": directory / "sources",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": directory / "lists",
        "Dir::State::status": directory / "status",
        "Dir::Cache": directory / "cache",
        "APT::Sandbox::User": "root",
    }
    apt = ["apt-get", "-q", "-y", *(f"-o{name}={value}" for name, value in options.items())]
    python = f"python{wanted.python}"
    packages = ["base-files", "dash", "libstdc++6", python, f"{python}-venv", "python3-pip"]
    run([*apt, "update"])
    run([*apt, "install", "--download-only", "--no-install-recommends", *packages])
    return sorted((directory / "cache" / "archives").glob("*.deb"))


def _archive() -> str:
    """Return the address of the machine's own package archive."""
    addresses = run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Component: main"])
    return next(address for address in addresses.splitlines() if "security" not in address)


def _finish(root: Path, python: str) -> None:
    """Do the part of the packages' scripts that a build needs."""
    (root / "usr" / "local" / "bin").mkdir(parents=True)
    (root / "usr" / "local" / "bin" / "python").symlink_to(f"../../bin/python{python}")
    (root / "usr" / "lib" / f"python{python}" / "EXTERNALLY-MANAGED").unlink()
    authorities = sorted((root / "usr" / "share" / "ca-certificates" / "mozilla").glob("*.crt"))
    with (root / "etc" / "ssl" / "certs" / "ca-certificates.crt").open("wb") as bundle:
        for authority in authorities:
            bundle.write(authority.read_bytes())


if __name__ == "__main__":
    require_tools()
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SystemExit("the stand-in is made on Debian as root")
    make(base())
