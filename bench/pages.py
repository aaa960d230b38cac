"""Scrapes while somebody opens one page after the other, against scrapes of an exporter whose pages nobody opens."""

from __future__ import annotations

import os
import signal
import socket
import time

from bench.daemon import Daemon, simulator
from bench.latency import percentile, scrape
from bench.process import Program, python
from bench.table import Row, versus

JOBS, RUNNING = 1_000, 100
ROUNDS = 5
PATHS = ("/", "/?sort=-improved&page=3", "/targets", "/api/v1/jobs")


def rows() -> list[Row]:
    """Measure; while one exporter is scraped the other stands still."""
    with (
        simulator(JOBS, RUNNING) as url,
        Daemon(url, JOBS, "24h", 1000) as quiet,
        Daemon(url, JOBS, "24h", 1000) as asked,
    ):
        for daemon in (quiet, asked):
            daemon.wait_described()
        times: dict[int, list[list[float]]] = {quiet.pid: [], asked.pid: []}
        with Program(python("bench.pages:ask", asked.port), "asking") as asking:
            for _ in range(ROUNDS):
                for measured, others in ((quiet, (asked.pid, asking.pid)), (asked, (quiet.pid,))):
                    for other in others:
                        os.kill(other, signal.SIGSTOP)
                    try:
                        times[measured.pid].append(scrape(measured.port))
                    finally:
                        for other in others:
                            os.kill(other, signal.SIGCONT)
    found = []
    for share, limit in ((50, None), (99, 4.0)):
        busy, idle = ([percentile(seconds, share) for seconds in times[each.pid]] for each in (asked, quiet))
        what = f"p{share} of gzip scrapes while pages are opened one after the other, {JOBS:,} jobs"
        found.append(versus(what, busy, "the same, no pages", idle, "s", limit))
    return found


def ask(port: int) -> None:
    """Open pages until the process is ended."""
    print("asking", flush=True)
    while True:
        for path in PATHS:
            open_page(port, path)
            time.sleep(0.001)


def open_page(port: int, path: str) -> int:
    """Open a page and return the bytes that came. Raise ConnectionError on any answer but a good one."""
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        head = f"GET {path} HTTP/1.1\r\nHost: bench\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    if not answer.startswith(b"HTTP/1.1 200"):
        raise ConnectionError(f"{path} was answered {answer[:60]!r}")
    return len(answer)
