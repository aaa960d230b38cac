"""What is worth a log line: changes of a tuning job and of our sight of it, never the polls in between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.fleet.work import Operation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from exporter.config.specs import TargetSpec
    from exporter.errors import ErrorCode, Failure
    from exporter.tuning_job import TuningJob


@dataclass(frozen=True, slots=True)
class Event:
    """One log line: its level (``info`` or ``warning``), its text and its fields."""

    level: str
    text: str
    fields: Mapping[str, str]


def of_describe(
    spec: TargetSpec,
    name: str,
    facts_before: TuningJob | None,
    failure_before: Failure | None,
    facts: TuningJob | None,
    failure: Failure | None,
) -> tuple[Event, ...]:
    """Return what a describe changed."""
    identity = _identity(spec, name)
    if failure is not None:
        if failure_before is not None and failure_before.code is failure.code:
            return ()
        return (Event("warning", "describe failed", identity | _reason(failure, Operation.DESCRIBE)),)

    found: list[Event] = []
    if failure_before is not None:
        found.append(Event("info", "describe succeeded again", identity | {"code": str(failure_before.code)}))
    if facts is None:
        return tuple(found)
    if facts_before is not None and facts_before.creation_time != facts.creation_time:
        found.append(Event("info", "tuning job name was used again", identity))
        facts_before = None
    if facts_before is None:
        found.append(Event("info", "tuning job found", identity | {"status": facts.status}))
    elif facts_before.status != facts.status:
        change = {"status": facts.status, "previous": facts_before.status}
        found.append(Event("info", "tuning job status changed", identity | change))
    reason_before = None if facts_before is None else facts_before.failure_reason
    if facts.failure_reason is not None and facts.failure_reason != reason_before:
        found.append(Event("warning", "tuning job gives a failure reason", identity | {"reason": facts.failure_reason}))
    return tuple(found)


def of_call(
    spec: TargetSpec,
    operation: Operation,
    name: str | None,
    codes_before: AbstractSet[ErrorCode],
    codes: AbstractSet[ErrorCode],
    failure: Failure | None,
) -> tuple[Event, ...]:
    """Return what a call other than a describe changed for its target; ``name`` is the tuning job it was about, if one.

    ``codes`` are those by which such calls fail for the target, now and before: what keeps the exporter from one list
    of tags keeps it from all, and one line says so.
    """
    identity = _identity(spec, name)
    what = _WHAT[operation]
    if failure is not None:
        if failure.code in codes_before:
            return ()
        return (Event("warning", f"{what} failed", identity | _reason(failure, operation)),)
    recovered = sorted(codes_before - codes)
    return tuple(Event("info", f"{what} succeeded again", identity | {"code": str(code)}) for code in recovered)


def of_discovery(spec: TargetSpec, name: str, rule: str, text: str) -> Event:
    """Return that the watch over a discovered tuning job begins or ends; ``text`` tells which."""
    return Event("info", text, _identity(spec, name) | {"rule": rule})


def of_limit(spec: TargetSpec, rule: str, limit: str, left_out: int) -> Event:
    """Return that a limit keeps out tuning jobs that a rule found."""
    fields = _identity(spec) | {"rule": rule, "limit": limit, "left_out": str(left_out)}
    return Event("warning", "more tuning jobs than may be watched, the newest are", fields)


def of_long_list(spec: TargetSpec, pages: int) -> Event:
    """Return that a list has more pages than are read, so that the oldest tuning jobs on it are not seen."""
    remedy = "Narrow the rules by name_contains, statuses or created_within."
    fields = _identity(spec) | {"pages_read": str(pages), "remedy": remedy}
    return Event("warning", "a list of tuning jobs has more pages than are read; the oldest are not seen", fields)


_WHAT = {
    Operation.LIST_TAGS: "listing tags",
    Operation.SEARCH: "searching for tags",
    Operation.LIST: "listing tuning jobs",
    Operation.IDENTIFY: "asking for the account",
}


def _identity(spec: TargetSpec, name: str | None = None) -> dict[str, str]:
    job = {} if name is None else {"tuning_job": name}
    return {"target": spec.name, "aws_region": spec.key.region} | job


def _reason(failure: Failure, operation: Operation) -> dict[str, str]:
    remedy = failure.code.remedy(operation)
    return {"code": str(failure.code), "message": failure.message, "remedy": remedy}
