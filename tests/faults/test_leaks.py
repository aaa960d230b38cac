"""Faults that come and go leave nothing behind: no thread, no file descriptor, no memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from support.tools import ROOT

from faults.cycles import CYCLES, Census

pytestmark = pytest.mark.timeout(1800)

MEGABYTES = 6.0


def test_cycles_leave_nothing_behind():
    # In a process of its own: what other tests hold would be counted too. Threads and descriptors it compares itself.
    done = subprocess.run(
        [sys.executable, "-m", "faults.cycles"],
        env=os.environ | {"PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    counts = [Census(*each) for each in json.loads(done.stdout)]
    print(*(f"{c.threads} threads, {c.descriptors} descriptors, {c.megabytes:.0f} MB" for c in counts), sep="\n")
    assert len(counts) == CYCLES
    assert counts[-1].megabytes - counts[1].megabytes < MEGABYTES
