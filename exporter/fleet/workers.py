"""Worker threads. An idle one is used first, else a new one begins. Each ends after it has been idle for a while."""

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
    """One thread. It does the task that it is given, and then the tasks that ``do`` returns."""

    def __init__(self, workers: Workers[T], name: str) -> None:
        self._workers = workers
        self._inbox: queue.SimpleQueue[T | None] = queue.SimpleQueue()
        self.thread = threading.Thread(name=name, daemon=True, target=self._run)

    def give(self, task: T | None) -> None:
        """Give the thread a task; None ends it."""
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
                if self._workers.may_end(self):  # a task is about to come
                    return None


class Workers(Generic[T]):
    """A set of worker threads. ``do`` gets a task and the worker, and returns the next task of this worker, or None.

    The worker that has been idle for the shortest time is used first, so that the others can end. Thread-safe.
    """

    def __init__(self, do: Callable[[T, Worker[T]], T | None]) -> None:
        self.do = do
        self._lock = threading.Lock()
        self._all: set[Worker[T]] = set()
        self._idle: list[Worker[T]] = []
        self._serials = itertools.count()
        self._stopping = False

    def __len__(self) -> int:
        """Return the number of threads."""
        return len(self._all)

    @property
    def busy(self) -> int:
        """The number of threads that are not idle."""
        return len(self._all) - len(self._idle)

    @property
    def alive(self) -> bool:
        """Whether no thread has ended unexpectedly."""
        return all(worker.thread.is_alive() for worker in tuple(self._all))

    def hire(self, most: int) -> Worker[T] | None:
        """Return an idle worker, or a new one if there are fewer than ``most``. Then give it a task or release it.

        Raises RuntimeError if the system refuses a thread.
        """
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if len(self._all) >= most or self._stopping:
                return None
            worker = Worker(self, f"call-{next(self._serials)}")
            worker.thread.start()
            # Added only now, because a thread that has not started yet would count as dead.
            self._all.add(worker)
            return worker

    def release(self, worker: Worker[T]) -> None:
        """Take back a worker that has no task."""
        with self._lock:
            if self._stopping:
                worker.give(None)
            self._idle.append(worker)

    def may_end(self, worker: Worker[T]) -> bool:
        """Return whether an idle worker may end because it has been given no task, and forget it."""
        with self._lock:
            if worker not in self._idle:
                return False
            self._idle.remove(worker)
            self._all.discard(worker)
            return True

    def stop(self) -> None:
        """Tell all threads to end after their present tasks. Does not wait."""
        with self._lock:
            self._stopping = True
            for worker in self._idle:
                worker.give(None)

    def join(self, deadline: float) -> None:
        """Wait until all threads have ended, or until ``deadline`` (seconds of ``time.monotonic``)."""
        for worker in tuple(self._all):
            worker.thread.join(max(0.0, deadline - time.monotonic()))
