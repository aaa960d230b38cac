"""The rows of the table of tuning jobs, as pure functions of their views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.config.specs import Money
from exporter.web.pages.figures import moment
from exporter.web.pages.links import console_url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from exporter.fleet import JobState, JobView, TargetView

Number = int | float


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the last describe failed: code, message (None if there is none) and remedy."""

    code: str
    message: str | None
    remedy: str


@dataclass(frozen=True, slots=True)
class Best:
    """The best objective value so far, its metric and type, and the value at which the search ends."""

    metric: str | None
    type: str | None
    value: Number | None
    target: Number | None
    target_reached: bool | None


@dataclass(frozen=True, slots=True)
class Row:
    """A tuning job in one line.

    ``progress`` is the number of training jobs that have completed or stopped, divided by the most that may be launched.
    ``improved`` is when the best training job ended. ``elapsed_seconds`` is from its creation to its end or, while it runs, to
    now. ``described`` is when its values were last read. ``cost`` is that of its ended training jobs.
    """

    account_id: str | None
    region: str
    name: str
    state: JobState
    status: str | None
    failing: Trouble | None
    failure_reason: str | None
    team: str | None
    labels: Mapping[str, str]
    tags: Mapping[str, str]
    training_jobs: Mapping[str, Number]
    max_training_jobs: Number | None
    progress: float | None
    best: Best | None
    improved: datetime | None
    created: datetime | None
    elapsed_seconds: float | None
    max_runtime_seconds: Number | None
    described: datetime | None
    next_describe: datetime | None
    cost: Money | None
    budget: Money | None
    console_url: str | None


def told_apart(targets: Iterable[TargetView]) -> Iterator[JobView]:
    """Yield all tuning jobs. If several have the same labels, yield only the first, as on /metrics."""
    seen: set[tuple[str, str, str]] = set()
    for target in targets:
        for view in target.jobs:
            if (identity := (view.account_id, view.region, view.name)) not in seen:
                seen.add(identity)
                yield view


def row(view: JobView, now: float) -> Row:
    """Return the row of a tuning job at ``now`` (Unix seconds)."""
    facts = view.facts
    return Row(
        account_id=view.account_id or None,
        region=view.region,
        name=view.name,
        state=view.state,
        status=status(view),
        failing=failing(view),
        failure_reason=None if facts is None else facts.failure_reason,
        team=team(view) or None,
        labels=view.labels,
        tags=view.tags,
        training_jobs={} if facts is None else facts.training_jobs,
        max_training_jobs=None if facts is None else facts.limits.max_training_jobs,
        progress=progress(view),
        best=_best(view),
        improved=moment(improved(view)),
        created=None if facts is None else moment(facts.creation_time),
        elapsed_seconds=elapsed(view, now),
        max_runtime_seconds=None if facts is None else facts.limits.max_runtime_seconds,
        described=moment(view.last_success),
        next_describe=moment(view.next_describe),
        cost=cost(view),
        budget=view.budget,
        console_url=console_url(view.region, view.name),
    )


def failing(view: JobView) -> Trouble | None:
    """Return why the last describe of a tuning job failed. None if it did not."""
    if view.failure is None:
        return None
    code = view.failure.code
    return Trouble(code, view.failure.message or None, code.remedy("DescribeHyperParameterTuningJob"))


def status(view: JobView) -> str | None:
    """Return the status from AWS."""
    return None if view.facts is None else view.facts.status


def team(view: JobView) -> str:
    """Return the team of a tuning job, from its label or tag ``team``. Empty if it has neither."""
    return view.labels.get("team") or view.tags.get("team") or ""


def progress(view: JobView) -> float | None:
    """Return the share of training jobs that are done, of the most that may be launched."""
    if view.facts is None:
        return None
    done = [view.facts.training_jobs[each] for each in ("Completed", "Stopped") if each in view.facts.training_jobs]
    most = view.facts.limits.max_training_jobs
    return sum(done) / most if done and most is not None and most > 0 else None


def best_value(view: JobView) -> Number | None:
    """Return the best objective value so far."""
    best = None if view.facts is None else view.facts.best_training_job
    return None if best is None else best.objective_value


def improved(view: JobView) -> float | None:
    """Return when the best training job ended (Unix seconds)."""
    best = None if view.facts is None else view.facts.best_training_job
    return None if best is None else best.end_time


def elapsed(view: JobView, now: float) -> float | None:
    """Return for how long a tuning job has run, in seconds of the clock."""
    facts = view.facts
    if facts is None:
        return None
    if facts.terminal:
        if facts.runtime_seconds is None and facts.creation_time is not None and facts.ended is not None:
            return max(0.0, facts.ended - facts.creation_time)
        return facts.runtime_seconds
    # The run time from AWS is as old as the describe while the job runs.
    return facts.runtime_seconds if facts.creation_time is None else max(0.0, now - facts.creation_time)


def cost(view: JobView) -> Money | None:
    """Return the cost of the ended training jobs. None while it is not known."""
    if view.facts is None or view.spend is None or not view.spend.cost:
        return None
    return Money(sum(amount for _, amount in view.spend.cost), view.spend.currency)


def _best(view: JobView) -> Best | None:
    facts = view.facts
    if facts is None:
        return None
    best, target = facts.best_training_job, facts.criteria.target_objective_value
    objective = facts.objective if best is None else best.objective
    if (objective.metric_name, objective.type, best, target) == (None, None, None, None):
        return None
    value = None if best is None else best.objective_value
    return Best(objective.metric_name, objective.type, value, target, facts.target_reached)
