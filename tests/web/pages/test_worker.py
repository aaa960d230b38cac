"""The thread that makes pages: one at a time, few that wait, and none left when there is nothing to do."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from functools import partial

import pytest
from support.processes import PATIENCE, wait_until

from exporter.switch_interval import SHORT_SECONDS
from exporter.web.pages.worker import Busy, Worker


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "pages"]


@pytest.fixture
def alone() -> None:
    wait_until(lambda: not threads(), what="no thread of another test")


class Held:
    """A page that is not done before it is released."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.released = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.released.wait(PATIENCE)
        return "held"


def run(what: Callable[[], object]) -> None:
    asyncio.run(asyncio.wait_for(what(), PATIENCE))  # type: ignore[arg-type]


@pytest.mark.usefixtures("alone")
def test_a_page_is_made_by_another_thread_which_then_ends() -> None:
    async def main() -> None:
        made = await Worker().make(threading.current_thread)
        assert made is not threading.current_thread()
        assert made.name == "pages"
        assert made.daemon

    run(main)
    wait_until(lambda: not threads(), what="the end of the thread")


@pytest.mark.usefixtures("alone")
def test_other_threads_get_their_turn_sooner_while_a_page_is_made() -> None:
    before = sys.getswitchinterval()

    async def main() -> None:
        assert await Worker().make(sys.getswitchinterval) == pytest.approx(SHORT_SECONDS)

    run(main)
    wait_until(lambda: sys.getswitchinterval() == before, what="the end of it")


def test_what_goes_wrong_is_raised_where_it_is_waited_for_and_the_next_page_is_made() -> None:
    async def main() -> None:
        worker = Worker()
        with pytest.raises(ZeroDivisionError):
            await worker.make(lambda: 1 / 0)
        assert await worker.make(lambda: "next") == "next"

    run(main)


@pytest.mark.usefixtures("alone")
def test_pages_are_made_one_after_the_other() -> None:
    async def main() -> None:
        worker, order = Worker(), list[tuple[int, int]]()

        def page(place: int) -> Callable[[], None]:
            return lambda: order.append((place, len(threads())))

        await asyncio.gather(*(worker.make(page(place)) for place in range(5)))
        assert order == [(place, 1) for place in range(5)]

    run(main)


def test_who_comes_when_as_many_wait_as_may_is_refused_at_once_and_others_are_served() -> None:
    async def main() -> None:
        worker, held = Worker(most_waiting=2), Held()
        first = asyncio.ensure_future(worker.make(held))
        await asyncio.to_thread(held.begun.wait, PATIENCE)
        waiting = [asyncio.ensure_future(worker.make(partial(int, place))) for place in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await worker.make(lambda: "too many")
        held.released.set()
        assert [await first, *[await each for each in waiting]] == ["held", 0, 1]
        assert await worker.make(lambda: "room again") == "room again"

    run(main)


def test_a_page_that_nobody_waits_for_any_more_is_not_made() -> None:
    async def main() -> None:
        worker, held, made = Worker(), Held(), []
        first = asyncio.ensure_future(worker.make(held))
        await asyncio.to_thread(held.begun.wait, PATIENCE)
        gone = asyncio.ensure_future(worker.make(lambda: made.append("gone")))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        held.released.set()
        assert await first == "held"
        assert await worker.make(lambda: "after") == "after"
        assert made == []

    run(main)


def test_pages_that_nobody_waits_for_any_more_leave_room_for_the_next_ones() -> None:
    async def main() -> None:
        worker, held = Worker(most_waiting=2), Held()
        first = asyncio.ensure_future(worker.make(held))
        await asyncio.to_thread(held.begun.wait, PATIENCE)
        waiting = [asyncio.ensure_future(worker.make(lambda: "page")) for _ in range(2)]
        for _ in range(5):
            await asyncio.sleep(0)
            waiting.pop(0).cancel()
            await asyncio.sleep(0)
            waiting.append(asyncio.ensure_future(worker.make(lambda: "page")))
        await asyncio.sleep(0)
        assert len(worker._waiting) == 2
        with pytest.raises(Busy):
            await worker.make(lambda: "too many")
        held.released.set()
        assert [await first, *[await each for each in waiting]] == ["held", "page", "page"]

    run(main)


def test_without_a_thread_to_be_had_the_page_fails_and_the_next_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        worker = Worker()
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", _no_thread)
            with pytest.raises(RuntimeError, match="no new thread"):
                await worker.make(lambda: "page")
        assert await worker.make(lambda: "page") == "page"

    run(main)


def _no_thread(_: threading.Thread) -> None:
    raise RuntimeError("no new thread")
