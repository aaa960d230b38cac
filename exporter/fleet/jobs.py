"""The tuning jobs of one target, and which of them is described next."""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING

from exporter.fleet.work import Operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.fleet.calls import Calls
    from exporter.fleet.job import Job


class Jobs:
    """Tuning jobs by name, those that the configuration lists first. Not thread-safe. Times are monotonic seconds.

    ``comings_and_goings`` counts those added and removed.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._by_name: dict[str, Job] = {}
        self._serials = itertools.count()
        self._queue: list[tuple[float, int, str]] = []
        self.comings_and_goings = 0

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._by_name)

    def __contains__(self, name: str) -> bool:
        """Tell whether there is one of this name."""
        return name in self._by_name

    def __iter__(self) -> Iterator[Job]:
        """Return all of them."""
        return iter(self._by_name.values())

    def get(self, name: str) -> Job | None:
        """Return the tuning job of this name, if there is one."""
        return self._by_name.get(name)

    def add(self, job: Job) -> None:
        """Take one in, in place of one of the same name."""
        self._by_name[job.spec.name] = job
        self.comings_and_goings += 1
        self.plan(job, job.due)

    def remove(self, name: str) -> None:
        """Forget one, if there is one of this name."""
        if self._by_name.pop(name, None) is not None:
            self.comings_and_goings += 1

    def arrange(self, names: Iterator[str]) -> None:
        """Put them in this order, those not named after the others."""
        first = {name: self._by_name[name] for name in names}
        self._by_name = first | {name: job for name, job in self._by_name.items() if name not in first}

    def plan(self, job: Job, due: float) -> None:
        """Have one described at a time. Its view tells that time, so whoever calls this sees to the view."""
        job.due = due
        heapq.heappush(self._queue, (due, next(self._serials), job.spec.name))

    @property
    def due(self) -> float | None:
        """When the next describe falls due, those under way left out."""
        while self._queue:
            due, _, name = self._queue[0]
            job = self._by_name.get(name)
            if job is not None and job.due == due and self.may_ask(job):
                return due
            heapq.heappop(self._queue)
        return None

    def pop(self) -> Job:
        """Return the tuning job that is ``due`` next and take its turn from it."""
        return self._by_name[heapq.heappop(self._queue)[2]]

    def may_ask(self, job: Job) -> bool:
        """Tell whether no call for it is under way."""
        return job.in_flight is None and not self._calls.stuck(Operation.DESCRIBE, job.spec.name)
