"""The threads that drive a target."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import structlog

from exporter.errors import Failure
from exporter.fleet.work import Outcome, Work, perform
from exporter.logs import Complaints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.clock import Clock, Instant
    from exporter.fleet.events import Event
    from exporter.fleet.target import Target
    from exporter.sagemaker import Api

_MAX_CALLS = 8
# A call hangs for seconds at worst, so the budget of a second in flight at once keeps a slow endpoint busy.
_MIN_CALLS = 2
# Beyond those that make calls, threads may be stuck in calls that were given up.
_MAX_STUCK = 32
_PAUSE_AFTER_DEFECT = 1.0
# Then it is no moment any more, and only a restart can help.
_DEFECT_LASTS = 30.0

log = structlog.get_logger()


class Workers:
    """A target's threads: each takes a call, makes it, and brings back what came of it.

    One of them always waits, so that calls past their deadline are noticed even while all others hang; it calls up
    another before it makes a call itself. They are daemon threads: a call that hangs in the SDK never holds up the
    process's end. ``on_change`` is called after each result that may have changed the view, and told whether
    more calls are due already.
    """

    def __init__(self, target: Target, api: Api, clock: Clock, on_change: Callable[[bool], object]) -> None:
        self.target = target
        self.api = api
        self._clock = clock
        self._on_change = on_change
        self._stopping = False
        self._dropping = False
        self._max_calls = min(_MAX_CALLS, max(_MIN_CALLS, round(target.spec.requests_per_second)))
        self._threads: list[threading.Thread] = []
        self._waiting = 0
        self._complaints = Complaints(clock)
        self._failing_since: float | None = None

    def start(self) -> None:
        """Begin."""
        with self.target.condition:
            self._add_thread()

    def stop(self) -> None:
        """Tell the threads to end, and drop what they still bring: the target may be gone by then. Does not wait."""
        self._end(dropping=True)

    def retire(self) -> None:
        """Tell the threads to end after the calls they are in, whose results count. Does not wait."""
        self._end(dropping=False)

    def join(self, timeout: float) -> None:
        """Wait for the threads, at most ``timeout`` seconds in all."""
        deadline = time.monotonic() + timeout
        for thread in tuple(self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def alive(self) -> bool:
        """Whether every thread runs that has not ended for want of work, and calls are made."""
        failing_since, threads = self._failing_since, tuple(self._threads)
        if failing_since is not None and self._clock.monotonic() >= failing_since + _DEFECT_LASTS:
            return False
        return bool(threads) and all(thread.is_alive() for thread in threads)

    def _end(self, *, dropping: bool) -> None:
        with self.target.condition:
            self._stopping = True
            self._dropping = dropping
            self.target.condition.notify_all()

    def revive(self) -> None:
        """Begin again when no thread is left: at the start, or since then, the machine may have refused one."""
        with self.target.condition:
            if not self._threads and not self._stopping:
                self._add_thread()

    def _add_thread(self) -> None:
        name = f"{self.target.spec.name}-{len(self._threads)}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        try:
            thread.start()  # it waits for the lock that we hold
        except RuntimeError as error:  # a limit of processes, say: those that run go on
            self._complaints.tell("no thread can be started", error, target=self.target.spec.name)
            return
        # On the list only now: one that has not started yet would look dead.
        self._threads.append(thread)
        # Counted as waiting from now on, or the next one to go would call up another.
        self._waiting += 1

    def _work(self) -> None:
        while (work := self._take()) is not None:
            outcome = perform(self.api, work, self._clock.time)
            self._trace(work, outcome)
            with self.target.condition:
                if self._dropping:
                    return
                self._waiting += 1
                events = self.target.apply(work, outcome, self._clock.now())
                changed, more = self.target.take_changed(), self.target.has_more(self._clock.now())
                self.target.condition.notify_all()  # what was applied may be due again before others wake
            if changed:
                self._on_change(more)
            log_events(events)

    def _trace(self, work: Work, outcome: Outcome) -> None:
        log.debug(
            "call",
            target=self.target.spec.name,
            operation=str(work.operation),
            about=work.name,
            milliseconds=round(1000 * (self._clock.monotonic() - work.started)),
            outcome=str(outcome.code) if isinstance(outcome, Failure) else "ok",
        )

    def _take(self) -> Work | None:
        """Return the next call to make once it is due, None when the thread is not needed any more."""
        with self.target.condition:
            while not self._stopping and not self._is_surplus():
                now = self._clock.now()
                try:
                    work, until = self._look(now)
                    self._failing_since = None
                except Exception as error:  # noqa: BLE001 - a defect of ours must not end what works
                    self._complaints.tell(
                        "the exporter failed inside: calls of this target are not made; please report this",
                        error,
                        target=self.target.spec.name,
                    )
                    work, until = None, now.monotonic + _PAUSE_AFTER_DEFECT
                    self._failing_since = self._failing_since or now.monotonic
                if work is not None:
                    return work
                if until is None or until > now.monotonic:
                    self._clock.wait(self.target.condition, until)
            self._waiting -= 1
            if not self._stopping:
                self._threads.remove(threading.current_thread())
            return None

    def _look(self, now: Instant) -> tuple[Work | None, float | None]:
        """Return the call to make, or None and until when to wait for one (monotonic seconds)."""
        if expired := self.target.expire(now):
            self._tell_of_change(expired)
            return None, now.monotonic
        free = self._may_call()
        work = self.target.next(now) if free else None
        if work is not None:
            if self._waiting == 1:
                self._add_thread()
            self._waiting -= 1
        if self.target.take_changed():
            self._tell_of_change(())
            return work, now.monotonic
        return work, self.target.wakes_at(now) if free else self.target.expires_at

    def _tell_of_change(self, events: Iterable[Event]) -> None:
        """Let go of the lock for it: whoever is told may hold one of its own round a look at the target."""
        self.target.condition.release()
        try:
            log_events(events)
            self._on_change(False)  # noqa: FBT003 - one argument, told above
        finally:
            self.target.condition.acquire()

    def _may_call(self) -> bool:
        """Tell whether this thread may make a call: there is room for it, and another to wait in its place."""
        if self.target.calls_under_way >= self._max_calls:
            return False
        return self._waiting > 1 or len(self._threads) <= self._max_calls + _MAX_STUCK

    def _is_surplus(self) -> bool:
        return self._waiting > 1 and len(self._threads) > self._max_calls + 1


def log_events(events: Iterable[Event]) -> None:
    """Write a line for each event."""
    for event in events:
        log.log(_LEVELS[event.level], event.text, **event.fields)


_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
