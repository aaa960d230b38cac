"""The facts of one DescribeHyperParameterTuningJob answer.

Every fact that the API may leave out is ``None`` (or an empty mapping) when it did; nothing is ever filled in.
Times are Unix seconds, durations seconds. Texts stand as on the wire.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
    type: str | None
    """``Minimize`` or ``Maximize``."""


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """ResourceLimits of the tuning job; all limits are optional in answers."""

    max_training_jobs: int | float | None = None
    max_parallel_training_jobs: int | float | None = None
    max_runtime_seconds: int | float | None = None


@dataclass(frozen=True, slots=True)
class CompletionCriteria:
    """TuningJobCompletionCriteria."""

    target_objective_value: int | float | None = None
    max_training_jobs_not_improving: int | float | None = None
    complete_on_convergence: str | None = None
    """``Enabled`` or ``Disabled``."""


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """One training job as a tuning job's answer shows it (HyperParameterTrainingJobSummary).

    ``objective_value`` has the sign and scale that the algorithm printed; it may be NaN or infinite.
    ``objective`` is what the value means: see ``reduce._objective_of``.
    """

    name: str | None
    definition_name: str | None
    end_time: float | None
    objective: Objective
    objective_value: int | float | None
    hyperparameters: Mapping[str, float] = field(default_factory=dict)
    """TunedHyperParameters: those whose value is a number."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One training job definition (HyperParameterTrainingJobDefinition)."""

    name: str
    """What tells it from the others of its tuning job: see ``definitions.labelled_definitions``."""
    objective: Objective
    spot: bool | None = None
    instances: tuple[tuple[str, int | float | None], ...] = ()
    """Instance types, each once, and how many of each a training job runs on."""
    one_of_instances: bool = False
    """Whether a training job runs on one of them only, and not on all together."""
    max_runtime_seconds: int | float | None = None
    max_wait_seconds: int | float | None = None
    max_pending_seconds: int | float | None = None


@dataclass(frozen=True, slots=True)
class HyperparameterRange:
    """The bounds of one integer or continuous range, as given whatever the scale, and that scale, empty where none is told.

    ``definition`` is empty for the tuning job's own.
    """

    hyperparameter: str
    definition: str
    min_value: float | None
    max_value: float | None
    scale: str


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
    arn: str
    region: str
    account_id: str
    status: str
    objective: Objective
    """The objective that the whole configuration agrees on; members None when it is absent or definitions differ."""
    strategy: str | None = None
    early_stopping: str | None = None
    warm_start_type: str | None = None
    parents: tuple[str, ...] | None = None
    autotune: str | None = None
    limits: ResourceLimits = ResourceLimits()
    criteria: CompletionCriteria = CompletionCriteria()
    training_jobs: Mapping[str, int | float] = field(default_factory=dict)
    """TrainingJobStatusCounters: count by status, only the counters that the answer carries."""
    objectives: Mapping[str, int | float] = field(default_factory=dict)
    """ObjectiveStatusCounters, likewise."""
    best_training_job: TrainingJob | None = None
    overall_best_training_job: TrainingJob | None = None
    """Of this tuning job and all its parents."""
    definitions: tuple[Definition, ...] = ()
    ranges: tuple[HyperparameterRange, ...] = ()
    runtime_seconds: int | float | None = None
    training_jobs_not_improving: int | float | None = None
    convergence_detected_time: float | None = None
    creation_time: float | None = None
    last_modified_time: float | None = None
    end_time: float | None = None
    failure_reason: str | None = None

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
