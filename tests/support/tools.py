"""Where the programs are that tests talk to."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_PLACES = os.pathsep.join(
    [
        str(ROOT / ".venv-peers" / "bin"),
        os.environ.get("PATH", os.defpath),
        str(ROOT / ".cache" / "debian" / "usr" / "bin"),
        "/usr/local/bin",
        "/usr/bin",
        "/usr/local/sbin",
        "/usr/sbin",
    ]
)


def find(program: str) -> Path | None:
    """Return the path of a program, None without it."""
    found = shutil.which(program, path=_PLACES)
    return None if found is None else Path(found)


def make_would_run(*arguments: str) -> list[str]:
    """Return the commands that make would run, when .venv is as it should be.

    Goals and variables that a make round these tests was given do not reach it.
    """
    make = [
        "make",
        "--directory",
        str(ROOT),
        "--no-print-directory",
        "--dry-run",
        "--assume-old=.venv/.dev",
        *arguments,
    ]
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(make, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()


RELEASES = ("2", "3")
"""The major versions of Prometheus that everything shipped for it must work with."""
_NEWER = ROOT / ".cache" / "prometheus3" / "usr" / "bin"


def release(version: str, program: str) -> Path:
    """Return a program of a major version of Prometheus, or skip or fail the test as ``require`` does."""
    return require(program if version == "2" else str(_NEWER / program))


def require(program: str) -> Path:
    """Return the path of a program; without it skip the test, or fail it in CI, where everything must run."""
    found = find(program)
    if found is not None:
        return found
    reason = f"{program} is not installed; `make test` installs it where it may"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
