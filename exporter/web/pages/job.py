"""One tuning job: everything that is known of it."""

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

    from exporter import tuning_job as model
    from exporter.fleet import Incomplete, JobView, Spend
    from exporter.tuning_job import (
        CompletionCriteria,
        Objective,
        ResourceLimits,
        TrainingJob,
        TuningJob,
    )
    from exporter.web.pages.snapshot import Snapshot

Number = int | float


@dataclass(frozen=True, slots=True)
class Training:
    """A training job as its tuning job's answer shows it."""

    name: str | None
    definition: str | None
    objective: Objective
    objective_value: Number | None
    ended: datetime | None
    hyperparameters: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Instances:
    """Instances of one type, and how many of them; null where the definition does not say."""

    type: str
    count: Number | None


@dataclass(frozen=True, slots=True)
class Definition:
    """A training job definition. With ``one_of_instances`` a training job runs on one of the types, not on all together."""

    name: str
    objective: Objective
    spot: bool | None
    instances: tuple[Instances, ...]
    one_of_instances: bool
    max_runtime_seconds: Number | None
    max_wait_seconds: Number | None
    max_pending_seconds: Number | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What AWS says of the tuning job; null and empty are what it does not say."""

    arn: str
    status: str
    failure_reason: str | None
    strategy: str | None
    objective: Objective
    early_stopping: str | None
    autotune: str | None
    warm_start_type: str | None
    parents: tuple[str, ...] | None
    limits: ResourceLimits
    criteria: CompletionCriteria
    training_jobs: Mapping[str, Number]
    objectives: Mapping[str, Number]
    training_jobs_not_improving: Number | None
    best_training_job: Training | None
    overall_best_training_job: Training | None
    definitions: tuple[Definition, ...]
    runtime_seconds: Number | None
    created: datetime | None
    last_modified: datetime | None
    ended: datetime | None
    convergence_detected: datetime | None


@dataclass(frozen=True, slots=True)
class InstanceTime:
    """Seconds of training times instances of a type; ``billed_seconds`` is what SageMaker bills of them."""

    instance_type: str
    spot: bool | None
    status: str
    seconds: float | None
    billed_seconds: float | None


@dataclass(frozen=True, slots=True)
class Trained:
    """The training jobs that ended in one status: how many trained, for how long together, and what they cost."""

    status: str
    training_jobs: int | None
    seconds: float | None
    cost: Money | None


@dataclass(frozen=True, slots=True)
class Spent:
    """What the training jobs come to, by the last reading of their list."""

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
    """A call about the tuning job that has ended; ``code`` tells why it failed, None where it did not."""

    ended: datetime | None
    operation: str
    code: str | None
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Job:
    """All that is known of a tuning job at a time. ``facts`` are None while there are none that hold."""

    at: datetime | None
    job: Row
    targets: tuple[str, ...]
    facts: Facts | None
    hyperparameters: tuple[Placed, ...]
    spend: Spent | None
    calls: tuple[Call, ...]
    alerts: tuple[Question, ...]
    series: str


def find(snapshot: Snapshot, account_id: str, region: str, name: str) -> list[JobView]:
    """Return the tuning jobs that an address means: with the account ``-`` those of any account."""
    key = name_key(name)
    return [
        view
        for view in told_apart(snapshot.targets)
        if view.region == region and name_key(view.name) == key and account_id in {ANY_ACCOUNT, view.account_id}
    ]


def job(snapshot: Snapshot, view: JobView) -> Job:
    """Return what is known of a tuning job."""
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
        facts=None if facts is None else _facts(facts),
        hyperparameters=() if facts is None else placed(facts),
        spend=None if facts is None or view.spend is None else _spent(view.spend),
        calls=tuple(
            Call(moment(each.ended), each.operation, each.code, each.milliseconds) for each in past_calls(view.history)
        ),
        alerts=questions(*identity, collect),
        series="".join(piece.text for piece in render(families_in_force(collect), [view])),
    )


def _facts(facts: TuningJob) -> Facts:
    return Facts(
        arn=facts.arn,
        status=facts.status,
        failure_reason=facts.failure_reason,
        strategy=facts.strategy,
        objective=facts.objective,
        early_stopping=facts.early_stopping,
        autotune=facts.autotune,
        warm_start_type=facts.warm_start_type,
        parents=facts.parents,
        limits=facts.limits,
        criteria=facts.criteria,
        training_jobs=facts.training_jobs,
        objectives=facts.objectives,
        training_jobs_not_improving=facts.training_jobs_not_improving,
        best_training_job=_training(facts.best_training_job),
        overall_best_training_job=_training(facts.overall_best_training_job),
        definitions=tuple(map(_definition, facts.definitions)),
        runtime_seconds=facts.runtime_seconds,
        created=moment(facts.creation_time),
        last_modified=moment(facts.last_modified_time),
        ended=moment(facts.end_time),
        convergence_detected=moment(facts.convergence_detected_time),
    )


def _definition(definition: model.Definition) -> Definition:
    return Definition(
        name=definition.name,
        objective=definition.objective,
        spot=definition.spot,
        instances=tuple(Instances(type_, count) for type_, count in definition.instances),
        one_of_instances=definition.one_of_instances,
        max_runtime_seconds=definition.max_runtime_seconds,
        max_wait_seconds=definition.max_wait_seconds,
        max_pending_seconds=definition.max_pending_seconds,
    )


def _training(training: TrainingJob | None) -> Training | None:
    if training is None:
        return None
    return Training(
        name=training.name,
        definition=training.definition_name,
        objective=training.objective,
        objective_value=training.objective_value,
        ended=moment(training.end_time),
        hyperparameters=training.hyperparameters,
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
