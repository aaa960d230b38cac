"""A thread for work that may hang, so that the event loop does not wait for it."""

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
    """One thread that does one piece of work after the other. It runs from the first one until this object is deleted.

    This is not an executor, because the process would wait for its thread at the end, even if it hangs on a network disk.
    """

    def __init__(self, *, name: str) -> None:
        self._name = name
        self._started = False
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()

    def submit(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Do work in the thread. The future, of the running event loop, has its result or exception."""
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
        except Exception as raised:  # noqa: BLE001 - the future has it
            result, error = None, raised
        with contextlib.suppress(RuntimeError):  # the loop is closed
            future.get_loop().call_soon_threadsafe(_settle, future, result, error)
        # Keep no reference while waiting for work, because it may refer to the owner of this thread.
        del job, work, future, result, error


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
