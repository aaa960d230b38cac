"""The threads that drive a target."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import structlog

from exporter.fleet.work import Work, perform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.clock import Clock
    from exporter.fleet.events import Event
    from exporter.fleet.target import Target
    from exporter.sagemaker import Api

_MAX_THREADS = 8
# A call hangs for seconds at worst, so the budget of a second in flight at once keeps a slow endpoint busy.
_MIN_THREADS = 2

log = structlog.get_logger()


class Workers:
    """A target's threads: each takes a call, makes it, and brings back what came of it.

    They are daemon threads: a call that hangs in the SDK never holds up the process's end. ``on_change`` is called
    after each result that was taken; what comes after ``stop`` is dropped, as its target may be gone.
    """

    def __init__(self, target: Target, api: Api, clock: Clock, on_change: Callable[[], None]) -> None:
        self.target = target
        self.api = api
        self._clock = clock
        self._on_change = on_change
        self._stopping = False
        count = min(_MAX_THREADS, max(_MIN_THREADS, round(target.spec.requests_per_second)))
        self._threads = [
            threading.Thread(target=self._work, name=f"{target.spec.name}-{i}", daemon=True) for i in range(count)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Tell the threads to end after the call they are in; does not wait."""
        with self.target.condition:
            self._stopping = True
            self.target.condition.notify_all()

    def join(self, timeout: float) -> None:
        """Wait for the threads, at most ``timeout`` seconds in all."""
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def alive(self) -> bool:
        """Whether every thread runs."""
        return all(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while (work := self._take()) is not None:
            outcome = perform(self.api, work, self._clock.time)
            with self.target.condition:
                if self._stopping:
                    return
                events = self.target.apply(work, outcome, self._clock.now())
                self.target.condition.notify_all()  # what was applied may be due again before others wake
            self._on_change()
            log_events(events)

    def _take(self) -> Work | None:
        with self.target.condition:
            while not self._stopping:
                now = self._clock.now()
                work = self.target.next(now)
                if work is not None:
                    return work
                self._clock.wait(self.target.condition, self.target.wakes_at(now))
            return None


def log_events(events: Iterable[Event]) -> None:
    """Write a line for each event."""
    for event in events:
        log.log(_LEVELS[event.level], event.text, **event.fields)


_LEVELS = {"info": 20, "warning": 30}
