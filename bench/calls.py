"""The API calls of a fleet's day: of describing only what changed, against describing more. Counted in process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from bench.day import (
    FLEET,
    INTERVAL,
    JOBS,
    OTHERS,
    PURPOSES,
    ROUNDS,
    RUNNING,
    WAYS,
    Clock,
    Exporter,
    InProcess,
    ends,
    populate,
    spec,
)
from bench.process import call
from bench.table import Row, Spread, versus
from exporter.fleet import Target
from exporter.simulator.service import Simulator
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping

LIMIT = 1 / 100
"""Goal: the calls of a day by those of describing all."""


def rows() -> list[Row]:
    """Count; two ways at a time."""
    with ThreadPoolExecutor(2) as pool:
        days = dict(zip(WAYS, pool.map(lambda way: call("bench.calls:of_a_day", way), WAYS), strict=True))
    totals = {way: sum(calls.values()) for way, calls in days.items()}
    what = f"API calls of a day, {FLEET}"
    found = [
        versus(f"{what}{how}", [totals[way]], OTHERS[other], [totals[other]], "calls", limit)
        for way, how in (("delta", ""), ("rule", ", found by a rule"))
        for other, limit in (("running", None), ("all", LIMIT))
    ]
    return [*found, *_by_purpose(days["rule"])]


def _by_purpose(calls: Mapping[str, float]) -> list[Row]:
    return [
        Row(f"of these, found by a rule: {purpose}", Spread.of([calls[purpose]], "calls"))
        for purpose in PURPOSES
        if purpose in calls
    ]


def of_a_day(way: str) -> dict[str, float]:
    """Return how many API calls a day takes from the start on, by purpose."""
    counted = WAYS[way].counted
    return {purpose: calls * ROUNDS / counted for purpose, calls in count(way, counted).items()}


def count(way: str, rounds: int, jobs: int = JOBS, running: int = RUNNING) -> Counter[str]:
    """Watch a simulated fleet for so many rounds from the start on, in process; return the calls by purpose."""
    clock = Clock()
    simulator = Simulator(clock)
    populate(simulator, jobs, running)
    target = Target(spec(way, jobs), Telemetry(), clock.now())
    exporter = Exporter(target, InProcess(simulator), clock, publishes=False)
    with ends(way):
        exporter.run(rounds * INTERVAL)
    exporter.check(jobs)
    return exporter.calls
