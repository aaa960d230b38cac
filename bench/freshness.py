"""How old each fact is when only what changed is described, against describing all that run in each round.

Both ways watch one simulated fleet on one clock for a day, and are compared at each round. A fact is as old as the time since
the other way last showed the same value.
"""

from __future__ import annotations

import random
from collections import defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from operator import attrgetter
from statistics import median_high
from typing import TYPE_CHECKING, Any

from bench.day import INTERVAL, JOBS, ROUNDS, RUNNING, START, Clock, Exporter, InProcess, populate, spec
from bench.process import call
from bench.table import Row, Spread
from exporter.config import defaults
from exporter.fleet import Target
from exporter.simulator.listing import LAG
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.service import Simulator
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from exporter.tuning_job import TuningJob

RUN_TIME, LAST_MODIFIED, OTHERS = "run time", "last modified", "all others"
FACTS: Mapping[str, Callable[[TuningJob], Any]] = {
    "status": attrgetter("status", "end_time", "failure_reason"),
    "counters": attrgetter("training_jobs", "objectives"),
    "best value": attrgetter("best_training_job", "overall_best_training_job"),
    "not improving": attrgetter("training_jobs_not_improving"),
    "convergence": attrgetter("convergence_detected_time"),
    LAST_MODIFIED: attrgetter("last_modified_time"),
    RUN_TIME: attrgetter("runtime_seconds"),
    OTHERS: lambda job: replace(
        job,
        status="",
        end_time=None,
        failure_reason=None,
        training_jobs={},
        objectives={},
        best_training_job=None,
        overall_best_training_job=None,
        training_jobs_not_improving=None,
        convergence_detected_time=None,
        last_modified_time=None,
        runtime_seconds=None,
    ),
}
"""The facts of a tuning job by name; together they are all of them."""

_MOVES = frozenset({RUN_TIME, LAST_MODIFIED})  # by themselves: two answers are seldom of the same moment
_OLDEST = round(defaults.DESCRIBE_MAX_AGE / INTERVAL)
_ARRIVALS = 96  # of a day: jobs that come, and end in one of the ways that jobs do


def rows() -> list[Row]:
    """Compare where lists lag and where they do not, both at a time."""
    with ThreadPoolExecutor(2) as pool:
        lagging, prompt = pool.map(lambda lag: call("bench.freshness:ages", lag), (LAG, 0.0))
    what = "greatest age beside describing all that run each minute"
    found = [
        _row(f"{what}, lists {LAG:g} s late: {fact}", lagging[fact], _OLDEST if fact == RUN_TIME else 1)
        for fact in FACTS
    ]
    alike = [prompt[fact] for fact in FACTS if fact != RUN_TIME]
    together = max(greatest for greatest, _ in alike), max(usual for _, usual in alike)
    return [*found, _row(f"{what}, lists not late: all but the {RUN_TIME}", together, 0)]


def _row(what: str, age: tuple[int, int], most: int) -> Row:
    greatest, usual = (Spread.of([rounds * INTERVAL / 60.0], "min") for rounds in age)
    return Row(what, greatest, "the median", usual, limit=most * INTERVAL / 60.0)


def ages(lag: float, rounds: int = ROUNDS, jobs: int = JOBS, running: int = RUNNING) -> dict[str, tuple[int, int]]:
    """Return by fact the greatest and the median age in rounds, of all tuning jobs that run or have just ended.

    ``lag`` is by how many seconds lists lag at most. Raise RuntimeError when a fact is older than any could be.
    """
    clock = Clock()
    simulator = Simulator(clock)
    simulator.list_lag = lag
    populate(simulator, jobs, running)
    _arrive(simulator, rounds)
    # With a budget that is never spent, both make all calls of a round at once.
    saving = replace(spec("rule", jobs + _ARRIVALS), requests_per_second=1e5)
    full, spared = (
        Exporter(Target(each, Telemetry(), clock.now()), InProcess(simulator), clock, publishes=False)
        for each in (replace(saving, describe_max_age=0.0), saving)
    )
    history: defaultdict[str, deque[TuningJob]] = defaultdict(lambda: deque(maxlen=_OLDEST + 2))
    found: dict[str, list[int]] = {fact: [] for fact in FACTS}
    for number in range(rounds):
        clock.move_to(number * INTERVAL)
        truth, shown = _round(full), _round(spared)
        if truth.keys() != shown.keys():
            raise RuntimeError(f"only one of the ways shows {sorted(truth.keys() ^ shown.keys())}")
        for name, job in truth.items():
            history[name].append(job)
            if not (job.terminal and history[name][0] == shown[name] == job):
                _compare(shown[name], history[name], found)
    return {fact: (max(each), median_high(each)) for fact, each in found.items()}


def _round(exporter: Exporter) -> dict[str, TuningJob]:
    exporter.catch_up()
    return {name: facts for name, facts in exporter.jobs().items() if facts is not None}


def _compare(shown: TuningJob, past: Iterable[TuningJob], found: Mapping[str, list[int]]) -> None:
    newest_first = [*reversed([*past])]
    for fact, of in FACTS.items():
        value = of(shown)
        age = next((age for age, job in enumerate(newest_first) if _as_new(fact, value, of(job))), None)
        if age is None:
            raise RuntimeError(
                f"{shown.name} shows a {fact} that it has not had for {len(newest_first)} rounds: {value}"
            )
        found[fact].append(age)


def _as_new(fact: str, value: Any, then: Any) -> bool:
    if fact in _MOVES and value is not None and then is not None:
        return bool(value >= then)
    return bool(value == then)


def _arrive(simulator: Simulator, rounds: int) -> None:
    """Let tuning jobs of all kinds come in the course of the day, and end within hours."""
    rng = random.Random(rounds)
    scenarios = sorted(SCENARIOS.keys() - {"stuck", "vintage-2020"})
    for number in range(_ARRIVALS):
        at = START + rng.uniform(0.0, 0.9) * rounds * INTERVAL
        scenario = scenarios[number % len(scenarios)]
        simulator.create(scenario, f"team-new-{number:03}", created=at, speed=rng.uniform(0.5, 4.0))
