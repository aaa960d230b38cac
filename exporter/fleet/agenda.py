"""A priority queue of items by time, where each item has at most one time."""

from __future__ import annotations

import heapq
import itertools
from typing import Generic, TypeVar

T = TypeVar("T")

_SLACK = 64


class Agenda(Generic[T]):
    """Items, each with the time when it is to be looked at. Not thread-safe. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._at: dict[T, float] = {}
        self._serials = itertools.count()
        self._queue: list[tuple[float, int, T]] = []

    def plan(self, item: T, at: float | None) -> None:
        """Set the time of an item, in place of any earlier one. With None, remove the item."""
        if at is None:
            self._at.pop(item, None)
        elif self._at.get(item) != at:
            self._at[item] = at
            heapq.heappush(self._queue, (at, next(self._serials), item))
            if len(self._queue) > 2 * len(self._at) + _SLACK:  # a new time leaves the old entry in the queue
                self._queue = [(at, next(self._serials), item) for item, at in self._at.items()]
                heapq.heapify(self._queue)

    @property
    def next_at(self) -> float | None:
        """The time of the first item. None if there is no item."""
        while self._queue and self._at.get(self._queue[0][2]) != self._queue[0][0]:
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    def pop(self, now: float) -> T | None:
        """Remove and return the first item whose time has come. None if there is none."""
        next_at = self.next_at
        if next_at is None or next_at > now:
            return None
        item = heapq.heappop(self._queue)[2]
        del self._at[item]
        return item
