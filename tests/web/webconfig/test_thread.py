from __future__ import annotations

import asyncio
import gc
import threading
from functools import partial

import pytest
from support.processes import wait_until

from exporter.web.webconfig.thread import DaemonThread


def told(number: int) -> tuple[int, str]:
    return number, threading.current_thread().name


def test_work_is_done_in_one_thread_in_its_order() -> None:
    async def play() -> list[tuple[int, str]]:
        thread = DaemonThread(name="worker")
        futures = [thread.submit(partial(told, n)) for n in range(5)]
        return list(await asyncio.gather(*futures))

    assert asyncio.run(play()) == [(n, "worker") for n in range(5)]


def test_what_is_raised_reaches_whoever_waits_and_the_thread_goes_on() -> None:
    async def play() -> int:
        thread = DaemonThread(name="worker")
        with pytest.raises(ZeroDivisionError):
            await thread.submit(lambda: 1 // 0)
        return await thread.submit(lambda: 7)

    assert asyncio.run(play()) == 7


def test_who_does_not_wait_any_more_disturbs_nobody() -> None:
    async def play() -> int:
        thread, gate = DaemonThread(name="worker"), threading.Event()
        given_up = thread.submit(gate.wait)
        given_up.cancel()
        gate.set()
        return await thread.submit(lambda: 7)

    assert asyncio.run(play()) == 7


def test_a_loop_that_is_closed_meanwhile_ends_nothing() -> None:
    thread, gate = DaemonThread(name="worker"), threading.Event()

    async def begin() -> None:
        thread.submit(gate.wait)

    async def later() -> int:
        return await thread.submit(lambda: 7)

    asyncio.run(begin())
    gate.set()
    assert asyncio.run(later()) == 7


def test_there_is_no_thread_before_there_is_work() -> None:
    before = threading.active_count()
    DaemonThread(name="worker")
    assert threading.active_count() == before


def test_the_thread_ends_with_its_owner() -> None:
    class Owner:
        def __init__(self) -> None:
            self.thread = DaemonThread(name="of an owner")

        def work(self) -> int:
            return 7

    async def play() -> None:
        owner = Owner()
        assert await owner.thread.submit(owner.work) == 7

    asyncio.run(play())
    gc.collect()
    wait_until(lambda: "of an owner" not in [thread.name for thread in threading.enumerate()], what="its end")
