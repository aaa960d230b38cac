"""Threads that make calls, however many it takes: idle ones first, and each ends when it has been idle for a while."""

from __future__ import annotations

import itertools
import queue
import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_IDLE_SECONDS = 30.0

T = TypeVar("T")


class Worker(Generic[T]):
    """One thread. It does the task that it is given, and whatever ``do`` returns as the next."""

    def __init__(self, workers: Workers[T], name: str) -> None:
        self._workers = workers
        self._inbox: queue.SimpleQueue[T | None] = queue.SimpleQueue()
        self.thread = threading.Thread(name=name, daemon=True, target=self._run)

    def give(self, task: T | None) -> None:
        """Have a task done; None ends the thread."""
        self._inbox.put(task)

    def _run(self) -> None:
        task = self._receive()
        while task is not None:
            task = self._workers.do(task, self)
            if task is None:
                self._workers.release(self)
                task = self._receive()

    def _receive(self) -> T | None:
        while True:
            try:
                return self._inbox.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                if self._workers.may_end(self):  # else a task is on its way
                    return None


class Workers(Generic[T]):
    """Threads by what they do. ``do`` is given a task and the worker, and returns its next task if there is one.

    Those that have been idle for the shortest time come first, so that the others may end. Thread-safe.
    """

    def __init__(self, do: Callable[[T, Worker[T]], T | None]) -> None:
        self.do = do
        self._lock = threading.Lock()
        self._all: set[Worker[T]] = set()
        self._idle: list[Worker[T]] = []
        self._serials = itertools.count()
        self._stopping = False

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._all)

    @property
    def busy(self) -> int:
        """How many are not idle."""
        return len(self._all) - len(self._idle)

    @property
    def alive(self) -> bool:
        """Whether every thread runs that has not ended because there was no work."""
        return all(worker.thread.is_alive() for worker in tuple(self._all))

    def hire(self, most: int) -> Worker[T] | None:
        """Return an idle worker, else a new one where there are fewer than ``most``. Give it a task, or release it.

        Raises RuntimeError where the machine refuses a thread.
        """
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if len(self._all) >= most or self._stopping:
                return None
            worker = Worker(self, f"call-{next(self._serials)}")
            worker.thread.start()
            # In the set only now: one that has not started yet would look dead.
            self._all.add(worker)
            return worker

    def release(self, worker: Worker[T]) -> None:
        """Take back a worker that has no task."""
        with self._lock:
            if self._stopping:
                worker.give(None)
            self._idle.append(worker)

    def may_end(self, worker: Worker[T]) -> bool:
        """Tell whether a worker has been given nothing, and let it go."""
        with self._lock:
            if worker not in self._idle:
                return False
            self._idle.remove(worker)
            self._all.discard(worker)
            return True

    def stop(self) -> None:
        """Tell all to end after the tasks that they are in. Does not wait."""
        with self._lock:
            self._stopping = True
            for worker in self._idle:
                worker.give(None)

    def join(self, deadline: float) -> None:
        """Wait for all to end, at most until ``deadline`` (seconds of ``time.monotonic``)."""
        for worker in tuple(self._all):
            worker.thread.join(max(0.0, deadline - time.monotonic()))
