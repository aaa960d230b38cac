"""The tuning jobs of one target, and which of them is described next."""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING

from exporter.fleet.work import Operation
from exporter.tuning_job import name_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exporter.clock import Instant
    from exporter.fleet.calls import Calls
    from exporter.fleet.job import Job
    from exporter.tuning_job import Summary


_SLACK = 64


class Jobs:
    """Tuning jobs by name, without regard to its case, those that the configuration lists first.

    ``changes`` counts what may have changed the view of any. Not thread-safe. Times are monotonic seconds.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._by_key: dict[str, Job] = {}
        self._serials = itertools.count()
        self._queue: list[tuple[float, int, str]] = []
        self.changes = 0

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
        self._enqueue(job)

    def remove(self, name: str) -> None:
        """Forget one, if there is one of this name."""
        if self._by_key.pop(name_key(name), None) is not None:
            self.changes += 1

    def arrange(self, names: Iterable[str]) -> None:
        """Put them in this order, those not named after the others."""
        first = {key: self._by_key[key] for key in map(name_key, names)}
        self._by_key = first | {key: job for key, job in self._by_key.items() if key not in first}

    def plan(self, job: Job, due: float, now: Instant) -> None:
        """Have one described at a time: see ``Job.plan``."""
        job.plan(due, now)
        self._enqueue(job)

    def settle(self, job: Job, due: float, owed: float, now: Instant) -> None:
        """Have one described later whose values were confirmed: see ``Job.settle``."""
        job.settle(due, owed, now)
        self._enqueue(job)

    def redraw(self, name: str | None = None) -> None:
        """Show one, or all, anew: something beside their own facts has changed."""
        for job in self if name is None else filter(None, [self.get(name)]):
            job.view = None

    def hear(self, job: Job, summary: Summary) -> None:
        """Take what a list says of one: see ``Job.hear``."""
        self.changes += job.hear(summary)

    def _enqueue(self, job: Job) -> None:
        self.changes += 1
        heapq.heappush(self._queue, (job.due, next(self._serials), job.key))
        if len(self._queue) > 2 * len(self._by_key) + _SLACK:  # what was planned anew has left its old entries
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

    def pop(self) -> Job:
        """Return the tuning job that is ``due`` next and take its turn from it."""
        return self._by_key[heapq.heappop(self._queue)[2]]

    def may_ask(self, job: Job) -> bool:
        """Tell whether no call for it is under way."""
        return job.in_flight is None and not self._calls.stuck(Operation.DESCRIBE, job.spec.name)
