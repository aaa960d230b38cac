"""What a source of calls is, and doing one call: the answer reduced and checked against what was asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Protocol

from exporter.errors import CallFailed, ErrorCode, Failure
from exporter.sagemaker import one_line
from exporter.tuning_job import MalformedAnswer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.fleet.events import Decision
    from exporter.sagemaker import Api


class Operation(StrEnum):
    """The API operations that a target calls, by their AWS names."""

    DESCRIBE = "DescribeHyperParameterTuningJob"
    LIST = "ListHyperParameterTuningJobs"
    LIST_TRAINING_JOBS = "ListTrainingJobsForHyperParameterTuningJob"
    LIST_TAGS = "ListTags"
    SEARCH = "Search"
    LIST_SERVICE_QUOTAS = "ListServiceQuotas"
    IDENTIFY = "GetCallerIdentity"

    @property
    def watches(self) -> bool:
        """Whether its answers tell the status of tuning jobs; those of the others only add to that."""
        return self in {Operation.DESCRIBE, Operation.LIST}

    @property
    def concerns_one_job(self) -> bool:
        """Whether each of its calls is about one tuning job, whose name the call has."""
        return self in {Operation.DESCRIBE, Operation.LIST_TRAINING_JOBS, Operation.LIST_TAGS}


@dataclass(frozen=True, slots=True)
class Work:
    """A call to make now.

    ``serial`` tells it from every other of its target. ``started`` is when it was handed out (monotonic seconds). ``name``
    says what it is about: a tuning job, or which list.
    """

    operation: ClassVar[Operation]
    serial: int
    started: float
    name: str

    @property
    def key(self) -> str:
        """What it is about, for the ledger of calls."""
        return self.name

    def make(self, api: Api) -> object:
        """Make the call and return its outcome; raise CallFailed or MalformedAnswer."""
        raise NotImplementedError


def perform(api: Api, work: Work) -> object:
    """Make a call and return what came of it, a Failure where it failed; never raises."""
    try:
        return work.make(api)
    except CallFailed as failed:
        return Failure(failed.code, one_line(failed.message))
    except MalformedAnswer as malformed:
        return Failure(ErrorCode.MALFORMED_ANSWER, one_line(str(malformed)))
    except Exception as error:  # noqa: BLE001 - whatever goes wrong with one answer must not end a thread
        # Without its text, which may quote what must not be logged.
        return Failure(ErrorCode.OTHER, f"the call failed with {type(error).__name__}")


class Source(Protocol):
    """One kind of calls of a target, used under its lock. Due times are monotonic seconds."""

    head_start: ClassVar[float]
    """By how many intervals its calls go before describes that fall due with them."""

    def operations(self) -> Iterable[Operation]:
        """Return the operations that the configuration may need, so that their counters begin at 0."""

    @property
    def due(self) -> float | None:
        """When the next call falls due, None when only a change can bring one."""

    def start(self, serial: int, now: Instant) -> Work:
        """Return the call that is ``due``. Called only while one is."""

    def apply(self, work: Work, outcome: object, now: Instant) -> Iterable[Decision]:
        """Take what came of a call, a Failure if it failed, and return what follows for the target and for the log."""

    def late(self, work: Work, now: Instant) -> None:
        """Note that a call came back that had been given up. What it was about may be asked for again."""

    def retry(self, work: Work, failure: Failure, now: Instant) -> None:
        """Plan the next call after ``apply`` raised an error: the answer counts as this failure."""

    def reload(self, spec: TargetSpec) -> None:
        """Take a configuration."""
