"""The decisions that follow from an answer: log lines, and which tuning jobs to watch or stop watching.

There is a line when a tuning job changes, or when the exporter begins or stops seeing it. Polls without a change have none.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from exporter.errors import ErrorCode
from exporter.fleet.source import Operation
from exporter.sagemaker import impersonal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.config.specs import JobSpec, TargetSpec
    from exporter.errors import Failure
    from exporter.tuning_job import Summary, Training, TuningJob

Fields = dict[str, str | int]

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

_NEWS_SECONDS = 3_600.0

log = structlog.get_logger("exporter.fleet")


@dataclass(frozen=True, slots=True)
class Event:
    """One log line: its level (``debug``, ``info``, ``warning`` or ``error``), its text and its fields."""

    level: str
    text: str
    fields: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Watch:
    """Begin to watch a tuning job on a list."""

    spec: JobSpec
    listed: Summary


@dataclass(frozen=True, slots=True)
class Forget:
    """Stop watching a tuning job."""

    name: str


Decision = Watch | Forget | Event


def of_describe(
    spec: TargetSpec,
    name: str,
    facts_before: TuningJob | None,
    failure_before: Failure | None,
    facts: TuningJob | None,
    failure: Failure | None,
) -> tuple[Event, ...]:
    """Return the log lines about what a describe changed. Failures are logged for the whole target: see ``incidents``."""
    fields = identity(spec, name)
    if failure is not None:
        if failure_before is not None and failure_before.code is failure.code:
            return ()
        return (Event("debug", "describe failed", fields | _reason(failure, Operation.DESCRIBE)),)

    found: list[Event] = []
    if failure_before is not None:
        found.append(Event("debug", "describe succeeded again", fields | {"code": str(failure_before.code)}))
    if facts is None:
        return tuple(found)
    if facts_before is not None and facts_before.creation_time != facts.creation_time:
        found.append(Event("info", "a new tuning job has the name of an earlier one", fields))
        facts_before = None
    if facts_before is None:
        found.append(Event("info", "tuning job found", fields | {"status": facts.status}))
    elif facts_before.status != facts.status:
        change = {"status": facts.status, "previous": facts_before.status}
        found.append(Event("info", "tuning job status changed", fields | change))
    reason_before = None if facts_before is None else facts_before.failure_reason
    if facts.failure_reason is not None and facts.failure_reason != reason_before:
        found.append(Event("warning", "tuning job reports a failure reason", fields | {"reason": facts.failure_reason}))
    return tuple(found)


def is_news(training: Training, wall: float) -> bool:
    """Return whether a training job ended recently before ``wall`` (Unix seconds), or at an unknown time.

    When the exporter starts, it also reads old failures.
    """
    return training.end_time is None or training.end_time >= wall - _NEWS_SECONDS


def of_failed_training(spec: TargetSpec, name: str, training: Training, reason: str, *, news: bool) -> Event:
    """Return the line about a training job that failed for a reason not yet logged for its tuning job.

    Old failures are logged at level ``debug``.
    """
    fields = {"training_job": training.name, "reason": reason, "message": impersonal(training.failure_reason or "")}
    level = "info" if news else "debug"
    return Event(
        level, "training job failed; further failures for the same reason are not logged", identity(spec, name) | fields
    )


def of_unpriced(spec: TargetSpec, name: str, instance_types: Sequence[str]) -> Event:
    """Return the line about instance types without a price that a tuning job is the first to use."""
    remedy = "Add them to spend.prices or to the file that spend.prices_file names."
    fields = identity(spec, name) | {"instance_types": ", ".join(instance_types), "remedy": remedy}
    return Event("warning", "no price is configured for these instance types; their cost is not counted", fields)


def of_discovery(spec: TargetSpec, name: str, rule: str, text: str) -> Event:
    """Return the line that says that a discovered tuning job is now watched or no longer watched, by ``text``."""
    return Event("info", text, identity(spec, name) | {"rule": rule})


def of_dismissal(spec: TargetSpec, name: str, rule: str) -> Event:
    """Return the debug line about one tuning job that a limit removed. ``of_limit`` reports the total."""
    return Event(
        "debug", "tuning job is no longer watched; too many newer ones match", identity(spec, name) | {"rule": rule}
    )


def of_limit(spec: TargetSpec, rule: str, limit: str, left_out: int) -> Event:
    """Return the line about a limit that leaves out tuning jobs that a rule matches."""
    remedy = f"Raise {limit}, or narrow the rule so that it matches fewer."
    fields = identity(spec) | {"rule": rule, "limit": limit, "left_out": left_out, "remedy": remedy}
    return Event("warning", "too many tuning jobs match; watching only the newest", fields)


def of_long_list(spec: TargetSpec, pages: int) -> Event:
    """Return the line about a list that is too long, so that its oldest tuning jobs are not seen."""
    remedy = "Narrow the rules by name_contains, statuses or created_within."
    fields = identity(spec) | {"pages_read": pages, "remedy": remedy}
    return Event(
        "warning",
        "a list of tuning jobs has more pages than the exporter reads; the oldest tuning jobs are not seen",
        fields,
    )


def of_unreadable_entries(spec: TargetSpec, entries: int, why: str) -> Event:
    """Return the line about unreadable entries of a list that is not read again. ``why`` is about the first."""
    remedy = ErrorCode.MALFORMED_ANSWER.remedy(Operation.LIST)
    fields = identity(spec) | {"entries": entries, "message": why, "remedy": remedy}
    return Event("warning", "some entries of a list cannot be read; their tuning jobs are not seen", fields)


def identity(spec: TargetSpec, name: str | None = None) -> Fields:
    """Return the fields that identify a target and, with ``name``, a tuning job."""
    fields: Fields = {"target": spec.name, "aws_region": spec.key.region}
    return fields if name is None else fields | {"tuning_job": name}


def _reason(failure: Failure, operation: Operation) -> Fields:
    remedy = failure.code.remedy(operation)
    return {"code": str(failure.code), "message": failure.message, "remedy": remedy}


def of_defect(spec: TargetSpec, operation: Operation, about: str, error: Exception) -> Event:
    """Return the line about a bug in the exporter, with its place in the code. Its text may contain a secret and is left out."""
    frames = traceback.extract_tb(error.__traceback__)[:-5:-1]
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    fields = {"operation": str(operation), "about": about, "error": type(error).__name__, "where": where}
    return Event(
        "error",
        "internal error: the exporter cannot use an answer of AWS; please report this",
        identity(spec) | fields,
    )


def of_rule_without_jobs(spec: TargetSpec, rule: str) -> Event:
    """Return the line about a rule that matched no tuning job on its first lists."""
    remedy = "If you expect some, check the conditions, the region and the account of the rule."
    return Event("info", "rule matches no tuning job yet", identity(spec) | {"rule": rule, "remedy": remedy})


def log_events(events: Iterable[Event]) -> None:
    """Write the log lines."""
    for event in events:
        log.log(_LEVELS[event.level], event.text, **event.fields)
