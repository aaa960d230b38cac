"""The tuning jobs of one account in one region, sorted by name and by creation, and all their training jobs."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.simulator.life import Life
    from exporter.simulator.paging import Key
    from exporter.simulator.training import TrainingJob

_OF_TRAINING_JOB = re.compile(r"(.+)-(\d+)-[0-9a-f]{8}")


def name_key(life: Life) -> Key:
    """Return the sort key of a job by name."""
    return (life.name,)


def creation_key(life: Life) -> Key:
    """Return the sort key of a job by creation time."""
    return (life.created, life.name)


class Order:
    """Lives sorted by a unique ``key``. Not thread-safe."""

    def __init__(self, key: Callable[[Life], Key]) -> None:
        self.key = key
        self._lives: list[Life] = []

    def add(self, life: Life) -> None:
        """Add a life."""
        insort(self._lives, life, key=self.key)

    def remove(self, life: Life) -> None:
        """Remove a life, which must be present."""
        del self._lives[bisect_left(self._lives, self.key(life), key=self.key)]

    def between(self, after: Key = (), before: Key | None = None) -> list[Life]:
        """Return the lives with keys between ``after`` and ``before``, exclusive. These may be only the first part of a key."""
        first = bisect_right(self._lives, after, key=self.key)
        end = len(self._lives) if before is None else bisect_left(self._lives, before, key=self.key)
        return self._lives[first:end]


class Jobs:
    """Tuning jobs by name, independent of case, and in two orders: ``by_name`` and ``by_creation``.

    Training jobs exist longer than their tuning job, so those of earlier jobs with the same name are here too. Not thread-safe.
    """

    def __init__(self) -> None:
        self._lives: dict[str, Life] = {}
        self._earlier: dict[str, list[Life]] = {}
        self.by_name = Order(name_key)
        self.by_creation = Order(creation_key)
        # A job is InProgress only once, from its creation. So the end of this is enough to find those InProgress at any time.
        self._by_progress_end = Order(lambda life: (life.in_progress_until, life.name))

    def __iter__(self) -> Iterator[Life]:
        return iter(self._lives.values())

    def get(self, name: str) -> Life | None:
        """Return the job with this name, independent of case. None if there is none."""
        return self._lives.get(name.lower())

    def put(self, life: Life) -> None:
        """Add a job. It replaces one with the same name, but the training jobs of that one stay."""
        replaced = self.get(life.name)
        if replaced is not None and replaced.generation != life.generation:
            self._earlier.setdefault(life.name.lower(), []).append(replaced)
        self.remove(life.name)
        self._lives[life.name.lower()] = life
        for order in self._orders:
            order.add(life)

    def remove(self, name: str) -> bool:
        """Remove the job with this name, and return whether there was one."""
        life = self._lives.pop(name.lower(), None)
        if life is None:
            return False
        for order in self._orders:
            order.remove(life)
        return True

    def forget_training_job(self, name: str, t: float) -> bool:
        """Delete the record of a training job at ``t``, and return whether there was one."""
        found = self._of_training_job(name)
        if found is None or not found[1].exists(t):
            return False
        life, job = found
        forgetting = life.forgetting(job.name, t)
        earlier = self._earlier.get(life.name.lower(), [])
        if life in earlier:
            earlier[earlier.index(life)] = forgetting
        else:
            self.put(forgetting)
        return True

    def training_job(self, name: str) -> TrainingJob | None:
        """Return the training job with this name, independent of case. None if there never is one."""
        found = self._of_training_job(name)
        return None if found is None else found[1]

    def training_jobs(self) -> Iterator[TrainingJob]:
        """Yield all training jobs, including those of deleted tuning jobs."""
        for life in (*self, *(life for earlier in self._earlier.values() for life in earlier)):
            yield from life.training_jobs

    def in_progress(self, since: float, until: float) -> list[Life]:
        """Return the jobs that are in progress at any time from ``since`` to ``until`` (Unix seconds, inclusive), unsorted."""
        lives = self._by_progress_end.between(after=(since,))
        return [life for life in lives if life.created <= until and since < life.in_progress_until]

    def _of_training_job(self, name: str) -> tuple[Life, TrainingJob] | None:
        parts = _OF_TRAINING_JOB.fullmatch(name.lower())
        if parts is None:
            return None
        current = self.get(parts[1])
        for life in (*self._earlier.get(parts[1], []), *([] if current is None else [current])):
            for job in life.training_jobs[int(parts[2]) - 1 : int(parts[2])]:
                if job.name.lower() == name.lower():
                    return life, job
        return None

    @property
    def _orders(self) -> tuple[Order, ...]:
        return self.by_name, self.by_creation, self._by_progress_end
