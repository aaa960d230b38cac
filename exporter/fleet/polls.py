"""Measures polls: how long it takes to describe all tuning jobs that are due together, and whether this fits the interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.clock import Instant
    from exporter.telemetry import Telemetry


class Polls:
    """The polls of one target. Not thread-safe: used with the target's lock held. ``target`` is its name in the metrics."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.target = ""
        self._telemetry = telemetry
        self._pending: set[str] = set()
        self._began = 0.0
        self._interval = 0.0
        self._ends = 0.0

    @property
    def open(self) -> bool:
        """Whether a poll is under way."""
        return bool(self._pending)

    def begin(self, names: Iterable[str], interval: float, due: float) -> None:
        """Open a poll of ``names``. It began when the first of them was ``due`` (monotonic seconds), so waiting counts."""
        self._pending = set(names)
        self._began = due
        self._interval = interval
        self._ends = due + interval

    def add(self, name: str) -> None:
        """Add a tuning job to the open poll, if one is open."""
        if self.open:
            self._pending.add(name)

    def done(self, name: str, now: Instant) -> None:
        """Note that a tuning job was described or is no longer watched. The last one closes the poll."""
        if name not in self._pending:
            return
        self.check(now)
        self._pending.remove(name)
        if not self._pending:
            self._telemetry.polls.labels(self.target).inc()
            self._telemetry.poll_duration.labels(self.target).set(now.monotonic - self._began)
            self._telemetry.last_poll.labels(self.target).set(now.wall)

    def check(self, now: Instant) -> None:
        """Count each interval that has ended before the open poll was done."""
        while self.open and now.monotonic >= self._ends:
            self._telemetry.poll_overruns.labels(self.target).inc()
            self._ends += self._interval
