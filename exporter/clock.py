"""Time, behind one interface, so that the same code runs by the second and by the simulated month."""

from __future__ import annotations

import threading
import time
from typing import NamedTuple, Protocol


class Instant(NamedTuple):
    """One moment on both clocks, in seconds.

    ``wall`` is Unix time, for what is shown; ``monotonic`` never jumps, for what is scheduled.
    """

    wall: float
    monotonic: float


class Clock(Protocol):
    """What the daemon and the simulator know of time."""

    def time(self) -> float:
        """Return Unix time in seconds."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; never goes backwards."""

    def now(self) -> Instant:
        """Return this moment on both clocks."""

    def wait(self, condition: threading.Condition, until: float | None) -> None:
        """Wait on the held condition until it is notified or ``monotonic()`` reaches ``until``.

        Without ``until`` only a notification ends the wait. It may also end for no reason: check and wait again.
        """


class SystemClock:
    """The clocks of this machine."""

    def time(self) -> float:
        """Return Unix time in seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; never goes backwards."""
        return time.monotonic()

    def now(self) -> Instant:
        """Return this moment on both clocks."""
        return Instant(time.time(), time.monotonic())

    def wait(self, condition: threading.Condition, until: float | None) -> None:
        """Wait on the held condition until it is notified or ``monotonic()`` reaches ``until``."""
        if until is None:
            condition.wait()
        else:
            # A wait of years overflows the platform's timer.
            condition.wait(min(max(0.0, until - self.monotonic()), threading.TIMEOUT_MAX, 86_400.0))


class ManualClock:
    """Time that stands still until it is told to move: for tests, replays and comparisons over months."""

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
