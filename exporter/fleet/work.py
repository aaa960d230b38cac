"""One piece of work of a target, and doing it: a call, its answer reduced and checked against what was asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from exporter.errors import CallFailed, ErrorCode, Failure
from exporter.sagemaker import one_line
from exporter.tuning_job import MalformedAnswer, TuningJob, reduce

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.sagemaker import Api


class Operation(StrEnum):
    """The API operations that a target calls, by their AWS names."""

    DESCRIBE = "DescribeHyperParameterTuningJob"
    LIST_TAGS = "ListTags"
    IDENTIFY = "GetCallerIdentity"


@dataclass(frozen=True, slots=True)
class Work:
    """A call to make now.

    ``serial`` tells it from every other of its target; ``started`` is monotonic. For a describe, ``name`` is the
    tuning job asked for, and an answer must come from ``region`` and, where it is known, ``account_id``. Tags are
    listed of ``arn``, that of the tuning job ``name``.
    """

    serial: int
    operation: Operation
    started: float
    region: str
    name: str = ""
    account_id: str | None = None
    arn: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """The account that the credentials in use belong to."""

    account_id: str


@dataclass(frozen=True, slots=True)
class Tags:
    """All AWS tags of a tuning job: values by key."""

    by_key: Mapping[str, str]


Outcome = TuningJob | Identity | Tags | Failure


def perform(api: Api, work: Work, time: Callable[[], float]) -> Outcome:
    """Make the call and return what came of it; never raises. ``time`` gives Unix seconds."""
    try:
        if work.operation is Operation.IDENTIFY:
            return Identity(api.caller_account())
        if work.operation is Operation.LIST_TAGS:
            return Tags(api.list_tags(work.arn))
        return _checked(reduce(api.describe(work.name)), work)
    except CallFailed as failed:
        return Failure(failed.code, one_line(failed.message), time())
    except MalformedAnswer as malformed:
        return Failure(ErrorCode.MALFORMED_ANSWER, one_line(str(malformed)), time())
    except Exception as error:  # noqa: BLE001 - whatever goes wrong with one answer must not end a thread
        return Failure(ErrorCode.OTHER, one_line(f"{type(error).__name__}: {error}"), time())


def _checked(job: TuningJob, work: Work) -> TuningJob:
    """Refuse the answer about another tuning job.

    The API takes only a name: asked with the credentials of account B for the ARN of account A, it returns B's.
    """
    if job.name != work.name:
        raise CallFailed(ErrorCode.MALFORMED_ANSWER, f"asked for {work.name}, the answer is about {job.name}")
    if job.region != work.region:
        raise CallFailed(ErrorCode.WRONG_ACCOUNT, f"asked in region {work.region}, the answer is from {job.region}")
    if work.account_id is not None and job.account_id != work.account_id:
        raise CallFailed(
            ErrorCode.WRONG_ACCOUNT,
            f"asked for account {work.account_id}, the answer is from {job.account_id}",
        )
    return job
