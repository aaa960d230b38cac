"""Faults that come and go leave nothing behind: no thread, no file descriptor, no memory."""

from __future__ import annotations

import ctypes
import gc
import os
import threading
from typing import NamedTuple

import pytest
from faults.cases import CASES, applies
from support.processes import wait_until

pytestmark = pytest.mark.xdist_group("faults")

CYCLES = 4
SPARE = 2
"""Connections that a pool may open or close from one cycle to the next."""
MEGABYTES = 6.0


class Census(NamedTuple):
    """What the process holds: threads, file descriptors, resident memory in MB."""

    threads: int
    descriptors: int
    megabytes: float


def census() -> Census:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what was freed is not held
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return Census(
        threading.active_count(), len(os.listdir("/proc/self/fd")), pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    )


def like(earlier: Census) -> bool:
    now = census()
    return now.threads <= earlier.threads + SPARE and now.descriptors <= earlier.descriptors + SPARE


def test_cycles_leave_nothing_behind(make_rig, log):
    before = census()
    counts = []
    with make_rig("one job", "l", [case for case in CASES if applies(case, "one job")], ["eu-west-1"]) as rig:
        rig.start()
        for _ in range(CYCLES):
            rig.cycle()
            if counts:
                wait_until(lambda: like(counts[0]), what=f"threads and descriptors like {counts[0]}")
            counts.append(census())
    wait_until(lambda: census()[:2] == before[:2], what=f"threads and descriptors as before: {before}")
    print(*(f"{c.threads} threads, {c.descriptors} descriptors, {c.megabytes:.0f} MB" for c in counts), sep="\n")
    assert counts[-1].megabytes - counts[1].megabytes < MEGABYTES
