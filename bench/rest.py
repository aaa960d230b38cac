"""Start-up, memory at rest and memory with 10,000 tuning jobs: the whole exporter, against a bare boto3 client."""

from __future__ import annotations

import time

from bench.daemon import Daemon, simulator
from bench.process import Program, peak, python, resident
from bench.table import Row, Spread, versus

JOBS, RUNNING = 10, 5
MANY = 10_000
REPEATS = 5
_DESCRIBES = 3  # of each tuning job: a new answer stands beside the old one for a while
_REST = 3.0  # seconds after readiness: what starting up needed has been given back by then


def rows() -> list[Row]:
    """Measure."""
    started, at_rest, bare_started, bare_at_rest = [], [], [], []
    with simulator(JOBS, RUNNING) as url:
        for _ in range(REPEATS):
            with Daemon(url, JOBS, "60s", 20) as daemon:
                started.append(daemon.wait_ready())
                time.sleep(_REST)
                at_rest.append(resident(daemon.pid))
            with Program(python("bench.sdk:describe_and_rest", url), "described") as bare:
                bare_started.append(time.perf_counter() - bare.started)
                bare_at_rest.append(resident(bare.pid))
    what = f"memory at rest, {JOBS} jobs"
    return [
        versus(f"start to the first scrape that tells something, {JOBS} jobs", started, _BARE, bare_started, "s"),
        Row(what, Spread.of(at_rest, "MB"), limit=78),
        versus(what, at_rest, _BARE, bare_at_rest, "MB"),
        *_in_all(),
    ]


_BARE = "a bare boto3 client, one describe"


def _in_all() -> list[Row]:
    """Measure the memory of an exporter that describes 10,000 tuning jobs, again and again, and is scraped."""
    with simulator(MANY, MANY // 100) as url, Daemon(url, MANY, "20s", 1000) as daemon:
        seconds = daemon.wait_described()
        daemon.wait_requests(_DESCRIBES * MANY)
        time.sleep(_REST)
        return [
            Row(f"peak memory in all, {MANY:,} jobs", Spread.of([peak(daemon.pid)], "MB"), limit=150),
            Row(f"memory in all, {MANY:,} jobs", Spread.of([resident(daemon.pid)], "MB")),
            Row(f"start until {MANY:,} jobs are described at up to 1,000/s", Spread.of([seconds], "s")),
        ]
