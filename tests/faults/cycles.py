"""Faults that come and go in a process that does nothing else: what it holds after each time, as JSON."""

from __future__ import annotations

import ctypes
import gc
import json
import logging
import os
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import structlog
import trustme
from faults.cases import CASES, applies
from faults.rig import Rig
from support.processes import wait_until

from exporter.sagemaker import Sessions

CYCLES = 4
SPARE = 2
"""Connections that a pool may open or close from one cycle to the next."""


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


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    authorities = (trustme.CA(), trustme.CA())
    with TemporaryDirectory() as directory:
        bundle = Path(directory) / "ca.pem"
        authorities[0].cert_pem.write_to_path(bundle)
        before = census()
        counts: list[Census] = []
        here = [case for case in CASES if applies(case, "one job")]
        with Rig("one job", "l", here, ["eu-west-1"], Sessions(), authorities, bundle) as rig:
            rig.start()
            for _ in range(CYCLES):
                rig.cycle()
                if counts:
                    wait_until(lambda: like(counts[0]), what=f"threads and descriptors like {counts[0]}")
                counts.append(census())
        wait_until(lambda: census()[:2] == before[:2], what=f"threads and descriptors as before: {before}")
    json.dump(counts, sys.stdout)


if __name__ == "__main__":
    main()
