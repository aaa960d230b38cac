"""The tuning jobs that are measured: those of the simulator, as the API answers for them."""

from __future__ import annotations

import json
import random
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from bench.names import names
from exporter.clock import SystemClock
from exporter.fleet import JobView, TargetView
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator
from exporter.tuning_job import reduce

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNNING_SCENARIOS = (
    "healthy",
    "converged-running",
    "failing-training-jobs",
    "hyperband",
    "several-definitions",
    "grid",
)
FINISHED_SCENARIOS = (
    *("healthy", "failing-training-jobs", "objective-never-emitted", "near-time-limit", "failed-at-once", "stopped"),
    *("warm-start", "several-definitions", "hyperband", "grid", "edge-of-range", "vintage-2020", "completed"),
)
_SLOWLY = 0.01  # so that what runs, and what it looks like, stays through the bench
_HOUR = 3600.0


def populate(simulator: Simulator, jobs: int, running: int, region: str | None = None) -> None:
    """Create so many tuning jobs in a region, of which ``running`` are in progress and the others have ended."""
    rng = random.Random(jobs)
    now = simulator.clock.time()
    for number, name in enumerate(names(jobs)):
        if number < running:
            scenario = RUNNING_SCENARIOS[number % len(RUNNING_SCENARIOS)]
            age, speed = rng.uniform(0.6, 1.8) * _HOUR / _SLOWLY, _SLOWLY
        else:
            scenario = FINISHED_SCENARIOS[number % len(FINISHED_SCENARIOS)]
            age, speed = rng.uniform(50.0, 200.0) * _HOUR, 1.0
        simulator.create(scenario, name, region=region, created=now - age, speed=speed)


def serve(jobs: int, running: int) -> None:
    """Serve a simulator with such tuning jobs until the process is ended; print its URL."""
    simulator = Simulator(SystemClock())
    populate(simulator, jobs, running)
    server = Server(simulator)
    server.start()
    print(f"simulator at {server.url}", flush=True)
    threading.Event().wait()


def store(file: str, jobs: int) -> None:
    """Write the answer about each of so many tuning jobs to a file, one a line; one in a hundred is in progress."""
    simulator = Simulator(SystemClock())
    populate(simulator, jobs, jobs // 100)
    with Path(file).open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(simulator.describe(name)) + "\n" for name in names(jobs))


def views(file: str, jobs: int) -> Iterator[JobView]:
    """Yield the first tuning jobs of a stored fleet as they are shown after a good describe."""
    with Path(file).open(encoding="utf-8") as lines:
        for _, line in zip(range(jobs), lines, strict=False):
            job = reduce(json.loads(line))
            yield JobView(
                account_id=job.account_id,
                region=job.region,
                name=job.name,
                labels={"team": "search"},
                facts=job,
                failure=None,
                attempted=True,
                last_success=1_750_000_000.25,
                next_describe=1_750_000_060.25,
            )


def target(file: str, jobs: int) -> TargetView:
    """Return the first tuning jobs of a stored fleet as one target."""
    shown = tuple(views(file, jobs))
    return TargetView("bench", shown[0].region, shown[0].account_id, attempted=True, jobs=shown, changes_at=None)
