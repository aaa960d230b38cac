"""A clock for tests and replays: a month takes as long as the code takes for it."""

from __future__ import annotations

import threading

from exporter.clock import Instant


class ManualClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, wall: float = 0.0) -> None:
        self._start = wall
        self._elapsed = 0.0
        self._lock = threading.Lock()
        self._waiting: list[threading.Condition] = []

    def time(self) -> float:
        """Return Unix time in seconds."""
        return self._start + self._elapsed

    def monotonic(self) -> float:
        """Return seconds since the clock was made."""
        return self._elapsed

    def now(self) -> Instant:
        """Return this moment on both clocks."""
        elapsed = self._elapsed
        return Instant(self._start + elapsed, elapsed)

    def wait(self, condition: threading.Condition, until: float | None) -> None:
        """Wait on the held condition until it is notified or the clock was moved to ``until``."""
        with self._lock:
            if until is not None and self._elapsed >= until:
                return
            self._waiting.append(condition)
        try:
            condition.wait()
        finally:
            with self._lock:
                self._waiting.remove(condition)

    def jump(self, seconds: float) -> None:
        """Set the wall clock alone, forward or back, as somebody may; nobody is woken."""
        self._start += seconds

    def advance(self, seconds: float) -> None:
        """Move forward and wake whoever waits. Raise ValueError on a negative step."""
        self._move_to(self._elapsed + seconds)

    def set_time(self, wall: float) -> None:
        """Move to a Unix time and wake whoever waits. Raise ValueError when it lies in the past."""
        self._move_to(wall - self._start)

    def _move_to(self, elapsed: float) -> None:
        with self._lock:
            if elapsed < self._elapsed:
                raise ValueError(f"a clock cannot go back by {self._elapsed - elapsed} s")
            self._elapsed = elapsed
            waiting = list(self._waiting)
        for condition in waiting:
            with condition:
                condition.notify_all()
