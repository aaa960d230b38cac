"""Debian's programs that serve somebody else's text, unpacked into .cache: installing one would start it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from bench.process import ROOT

_PLACE = ROOT / ".cache" / "bench-debian"


class Absent(Exception):
    """A program is not to be had; the message says why."""


def binary(package: str) -> Path:
    """Return the path of the program that a package is named for. Raise Absent."""
    if (found := shutil.which(package)) is not None:
        return Path(found)
    program = _PLACE / "usr" / "bin" / package
    if not program.exists():
        _unpack(package)
    return program


def _unpack(package: str) -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise Absent(f"{package} is not installed, and there is no apt-get to bring it")
    _PLACE.mkdir(parents=True, exist_ok=True)
    # The sandbox user could not write here.
    done = subprocess.run(
        ["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", package],
        cwd=_PLACE,
        capture_output=True,
        text=True,
        check=False,
    )
    archives = sorted(_PLACE.glob(f"{package}_*.deb"))
    if not archives:
        reason = (done.stderr.strip() or "no archive came").splitlines()[-1]
        raise Absent(f"apt-get cannot bring {package}, perhaps for want of `apt-get update`: {reason}")
    subprocess.run(["dpkg", "-x", archives[-1], _PLACE], check=True)
