"""The facts of one DescribeHyperParameterTuningJob answer.

Every fact that the API may leave out is ``None`` (or an empty mapping) when it did; nothing is ever filled in.
Times are Unix seconds, durations seconds. Texts stand as on the wire.

What is here is on the page of a tuning job and in its JSON under the same names, times as ISO 8601: so the name of a time
ends in ``_time``. docs/fields.md has the texts below the members.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.statuses import TERMINAL_STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping


def name_key(name: str) -> str:
    """Return what two spellings of one tuning job's name share: AWS knows names without regard to case."""
    return name.lower()


def arn_key(arn: str) -> str:
    """Return what two spellings of one ARN share: answers give the name in it in lower case, or as it was created."""
    return arn.lower()


def same_moment(a: float | None, b: float | None) -> bool:
    """Tell whether two answers mean the same time: operations may round it differently, by less than a second."""
    return a == b if a is None or b is None else abs(a - b) < 1.0


@dataclass(frozen=True, slots=True)
class Objective:
    """The metric that a tuning job searches by (HyperParameterTuningJobObjective)."""

    metric_name: str | None
    """Its name."""
    type: str | None
    """``Minimize`` or ``Maximize``."""


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """ResourceLimits of the tuning job; all limits are optional in answers."""

    max_training_jobs: int | float | None = None
    """How many training jobs may be launched."""
    max_parallel_training_jobs: int | float | None = None
    """How many of them at once."""
    max_runtime_seconds: int | float | None = None
    """For how long the search may run."""


@dataclass(frozen=True, slots=True)
class CompletionCriteria:
    """When the search ends (TuningJobCompletionCriteria)."""

    target_objective_value: int | float | None = None
    """The objective value at which it does."""
    max_training_jobs_not_improving: int | float | None = None
    """After how many training jobs in a row that do not improve the best value."""
    complete_on_convergence: str | None = None
    """``Enabled`` or ``Disabled``."""


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """One training job as a tuning job's answer shows it (HyperParameterTrainingJobSummary)."""

    name: str | None
    """Of the training job."""
    definition_name: str | None
    """Of its definition."""
    end_time: float | None
    """When it ended."""
    objective: Objective
    """What the value means: the objective of its definition if it has one of its own."""
    objective_value: int | float | None
    """With the sign and scale that the algorithm printed; it may be NaN or infinite."""
    hyperparameters: Mapping[str, float] = field(default_factory=dict)
    """TunedHyperParameters: those whose value is a number."""


class Instances(NamedTuple):
    """Instances of one type."""

    instance_type: str
    """Such as ``ml.m5.large``."""
    instance_count: int | float | None
    """How many of them."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One training job definition (HyperParameterTrainingJobDefinition)."""

    name: str
    """What tells it from the others of its tuning job; empty where it is the only one and has none."""
    objective: Objective
    """What it searches by."""
    spot: bool | None = None
    """Whether its training jobs run on spot instances."""
    instances: tuple[Instances, ...] = ()
    """What a training job runs on, each type once."""
    one_of_instances: bool = False
    """Whether a training job runs on one of them only, and not on all together."""
    max_runtime_seconds: int | float | None = None
    """For how long a training job may run."""
    max_wait_seconds: int | float | None = None
    """The same, with the time that it waits for spot instances."""
    max_pending_seconds: int | float | None = None
    """For how long it may be pending."""


@dataclass(frozen=True, slots=True)
class HyperparameterRange:
    """The bounds of one integer or continuous range."""

    hyperparameter: str
    """Its name."""
    definition: str
    """The definition whose range it is; empty for the tuning job's own."""
    min_value: float | None
    """As given, whatever the scale."""
    max_value: float | None
    """Likewise."""
    scale: str
    """As AWS spells it, empty where it does not tell."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list says of a tuning job (HyperParameterTuningJobSummary); members as in TuningJob."""

    name: str
    arn: str
    region: str
    account_id: str
    status: str
    training_jobs: Mapping[str, int | float]
    objectives: Mapping[str, int | float]
    creation_time: float | None
    last_modified_time: float | None
    end_time: float | None

    @classmethod
    def of(cls, job: TuningJob) -> Summary:
        """Return what a list would have said when the answer was given."""
        return cls(**{member: getattr(job, member) for member in cls.__slots__})

    @property
    def terminal(self) -> bool:
        """Whether the tuning job has ended for good. An unknown status counts as running."""
        return self.status in TERMINAL_STATUSES

    @property
    def ended(self) -> float | None:
        """When a terminal tuning job ended, as well as the API tells: LastModifiedTime is of the status."""
        return (self.end_time or self.last_modified_time) if self.terminal else None


@dataclass(frozen=True, slots=True)
class TuningJob:
    """One answer. ``name``, ``arn``, its parts and ``status`` are always there."""

    name: str
    """Of the tuning job."""
    arn: str
    """Its ARN."""
    region: str
    """Out of its ARN."""
    account_id: str
    """Out of its ARN."""
    status: str
    """As AWS spells it: ``InProgress``."""
    objective: Objective
    """The objective that the whole configuration agrees on; its members are not there when it is absent or definitions differ."""
    strategy: str | None = None
    """How it searches."""
    early_stopping: str | None = None
    """``Auto`` or ``Off``."""
    warm_start_type: str | None = None
    """How it uses what its parents have found."""
    parents: tuple[str, ...] | None = None
    """The tuning jobs that it starts from."""
    autotune: str | None = None
    """``Enabled`` where AWS picks what is left open."""
    limits: ResourceLimits = ResourceLimits()
    """Of the tuning job."""
    criteria: CompletionCriteria = CompletionCriteria()
    """When it ends before its limits."""
    training_jobs: Mapping[str, int | float] = field(default_factory=dict)
    """TrainingJobStatusCounters: count by status, only the counters that the answer carries."""
    objectives: Mapping[str, int | float] = field(default_factory=dict)
    """ObjectiveStatusCounters, likewise."""
    best_training_job: TrainingJob | None = None
    """The best one of its own."""
    overall_best_training_job: TrainingJob | None = None
    """Of this tuning job and all its parents."""
    definitions: tuple[Definition, ...] = ()
    """What training jobs run on."""
    ranges: tuple[HyperparameterRange, ...] = ()
    """What is searched."""
    runtime_seconds: int | float | None = None
    """As AWS tells it: what it was at the last describe."""
    training_jobs_not_improving: int | float | None = None
    """How many training jobs in a row did not improve the best value by more than 1 %."""
    convergence_detected_time: float | None = None
    """When AWS found that the search has converged."""
    creation_time: float | None = None
    """When it was created."""
    last_modified_time: float | None = None
    """When its status changed last."""
    end_time: float | None = None
    """When it ended."""
    failure_reason: str | None = None
    """Why it failed, as AWS says."""

    @property
    def terminal(self) -> bool:
        """Whether the tuning job has ended for good. An unknown status counts as running."""
        return self.status in TERMINAL_STATUSES

    @property
    def ended(self) -> float | None:
        """When a terminal tuning job ended, as well as the API tells: LastModifiedTime is of the status."""
        return (self.end_time or self.last_modified_time) if self.terminal else None

    @property
    def target_reached(self) -> bool | None:
        """Whether the best objective value is at or past the target, None where that cannot be told."""
        best, target = self.best_training_job, self.criteria.target_objective_value
        if best is None or best.objective_value is None or target is None:
            return None
        if math.isnan(best.objective_value) or math.isnan(target):
            return None
        if best.objective.type == "Maximize":
            return best.objective_value >= target
        if best.objective.type == "Minimize":
            return best.objective_value <= target
        return None
