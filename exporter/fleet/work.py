"""One piece of work of a target, and doing it: a call, its answer reduced and checked against what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from exporter.errors import CallFailed, ErrorCode, Failure
from exporter.sagemaker import one_line
from exporter.tuning_job import MalformedAnswer, Summary, TuningJob, arn_key, name_key, reduce, reduce_summary
from exporter.tuning_job.members import mapping, next_token, tags, text, time

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.sagemaker import Api


class Operation(StrEnum):
    """The API operations that a target calls, by their AWS names."""

    DESCRIBE = "DescribeHyperParameterTuningJob"
    LIST = "ListHyperParameterTuningJobs"
    LIST_TAGS = "ListTags"
    SEARCH = "Search"
    IDENTIFY = "GetCallerIdentity"


@dataclass(frozen=True, slots=True)
class Work:
    """A call to make now.

    ``serial`` tells it from every other of its target; ``started`` is monotonic. For a describe, ``name`` is the
    tuning job asked for, and an answer must come from ``region`` and, where it is known, ``account_id``. Tags are
    listed of ``arn``, that of the tuning job ``name``. A page of a list or of a search is asked for by ``request``, and
    ``name`` says which.
    """

    serial: int
    operation: Operation
    started: float
    region: str
    name: str = ""
    account_id: str | None = None
    arn: str = ""
    request: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Identity:
    """The account that the credentials in use belong to."""

    account_id: str


@dataclass(frozen=True, slots=True)
class Tags:
    """All AWS tags of a tuning job: values by key."""

    by_key: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. ``unreadable`` tells how many of its entries were none, and why the first was."""

    summaries: tuple[Summary, ...]
    next_token: str | None
    unreadable: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What one page of a search found: tags and creation time by ``arn_key``. ``whole`` tells that there was no further page."""

    tags: Mapping[str, Mapping[str, str]]
    created: Mapping[str, float]
    whole: bool


Outcome = TuningJob | Identity | Tags | Page | Found | Failure


def perform(api: Api, work: Work, unix_time: Callable[[], float]) -> Outcome:
    """Make the call and return what came of it; never raises. ``unix_time`` gives Unix seconds."""
    try:
        if work.operation is Operation.IDENTIFY:
            return Identity(api.caller_account())
        if work.operation is Operation.LIST_TAGS:
            return Tags(api.list_tags(work.arn))
        if work.operation is Operation.LIST:
            return _page(api.list_jobs(work.request), work)
        if work.operation is Operation.SEARCH:
            return _found(api.search(work.request))
        return _checked(reduce(api.describe(work.name)), work)
    except CallFailed as failed:
        return Failure(failed.code, one_line(failed.message), unix_time())
    except MalformedAnswer as malformed:
        return Failure(ErrorCode.MALFORMED_ANSWER, one_line(str(malformed)), unix_time())
    except Exception as error:  # noqa: BLE001 - whatever goes wrong with one answer must not end a thread
        # Without its text, which may quote what must not be logged.
        return Failure(ErrorCode.OTHER, f"the call failed by a {type(error).__name__}", unix_time())


def _checked(job: TuningJob, work: Work) -> TuningJob:
    """Refuse the answer about another tuning job.

    The API takes only a name: asked with the credentials of account B for the ARN of account A, it returns B's.
    """
    if name_key(job.name) != name_key(work.name):
        raise CallFailed(ErrorCode.MALFORMED_ANSWER, f"asked for {work.name}, the answer is about another tuning job")
    if job.region != work.region:
        raise CallFailed(ErrorCode.WRONG_ACCOUNT, f"asked in region {work.region}, the answer is from {job.region}")
    if work.account_id is not None and job.account_id != work.account_id:
        raise CallFailed(
            ErrorCode.WRONG_ACCOUNT,
            f"asked for account {work.account_id}, the answer is from {job.account_id}",
        )
    return job


def _page(answer: Mapping[str, Any], work: Work) -> Page:
    entries = answer.get("HyperParameterTuningJobSummaries")
    if not isinstance(entries, list):
        raise MalformedAnswer("the answer has no HyperParameterTuningJobSummaries")
    summaries: list[Summary] = []
    errors: list[str] = []
    for entry in entries:
        try:
            summaries.append(reduce_summary(entry))
        except MalformedAnswer as malformed:  # one odd entry must not hide the others
            errors.append(str(malformed))
    for summary in summaries:
        if summary.region != work.region or work.account_id not in {None, summary.account_id}:
            raise CallFailed(
                ErrorCode.WRONG_ACCOUNT, f"the list is of account {summary.account_id} in {summary.region}"
            )
    return Page(tuple(summaries), next_token(answer), len(errors), errors[0] if errors else "")


def _found(answer: Mapping[str, Any]) -> Found:
    results = answer.get("Results")
    if not isinstance(results, list):
        raise MalformedAnswer("the answer has no Results")
    found: dict[str, Mapping[str, str]] = {}
    created: dict[str, float] = {}
    for result in results:
        record = mapping(result, "HyperParameterTuningJob") if isinstance(result, Mapping) else {}
        arn, creation = text(record, "HyperParameterTuningJobArn"), time(record, "CreationTime")
        if arn is None or creation is None:
            continue  # not found, then: its tags are listed
        created[arn_key(arn)] = creation
        with suppress(MalformedAnswer):  # nor these: the list says that they cannot be read
            found[arn_key(arn)] = tags(record.get("Tags") or [])
    return Found(found, created, next_token(answer) is None)
