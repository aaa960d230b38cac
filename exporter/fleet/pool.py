"""Makes the calls of all targets: one thread, the watch, waits until calls are due; worker threads make them.

The watch sleeps until the first target has something to do. It asks a target for a call only after it has reserved a worker,
so each call that a target returns begins at once. A worker that is done asks the target for the next call itself. So a busy
target needs no switch of threads.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import structlog

from exporter.errors import ErrorCode, Failure
from exporter.fleet.agenda import Agenda
from exporter.fleet.capacity import Capacity, Driven
from exporter.fleet.events import log_events
from exporter.fleet.source import Work, perform
from exporter.fleet.workers import Worker, Workers
from exporter.logs import Complaints

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.clock import Clock
    from exporter.fleet.events import Event
    from exporter.fleet.target import Target
    from exporter.sagemaker import Api

# A target that waits for a worker is looked at again after this many seconds.
_PATIENCE = 0.05
_PAUSE_AFTER_DEFECT = 1.0
# A target that raises errors for this many seconds counts as dead: only a restart can help.
_DEFECT_LASTS = 30.0

log = structlog.get_logger()


_Task = tuple[Driven, Work]


class Pool:
    """Drives targets from ``start`` to ``stop``. Thread-safe.

    Its threads are daemon threads, so that a call that hangs in the SDK does not stop the process from ending. ``on_change``
    is called whenever the view of a target may have changed. Its argument says whether more changes come in a moment.
    """

    def __init__(self, clock: Clock, on_change: Callable[[bool], object]) -> None:
        self._clock = clock
        self._on_change = on_change
        # Lock order: a target's lock first, then this one.
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._driven: dict[Target, Driven] = {}
        self._agenda: Agenda[Driven] = Agenda()
        self._waiting: dict[Driven, float] = {}
        """Targets that have calls to make but no worker, and since when they wait (monotonic seconds)."""
        self._looks_at: float | None = None
        self._stopping = False
        self._capacity = Capacity()
        self._workers: Workers[_Task] = Workers(self._work)
        self._complaints = Complaints(clock)
        self._watch = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Start the watch."""
        self._watch.start()

    def stop(self) -> None:
        """Tell all threads to end, and drop the results of calls under way. Does not wait."""
        with self._lock:
            self._stopping = True
            for driven in self._driven.values():
                driven.removed = True
            self._wake.notify()
        self._workers.stop()

    def join(self, timeout: float) -> None:
        """Wait until all threads have ended, ``timeout`` seconds at most."""
        deadline = time.monotonic() + timeout
        self._watch.join(timeout)
        self._workers.join(deadline)

    def drive(self, target: Target, api: Api) -> None:
        """Make the calls of a target with ``api`` from now on. Results of calls under way still count."""
        with self._lock:
            driven = self._driven.setdefault(target, Driven(target, api))
            if driven.api is not api:
                driven.api, driven.hangs = api, False  # a new client may work
            self._plan(driven, self._clock.monotonic())

    def look_at(self, target: Target) -> None:
        """Look at a target at once, because its configuration has changed."""
        with self._lock:
            self._plan(self._driven[target], self._clock.monotonic())

    def remove(self, target: Target) -> None:
        """Make no more calls for a target, and drop the results of calls under way."""
        with self._lock:
            if (driven := self._driven.pop(target, None)) is None:
                return
            driven.removed = True
            driven.stuck = driven.calls  # no longer waited for
            self._waiting.pop(driven, None)
            self._agenda.plan(driven, None)

    @property
    def threads(self) -> int:
        """The number of workers."""
        return len(self._workers)

    @property
    def busy(self) -> int:
        """The number of workers that are making a call."""
        return self._workers.busy

    @property
    def dead(self) -> list[str]:
        """The names of the targets that make no calls because of a bug in the exporter."""
        with self._lock:
            all_dead = not (self._watch.is_alive() and self._workers.alive)
            before = self._clock.monotonic() - _DEFECT_LASTS
            return [
                driven.target.spec.name
                for driven in self._driven.values()
                if all_dead or (driven.failing_since is not None and driven.failing_since <= before)
            ]

    # The watch.

    def _run(self) -> None:
        while (driven := self._next()) is not None:
            self._look(driven)

    def _next(self) -> Driven | None:
        """Wait for a target that has something to do, and return it. None if the pool has stopped."""
        with self._lock:
            while not self._stopping:
                now = self._clock.monotonic()
                if (driven := self._agenda.pop(now) or self._late(now)) is not None:
                    return driven
                late_at = [since + _PATIENCE for since in self._waiting.values()]
                next_at = self._agenda.next_at
                self._looks_at = min(late_at if next_at is None else [next_at, *late_at], default=None)
                self._clock.wait(self._wake, self._looks_at)
            return None

    def _late(self, now: float) -> Driven | None:
        if min(self._waiting.values(), default=now) + _PATIENCE > now:
            return None
        return self._next_waiting(now)

    def _next_waiting(self, now: float, free: int = 0) -> Driven | None:
        """Return the first waiting target that may use a worker now. Those that may not wait for another ``_PATIENCE``."""
        for driven in tuple(self._waiting):
            if self._has_worker(driven, now, free):
                del self._waiting[driven]
                return driven
            self._waiting[driven] = now
        return None

    def _plan(self, driven: Driven, at: float | None) -> None:
        """Plan when a target is looked at. Call this with the lock held."""
        self._agenda.plan(driven, None if driven.removed else at)
        if at is not None:
            self._hurry(at)

    def _hurry(self, looks_at: float) -> None:
        if self._looks_at is None or looks_at < self._looks_at:
            self._looks_at = looks_at
            self._wake.notify()

    # Taking calls from targets.

    def _look(self, driven: Driven, free: Worker[_Task] | None = None) -> _Task | None:
        """Get the calls that are due from a target. Return one for the worker ``free``, and hand the others to other workers."""
        own: _Task | None = None
        while True:
            worker = free if own is None and free is not None and self._fits(driven) else self._hire(driven)
            work = self._ask(driven, may_call=worker is not None)
            if work is None:
                if worker is not None and worker is not free:
                    self._workers.release(worker)
                return own
            if worker is free:
                own = driven, work
            elif worker is not None:
                worker.give((driven, work))

    def _ask(self, driven: Driven, *, may_call: bool) -> Work | None:
        """Return the call that a target is to make now. If there is none, plan when to look at the target again."""
        target = driven.target
        try:
            with target.lock:
                now = self._clock.now()
                events = target.expire(now)
                work = target.next(now) if may_call and not driven.removed else None
                changed = target.take_changed()
                with self._lock:
                    if target.calls_given_up > driven.stuck:
                        driven.timed_out(now.monotonic - target.spec.connection.deadline)
                    driven.stuck = driven.calls if driven.removed else target.calls_given_up
                    driven.failing_since = None
                    if work is not None:
                        self._capacity.begin(driven, work.serial, now.monotonic)
                    if work is None:
                        self._rest(driven, target.wakes_at(now), target.expires_at(now), now.monotonic)
        except Exception as error:  # noqa: BLE001 - a bug in one target must not stop the others
            self._complain(driven, error)
            return None
        log_events(events)
        if changed:
            self._on_change(False)  # noqa: FBT003 - one argument, told above
        return work

    def _rest(self, driven: Driven, wakes_at: float | None, expires_at: float | None, now: float) -> None:
        """Plan when to look again at a target with no call to make, or no worker. The end of a call also brings a look."""
        if wakes_at is None or wakes_at > now:
            self._waiting.pop(driven, None)
            self._plan(driven, wakes_at)
        elif self._has_worker(driven, now):  # a worker has become free
            self._plan(driven, now)
        else:
            if driven.may_call:
                self._waiting.setdefault(driven, now)
                self._hurry(now + _PATIENCE)
            self._plan(driven, expires_at)

    def _complain(self, driven: Driven, error: Exception) -> None:
        text = "internal error: the exporter makes no calls for this target until the error stops; please report this"
        self._complaints.tell(text, error, target=driven.target.spec.name)
        now = self._clock.monotonic()
        with self._lock:
            driven.failing_since = driven.failing_since or now
            self._plan(driven, now + _PAUSE_AFTER_DEFECT)

    # Who may call.

    def _fits(self, driven: Driven) -> bool:
        with self._lock:
            return self._capacity.fits(driven, self._clock.monotonic())

    def _has_worker(self, driven: Driven, now: float, free: int = 0) -> bool:
        """Return whether a target may use one more worker. ``free`` of the busy workers count as idle."""
        return self._capacity.has_worker(driven, self._workers.busy - free, now)

    def _hire(self, driven: Driven) -> Worker[_Task] | None:
        with self._lock:
            now = self._clock.monotonic()
            if not self._has_worker(driven, now):
                return None
            try:
                return self._workers.hire(self._capacity.most_workers(now))
            except RuntimeError as error:  # such as a limit of processes; the present threads keep working
                self._complaints.tell(
                    "cannot start another thread; calls wait for the threads that run",
                    error,
                    remedy="Raise the limit of threads or processes for the container or the user.",
                )
                self._capacity.refuse(len(self._workers), now)
                return None

    # Workers.

    def _work(self, task: _Task, worker: Worker[_Task]) -> _Task | None:
        """Make a call, apply its outcome, and return the next one: of a waiting target first, else of the same target."""
        driven, work = task
        self._call(driven, work)
        with self._lock:
            now = self._clock.monotonic()
            waiting = self._next_waiting(now, free=1) if self._waiting and not self._stopping else None
            if waiting is not None:
                self._plan(driven, now)
        if waiting is None and driven.removed:
            return None
        return self._look(waiting or driven, worker)

    def _call(self, driven: Driven, work: Work) -> None:
        outcome = perform(driven.api, work)
        self._trace(driven, work, outcome)
        target = driven.target
        events: tuple[Event, ...] = ()
        changed = more = False
        now = self._clock.now()
        try:
            with target.lock:
                now = self._clock.now()
                if not driven.removed:
                    events = target.apply(work, outcome, now)
                    changed, more = target.take_changed(), target.has_more(now)
        except Exception as error:  # noqa: BLE001 - see _ask
            self._complain(driven, error)
        with self._lock:
            # This worker looks at the target next. But on_change may take long, and then the watch looks.
            self._plan(driven, now.monotonic + _PATIENCE)
            self._capacity.end(driven, work.serial)
            driven.stuck = driven.calls if driven.removed else target.calls_given_up
            if isinstance(outcome, Failure) and outcome.code is ErrorCode.TIMEOUT:
                driven.timed_out(work.started)
            else:
                driven.was_answered(now.monotonic)
        log_events(events)
        if changed:
            self._on_change(more)

    def _trace(self, driven: Driven, work: Work, outcome: object) -> None:
        log.debug(
            "call",
            target=driven.target.spec.name,
            operation=str(work.operation),
            about=work.name,
            milliseconds=round(1000 * (self._clock.monotonic() - work.started)),
            outcome=str(outcome.code) if isinstance(outcome, Failure) else "ok",
        )
