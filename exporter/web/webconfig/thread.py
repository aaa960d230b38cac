"""A thread for what the event loop must not wait for, and that may never come back."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


_Job = tuple["Callable[[], Any]", "asyncio.Future[Any]"]


class DaemonThread:
    """One thread that does one piece of work after the other, from the first until this object is gone.

    An executor's would be waited for at the end of the process, though it may hang over a network disk that is gone.
    """

    def __init__(self, *, name: str) -> None:
        self._name = name
        self._started = False
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()

    def submit(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Have work done; the future, of the running event loop, has its result or the exception that it raised."""
        if not self._started:
            self._started = True
            threading.Thread(target=_run, args=(self._jobs,), name=self._name, daemon=True).start()
            weakref.finalize(self, self._jobs.put, None)
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put((work, future))
        return future


def _run(jobs: queue.SimpleQueue[_Job | None]) -> None:
    while (job := jobs.get()) is not None:
        work, future = job
        try:
            result, error = work(), None
        except Exception as raised:  # noqa: BLE001 - whoever waits gets it
            result, error = None, raised
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits any more
            future.get_loop().call_soon_threadsafe(_settle, future, result, error)
        # Nothing of it is kept while there is nothing to do: it may hold the owner of this thread.
        del job, work, future, result, error


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
