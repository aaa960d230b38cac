"""Tuning jobs as somebody once recorded them, from JSON files, and lives made of them.

A file holds one tuning job as an object with these members; others do not matter:

- ``tuning_job``: its name, or null.
- ``strategy``: as AWS spells it, null if unknown (taken for Bayesian).
- ``objective``: ``{"metric": name, "type": "Maximize" or "Minimize"}``; each may be null.
- ``max_jobs``, ``max_parallel``: its limits, null if unknown: taken for what was seen.
- ``early_stopping``: ``"Auto"``, ``"Off"`` or null.
- ``created``: Unix seconds, or null.
- ``complete``: whether all its training jobs are there.
- ``training_jobs``: each with ``status`` (as AWS spells that of a training job), ``start`` and ``end`` (Unix seconds or
  null), ``objective`` (a number or null) and ``hyperparameters`` (numbers by name).

A file without training jobs is left out. Where times are missing they are drawn.
"""

from __future__ import annotations

import heapq
import json
import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

from replay.life import Course, Told

from exporter.simulator.chance import chance
from exporter.simulator.plan import float32
from exporter.simulator.record import Outcome, Plan, State, Trial
from exporter.simulator.scenario import Definition, Scenario
from exporter.simulator.surface import Continuous, Surface

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from random import Random

    from replay.fleet import Place

_OUTCOMES: dict[str | None, Outcome] = {"Failed": "NonRetryableError", "Stopped": "Stopped"}
"""All others are taken for Completed."""

FIRST_START = 73.0
"""Seconds from the creation of a tuning job to the first start of a training job."""
STARTING = 6.0
"""Seconds from the creation of a training job to its start."""
CLOSING = (4.0, 235.0)
"""Seconds from the end of the last training job to that of the tuning job."""


class Reading(Enum):
    """What "not improved by more than 1 %" may be measured against: AWS does not tell."""

    THE_BEST = "the best value so far"
    THE_LAST_GAIN = "the value that was the last to improve by more than 1 %"


class Run(NamedTuple):
    """A training job that was recorded; times in seconds after the creation of its tuning job."""

    created: float
    ended: float
    outcome: Outcome
    objective: float | None
    hyperparameters: dict[str, float]


@dataclass(frozen=True)
class Trace:
    """A tuning job that was recorded."""

    name: str
    scenario: Scenario
    runs: tuple[Run, ...]


