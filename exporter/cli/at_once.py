"""Calls many targets in parallel, so that one that hangs does not delay the others."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")
R = TypeVar("R")

THREADS = 32
"""Enough for ten accounts in two regions that hang, and as many that answer."""


def at_once(do: Callable[[T], R], items: Iterable[T], threads: int = THREADS) -> list[R]:
    """Return the results of ``do`` for all items, in order. Raises the first error of ``do``.

    It is called in ``threads`` threads, of which this one is one. Ctrl-C ends the wait at once; the threads end with the process.
    """
    numbered = [*enumerate(items)]
    if min(threads, len(numbered)) <= 1:
        return [do(item) for _, item in numbered]
    waiting: queue.SimpleQueue[tuple[int, T]] = queue.SimpleQueue()
    for each in numbered:
        waiting.put(each)
    done: dict[int, R] = {}
    raised: list[BaseException] = []

    def work() -> None:
        while not raised:
            try:
                place, item = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                done[place] = do(item)
            except BaseException as error:  # noqa: BLE001 - it is raised below
                raised.append(error)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(min(threads, len(numbered)))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if raised:
        raise raised[0]
    return [done[place] for place, _ in numbered]
