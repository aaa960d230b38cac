"""The protocol of a source of calls, and making one call."""

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
        """Whether its answers have the status of tuning jobs. The other operations only add details."""
        return self in {Operation.DESCRIBE, Operation.LIST}

    @property
    def concerns_one_job(self) -> bool:
        """Whether each call is about one tuning job, by name."""
        return self in {Operation.DESCRIBE, Operation.LIST_TRAINING_JOBS, Operation.LIST_TAGS}


@dataclass(frozen=True, slots=True)
class Work:
    """A call to make now.

    ``serial`` is unique within its target. ``started`` is when the target returned it (monotonic seconds). ``name`` says
    what it is about: a tuning job, or which list.
    """

    operation: ClassVar[Operation]
    serial: int
    started: float
    name: str

    @property
    def key(self) -> str:
        """What the call is about, as a key in ``Calls``."""
        return self.name

    def make(self, api: Api) -> object:
        """Make the call and return its result. Raises CallFailed or MalformedAnswer."""
        raise NotImplementedError


def perform(api: Api, work: Work) -> object:
    """Make a call and return its outcome, a Failure if it failed. Never raises."""
    try:
        return work.make(api)
    except CallFailed as failed:
        return Failure(failed.code, one_line(failed.message))
    except MalformedAnswer as malformed:
        return Failure(ErrorCode.MALFORMED_ANSWER, one_line(str(malformed)))
    except Exception as error:  # noqa: BLE001 - no answer may end the thread
        # Leave out its text, which may contain a secret.
        return Failure(ErrorCode.OTHER, f"the call failed with {type(error).__name__}")


class Source(Protocol):
    """One kind of call of a target. Used with the target's lock held. Due times are monotonic seconds."""

    head_start: ClassVar[float]
    """Its calls come this many intervals before describes that are due at the same time. Negative: after them."""

    def operations(self) -> Iterable[Operation]:
        """Return the operations that the configuration may need, so that their counters begin at 0."""

    @property
    def due(self) -> float | None:
        """When the next call is due, None if no call is planned."""

    def start(self, serial: int, now: Instant) -> Work:
        """Return the call that is due. Must be called only when one is."""

    def apply(self, work: Work, outcome: object, now: Instant) -> Iterable[Decision]:
        """Handle the outcome of a call, a Failure if it failed. Return decisions for the target, and log lines."""

    def late(self, work: Work, now: Instant) -> None:
        """Note that a call that was given up has returned. A new call about the same subject is possible now."""

    def retry(self, work: Work, failure: Failure, now: Instant) -> None:
        """Plan the next call after ``apply`` raised an error. The call counts as failed."""

    def reload(self, spec: TargetSpec) -> None:
        """Use a new configuration."""
