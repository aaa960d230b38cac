"""Signals in the first half second, before the daemon's code is imported."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGHUP, 7)], ids=lambda value: str(int(value))
)
def test_before_anything_is_imported(number, code):
    """Importing the rest takes half a second."""
    script = (
        "import importlib, os, sys; from exporter import cli\n"
        f"def load(_): os.kill(os.getpid(), {int(number)}); sys.exit(7)\n"
        "importlib.import_module = load\n"
        "cli.main([])\n"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=10, check=False).returncode == code
