"""The facts of one DescribeHyperParameterTuningJob answer.

A fact that is missing from the answer is ``None`` (or an empty mapping). Nothing is filled in. Times are Unix seconds,
durations are seconds. Texts are as in the answer.

The page of a tuning job and its JSON show these members with the same names, and times as ISO 8601. So the names of times end
in ``_time``. docs/fields.md has the texts below the members.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from exporter.statuses import TERMINAL_STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping


def name_key(name: str) -> str:
    """Return the key of a tuning job's name. It is independent of case, because names in AWS are."""
    return name.lower()


def arn_key(arn: str) -> str:
    """Return the key of an ARN, independent of case: in answers the name in it is in lower case, or as it was created."""
    return arn.lower()


def same_moment(a: float | None, b: float | None) -> bool:
    """Return whether two answers have the same time. Operations may round it differently, by less than a second."""
    return a == b if a is None or b is None else abs(a - b) < 1.0


@dataclass(frozen=True, slots=True)
class Objective:
    """The metric that a tuning job optimizes (HyperParameterTuningJobObjective)."""

    metric_name: str | None
    """Its name."""
    type: str | None
    """``Minimize`` or ``Maximize``."""


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """ResourceLimits of the tuning job; all limits are optional in answers."""

    max_training_jobs: int | float | None = None
    """The most training jobs that may be launched."""
    max_parallel_training_jobs: int | float | None = None
    """The most training jobs that may run at once."""
    max_runtime_seconds: int | float | None = None
    """The longest time for which the search may run."""


@dataclass(frozen=True, slots=True)
class CompletionCriteria:
    """When the search ends (TuningJobCompletionCriteria)."""

    target_objective_value: int | float | None = None
    """The objective value at which the search ends."""
    max_training_jobs_not_improving: int | float | None = None
    """The number of training jobs in a row without improvement after which it ends."""
    complete_on_convergence: str | None = None
    """``Enabled`` or ``Disabled``."""


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """One training job in the answer about a tuning job (HyperParameterTrainingJobSummary)."""

    name: str | None
    """The name of the training job."""
    definition_name: str | None
    """The name of its definition."""
    end_time: float | None
    """When it ended."""
    objective: Objective
    """The objective of the value: that of its definition, if the definition has its own."""
    objective_value: int | float | None
    """The value, with the sign and scale that the algorithm prints. It may be NaN or infinite."""
    hyperparameters: Mapping[str, float] = field(default_factory=dict)
    """TunedHyperParameters with numeric values."""


class Instances(NamedTuple):
    """Instances of one type."""

    instance_type: str
    """Such as ``ml.m5.large``."""
    instance_count: int | float | None
    """The number of instances."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One training job definition (HyperParameterTrainingJobDefinition)."""

    name: str
    """Its name, unique in its tuning job. Empty if it is the only definition and has no name."""
    objective: Objective
    """The objective that it optimizes."""
    spot: bool | None = None
    """Whether its training jobs run on spot instances."""
    instances: tuple[Instances, ...] = ()
    """The instances of a training job, each type once."""
    one_of_instances: bool = False
    """Whether a training job uses only one of these types, not all of them together."""
    max_runtime_seconds: int | float | None = None
    """The longest time for which a training job may run."""
    max_wait_seconds: int | float | None = None
    """The same, including the time that it waits for spot instances."""
    max_pending_seconds: int | float | None = None
    """The longest time for which a training job may be pending."""


@dataclass(frozen=True, slots=True)
class HyperparameterRange:
    """The bounds of one integer or continuous range."""

    hyperparameter: str
    """Its name."""
    definition: str
    """The definition of the range. Empty for a range of the tuning job itself."""
    min_value: float | None
    """The lower bound as configured, independent of the scale."""
    max_value: float | None
    """The upper bound as configured."""
    scale: str
    """The scale as in AWS. Empty if AWS does not tell it."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The entry of a tuning job on a list (HyperParameterTuningJobSummary). Members are as in TuningJob."""

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
        """Return the entry that a list would have had at the time of the answer."""
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
    """One answer. ``name``, ``arn``, its parts and ``status`` are always present."""

    name: str
    """The name of the tuning job."""
    arn: str
    """Its ARN."""
    region: str
    """The region in its ARN."""
    account_id: str
    """The account in its ARN."""
    status: str
    """The status as in AWS, such as ``InProgress``."""
    objective: Objective
    """The objective of the whole configuration. Its members are missing if there is none or if definitions differ."""
    strategy: str | None = None
    """The search strategy."""
    early_stopping: str | None = None
    """``Auto`` or ``Off``."""
    warm_start_type: str | None = None
    """How it uses the results of its parents."""
    parents: tuple[str, ...] | None = None
    """The tuning jobs that it was warm started from."""
    autotune: str | None = None
    """``Enabled`` if AWS chooses settings that are not given."""
    limits: ResourceLimits = ResourceLimits()
    """The limits of the tuning job."""
    criteria: CompletionCriteria = CompletionCriteria()
    """Conditions to end before the limits."""
    training_jobs: Mapping[str, int | float] = field(default_factory=dict)
    """TrainingJobStatusCounters: the count by status, for the counters in the answer."""
    objectives: Mapping[str, int | float] = field(default_factory=dict)
    """ObjectiveStatusCounters: the count by status, for the counters in the answer."""
    best_training_job: TrainingJob | None = None
    """The best training job of this tuning job."""
    overall_best_training_job: TrainingJob | None = None
    """The best training job of this tuning job and all its parents."""
    definitions: tuple[Definition, ...] = ()
    """Its training job definitions."""
    ranges: tuple[HyperparameterRange, ...] = ()
    """The ranges that are searched."""
    runtime_seconds: int | float | None = None
    """The run time from AWS, as of the last describe."""
    training_jobs_not_improving: int | float | None = None
    """The number of training jobs in a row that did not improve the best value by more than 1 %."""
    convergence_detected_time: float | None = None
    """When AWS detected that the search had converged."""
    creation_time: float | None = None
    """When it was created."""
    last_modified_time: float | None = None
    """When its status last changed."""
    end_time: float | None = None
    """When it ended."""
    failure_reason: str | None = None
    """Why it failed, in the words of AWS."""

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
        """Whether the best objective value has reached the target. None if this is not known."""
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
