"""The page of one tuning job: everything that is known about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.config.specs import Money
from exporter.exposition import families_in_force
from exporter.exposition.render import render
from exporter.fleet import past_calls
from exporter.tuning_job import name_key
from exporter.web.pages.alerts import Question, questions
from exporter.web.pages.figures import moment
from exporter.web.pages.links import ANY_ACCOUNT
from exporter.web.pages.ranges import Placed, placed
from exporter.web.pages.rows import Row, row, told_apart

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from exporter.fleet import Incomplete, JobView, Spend
    from exporter.tuning_job import TuningJob
    from exporter.web.pages.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class InstanceTime:
    """Training seconds multiplied by the number of instances of a type. ``billed_seconds`` is what SageMaker bills."""

    instance_type: str
    spot: bool | None
    status: str
    seconds: float | None
    billed_seconds: float | None


@dataclass(frozen=True, slots=True)
class Trained:
    """The training jobs that ended with one status: how many started training, their total time, and their cost."""

    status: str
    training_jobs: int | None
    seconds: float | None
    cost: Money | None


@dataclass(frozen=True, slots=True)
class Spent:
    """The sums over the training jobs, from the last reading of their list."""

    ended: tuple[Trained, ...]
    instances: tuple[InstanceTime, ...]
    failures: Mapping[str, int]
    cost: Money | None
    cost_since_best: Money | None
    seconds_since_best: float | None
    running_seconds: float | None
    oldest_start: datetime | None
    incomplete: Incomplete


@dataclass(frozen=True, slots=True)
class Call:
    """A call about the tuning job that has ended. ``code`` is why it failed, None if it did not."""

    ended: datetime | None
    operation: str
    code: str | None
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Job:
    """Everything that is known about a tuning job at one time. ``facts`` is what AWS says, None if it is not known or stale."""

    at: datetime | None
    job: Row
    targets: tuple[str, ...]
    facts: TuningJob | None
    hyperparameters: tuple[Placed, ...]
    spend: Spent | None
    calls: tuple[Call, ...]
    alerts: tuple[Question, ...]
    series: str


def find(snapshot: Snapshot, account_id: str, region: str, name: str) -> list[JobView]:
    """Return the tuning jobs with this address. The account ``-`` means any account."""
    key = name_key(name)
    return [
        view
        for view in told_apart(snapshot.targets)
        if view.region == region and name_key(view.name) == key and account_id in {ANY_ACCOUNT, view.account_id}
    ]


def job(snapshot: Snapshot, view: JobView) -> Job:
    """Return everything that is known about a tuning job."""
    collect = snapshot.configuration.settings.collect
    identity = view.account_id, view.region, view.name
    facts = view.facts
    return Job(
        at=moment(snapshot.now),
        job=row(view, snapshot.now),
        targets=tuple(
            target.name
            for target in snapshot.targets
            if any((each.account_id, each.region, each.name) == identity for each in target.jobs)
        ),
        facts=facts,
        hyperparameters=() if facts is None else placed(facts),
        spend=None if facts is None or view.spend is None else _spent(view.spend),
        calls=tuple(
            Call(moment(each.ended), each.operation, each.code, each.milliseconds) for each in past_calls(view.history)
        ),
        alerts=questions(*identity, collect),
        series="".join(piece.text for piece in render(families_in_force(collect), [view])),
    )


def _spent(spend: Spend) -> Spent:
    cost = dict(spend.cost)
    numbers = {status: number for status, number, _ in spend.trained}
    seconds = {status: length for status, _, length in spend.trained}
    billed, seconds_of = dict(spend.billed_seconds), dict(spend.instance_seconds)
    return Spent(
        ended=tuple(
            Trained(each, numbers.get(each), seconds.get(each), _money(cost.get(each), spend.currency))
            for each in dict.fromkeys((*numbers, *cost))
        ),
        instances=tuple(
            InstanceTime(key[0], _SPOT.get(key[1]), key[2], seconds_of.get(key), billed.get(key))
            for key in sorted({*seconds_of, *billed})
        ),
        failures=dict(spend.failures),
        cost=_money(sum(cost.values()) if cost else None, spend.currency),
        cost_since_best=_money(spend.cost_since_best, spend.currency),
        seconds_since_best=spend.seconds_since_best,
        running_seconds=spend.running_seconds,
        oldest_start=moment(spend.oldest_start),
        incomplete=spend.incomplete,
    )


def _money(amount: float | None, currency: str) -> Money | None:
    return None if amount is None else Money(amount, currency)


_SPOT = {"true": True, "false": False}
