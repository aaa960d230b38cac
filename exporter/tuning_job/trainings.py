"""Reads lists and searches of the training jobs of a tuning job.

These answers also have hyperparameters, environment variables and locations. They are not read.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.statuses import DELETING, ENDED_TRAINING_JOB_STATUSES
from exporter.tuning_job.definitions import instances_side_by_side
from exporter.tuning_job.members import (
    MalformedAnswer,
    entries,
    mapping,
    next_token,
    number,
    prose,
    required,
    term,
    text,
    time,
)

if TYPE_CHECKING:
    from exporter.tuning_job.members import Answer, Number


_MOST = 1e9


@dataclass(frozen=True, slots=True)
class Training:
    """One training job (HyperParameterTrainingJobSummary). Times are Unix seconds, None if missing."""

    name: str
    status: str
    definition_name: str | None = None
    creation_time: float | None = None
    start_time: float | None = None
    end_time: float | None = None
    failure_reason: str | None = None

    @property
    def over(self) -> bool:
        """Whether it has ended according to its status. Its end time may come later, or never."""
        return self.status in ENDED_TRAINING_JOB_STATUSES

    @property
    def ended(self) -> bool:
        """Whether it does not change any more. If it has started training, this also needs its end time."""
        return self.over and (self.start_time is None or self.end_time is not None)

    @property
    def open(self) -> bool:
        """Whether it may still change. An unknown status counts as running. One that is being deleted had ended."""
        return not self.ended and self.status != DELETING

    @property
    def seconds(self) -> float | None:
        """Its training time. None if it never started, has no end time, or its times contradict each other."""
        if self.start_time is None or self.end_time is None or self.end_time < self.start_time:
            return None
        return self.end_time - self.start_time


@dataclass(frozen=True, slots=True)
class TrainingsPage:
    """One page of ListTrainingJobsForHyperParameterTuningJob. Members are as in ``Page``."""

    trainings: tuple[Training, ...]
    next_token: str | None
    unreadable: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Bill:
    """What SageMaker bills for one training job. Members are None if the answer does not have them."""

    name: str
    status: str
    billable_seconds: Number | None
    instances: tuple[tuple[str, Number | None], ...]
    """Instance types, each once, and the number of instances."""
    spot: bool | None


@dataclass(frozen=True, slots=True)
class Bills:
    """One page of Search for training jobs. ``next_token`` is for the next page, None after the last."""

    bills: tuple[Bill, ...]
    next_token: str | None


def reduce_trainings(answer: Answer) -> TrainingsPage:
    """Return an answer of ListTrainingJobsForHyperParameterTuningJob as a page. Raises MalformedAnswer."""
    trainings, errors = entries(answer, "TrainingJobSummaries", _training)
    return TrainingsPage(trainings, next_token(answer), len(errors), errors[0] if errors else "")


def reduce_bills(answer: Answer) -> Bills:
    """Return an answer of Search for training jobs as a page. Raises MalformedAnswer.

    Records without name or status are left out.
    """
    results = answer.get("Results")
    if not isinstance(results, list):
        raise MalformedAnswer("the answer has no Results")
    records = (mapping(result, "TrainingJob") for result in results if isinstance(result, Mapping))
    bills = [
        _bill(name, status, record)
        for record in records
        if (name := text(record, "TrainingJobName")) and (status := term(record, "TrainingJobStatus"))
    ]
    return Bills(tuple(bills), next_token(answer))


def _training(entry: Answer) -> Training:
    if not isinstance(entry, Mapping):
        raise MalformedAnswer(f"the entry is {type(entry).__name__}, not an object")
    return Training(
        name=required(entry, "TrainingJobName", "entry"),
        status=sys.intern(required(entry, "TrainingJobStatus", "entry")),
        definition_name=term(entry, "TrainingJobDefinitionName"),
        creation_time=time(entry, "CreationTime"),
        start_time=time(entry, "TrainingStartTime"),
        end_time=time(entry, "TrainingEndTime"),
        failure_reason=prose(entry, "FailureReason"),
    )


def _amount(told: Number | None) -> Number | None:
    """Return a number of seconds or instances. None if it cannot be one."""
    return told if told is not None and 0 <= told <= _MOST else None


def _bill(name: str, status: str, record: Answer) -> Bill:
    resources = mapping(record, "ResourceConfig")
    selected = term(resources, "SelectedInstanceType")  # one of several alternatives
    count = _amount(number(resources, "SelectedInstanceCount"))
    spot = record.get("EnableManagedSpotTraining")
    return Bill(
        name=name,
        status=status,
        billable_seconds=_amount(number(record, "BillableTimeInSeconds")),
        instances=((selected, count),)
        if selected is not None
        else tuple((each, _amount(told)) for each, told in instances_side_by_side(resources).items()),
        spot=spot if isinstance(spot, bool) else None,
    )
