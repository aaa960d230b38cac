"""What fails for a target, told in few lines: when it begins, when it has doubled, each hour while it lasts, and its end."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from exporter.fleet.events import Event, identity
from exporter.fleet.source import Operation

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.errors import ErrorCode, Failure
    from exporter.fleet.events import Fields

GATHER_SECONDS = 10.0
"""How long a first failure of a describe waits for the others, so that the line can say how many tuning jobs fail."""

_REPEAT_SECONDS = 3_600.0
# A call that fails now and then, as when AWS throttles a part of them, is one incident.
_QUIET_SECONDS = 300.0
_QUIET_INTERVALS = 5.0
# What is not tried any more neither fails nor succeeds.
_UNTRIED_SECONDS = 3 * 3_600.0
_UNTRIED_INTERVALS = 2.0

_WHAT = {
    Operation.DESCRIBE: "describing tuning jobs",
    Operation.LIST: "listing tuning jobs",
    Operation.LIST_TRAINING_JOBS: "listing training jobs",
    Operation.LIST_TAGS: "listing tags",
    Operation.SEARCH: "searching for tags or bills",
    Operation.LIST_SERVICE_QUOTAS: "listing the quotas of the account",
    Operation.IDENTIFY: "asking for the AWS account id",
}

_WORKS = "works again"
_OTHER_REASON = "no longer fails for this reason"
_LEFT = "no longer fails: the exporter no longer makes the calls that failed"


@dataclass(slots=True)
class _Incident:
    """Calls of one operation that fail by one code. Times are monotonic seconds.

    ``failing`` holds what the calls were about that failed so last time, and ``told_of`` the most of them that a line has
    told of, 0 before the first line. ``tell_at`` is when a line is due while something fails, ``grew_at`` when one is due
    because much more fails. ``quiet_since`` is since when nothing fails, None while something does; ``end`` says why.
    """

    began: float
    tell_at: float
    example: str
    last: Failure
    last_at: float
    failing: set[str] = field(default_factory=set)
    failures: int = 0
    told_of: int = 0
    grew_at: float = math.inf
    quiet_since: float | None = None
    end: str = _WORKS

    @property
    def doubled(self) -> bool:
        """Whether twice as much fails as the last line reported, so that any number takes only a few lines."""
        return 0 < 2 * self.told_of <= len(self.failing)


class Incidents:
    """Those of one target. Not thread-safe: used under its lock."""

    def __init__(self) -> None:
        self._open: dict[tuple[Operation, ErrorCode], _Incident] = {}

    def failed(self, spec: TargetSpec, operation: Operation, about: str, failure: Failure, now: Instant) -> None:
        """Take a call that failed; ``about`` is the tuning job, or whatever else tells calls of the operation apart."""
        self._well(operation, about, now, _OTHER_REASON, but=failure.code)
        incident, moment = self._open.get((operation, failure.code)), now.monotonic
        wait = min(GATHER_SECONDS, spec.interval) if operation is Operation.DESCRIBE else 0.0
        if incident is None:
            incident = self._open[operation, failure.code] = _Incident(moment, moment + wait, about, failure, moment)
        elif not incident.failing and incident.told_of == 0 and moment < incident.began + _quiet_seconds(spec):
            # It was over each time so far, so this may be over soon too. If it keeps coming back for longer, it is told.
            incident.tell_at = moment + wait
        incident.failing.add(about)
        incident.failures += 1
        incident.last, incident.last_at, incident.quiet_since = failure, moment, None
        if operation is Operation.DESCRIBE and incident.doubled:  # only describes are told by their number
            incident.grew_at = min(incident.grew_at, moment + wait)

    def succeeded(self, operation: Operation, about: str, now: Instant) -> None:
        """Take a call that did not fail."""
        self._well(operation, about, now, _WORKS)

    def forget(self, about: str, now: Instant) -> None:
        """Take that a tuning job is not watched any more. If no line has told that it failed, none tells that it left."""
        for operation in (Operation.DESCRIBE, Operation.LIST_TRAINING_JOBS, Operation.LIST_TAGS):
            self._well(operation, about, now, _LEFT)

    def only(self, operation: Operation, about: AbstractSet[str], now: Instant) -> None:
        """Take that of an operation only calls about these are still made."""
        for (failing, _), incident in [*self._open.items()]:
            if failing is operation:
                for other in incident.failing - about:
                    self._well(operation, other, now, _LEFT)

    def _well(self, operation: Operation, about: str, now: Instant, end: str, but: ErrorCode | None = None) -> None:
        for (failing, code), incident in [*self._open.items()]:
            if failing is operation and code is not but and about in incident.failing:
                incident.failing.remove(about)
                if incident.failing:
                    continue
                incident.quiet_since, incident.end = now.monotonic, end
                if incident.told_of == 0 and end is not _WORKS:
                    del self._open[failing, code]

    def due(self, spec: TargetSpec) -> float | None:
        """When ``report`` has something to tell (monotonic seconds), None when nothing is wrong."""
        return min((_next(incident, spec) for incident in self._open.values()), default=None)

    def report(self, spec: TargetSpec, now: Instant) -> tuple[Event, ...]:
        """Return the lines that are due."""
        told: list[Event] = []
        for (operation, code), incident in [*self._open.items()]:
            if now.monotonic < _next(incident, spec):
                continue
            fields = identity(spec) | {"operation": str(operation), "code": str(code)}
            if incident.quiet_since is not None:
                del self._open[operation, code]
                told.append(_end(operation, incident, fields, now))
            elif now.monotonic >= incident.last_at + _untried_seconds(spec):
                del self._open[operation, code]
            else:
                grew = now.monotonic >= incident.grew_at and incident.doubled
                if grew or now.monotonic >= incident.tell_at:
                    told.append(_line(operation, incident, fields, now, grew=grew))
                    incident.tell_at = now.monotonic + _REPEAT_SECONDS
                    incident.told_of = max(incident.told_of, len(incident.failing))
                incident.grew_at = math.inf
        return tuple(told)


def _next(incident: _Incident, spec: TargetSpec) -> float:
    if incident.quiet_since is not None:  # what is over is not told as if it went on
        return incident.quiet_since + _quiet_seconds(spec)
    return min(incident.tell_at, incident.grew_at, incident.last_at + _untried_seconds(spec))


def _quiet_seconds(spec: TargetSpec) -> float:
    return max(_QUIET_SECONDS, _QUIET_INTERVALS * spec.interval)


def _untried_seconds(spec: TargetSpec) -> float:
    return max(_UNTRIED_SECONDS, _UNTRIED_INTERVALS * spec.interval)


def _line(operation: Operation, incident: _Incident, fields: Fields, now: Instant, *, grew: bool) -> Event:
    """Return the line that an incident begins, grows or lasts: how many fail, one of them, why, and what to do."""
    failure = incident.last
    if operation is Operation.DESCRIBE:
        example = incident.example if incident.example in incident.failing else min(incident.failing)
        fields |= {"tuning_jobs": len(incident.failing), "example": example}
    fields |= {"message": failure.message, "remedy": failure.code.remedy(operation)}
    if incident.told_of == 0:
        return Event("warning", f"{_WHAT[operation]} fails", fields)
    fields |= {"for_seconds": round(now.monotonic - incident.began), "failures": incident.failures}
    return Event("warning", f"{_WHAT[operation]} {'now fails for more of them' if grew else 'still fails'}", fields)


def _end(operation: Operation, incident: _Incident, fields: Fields, now: Instant) -> Event:
    """Return the line that an incident is over, with the reason of it if no line has told it."""
    if incident.told_of == 0:
        fields |= {"message": incident.last.message}
    ended = datetime.fromtimestamp(now.wall - (now.monotonic - incident.last_at), UTC)
    fields |= {
        "lasted_seconds": round(incident.last_at - incident.began),
        "ended": ended.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "failures": incident.failures,
    }
    return Event("info", f"{_WHAT[operation]} {'failed and ' if incident.told_of == 0 else ''}{incident.end}", fields)
