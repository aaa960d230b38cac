"""Faults that come and go in a process that does nothing else: what it holds after each time, as JSON."""

from __future__ import annotations

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
from support.memory import allocated
from support.pace import slowness
from support.processes import wait_until

from exporter.sagemaker import Sessions
from faults.cases import CASES, applies
from faults.rig import Rig

CYCLES = 4
SPARE = 2
"""Connections that a pool may open or close from one cycle to the next."""


class Census(NamedTuple):
    """What the process holds: threads, file descriptors, memory in MB."""

    threads: int
    descriptors: int
    megabytes: float


def census() -> Census:
    return Census(threading.active_count(), len(os.listdir("/proc/self/fd")), allocated())


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
        sessions = Sessions()
        with Rig("one job", "l", here, ["eu-west-1"], sessions, authorities, bundle, slowness()) as rig:
            rig.start()
            for _ in range(CYCLES):
                rig.cycle()
                if counts:
                    wait_until(lambda: like(counts[0]), what=f"threads and descriptors like {counts[0]}")
                rig.forget()  # only now: it looks on while the others settle
                counts.append(census())
        sessions.keep_only(())
        wait_until(lambda: census()[:2] == before[:2], what=f"threads and descriptors as before: {before}")
    json.dump(counts, sys.stdout)


if __name__ == "__main__":
    main()
