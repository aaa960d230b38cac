"""The budget of calls of a target, and how long calls that were due had to wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.sagemaker import Budget

if TYPE_CHECKING:
    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.telemetry import Telemetry


_MINUTE = 60.0


class Allowance(Budget):
    """A budget that also measures waiting. Not thread-safe: used with the target's lock held. Times are monotonic seconds."""

    def __init__(self, spec: TargetSpec, telemetry: Telemetry, now: Instant) -> None:
        super().__init__(spec.requests_per_second, now.monotonic)
        self._telemetry = telemetry
        self._starved_since: float | None = None
        self._minute = int(now.monotonic // _MINUTE)
        self._spent = self._spent_before = 0  # in this minute, and in the one before

    def spend(self, target: str, now: Instant, due: float | None) -> bool:
        """Return whether a call may be made now, and take a token for it. ``due`` is when the next call is due, None for no call."""
        if due is None or due > now.monotonic:
            self._starved_since = None  # nothing waits any more
            return False
        if not self.take(now.monotonic):
            if self._starved_since is None:
                self._starved_since = now.monotonic
            return False
        if self._starved_since is not None:
            self._telemetry.rate_limit_wait.labels(target).inc(now.monotonic - self._starved_since)
            self._starved_since = None
        self._turn(now)
        self._spent += 1
        return True

    def made_per_second(self, now: Instant) -> float:
        """Return the calls made per second, on average over about the last minute."""
        self._turn(now)
        share_of_before = 1.0 - now.monotonic / _MINUTE % 1.0
        return (self._spent + share_of_before * self._spent_before) / _MINUTE

    def _turn(self, now: Instant) -> None:
        minute = int(now.monotonic // _MINUTE)
        if minute != self._minute:
            self._spent_before = self._spent if minute == self._minute + 1 else 0
            self._minute, self._spent = minute, 0
