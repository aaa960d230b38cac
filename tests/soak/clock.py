"""A clock that runs fast, the same one in several processes."""

from __future__ import annotations

import threading
import time
from typing import NamedTuple, Self

from exporter.clock import Instant


class FastClock(NamedTuple):
    """The machine's time, ``speed`` times as fast since a moment: ``wall`` in Unix seconds, ``monotonic`` of the machine."""

    speed: float
    wall: float
    began: float

    @classmethod
    def start(cls, speed: float) -> Self:
        """Return a clock that begins now."""
        return cls(speed, time.time(), time.monotonic())

    def time(self) -> float:
        """Return Unix time in seconds, as this clock has it."""
        return self.wall + self.monotonic()

    def monotonic(self) -> float:
        """Return the seconds of this clock since it began."""
        return (time.monotonic() - self.began) * self.speed

    def now(self) -> Instant:
        """Return this moment on both clocks."""
        elapsed = self.monotonic()
        return Instant(self.wall + elapsed, elapsed)

    def wait(self, condition: threading.Condition, until: float | None) -> None:
        """Wait on the held condition until it is notified or ``monotonic()`` reaches ``until``."""
        if until is None:
            condition.wait()
        else:
            condition.wait(min(max(0.0, until - self.monotonic()) / self.speed, 3600.0))

    def sleep_until(self, until: float) -> None:
        """Return when ``monotonic()`` has reached ``until``."""
        while (left := until - self.monotonic()) > 0:
            time.sleep(left / self.speed)
