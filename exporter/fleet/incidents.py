"""Logs what fails for a target in a few lines: when it begins, when it has doubled, each hour, and when it ends."""

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
"""Seconds to wait after the first failed describe, so that the line can say how many tuning jobs fail."""

_REPEAT_SECONDS = 3_600.0
# An incident ends after this much time without a failure. So calls that fail from time to time, such as when AWS throttles,
# are one incident.
_QUIET_SECONDS = 300.0
_QUIET_INTERVALS = 5.0
# An incident whose calls are no longer made is dropped after this time.
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
    """Calls of one operation that fail with one code. Times are monotonic seconds.

    ``failing`` has the subjects whose last call failed with this code. ``reported`` is the most subjects that a line has
    reported, 0 before the first line. ``tell_at`` is when the next line is due, ``grew_at`` when one is due because many more
    fail. ``quiet_since`` is since when nothing fails, None while something does; ``end`` is why nothing does.
    """

    began: float
    tell_at: float
    example: str
    last: Failure
    last_at: float
    failing: set[str] = field(default_factory=set)
    failures: int = 0
    reported: int = 0
    grew_at: float = math.inf
    quiet_since: float | None = None
    end: str = _WORKS

    @property
    def doubled(self) -> bool:
        """Whether at least twice as many fail as a line has reported. So any number needs only a few lines."""
        return 0 < 2 * self.reported <= len(self.failing)


class Incidents:
    """The incidents of one target. Not thread-safe: used with the target's lock held."""

    def __init__(self) -> None:
        self._open: dict[tuple[Operation, ErrorCode], _Incident] = {}
        self.failures = 0
        """Counts the failed calls."""

    def failed(self, spec: TargetSpec, operation: Operation, about: str, failure: Failure, now: Instant) -> None:
        """Note a failed call. ``about`` is its subject: a tuning job, or which list or search."""
        self.failures += 1
        self._well(operation, about, now, _OTHER_REASON, but=failure.code)
        incident, moment = self._open.get((operation, failure.code)), now.monotonic
        wait = min(GATHER_SECONDS, spec.interval) if operation is Operation.DESCRIBE else 0.0
        if incident is None:
            incident = self._open[operation, failure.code] = _Incident(moment, moment + wait, about, failure, moment)
        elif not incident.failing and incident.reported == 0 and moment < incident.began + _quiet_seconds(spec):
            # It ended each time so far, so it may end soon again. It is logged only if it keeps coming back for longer.
            incident.tell_at = moment + wait
        incident.failing.add(about)
        incident.failures += 1
        incident.last, incident.last_at, incident.quiet_since = failure, moment, None
        if operation is Operation.DESCRIBE and incident.doubled:  # only lines about describes have a number
            incident.grew_at = min(incident.grew_at, moment + wait)

    def succeeded(self, operation: Operation, about: str, now: Instant) -> None:
        """Note a call that succeeded."""
        self._well(operation, about, now, _WORKS)

    def forget(self, about: str, now: Instant) -> None:
        """Note that a tuning job is no longer watched. If its failure was not logged, this is not logged either."""
        for operation in Operation:
            if operation.concerns_one_job:
                self._well(operation, about, now, _LEFT)

    def only(self, operation: Operation, about: AbstractSet[str], now: Instant) -> None:
        """Note that calls of an operation are still made only about these subjects."""
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
                if incident.reported == 0 and end is not _WORKS:
                    del self._open[failing, code]

    def due(self, spec: TargetSpec) -> float | None:
        """When ``report`` may return a line (monotonic seconds). None if nothing fails."""
        return min((_next(incident, spec) for incident in self._open.values()), default=None)

    def report(self, spec: TargetSpec, now: Instant) -> tuple[Event, ...]:
        """Return the log lines that are due."""
        lines: list[Event] = []
        for (operation, code), incident in [*self._open.items()]:
            if now.monotonic < _next(incident, spec):
                continue
            fields = identity(spec) | {"operation": str(operation), "code": str(code)}
            if incident.quiet_since is not None:
                del self._open[operation, code]
                lines.append(_end(operation, incident, fields, now))
            elif now.monotonic >= incident.last_at + _untried_seconds(spec):
                del self._open[operation, code]
            else:
                grew = now.monotonic >= incident.grew_at and incident.doubled
                if grew or now.monotonic >= incident.tell_at:
                    lines.append(_line(operation, incident, fields, now, grew=grew))
                    incident.tell_at = now.monotonic + _REPEAT_SECONDS
                    incident.reported = max(incident.reported, len(incident.failing))
                incident.grew_at = math.inf
        return tuple(lines)


def _next(incident: _Incident, spec: TargetSpec) -> float:
    if incident.quiet_since is not None:  # nothing fails now: do not log that it still fails
        return incident.quiet_since + _quiet_seconds(spec)
    return min(incident.tell_at, incident.grew_at, incident.last_at + _untried_seconds(spec))


def _quiet_seconds(spec: TargetSpec) -> float:
    return max(_QUIET_SECONDS, _QUIET_INTERVALS * spec.interval)


def _untried_seconds(spec: TargetSpec) -> float:
    return max(_UNTRIED_SECONDS, _UNTRIED_INTERVALS * spec.interval)


def _line(operation: Operation, incident: _Incident, fields: Fields, now: Instant, *, grew: bool) -> Event:
    """Return the line about a new, growing or lasting incident: how many fail, an example, why, and what to do."""
    failure = incident.last
    if operation is Operation.DESCRIBE:
        example = incident.example if incident.example in incident.failing else min(incident.failing)
        fields |= {"tuning_jobs": len(incident.failing), "example": example}
    fields |= {"message": failure.message, "remedy": failure.code.remedy(operation)}
    if incident.reported == 0:
        return Event("warning", f"{_WHAT[operation]} fails", fields)
    fields |= {"for_seconds": round(now.monotonic - incident.began), "failures": incident.failures}
    return Event("warning", f"{_WHAT[operation]} {'now fails for more of them' if grew else 'still fails'}", fields)


def _end(operation: Operation, incident: _Incident, fields: Fields, now: Instant) -> Event:
    """Return the line about the end of an incident. It has the reason if no earlier line had it."""
    if incident.reported == 0:
        fields |= {"message": incident.last.message}
    ended = datetime.fromtimestamp(now.wall - (now.monotonic - incident.last_at), UTC)
    fields |= {
        "lasted_seconds": round(incident.last_at - incident.began),
        "ended": ended.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "failures": incident.failures,
    }
    return Event("info", f"{_WHAT[operation]} {'failed and ' if incident.reported == 0 else ''}{incident.end}", fields)
