"""Scrapes while 20 describes a second go on, against scrapes of an exporter that rests."""

from __future__ import annotations

import os
import signal
import statistics
import time

from bench.daemon import Daemon, simulator
from bench.scrape import fetch
from bench.table import Row, versus

JOBS, RUNNING = 1_000, 100
RATE = 20.0
ROUNDS = 5
SECONDS = 10.0
_EVERY = 0.02


def rows() -> list[Row]:
    """Measure; while one exporter is scraped the other stands still."""
    with (
        simulator(JOBS, RUNNING) as url,
        Daemon(url, JOBS, "24h", 1000) as idle,
        Daemon(url, JOBS, f"{RUNNING / RATE:g}s", RATE) as polling,
    ):
        for daemon in (idle, polling):
            daemon.wait_described()
        times: dict[int, list[list[float]]] = {idle.pid: [], polling.pid: []}
        for _ in range(ROUNDS):
            for measured, other in ((idle, polling), (polling, idle)):
                os.kill(other.pid, signal.SIGSTOP)
                try:
                    times[measured.pid].append(scrape(measured.port))
                finally:
                    os.kill(other.pid, signal.SIGCONT)
    found = []
    for share, limit in ((50, None), (99, 2.5)):
        busy, quiet = ([percentile(seconds, share) for seconds in times[each.pid]] for each in (polling, idle))
        what = f"p{share} of gzip scrapes while polling {RATE:g}/s, {JOBS:,} jobs of which {RUNNING} run"
        found.append(versus(what, busy, "the same, idle", quiet, "s", limit))
    return found


def scrape(port: int) -> list[float]:
    """Scrape steadily for a while; return the seconds that each took."""
    fetch(port, gzip=True)
    seconds = []
    due = time.perf_counter()
    ends = due + SECONDS
    while due < ends:
        time.sleep(max(0.0, due - time.perf_counter()))
        began = time.perf_counter()
        fetch(port, gzip=True)
        seconds.append(time.perf_counter() - began)
        due += _EVERY
    return seconds


def percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]
