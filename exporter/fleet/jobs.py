"""The tuning jobs of one target: which is described next, and which are past their retention."""

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
    """Tuning jobs by name, independent of case. Those that the configuration lists come first.

    The methods with the names of those of ``Job`` also update the queue. ``changes`` counts everything that may have changed
    a view, ``comings`` the tuning jobs added and removed. Not thread-safe. Due times are monotonic seconds.
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
        """Return the number of tuning jobs."""
        return len(self._by_key)

    def __contains__(self, name: str) -> bool:
        """Return whether there is a tuning job with this name."""
        return name_key(name) in self._by_key

    def __iter__(self) -> Iterator[Job]:
        """Return an iterator over the tuning jobs."""
        return iter(self._by_key.values())

    def get(self, name: str) -> Job | None:
        """Return the tuning job with this name, None if there is none."""
        return self._by_key.get(name_key(name))

    def add(self, job: Job) -> None:
        """Add a tuning job. It replaces one with the same name."""
        self._by_key[job.key] = job
        self.comings += 1
        self._enqueue(job)

    def remove(self, name: str) -> None:
        """Remove the tuning job with this name, if there is one. The result of a describe under way is dropped."""
        key = name_key(name)
        if self._by_key.pop(key, None) is not None:
            self.comings += 1
            self._ends.pop(key, None)
            self._calls.forget(Operation.DESCRIBE, key)
            self.changes += 1

    def arrange(self, names: Iterable[str]) -> None:
        """Put the tuning jobs in this order. Those not named come last."""
        first = {key: self._by_key[key] for key in map(name_key, names)}
        self._by_key = first | {key: job for key, job in self._by_key.items() if key not in first}

    def configure(self, job: Job, spec: JobSpec) -> None:
        """Apply a new configuration to a tuning job."""
        job.configure(spec)
        self.changes += 1
        self._note_end(job)

    def plan(self, job: Job, due: float, now: Instant) -> None:
        """Plan the next describe for the time ``due``."""
        job.plan(due, now)
        self._enqueue(job)

    def settle(self, job: Job, due: float, owed: float, now: Instant) -> None:
        """Plan the next describe after the values were confirmed."""
        job.settle(due, owed, now)
        self._enqueue(job)

    def retry(self, job: Job, due: float, now: Instant) -> None:
        """Plan a describe before the next round, after a failure."""
        job.retry(due, now)
        self._enqueue(job)

    def confirm(self, job: Job, owed: float, now: Instant) -> None:
        """Note that a list shows no change. ``owed`` stays if a describe is already due or under way."""
        if job.due > now.monotonic and self.is_idle(job):
            job.confirm(owed)

    def note_listed(self, job: Job, summary: Summary) -> None:
        """Store what a list says about a tuning job."""
        self.changes += job.note_listed(summary)
        self._note_end(job)

    def tag(self, name: str, tags: Mapping[str, str]) -> None:
        """Store the tags that become labels, if there is a tuning job with this name."""
        if (job := self.get(name)) is not None:
            self.changes += job.tag(tags)

    def spent(self, name: str, spend: Spend | None) -> None:
        """Store the sums over the training jobs, if there is a tuning job with this name."""
        if (job := self.get(name)) is not None:
            self.changes += job.spent(spend)

    def called(self, work: Work, outcome: object, now: Instant) -> None:
        """Add a call to the history of the tuning job that it is about, if any. This does not count as a change of the view."""
        if work.operation.concerns_one_job and (job := self.get(work.name)) is not None:
            code = outcome.code if isinstance(outcome, Failure) else None
            job.called(work.operation, code, now.monotonic - work.started, now)

    def redraw(self) -> None:
        """Make all views anew."""
        self.changes += 1
        for job in self:
            job.redraw()

    def _enqueue(self, job: Job) -> None:
        self.changes += 1
        self._note_end(job)
        heapq.heappush(self._queue, (job.due, next(self._serials), job.key))
        if len(self._queue) > 2 * len(self._by_key) + _SLACK:  # a new due time leaves the old entry in the queue
            self._queue = [(each.due, next(self._serials), each.key) for each in self]
            heapq.heapify(self._queue)

    @property
    def due(self) -> float | None:
        """When the next describe is due. Tuning jobs with a describe under way do not count."""
        while self._queue:
            due, _, key = self._queue[0]
            job = self._by_key.get(key)
            if job is not None and job.due == due and self.may_ask(job):
                return due
            heapq.heappop(self._queue)
        return None

    @property
    def first(self) -> Job:
        """The tuning job that is due first."""
        return self._by_key[self._queue[0][2]]

    def pop(self) -> None:
        """Remove the first tuning job from the queue."""
        heapq.heappop(self._queue)

    def may_ask(self, job: Job) -> bool:
        """Return whether a describe may be made: no other one of it holds a thread."""
        return self._calls.may_ask(Operation.DESCRIBE, job.key)

    def is_idle(self, job: Job) -> bool:
        """Return whether no describe of it is under way. One that was given up may still hold a thread."""
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
        """Return when the next discovered job reaches the end of its retention. None if no job is known to have ended."""
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
        """Return the names of the discovered jobs whose retention is over."""
        return [
            job.spec.name
            for job in self
            if (goes_at := job.goes_at(retention, now)) is not None and goes_at <= now.monotonic
        ]
