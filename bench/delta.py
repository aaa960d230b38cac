"""The CPU of a fleet's day: of describing only what changed, against describing more.

It is that of the exporter's process alone, with the real SDK and the simulator in a process of its own: of the start as it
is, and of a stretch that then repeats itself all day long.
"""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench.day import (
    FLEET,
    INTERVAL,
    JOBS,
    OTHERS,
    ROUNDS,
    RUNNING,
    WAYS,
    Clock,
    Exporter,
    Spent,
    ends,
    populate,
    spec,
)
from bench.process import Program, call, python
from bench.table import Row, versus
from exporter.fleet import Target
from exporter.sagemaker import SageMakerApi, Sessions
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REPEATS = 3


def rows() -> list[Row]:
    """Measure; the ways take turns."""
    days: dict[str, list[Spent]] = {way: [] for way in ("delta", *OTHERS)}
    for _ in range(REPEATS):
        for way, measured in days.items():
            measured.append(day(way, measure(way, JOBS, RUNNING)))
    return _rows(days)


def _rows(days: Mapping[str, list[Spent]]) -> list[Row]:
    return [
        versus(
            f"CPU of a day, rendering {rendering}, {FLEET}",
            [getattr(spent, part) for spent in days["delta"]],
            OTHERS[other],
            [getattr(spent, part) for spent in days[other]],
            "s",
            limit,
        )
        for part, rendering in (("cpu", "included"), ("calls_cpu", "left out"))
        for other, limit in (("running", None), ("all", 1 / 25))
    ]


def day(way: str, measured: Sequence[Spent]) -> Spent:
    """Return what a day takes, given its start and the stretch after it."""
    times = (ROUNDS - WAYS[way].start) / WAYS[way].rounds
    return Spent(*(start + times * more for start, more in zip(*measured, strict=True)))


def measure(way: str, jobs: int, running: int) -> list[Spent]:
    """Return what the start and the stretch after it take, with the real SDK and the simulator in another process."""
    with TemporaryDirectory() as directory:
        clock = Path(directory, "clock")
        clock.write_bytes(bytes(8))
        with Program(python("bench.delta:serve", str(clock), jobs, running), r"simulator at (\S+)") as program:
            return [Spent(*each) for each in call("bench.delta:spend", way, jobs, program.match[1], str(clock))]


def serve(clock: str, jobs: int, running: int) -> None:
    """Serve a simulated fleet at the time of a clock's file until the process is ended; print its URL."""
    simulator = Simulator(Clock(clock))
    populate(simulator, jobs, running)
    server = Server(simulator)
    server.start()
    print(f"simulator at {server.url}", flush=True)
    threading.Event().wait()


def spend(way: str, jobs: int, url: str, file: str) -> list[Spent]:
    """Watch a served fleet at the time of a clock's file, and move that; return what ``measure`` does."""
    clock, telemetry = Clock(file), Telemetry()
    served = spec(way, jobs, endpoint_url=url, sts_endpoint_url=url)
    api = SageMakerApi(served, Sessions(), telemetry)
    exporter = Exporter(Target(served, telemetry, clock.now()), api, clock, publishes=True)
    spent = [exporter.spent()]
    with ends(way):
        for rounds in (WAYS[way].start, WAYS[way].start + WAYS[way].rounds):
            exporter.run(rounds * INTERVAL)
            spent.append(exporter.spent())
    exporter.check(jobs)
    return [Spent(*(after - before for before, after in zip(*pair, strict=True))) for pair in pairwise(spent)]
