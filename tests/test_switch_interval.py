"""While a page is made, other threads get their turn sooner; afterwards describes cost no more CPU than before."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest
from support.processes import wait_until

from exporter.switch_interval import SHORT_SECONDS, short_switch_interval

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def before() -> Iterator[float]:
    """Return the switch interval before the test, when no page of another test is being made; put it back."""
    wait_until(lambda: all(thread.name != "pages" for thread in threading.enumerate()), what="the last page")
    before = sys.getswitchinterval()
    yield before
    sys.setswitchinterval(before)


def test_is_short_during_the_block_even_if_that_fails(before: float) -> None:
    @short_switch_interval()
    def compute() -> None:
        assert sys.getswitchinterval() == pytest.approx(SHORT_SECONDS)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - it is the one above
        compute()
    assert sys.getswitchinterval() == before


def test_stays_short_until_the_last_block_has_ended(before: float) -> None:
    entered, leave = threading.Event(), threading.Event()

    def compute() -> None:
        with short_switch_interval():
            entered.set()
            leave.wait()

    other = threading.Thread(target=compute)
    with short_switch_interval():
        other.start()
        entered.wait()
    assert sys.getswitchinterval() == pytest.approx(SHORT_SECONDS)
    leave.set()
    other.join()
    assert sys.getswitchinterval() == before
