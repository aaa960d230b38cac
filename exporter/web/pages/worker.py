"""A thread that makes pages, so that the thread that answers scrapes does not."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from exporter.switch_interval import short_switch_interval

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MOST_WAITING = 4
"""The most pages that may wait while another one is made."""


class Busy(Exception):
    """Too many pages are waiting."""


class Worker:
    """Makes one page after the other. The thread exists only while there is something to do."""

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._at_work = False

    async def make(self, page: Callable[[], T]) -> T:
        """Return what ``page`` returns, or raise what it raises. Raises Busy at once if too many pages are waiting."""
        done: Future[T] = Future()
        with self._lock:
            self._waiting = deque(each for each in self._waiting if not each[0].cancelled())
            if len(self._waiting) >= self._most_waiting:
                raise Busy
            self._waiting.append((done, page))
            begin, self._at_work = not self._at_work, True
        if begin:
            try:
                threading.Thread(target=self._run, name="pages", daemon=True).start()
            except RuntimeError:  # the system refused a thread
                with self._lock:
                    self._at_work = False
                    self._waiting.clear()
                raise
        # If the client has disconnected, its page is cancelled if it has not begun.
        return await asyncio.wrap_future(done)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._at_work = False
                    return
                done, page = self._waiting.popleft()
            if not done.set_running_or_notify_cancel():
                continue
            try:
                with short_switch_interval():
                    done.set_result(page())
            except Exception as error:  # noqa: BLE001 - the future has it
                done.set_exception(error)
            del done, page  # so that a waiting thread keeps nothing alive