def read(directory: Path) -> list[Trace]:
    """Return the tuning jobs of all JSON files of a directory. Raise ValueError without one that has training jobs."""
    files = sorted(directory.glob("*.json"))
    traces = [_trace(path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in files]
    if not (found := [trace for trace in traces if trace.runs]):
        raise ValueError(f"{directory} holds no tuning job with training jobs")
    return found


def _trace(name: str, told: dict[str, Any]) -> Trace:
    runs = tuple(_runs(name, told))
    objective = told.get("objective") or {}
    values = [run.objective for run in runs if run.objective is not None] or [0.0]
    low, high = min(values), max(*values, min(values) + 1e-06)
    best, worst = (low, high) if objective.get("type") == "Minimize" else (high, low)
    names = {name for run in runs for name in run.hyperparameters}
    ranges = tuple(
        Continuous(name, *_bounds([run.hyperparameters[name] for run in runs if name in run.hyperparameters]))
        for name in sorted(names)
        if all(name in run.hyperparameters for run in runs)
    )
    surface = Surface(objective.get("metric") or "objective", best, worst, lambda _: 0.0, ranges)
    scenario = Scenario(
        (Definition(surface, image="recorded", name="recorded"),),
        strategy=told.get("strategy") or "Bayesian",
        max_jobs=told.get("max_jobs") or len(runs) or 1,
        parallel=told.get("max_parallel") or _most_at_once(runs) or 1,
        early_stopping=told.get("early_stopping"),
    )
    return Trace(told.get("tuning_job") or name, scenario, runs)


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(*values, min(values) + 1e-06)


def _most_at_once(runs: Sequence[Run]) -> int:
    return max((sum(other.created <= run.created < other.ended for other in runs) for run in runs), default=0)


def _runs(name: str, told: dict[str, Any]) -> Iterator[Run]:
    jobs = told.get("training_jobs", ())
    timed = [job for job in jobs if job.get("start") is not None and job.get("end") is not None]
    if len(timed) < len(jobs):
        # Those of which nobody wrote down the times; where some are known, the others are still running or made up.
        jobs = timed or [*_drawn(jobs, told.get("max_parallel") or 1, chance("times", name))]
    if not jobs:
        return
    first = min(job["start"] for job in jobs)
    for job in sorted(jobs, key=lambda job: (job["start"], job["end"])):
        created = FIRST_START - STARTING + job["start"] - first
        outcome = _OUTCOMES.get(job.get("status"), "Completed")
        numbers = {
            name: float(value)
            for name, value in (job.get("hyperparameters") or {}).items()
            if isinstance(value, int | float)
        }
        ended = max(created + STARTING + job["end"] - job["start"], created + STARTING)
        yield Run(created, ended, outcome, job.get("objective"), numbers)


def _drawn(jobs: Sequence[dict[str, Any]], parallel: int, rng: Random) -> Iterator[dict[str, Any]]:
    usual = math.exp(rng.gauss(math.log(120), 0.8))
    free = [0.0] * parallel
    for job in jobs:
        start = heapq.heappop(free)
        end = start + usual * rng.lognormvariate(0, 0.35)
        heapq.heappush(free, end + rng.uniform(10, 40))
        yield {**job, "start": start, "end": end}


class Recorded(Told):
    """The life of a trace from a moment on, by one reading of how AWS counts."""

    def __init__(self, trace: Trace, reading: Reading, *, name: str, place: Place, created: float) -> None:
        course = Course("trace", trace.scenario, trace.scenario)
        seed = chance("trace", trace.name).getrandbits(32)
        super().__init__(name, course, region=place.region, account_id=place.account_id, created=created, seed=seed)
        self._take(_plan(trace, reading, self.created, chance("end", trace.name)))


def _plan(trace: Trace, reading: Reading, created: float, rng: Random) -> Plan:
    """Return the plan of a trace from its creation (Unix seconds) on."""
    names = [range_.name for range_ in trace.scenario.definitions[0].surface.ranges]
    trials = tuple(
        Trial(
            number,
            0,
            _moment(created, run.created),
            _moment(created, run.created + STARTING),
            _moment(created, run.ended),
            run.outcome,
            None if run.objective is None else float32(run.objective),
            tuple(repr(run.hyperparameters[name]) for name in names),
        )
        for number, run in enumerate(trace.runs, start=1)
    )
    states = [*_states(trials, created, trace.scenario.definitions[0].surface, reading)]
    ended = _moment(max(trial.ended for trial in trials), rng.uniform(*CLOSING))
    any_objective = states[-1].best is not None
    status, failure = ("Completed", None) if any_objective else ("Failed", "No training job reported the objective.")
    states.append(states[-1]._replace(since=ended, status=status, ended=ended, failure=failure))
    return Plan(trials, tuple(states), None, None, None)


def _states(trials: Sequence[Trial], created: float, surface: Surface, reading: Reading) -> Iterator[State]:
    """Yield what AWS tells after the creation, each launch and each end."""
    state = State(created, "InProgress", None, 0, 0, 0, 0, 0, 0, 0, None, 0, None, None)
    yield state
    gained: float | None = None
    begins = ((trial.created, 1, index) for index, trial in enumerate(trials))
    ends = ((trial.ended, 0, index) for index, trial in enumerate(trials))
    for at, begin, index in sorted([*begins, *ends]):
        trial = trials[index]
        if begin:
            state = state._replace(since=at, in_progress=state.in_progress + 1)
        else:
            state = _after(state, trial, at)
            if trial.objective is not None:
                best = None if state.best is None else trials[state.best].objective
                better = best is None or surface.gap(trial.objective) < surface.gap(best)
                measure = best if reading is Reading.THE_BEST else gained
                if measure is None or (better and abs(trial.objective - measure) > 0.01 * abs(measure)):
                    state = state._replace(not_improving=0)
                    gained = trial.objective
                elif trial.outcome == "Completed":
                    state = state._replace(not_improving=state.not_improving + 1)
                if better:
                    state = state._replace(best=index)
        yield state


def _after(state: State, trial: Trial, at: float) -> State:
    objective = trial.objective is not None
    return state._replace(
        since=at,
        in_progress=state.in_progress - 1,
        completed=state.completed + (trial.outcome == "Completed"),
        retryable=state.retryable + (trial.outcome == "RetryableError"),
        non_retryable=state.non_retryable + (trial.outcome == "NonRetryableError"),
        stopped=state.stopped + (trial.outcome == "Stopped"),
        succeeded=state.succeeded + objective,
        without_objective=state.without_objective + (not objective),
    )


def _moment(since: float, after: float) -> float:
    return round(since + after, 3)
