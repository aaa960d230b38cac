from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from support.clock import ManualClock
from support.processes import PATIENCE

from exporter.clock import Instant, SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.clock import Clock


def in_background(work: Callable[[], None]) -> Callable[[], None]:
    """Start the work and return how to see to it that it ends; one that hangs keeps nobody from leaving."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()

    def ends() -> None:
        thread.join(PATIENCE)
        assert not thread.is_alive()

    return ends


class TestSystemClock:
    def test_tells_unix_time(self) -> None:
        before = time.time()
        told = SystemClock().time()
        assert before <= told <= time.time()

    def test_tells_monotonic_time(self) -> None:
        before = time.monotonic()
        told = SystemClock().monotonic()
        assert before <= told <= time.monotonic()

    def test_tells_both_at_once(self) -> None:
        clock = SystemClock()
        before = Instant(clock.time(), clock.monotonic())
        now = clock.now()
        assert before.wall <= now.wall <= clock.time()
        assert before.monotonic <= now.monotonic <= clock.monotonic()

    @pytest.mark.parametrize("ahead", [-1e9, -1.0, 0.0, 0.01])
    def test_waits_until(self, ahead: float) -> None:
        clock, condition = SystemClock(), threading.Condition()
        until = clock.monotonic() + ahead
        with condition:
            while clock.monotonic() < until:
                clock.wait(condition, until)
        assert clock.monotonic() >= until

    @pytest.mark.parametrize("until", [None, 1e300, float("inf")])
    def test_waits_for_a_word(self, until: float | None) -> None:
        woken_by_a_word(SystemClock(), until)


class TestManualClock:
    def test_stands_still(self) -> None:
        clock = ManualClock(1_000.0)
        assert [clock.now() for _ in range(3)] == [Instant(1_000.0, 0.0)] * 3
        assert (clock.time(), clock.monotonic()) == (1_000.0, 0.0)

    def test_moves_when_told(self) -> None:
        clock = ManualClock(1_000.0)
        clock.advance(2.5)
        assert clock.now() == Instant(1_002.5, 2.5)
        clock.set_time(1_010.0)
        assert clock.now() == Instant(1_010.0, 10.0)
        clock.advance(0)
        assert clock.now() == Instant(1_010.0, 10.0)

    def test_small_steps_add_up_whatever_the_date(self) -> None:
        clock = ManualClock(1_750_000_000.0)
        for _ in range(8):
            clock.advance(1e-7)
        assert clock.monotonic() == pytest.approx(8e-7)

    def test_never_goes_back(self) -> None:
        clock = ManualClock(1_000.0)
        clock.advance(5)
        with pytest.raises(ValueError, match=r"cannot go back by 0\.5 s"):
            clock.advance(-0.5)
        with pytest.raises(ValueError, match=r"cannot go back by 1\.0 s"):
            clock.set_time(1_004.0)
        assert clock.now() == Instant(1_005.0, 5.0)

    @pytest.mark.parametrize("until", [-1.0, 5.0])
    def test_waits_for_no_moment_that_has_come(self, until: float) -> None:
        clock, condition = ManualClock(), threading.Condition()
        clock.advance(5)
        with condition:
            clock.wait(condition, until)

    def test_waits_until_it_is_moved_there(self) -> None:
        clock, condition = ManualClock(1_000.0), threading.Condition()
        woken: list[float] = []
        waiting = threading.Semaphore(0)

        def wait() -> None:
            with condition:
                while clock.monotonic() < 60:
                    waiting.release()
                    clock.wait(condition, 60)
                    woken.append(clock.monotonic())

        ends = in_background(wait)
        for seconds in (20, 39, 1):
            assert waiting.acquire(timeout=PATIENCE)
            with condition:  # that is: once the other thread has begun to wait
                pass
            clock.advance(seconds)
        ends()
        assert woken == [20, 59, 60]

    def test_waits_for_a_word(self) -> None:
        woken_by_a_word(ManualClock(), None)

    def test_forgets_who_waited(self) -> None:
        clock = ManualClock()
        woken_by_a_word(clock, 60)
        assert clock._waiting == []


def woken_by_a_word(clock: Clock, until: float | None) -> None:
    condition = threading.Condition()
    waiting = threading.Event()
    said = False

    def wait() -> None:
        with condition:
            waiting.set()
            while not said:
                clock.wait(condition, until)

    ends = in_background(wait)
    assert waiting.wait(PATIENCE)
    with condition:
        said = True
        condition.notify_all()
    ends()
