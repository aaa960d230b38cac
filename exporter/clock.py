"""Clocks behind one interface, so that tests and replays can control the time."""

from __future__ import annotations

import threading
import time
from typing import NamedTuple, Protocol


class Instant(NamedTuple):
    """One time on both clocks, in seconds.

    ``wall`` is Unix time, for times that are shown. ``monotonic`` never jumps, for times that are scheduled.
    """

    wall: float
    monotonic: float


class Clock(Protocol):
    """The interface of clocks for the daemon and the simulator."""

    def time(self) -> float:
        """Return Unix time in seconds."""

    def monotonic(self) -> float:
        """Return seconds since an arbitrary start; never goes backwards."""

    def now(self) -> Instant:
        """Return this moment on both clocks."""

    def wait(self, condition: threading.Condition, until: float | None) -> None:
        """Wait on the held condition until it is notified or ``monotonic()`` reaches ``until``.

        Without ``until``, only a notification ends the wait. It may also end without a reason: check and wait again.
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
            # A wait of years would overflow the platform's timer.
            condition.wait(min(max(0.0, until - self.monotonic()), threading.TIMEOUT_MAX, 86_400.0))


class SkippingClock:
    """A clock that stands still, and skips time when somebody waits: a day takes only as long as the work in it.

    For one thread. It begins at a Unix time, and at 0 on the monotonic clock.
    """

    def __init__(self, wall: float) -> None:
        self._start = wall
        self._elapsed = 0.0

    def time(self) -> float:
        """Return Unix time in seconds."""
        return self._start + self._elapsed

    def monotonic(self) -> float:
        """Return the seconds that have been skipped so far."""
        return self._elapsed

    def now(self) -> Instant:
        """Return this moment on both clocks."""
        return Instant(self.time(), self._elapsed)

    def wait(self, condition: threading.Condition, until: float | None) -> None:  # noqa: ARG002 - a Clock
        """Skip the time to ``until``. Raises RuntimeError without ``until``, because the wait would never end."""
        if until is None:
            raise RuntimeError("nothing is to come that anybody could wait for")
        self.skip_to(until)

    def skip_to(self, monotonic: float) -> None:
        """Skip the time to ``monotonic``. Does nothing if it has passed."""
        self._elapsed = max(self._elapsed, monotonic)
