"""Reads one page of a list or search of tuning jobs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.tuning_job.members import MalformedAnswer, entries, mapping, next_token, tags, text, time
from exporter.tuning_job.model import arn_key
from exporter.tuning_job.reduce import reduce_summary

if TYPE_CHECKING:
    from exporter.tuning_job.members import Answer
    from exporter.tuning_job.model import Summary


@dataclass(frozen=True, slots=True)
class Page:
    """One page of ListHyperParameterTuningJobs.

    ``unreadable`` is the number of entries that cannot be read, and ``why`` is the reason for the first. ``next_token`` is for
    the next page, None after the last.
    """

    summaries: tuple[Summary, ...]
    next_token: str | None
    unreadable: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One page of Search: tags and creation time (Unix seconds) by ``arn_key``. ``whole`` is True if there is no next page."""

    tags: Mapping[str, Mapping[str, str]]
    created: Mapping[str, float]
    whole: bool


def reduce_page(answer: Answer) -> Page:
    """Return an answer of ListHyperParameterTuningJobs as a page. Raises MalformedAnswer."""
    summaries, errors = entries(answer, "HyperParameterTuningJobSummaries", reduce_summary)
    return Page(summaries, next_token(answer), len(errors), errors[0] if errors else "")


def reduce_found(answer: Answer) -> Found:
    """Return an answer of Search for tuning jobs as a page. Raises MalformedAnswer.

    A tuning job whose tags cannot be read is only in ``created``. One without ARN or creation time is left out.
    """
    results = answer.get("Results")
    if not isinstance(results, list):
        raise MalformedAnswer("the answer has no Results")
    found: dict[str, Mapping[str, str]] = {}
    created: dict[str, float] = {}
    for result in results:
        record = mapping(result, "HyperParameterTuningJob") if isinstance(result, Mapping) else {}
        arn, creation = text(record, "HyperParameterTuningJobArn"), time(record, "CreationTime")
        if arn is None or creation is None:
            continue
        created[arn_key(arn)] = creation
        with suppress(MalformedAnswer):
            found[arn_key(arn)] = tags(record.get("Tags") or [])
    return Found(found, created, next_token(answer) is None)
