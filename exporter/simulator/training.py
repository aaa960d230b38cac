"""One training job that a tuning job launched, as a function of time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.simulator.failure_texts import Reason
    from exporter.simulator.record import Outcome, Trial
    from exporter.simulator.surface import Surface

STATUSES = ("InProgress", "Completed", "Failed", "Stopping", "Stopped", "Deleting")
"""The statuses of a training job."""

STATUS_AT_END: Mapping[Outcome, str] = MappingProxyType(
    {"Completed": "Completed", "Stopped": "Stopped", "RetryableError": "Failed", "NonRetryableError": "Failed"}
)
"""The status at the end, by outcome."""


class Stage(NamedTuple):
    """A secondary status, and since when it applies (Unix seconds)."""

    status: str
    since: float
    message: str


class Truth(NamedTuple):
    """The true state of a training job at one time, for tests to compare with.

    Times are whole Unix seconds, as in lists. ``start`` and ``end`` are None until then. ``billable_seconds`` is None until it
    has ended, and if it never started. ``reason`` and ``failure`` are the class and the text of a failure.
    """

    name: str
    status: str
    created: float
    start: float | None
    end: float | None
    instances: tuple[tuple[str, int], ...]
    spot: bool
    billable_seconds: int | None
    objective: float | None
    reason: Reason | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """A training job whose whole life is computed in advance.

    ``trial`` has its times and outcome. ``constant`` has the members of a Describe that never change, ``stages`` the secondary
    statuses in order. ``stopping`` is when it becomes Stopping, infinite if never. ``billable_seconds`` is what is billed at
    its end. It exists until ``gone``.
    """

    name: str
    arn: str
    trial: Trial
    surface: Surface
    definition_name: str | None
    constant: Mapping[str, Any]
    instances: tuple[tuple[str, int], ...]
    spot: bool
    stages: tuple[Stage, ...]
    stopping: float
    billable_seconds: int | None
    reason: Reason | None
    failure: str | None
    tags: Mapping[str, str]
    gone: float

    def exists(self, t: float) -> bool:
        """Return whether the training job exists at ``t``."""
        return self.trial.created <= t < self.gone

    def status(self, t: float) -> str:
        """Return its status at ``t``, when it must exist."""
        if t >= self.trial.ended:
            return STATUS_AT_END[self.trial.outcome]
        return "InProgress" if t < self.stopping else "Stopping"

    def stage(self, t: float) -> Stage:
        """Return the secondary status at ``t``, when it must exist, and since when it applies."""
        return self._stages(t)[-1]

    def objective(self, t: float) -> float | None:
        """Return the final objective value. None before its end, or if there is none."""
        return self.trial.objective if t >= self.trial.ended else None

    def started(self, t: float) -> float | None:
        """Return when it started. None before that, or if it never did."""
        return self.trial.started if self.trial.started is not None and self.trial.started <= t else None

    def ended(self, t: float) -> float | None:
        """Return when it ended. None before that, or if the service does not tell."""
        return self.trial.ended if self.trial.ended <= t and self._tells_end else None

    def truth(self, t: float) -> Truth:
        """Return the true state at ``t``, when it must exist."""
        over, started = t >= self.trial.ended, self.started(t)
        failed = self.status(t) == "Failed"
        return Truth(
            name=self.name,
            status=self.status(t),
            created=float(math.floor(self.trial.created)),
            start=None if started is None else float(math.floor(started)),
            end=float(math.floor(self.trial.ended)) if over else None,
            instances=self.instances,
            spot=self.spot,
            billable_seconds=self.billable_seconds if over else None,
            objective=self.objective(t),
            reason=self.reason if failed else None,
            failure=self.failure if failed else None,
        )

    def summary(self, t: float) -> dict[str, Any]:
        """Return its entry in the list of its tuning job at ``t``, when it must exist."""
        answer = entry(self.name, self.arn, self.trial, self.surface, t)
        answer["TrainingJobStatus"] = self.status(t)
        if self.definition_name is not None:
            answer["TrainingJobDefinitionName"] = self.definition_name
        if not self._tells_end:
            answer.pop("TrainingEndTime", None)
        if self.status(t) == "Failed" and self.failure is not None:
            answer["FailureReason"] = self.failure
        return answer

    def at(self, t: float) -> dict[str, Any]:
        """Return the answer of Describe at ``t``, when it must exist, as in the API.

        Do not change it: parts of it are shared between answers.
        """
        stages = self._stages(t)
        answer: dict[str, Any] = {
            "TrainingJobName": self.name,
            "TrainingJobArn": self.arn,
            **self.constant,
            "TrainingJobStatus": self.status(t),
            "SecondaryStatus": stages[-1].status,
            "CreationTime": self.trial.created,
            "LastModifiedTime": stages[-1].since,
            "SecondaryStatusTransitions": _transitions(stages, self.trial.ended),
        }
        started, ended, objective = self.started(t), self.ended(t), self.objective(t)
        if started is not None:
            answer["TrainingStartTime"] = started
        if ended is not None:
            answer["TrainingEndTime"] = ended
        if started is not None and ended is not None:
            answer["TrainingTimeInSeconds"] = math.floor(ended) - math.floor(started)
            answer["BillableTimeInSeconds"] = self.billable_seconds
        if self.status(t) == "Failed" and self.failure is not None:
            answer["FailureReason"] = self.failure
        if objective is not None:
            metric = {"MetricName": self.surface.metric, "Value": objective, "Timestamp": self.trial.ended}
            answer["FinalMetricDataList"] = [metric]
        return answer

    def record(self, t: float) -> dict[str, Any]:
        """Return the result of Search for it: the answer of Describe, and the tags, which are those of its tuning job."""
        tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        return {**self.at(t), "Tags": tags} if tags else self.at(t)

    @property
    def _tells_end(self) -> bool:
        # According to the documentation, start and end are missing after some failures.
        return self.reason != "quota"

    def _stages(self, t: float) -> list[Stage]:
        return [stage for stage in self.stages if stage.since <= t]


def entry(name: str, arn: str, trial: Trial, surface: Surface, t: float) -> dict[str, Any]:
    """Return the part of an answer about a tuning job that is about one of its training jobs. Times are whole seconds.

    The status is that at its end.
    """
    names = (range_.name for range_ in surface.ranges)
    job: dict[str, Any] = {
        "TrainingJobName": name,
        "TrainingJobArn": arn,
        "CreationTime": float(math.floor(trial.created)),
        "TrainingJobStatus": STATUS_AT_END[trial.outcome],
        "TunedHyperParameters": dict(zip(names, trial.hyperparameters, strict=True)),
        "ObjectiveStatus": "Pending",
    }
    if trial.started is not None and trial.started <= t:
        job["TrainingStartTime"] = float(math.floor(trial.started))
    if trial.ended <= t:
        job["TrainingEndTime"] = float(math.floor(trial.ended))
        job["ObjectiveStatus"] = "Failed" if trial.objective is None else "Succeeded"
        if trial.objective is not None:
            job["FinalHyperParameterTuningJobObjectiveMetric"] = {
                "MetricName": surface.metric,
                "Value": _number(trial.objective),
            }
    return job


def _transitions(stages: list[Stage], ended: float) -> list[dict[str, Any]]:
    told = []
    for stage, following in zip(stages, [*stages[1:], None], strict=True):
        transition: dict[str, Any] = {
            "Status": stage.status,
            "StartTime": stage.since,
            "StatusMessage": stage.message,
        }
        if following is not None or stage.since >= ended:
            transition["EndTime"] = stage.since if following is None else following.since
        told.append(transition)
    return told


def _number(value: float) -> float | int:
    """Return a whole number as an int, as it is in JSON."""
    return int(value) if value.is_integer() else value
