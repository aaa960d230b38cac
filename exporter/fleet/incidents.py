"""What fails for a target, told in few lines: one when it begins, one each hour while it lasts, one when it is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.fleet.events import Event, identity
from exporter.fleet.work import Operation

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.errors import ErrorCode, Failure

GATHER_SECONDS = 10.0
"""How long a first failure of a describe waits for the others, so that the line can say how many tuning jobs fail."""

_REPEAT_SECONDS = 3_600.0
# A call that fails now and then, as when AWS throttles a part of them, is one incident.
_QUIET_SECONDS = 60.0
# What is not tried any more neither fails nor succeeds.
_UNTRIED_SECONDS = 3 * 3_600.0

_WHAT = {
    Operation.DESCRIBE: "describing tuning jobs",
    Operation.LIST: "listing tuning jobs",
    Operation.LIST_TAGS: "listing tags",
    Operation.SEARCH: "searching for tags",
    Operation.IDENTIFY: "asking for the account",
}


@dataclass(slots=True)
class _Incident:
    """Calls of one operation that fail by one code. Times are monotonic seconds.

    ``failing`` is what they were about whose last call failed so. ``tell_at`` is when a line is due; ``quiet_since`` is
    since when none fails, None while one does.
    """

    began: float
    tell_at: float
    example: str
    last: Failure
    last_at: float
    failing: set[str] = field(default_factory=set)
    most: int = 0
    failures: int = 0
    told: bool = False
    quiet_since: float | None = None


class Incidents:
    """Those of one target. Not thread-safe: used under its lock. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._open: dict[tuple[Operation, ErrorCode], _Incident] = {}

    def failed(self, spec: TargetSpec, operation: Operation, about: str, failure: Failure, now: float) -> None:
        """Take a call that failed; ``about`` is the tuning job, or whatever else tells calls of the operation apart."""
        self._well(operation, about, now, but=failure.code)
        incident = self._open.get((operation, failure.code))
        if incident is None:
            wait = min(GATHER_SECONDS, spec.interval) if operation is Operation.DESCRIBE else 0.0
            incident = self._open[operation, failure.code] = _Incident(now, now + wait, about, failure, now)
        incident.failing.add(about)
        incident.most = max(incident.most, len(incident.failing))
        incident.failures += 1
        incident.last, incident.last_at, incident.quiet_since = failure, now, None

    def succeeded(self, operation: Operation, about: str, now: float) -> None:
        """Take a call that did not fail."""
        self._well(operation, about, now)

    def forget(self, about: str, now: float) -> None:
        """Take that a tuning job is not watched any more; what nobody was told of yet nobody need know."""
        for operation in (Operation.DESCRIBE, Operation.LIST_TAGS):
            self._well(operation, about, now)
        for key, incident in [*self._open.items()]:
            if not incident.told and not incident.failing:
                del self._open[key]

    def only(self, operation: Operation, about: AbstractSet[str], now: float) -> None:
        """Take that no other calls of an operation are made any more."""
        for (failing, _), incident in self._open.items():
            if failing is operation:
                for other in incident.failing - about:
                    self._well(operation, other, now)

    def _well(self, operation: Operation, about: str, now: float, but: ErrorCode | None = None) -> None:
        for (failing, code), incident in self._open.items():
            if failing is operation and code is not but and about in incident.failing:
                incident.failing.remove(about)
                if not incident.failing:
                    incident.quiet_since = now

    def due(self, spec: TargetSpec) -> float | None:
        """When ``report`` has something to tell, None when nothing is wrong."""
        return min((_next(incident, spec) for incident in self._open.values()), default=None)

    def report(self, spec: TargetSpec, now: Instant) -> tuple[Event, ...]:
        """Return the lines that are due."""
        told: list[Event] = []
        for (operation, code), incident in [*self._open.items()]:
            if now.monotonic < _next(incident, spec):
                continue
            fields = identity(spec) | {"operation": str(operation), "code": str(code)}
            if now.monotonic >= incident.tell_at:
                told.append(_line(operation, incident, fields, now.monotonic))
                incident.tell_at = now.monotonic + _REPEAT_SECONDS
                incident.told = True
            if now.monotonic >= _ends(incident, spec):
                del self._open[operation, code]
                lasted = {
                    "lasted_seconds": f"{incident.last_at - incident.began:.0f}",
                    "failures": str(incident.failures),
                }
                told.append(Event("info", f"{_WHAT[operation]} no longer fails", fields | lasted))
            elif now.monotonic >= incident.last_at + _UNTRIED_SECONDS:
                del self._open[operation, code]
        return tuple(told)


def _next(incident: _Incident, spec: TargetSpec) -> float:
    if not incident.told:
        return incident.tell_at
    return min(incident.tell_at, _ends(incident, spec), incident.last_at + _UNTRIED_SECONDS)


def _ends(incident: _Incident, spec: TargetSpec) -> float:
    if incident.quiet_since is None:
        return float("inf")
    return incident.quiet_since + max(_QUIET_SECONDS, 2 * spec.interval)


def _line(operation: Operation, incident: _Incident, fields: dict[str, str], now: float) -> Event:
    """Return that it begins, or lasts: how many, one of them, by what and what to do about it."""
    failure = incident.last
    if operation is Operation.DESCRIBE:
        example = (
            incident.example
            if incident.example in incident.failing
            else min(incident.failing, default=incident.example)
        )
        fields |= {"tuning_jobs": str(len(incident.failing) or incident.most), "example": example}
    fields |= {"message": failure.message, "remedy": failure.code.remedy(operation)}
    if not incident.told:
        return Event("warning", f"{_WHAT[operation]} fails", fields)
    lasting = {"for_seconds": f"{now - incident.began:.0f}", "failures": str(incident.failures)}
    return Event("warning", f"{_WHAT[operation]} still fails", fields | lasting)
