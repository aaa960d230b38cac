"""Who may make one more call, by numbers only."""

from __future__ import annotations

import pytest
from fleet.driver import START, FakeApi, Own, target_spec

from exporter.clock import Instant
from exporter.fleet import Target
from exporter.fleet.capacity import Capacity, Driven


def driven(*, hangs: bool = False, rate: float = 100.0) -> Driven:
    target = Target(target_spec("churn", requests_per_second=rate), Own(), Instant(START, 0.0))
    return Driven(target, FakeApi(), hangs=hangs)


class Crowd:
    """Targets that call, and as many busy workers."""

    def __init__(self) -> None:
        self.capacity = Capacity()
        self.calls: list[tuple[Driven, int]] = []

    def call(self, each: Driven, at: float = 0.0) -> bool:
        """Have a target make one more call if it may."""
        if not self.capacity.has_worker(each, len(self.calls), at):
            return False
        self.calls.append((each, len(self.calls)))
        self.capacity.begin(*self.calls[-1], at)
        return True

    def crowd(self, count: int, at: float = 0.0, *, hangs: bool = False) -> int:
        """Have so many new targets call, and return how many could."""
        return sum(self.call(driven(hangs=hangs), at) for _ in range(count))


@pytest.mark.parametrize(("rate", "calls"), [(0.1, 2), (1.0, 2), (5.0, 5), (100.0, 8)])
def test_the_budget_of_a_second_may_be_in_flight_at_once(rate: float, calls: int) -> None:
    crowd, each = Crowd(), driven(rate=rate)
    assert sum(crowd.call(each) for _ in range(20)) == calls


def test_healthy_targets_share_a_few_workers() -> None:
    assert Crowd().crowd(200) == 16


def test_calls_that_take_long_make_room_up_to_a_limit() -> None:
    crowd = Crowd()
    assert [crowd.crowd(200, at) for at in (0.0, 0.9, 1.0, 2.0, 3.0, 9.0)] == [16, 0, 16, 16, 16, 0]


def test_targets_that_hang_leave_some_to_the_others() -> None:
    crowd = Crowd()
    assert crowd.crowd(100, hangs=True) == 48
    assert crowd.crowd(100) == 16


def test_a_target_that_hangs_makes_one_call_at_a_time() -> None:
    crowd, each = Crowd(), driven(hangs=True)
    assert sum(crowd.call(each) for _ in range(5)) == 1


def test_a_second_call_waits_where_many_are_busy() -> None:
    crowd, each = Crowd(), driven()
    assert crowd.crowd(12) == 12
    assert [crowd.call(each) for _ in range(2)] == [True, False]


def test_calls_that_were_given_up_do_not_count_but_are_bounded() -> None:
    crowd = Crowd()
    for at in (0.0, 1.0, 2.0, 3.0):
        crowd.crowd(16, at)
    for each, _ in crowd.calls:
        each.stuck = 1
    assert crowd.crowd(200, 40.0) == 16, "the usual ones"
    assert crowd.crowd(200, 50.0) == 16
    for turn in range(20):
        for each, _ in crowd.calls:
            each.stuck = each.calls
        crowd.crowd(200, 100.0 + 2 * turn)
    assert len(crowd.calls) == 128


def test_a_machine_that_gives_no_thread_is_asked_again() -> None:
    crowd = Crowd()
    assert crowd.crowd(3) == 3
    crowd.capacity.refuse(3)
    assert crowd.crowd(1) == 0
    crowd.capacity.try_again()
    assert crowd.crowd(1) == 1


def test_what_came_back_makes_room() -> None:
    crowd = Crowd()
    crowd.crowd(16)
    each, serial = crowd.calls.pop()
    crowd.capacity.end(each, serial)
    assert crowd.crowd(2) == 1


def test_a_target_that_was_removed_calls_no_more() -> None:
    each = driven()
    each.removed = True
    assert not Crowd().call(each)
