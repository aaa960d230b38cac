"""How fast this machine is at this moment: seconds that the product promises are those of a machine that is free."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_SAMPLE_SECONDS = 0.05
_PLAYS = 3


def slowness() -> float:
    """Return how many times longer than on a free core a thread takes to compute at the moment, at least 1."""
    began = time.perf_counter()
    used = _compute(_SAMPLE_SECONDS)
    return max(1.0, (time.perf_counter() - began) / used)


def here(seconds: float) -> float:
    """Return how long so many seconds of a free machine are at the moment."""
    return seconds * slowness()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail unless the block ends within so many seconds of a free machine."""
    before = here(seconds)
    began = time.monotonic()
    yield
    took = time.monotonic() - began
    allowed = max(before, here(seconds))
    assert took < allowed, f"took {took:.2f} s; {seconds:g} s are {allowed:.2f} s at the moment"


def unhurried(play: Callable[[float], T], pace: float, *, answered_within: float) -> T:
    """Return what ``play`` came to at a pace that this machine could follow.

    It takes how long one of its seconds is to be: ``pace``, but at least 1, at first. It is played again, with longer
    ones, while an answer of nothing takes more of its seconds than ``answered_within``: for then time-outs strike that
    would not on a free machine.
    """
    pace = max(1.0, pace)
    for last in (*[False] * (_PLAYS - 1), True):
        with Echo() as echo:
            try:
                came_to = play(pace)
            except Exception:
                if last or echo.slowest < pace * answered_within:
                    raise
            else:
                if last or echo.slowest < pace * answered_within:
                    return came_to
        print(f"played again: an answer of nothing took {echo.slowest:.2f} s when a second lasted {pace:.2f} s")
        pace *= 2
    raise AssertionError


class Echo:
    """Two threads that answer each other all the time beside what is played: how long the slowest answer has taken.

    Each computes for a moment, as who calls and who serves do. So it tells of the machine and of this process, and of
    nothing that is tested.
    """

    _COMPUTING_SECONDS = 0.001
    _PAUSE_SECONDS = 0.1

    def __enter__(self) -> Self:
        self.slowest = 0.0
        self._ends = socket.socketpair()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._ask, self._answer)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        for end in self._ends:
            end.close()

    def _ask(self) -> None:
        asking = self._ends[0]
        while not self._stopping.wait(self._PAUSE_SECONDS):
            began = time.monotonic()
            _compute(self._COMPUTING_SECONDS)
            asking.sendall(b"?")
            asking.recv(1)
            self.slowest = max(self.slowest, time.monotonic() - began)
        asking.shutdown(socket.SHUT_WR)

    def _answer(self) -> None:
        answering = self._ends[1]
        while answering.recv(1):
            _compute(self._COMPUTING_SECONDS)
            answering.sendall(b"!")


def _compute(seconds: float) -> float:
    """Use a CPU for so many seconds; return how many it really were."""
    began = time.thread_time()
    while (used := time.thread_time() - began) < seconds:
        pass
    return used
