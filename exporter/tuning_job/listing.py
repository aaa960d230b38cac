"""What one page of a list or of a search tells."""

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

    ``unreadable`` tells how many of its entries were none, and ``why`` the first was. ``next_token`` asks for the next
    page, None after the last.
    """

    summaries: tuple[Summary, ...]
    next_token: str | None
    unreadable: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One page of Search: tags and creation time (Unix seconds) by ``arn_key``. ``whole`` tells that none follows."""

    tags: Mapping[str, Mapping[str, str]]
    created: Mapping[str, float]
    whole: bool


def reduce_page(answer: Answer) -> Page:
    """Return what an answer of ListHyperParameterTuningJobs tells; raise MalformedAnswer where it is none."""
    summaries, errors = entries(answer, "HyperParameterTuningJobSummaries", reduce_summary)
    return Page(summaries, next_token(answer), len(errors), errors[0] if errors else "")


def reduce_found(answer: Answer) -> Found:
    """Return what an answer of Search says about tuning jobs; raise MalformedAnswer where it is none.

    A tuning job whose tags cannot be read is in ``created`` only, one without ARN or creation time is left out.
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
