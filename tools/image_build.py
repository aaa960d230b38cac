"""Build the image with buildah, which needs no daemon. The base is pulled unless tools/image_base.py has made one."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from image_engine import CACHE, ROOT, base, buildah, image, require_tools, run, version

if TYPE_CHECKING:
    from pathlib import Path


def build() -> None:
    """Build ``image()``."""
    CACHE.mkdir(parents=True, exist_ok=True)
    wheels = CACHE / "wheels"
    _download(wheels, base().python)
    configuration = CACHE / "pip.conf"
    configuration.write_text("[install]\nno-index = true\nfind-links = /wheels\n", encoding="utf-8")
    arguments = {
        "VERSION": version(),
        "REVISION": _revision(),
        "CREATED": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    command = buildah(
        "build",
        "--isolation=chroot",
        f"--volume={wheels}:/wheels:ro",
        f"--volume={configuration}:/etc/pip.conf:ro",
        *(f"--build-arg={name}={value}" for name, value in arguments.items()),
        f"--tag={image()}",
        str(ROOT),
    )
    try:
        run(command)
    finally:  # remove the rest of failed builds and older images
        run(buildah("rm", "--all"))
        run(buildah("rmi", "--prune"))


def _download(wheels: Path, python: str) -> None:
    """Download the locked wheels with this machine's pip, so that the build needs no access to a package index."""
    shutil.rmtree(wheels, ignore_errors=True)
    platforms = [f"manylinux_2_{glibc}_{platform.machine()}" for glibc in (28, 17)]
    locks = ["-rlocks/build.txt", "-rlocks/runtime.txt"]
    wanted = [f"--python-version={python}", *(f"--platform={name}" for name in platforms)]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:"]
    run([*pip, *wanted, *locks, f"--dest={wheels}"])


def _revision() -> str:
    """Return the commit that is built, with a mark if files differ from it. Empty outside a repository."""
    answer = subprocess.run(
        ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    return answer.stdout.strip()


if __name__ == "__main__":
    require_tools()
    build()
    print(image())
