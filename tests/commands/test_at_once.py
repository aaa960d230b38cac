"""Calls of many targets at once."""

from __future__ import annotations

import threading

import pytest
from support.processes import PATIENCE

from exporter.cli.at_once import at_once


@pytest.mark.parametrize("threads", [1, 3, 99])
def test_what_comes_of_each_is_in_its_place(threads: int) -> None:
    assert at_once(lambda number: number * number, range(20), threads) == [number * number for number in range(20)]
    assert at_once(str, (), threads) == []


def test_one_that_hangs_keeps_no_other_waiting() -> None:
    others = threading.Semaphore(0)

    def do(number: int) -> bool:
        if number:
            others.release()
            return True
        return all(others.acquire(timeout=PATIENCE) for _ in range(9))  # hangs until all others are done

    assert all(at_once(do, range(10), 2))


def test_what_one_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        at_once(lambda number: 1 / number, range(5), 2)
