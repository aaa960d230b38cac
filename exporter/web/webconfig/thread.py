"""A thread for what the event loop must not wait for, and that may never come back."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class DaemonThread:
    """One thread that does one piece of work after the other; it starts with the first and ends with the process.

    An executor's would be waited for at the end of the process, though it may hang over a network disk that is gone.
    """

    def __init__(self, *, name: str) -> None:
        self._name = name
        self._thread: threading.Thread | None = None
        self._queue: queue.SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]]] = queue.SimpleQueue()

    def submit(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Have work done; the future, of the running event loop, has its result or the exception that it raised."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put((work, future))
        return future

    def _run(self) -> None:
        while True:
            work, future = self._queue.get()
            try:
                result, error = work(), None
            except Exception as raised:  # noqa: BLE001 - whoever waits gets it
                result, error = None, raised
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits any more
                future.get_loop().call_soon_threadsafe(_settle, future, result, error)


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
