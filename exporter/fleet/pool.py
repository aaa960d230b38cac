"""Who makes the calls of all targets, and when: one thread watches the time, workers make calls.

The watch waits for the earliest moment at which any target has something to do. A call is given to a worker, and none is
taken from a target before there is a worker for it: what is handed out has begun. A worker that is done looks for the next
call itself, so that a busy target costs no change of threads.
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

# How long a target waits for a worker before it is asked again whether there is one.
_PATIENCE = 0.05
_PAUSE_AFTER_DEFECT = 1.0
# Then it is no moment any more, and only a restart can help.
_DEFECT_LASTS = 30.0

log = structlog.get_logger()


_Task = tuple[Driven, Work]


class Pool:
    """Drives targets from ``start`` to ``stop``. Thread-safe.

    Its threads are daemon threads: a call that hangs in the SDK never holds up the process's end. ``on_change`` is called
    after whatever may have changed the view of a target, and told whether more is about to.
    """

    def __init__(self, clock: Clock, on_change: Callable[[bool], object]) -> None:
        self._clock = clock
        self._on_change = on_change
        # Taken while a target's lock is held, never the other way round.
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._driven: dict[Target, Driven] = {}
        self._agenda: Agenda[Driven] = Agenda()
        self._waiting: dict[Driven, float] = {}
        """Those that have something to do but no worker, and since when."""
        self._looks_at: float | None = None
        self._stopping = False
        self._capacity = Capacity()
        self._workers: Workers[_Task] = Workers(self._work)
        self._complaints = Complaints(clock)
        self._watch = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._watch.start()

    def stop(self) -> None:
        """Tell all threads to end, and drop what calls under way still bring. Does not wait."""
        with self._lock:
            self._stopping = True
            for driven in self._driven.values():
                driven.removed = True
            self._wake.notify()
        self._workers.stop()

    def join(self, timeout: float) -> None:
        """Wait for the threads, at most ``timeout`` seconds in all."""
        deadline = time.monotonic() + timeout
        self._watch.join(timeout)
        self._workers.join(deadline)

    def drive(self, target: Target, api: Api) -> None:
        """Make the calls of a target by this API from now on; what calls under way bring still counts."""
        with self._lock:
            driven = self._driven.setdefault(target, Driven(target, api))
            if driven.api is not api:
                driven.api, driven.hangs = api, False  # the other way may work
            self._plan(driven, self._clock.monotonic())

    def look_at(self, target: Target) -> None:
        """Look at a target at once: its configuration has changed."""
        with self._lock:
            self._plan(self._driven[target], self._clock.monotonic())

    def remove(self, target: Target) -> None:
        """Make no more calls of a target, and drop what those under way bring."""
        with self._lock:
            if (driven := self._driven.pop(target, None)) is None:
                return
            driven.removed = True
            driven.stuck = driven.calls  # nobody waits for them
            self._waiting.pop(driven, None)
            self._agenda.plan(driven, None)

    @property
    def threads(self) -> int:
        """How many workers there are."""
        return len(self._workers)

    @property
    def busy(self) -> int:
        """How many workers make a call."""
        return self._workers.busy

    @property
    def dead(self) -> list[str]:
        """The names of the targets whose calls are not made, because of a defect of ours."""
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
        """Wait for a target that has something to do and return it, None at the end."""
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
        """Return the first that waits for a worker and may have one; those that may not start waiting again."""
        for driven in tuple(self._waiting):
            if self._has_worker(driven, now, free):
                del self._waiting[driven]
                return driven
            self._waiting[driven] = now
        return None

    def _plan(self, driven: Driven, at: float | None) -> None:
        """Have a target looked at, with the lock held."""
        self._agenda.plan(driven, None if driven.removed else at)
        if at is not None:
            self._hurry(at)

    def _hurry(self, looks_at: float) -> None:
        if self._looks_at is None or looks_at < self._looks_at:
            self._looks_at = looks_at
            self._wake.notify()

    # Taking calls from targets.

    def _look(self, driven: Driven, free: Worker[_Task] | None = None) -> _Task | None:
        """Take from a target what it has to do. Return a call for the worker that is ``free``, and give others to others."""
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
        """Return the call that a target makes now; plan when it is looked at again when there is none."""
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
        except Exception as error:  # noqa: BLE001 - a defect of ours must not end what works
            self._complain(driven, error)
            return None
        log_events(events)
        if changed:
            self._on_change(False)  # noqa: FBT003 - one argument, told above
        return work

    def _rest(self, driven: Driven, wakes_at: float | None, expires_at: float | None, now: float) -> None:
        """Plan when a target is looked at that has nothing to do, or no worker for it. Its calls bring one to it too."""
        if wakes_at is None or wakes_at > now:
            self._waiting.pop(driven, None)
            self._plan(driven, wakes_at)
        elif self._has_worker(driven, now):  # one has become free meanwhile
            self._plan(driven, now)
        else:
            if driven.may_call:
                self._waiting.setdefault(driven, now)
                self._hurry(now + _PATIENCE)
            self._plan(driven, expires_at)

    def _complain(self, driven: Driven, error: Exception) -> None:
        text = "internal error: the exporter makes no calls for this target until it is over; please report this"
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
        """Tell whether there is a worker for one more call of a target, ``free`` of the busy ones counted as idle."""
        return self._capacity.has_worker(driven, self._workers.busy - free, now)

    def _hire(self, driven: Driven) -> Worker[_Task] | None:
        with self._lock:
            now = self._clock.monotonic()
            if not self._has_worker(driven, now):
                return None
            try:
                return self._workers.hire(self._capacity.most_workers(now))
            except RuntimeError as error:  # a limit of processes, say: those that run go on
                self._complaints.tell(
                    "cannot start another thread; calls wait for the threads that run",
                    error,
                    target=driven.target.spec.name,
                    remedy="Raise the limit of threads or processes for the container or the user.",
                )
                self._capacity.refuse(len(self._workers), now)
                return None

    # Workers.

    def _work(self, task: _Task, worker: Worker[_Task]) -> _Task | None:
        """Make a call, bring back what came of it, and return the next: of those that wait, else of the same target."""
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
            # This worker looks at it in a moment, but the receiver of the change may hold it up.
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
