"""Counts a target's calls and remembers the last failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.errors import ErrorCode, Failure
from exporter.fleet.incidents import Incidents
from exporter.fleet.view import LastFailure
from exporter.tuning_job import Page

if TYPE_CHECKING:
    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.fleet.source import Work
    from exporter.telemetry import Telemetry


class Tally:
    """The counts of one target. Not thread-safe: used with the target's lock held.

    ``last_answered`` is when AWS last answered a describe or a list (Unix seconds), None if it never has. ``attempted`` is
    True once one has ended, also if it failed.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self.incidents = Incidents()
        self.last_answered: float | None = None
        self.attempted = False
        self._failures: dict[tuple[str, ErrorCode], LastFailure] = {}
        self._telemetry = telemetry

    @property
    def failures(self) -> tuple[LastFailure, ...]:
        """Return the last failure of each operation and code, the newest at the end."""
        return tuple(self._failures.values())

    def renamed(self, spec: TargetSpec) -> None:
        """Report the time of the last answer under the new name of the target."""
        if self.last_answered is not None:
            self._telemetry.last_answer.labels(spec.name).set(self.last_answered)

    def begun(self, spec: TargetSpec, work: Work) -> None:
        """Count a call that is being made."""
        self._telemetry.api_requests.labels(spec.name, work.operation).inc()

    def ended(self, spec: TargetSpec, work: Work, outcome: object, now: Instant, *, wanted: bool) -> None:
        """Count the outcome of a call. A failure is reported only if the result is still ``wanted``."""
        self._telemetry.api_request_duration.labels(work.operation).observe(now.monotonic - work.started)
        failure = outcome if isinstance(outcome, Failure) else None
        if failure is not None:
            self._telemetry.api_errors.labels(spec.name, work.operation, failure.code).inc()
        # "No such tuning job" is an answer too.
        answered = failure is None or failure.code is ErrorCode.NOT_FOUND
        self.attempted |= work.operation.watches
        if answered and work.operation.watches:
            self.last_answered = now.wall
            self._telemetry.last_answer.labels(spec.name).set(now.wall)
        if isinstance(outcome, Page) and outcome.unreadable:
            why = f"{outcome.unreadable} entries of the list cannot be read: {outcome.why}"
            failure = Failure(ErrorCode.MALFORMED_ANSWER, why)
        if not wanted:
            return
        if failure is not None:
            of = work.operation, failure.code
            self._failures.pop(of, None)  # so that it is the newest
            self._failures[of] = LastFailure(work.operation, work.name, failure, now.wall)
            self.incidents.failed(spec, work.operation, work.name, failure, now)
        else:
            self.incidents.succeeded(work.operation, work.name, now)
