"""The tuning jobs of one target, which of them is described next, and which have been shown long enough."""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING

from exporter.errors import Failure
from exporter.fleet.source import Operation
from exporter.tuning_job import name_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from exporter.clock import Instant
    from exporter.config.specs import JobSpec
    from exporter.fleet.calls import Calls
    from exporter.fleet.job import Job
    from exporter.fleet.source import Work
    from exporter.fleet.view import Spend
    from exporter.tuning_job import Summary


_SLACK = 64


class Jobs:
    """Tuning jobs by name, without regard to its case, those that the configuration lists first.

    Its verbs are those of ``Job``; here they also keep the queue. ``changes`` counts what may have changed the view of
    any, ``comings`` those that came or went. Not thread-safe. Due times are monotonic seconds.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._by_key: dict[str, Job] = {}
        self._serials = itertools.count()
        self._queue: list[tuple[float, int, str]] = []
        self._ends: dict[str, float] = {}
        self._ended: list[tuple[float, str]] = []
        self.changes = 0
        self.comings = 0

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._by_key)

    def __contains__(self, name: str) -> bool:
        """Tell whether there is one of this name."""
        return name_key(name) in self._by_key

    def __iter__(self) -> Iterator[Job]:
        """Return all of them."""
        return iter(self._by_key.values())

    def get(self, name: str) -> Job | None:
        """Return the tuning job of this name, if there is one."""
        return self._by_key.get(name_key(name))

    def add(self, job: Job) -> None:
        """Take one in, in place of one of the same name."""
        self._by_key[job.key] = job
        self.comings += 1
        self._enqueue(job)

    def remove(self, name: str) -> None:
        """Forget one, if there is one of this name; what comes of a describe under way is dropped."""
        key = name_key(name)
        if self._by_key.pop(key, None) is not None:
            self.comings += 1
            self._ends.pop(key, None)
            self._calls.forget(Operation.DESCRIBE, key)
            self.changes += 1

    def arrange(self, names: Iterable[str]) -> None:
        """Put them in this order, those not named after the others."""
        first = {key: self._by_key[key] for key in map(name_key, names)}
        self._by_key = first | {key: job for key, job in self._by_key.items() if key not in first}

    def configure(self, job: Job, spec: JobSpec) -> None:
        """Take what a new configuration says of one."""
        job.configure(spec)
        self.changes += 1
        self._note_end(job)

    def plan(self, job: Job, due: float, now: Instant) -> None:
        """Have one described at a time."""
        job.plan(due, now)
        self._enqueue(job)

    def settle(self, job: Job, due: float, owed: float, now: Instant) -> None:
        """Have one described later whose values were confirmed."""
        job.settle(due, owed, now)
        self._enqueue(job)

    def retry(self, job: Job, due: float, now: Instant) -> None:
        """Have one described again before the next round."""
        job.retry(due, now)
        self._enqueue(job)

    def confirm(self, job: Job, owed: float, now: Instant) -> None:
        """Take a list that shows no change of one; for a describe that is due or under way it is still owed."""
        if job.due > now.monotonic and self.is_idle(job):
            job.confirm(owed)

    def hear(self, job: Job, summary: Summary) -> None:
        """Take what a list says of one."""
        self.changes += job.hear(summary)
        self._note_end(job)

    def tag(self, name: str, tags: Mapping[str, str]) -> None:
        """Take the tags that are labels of one, if there is one of this name."""
        if (job := self.get(name)) is not None:
            self.changes += job.tag(tags)

    def spent(self, name: str, spend: Spend | None) -> None:
        """Take what the training jobs of one come to, if there is one of this name."""
        if (job := self.get(name)) is not None:
            self.changes += job.spent(spend)

    def called(self, work: Work, outcome: object, now: Instant) -> None:
        """Take that a call has ended, if it was about one of them. That alone is no reason to show it again."""
        if work.operation.concerns_one_job and (job := self.get(work.name)) is not None:
            code = outcome.code if isinstance(outcome, Failure) else None
            job.called(work.operation, code, now.monotonic - work.started, now)

    def redraw(self) -> None:
        """Show all again."""
        self.changes += 1
        for job in self:
            job.redraw()

    def _enqueue(self, job: Job) -> None:
        self.changes += 1
        self._note_end(job)
        heapq.heappush(self._queue, (job.due, next(self._serials), job.key))
        if len(self._queue) > 2 * len(self._by_key) + _SLACK:  # what was planned again has left its old entries
            self._queue = [(each.due, next(self._serials), each.key) for each in self]
            heapq.heapify(self._queue)

    @property
    def due(self) -> float | None:
        """When the next describe falls due, those under way left out."""
        while self._queue:
            due, _, key = self._queue[0]
            job = self._by_key.get(key)
            if job is not None and job.due == due and self.may_ask(job):
                return due
            heapq.heappop(self._queue)
        return None

    @property
    def first(self) -> Job:
        """The tuning job that is ``due`` next."""
        return self._by_key[self._queue[0][2]]

    def pop(self) -> None:
        """Take its turn from the first one."""
        heapq.heappop(self._queue)

    def may_ask(self, job: Job) -> bool:
        """Tell whether no call for it is out."""
        return self._calls.may_ask(Operation.DESCRIBE, job.key)

    def is_idle(self, job: Job) -> bool:
        """Tell whether no answer for it is awaited; one that was given up may still be out."""
        return not self._calls.awaits(Operation.DESCRIBE, job.key)

    def _note_end(self, job: Job) -> None:
        ended = job.ended if job.discovered else None
        if ended is not None and self._ends.get(job.key) != ended:
            self._ends[job.key] = ended
            heapq.heappush(self._ended, (ended, job.key))
            if len(self._ended) > 2 * len(self._ends) + _SLACK:
                self._ended = [(ended, key) for key, ended in self._ends.items()]
                heapq.heapify(self._ended)

    def goes_at(self, retention: float, now: Instant) -> float | None:
        """Return when the next discovered job has been shown for as long as it is after its end; None: no end is known."""
        while self._ended:
            ended, key = self._ended[0]
            job = self._by_key.get(key)
            if job is not None and job.discovered and job.ended == ended:
                return job.goes_at(retention, now)
            heapq.heappop(self._ended)
            if self._ends.get(key) == ended:
                del self._ends[key]
        return None

    def gone(self, retention: float, now: Instant) -> list[str]:
        """Return the names of the discovered jobs that go now."""
        return [
            job.spec.name
            for job in self
            if (goes_at := job.goes_at(retention, now)) is not None and goes_at <= now.monotonic
        ]
