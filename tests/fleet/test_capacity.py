"""Who may make one more call, by numbers only."""

from __future__ import annotations

import pytest
from fleet.driver import START, FakeApi, Own, target_spec

from exporter.clock import Instant
from exporter.fleet import Target
from exporter.fleet.capacity import Capacity, Driven

TELEMETRY = Own()
"""What no test here reads, made once: hundreds of targets are."""


def driven(*, hangs: bool = False, rate: float = 100.0) -> Driven:
    target = Target(target_spec("churn", requests_per_second=rate), TELEMETRY, Instant(START, 0.0))
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
    assert Crowd().crowd(200) == 8


@pytest.mark.long
def test_calls_that_take_long_make_room_up_to_a_limit() -> None:
    crowd = Crowd()
    assert [crowd.crowd(200, at) for at in (0.0, 0.1, 0.15, 0.3)] == [8, 0, 8, 8]
    for at in range(1, 30):
        crowd.crowd(200, float(at))
    assert len(crowd.calls) == 128


def test_targets_that_hang_leave_some_to_the_others() -> None:
    crowd = Crowd()
    assert crowd.crowd(200, hangs=True) == 112
    assert crowd.crowd(100) == 8


def test_a_target_that_hangs_makes_one_call_at_a_time() -> None:
    crowd, each = Crowd(), driven(hangs=True)
    assert sum(crowd.call(each) for _ in range(5)) == 1


def test_further_calls_are_few_while_they_are_quick() -> None:
    crowd, others = Crowd(), [driven(), driven()]
    assert sum(crowd.call(other) for other in others for _ in range(20)) == 8, "there are no more workers"
    each = driven()
    assert [crowd.call(each, 0.1) for _ in range(2)] == [False, False]
    assert [crowd.call(each, 0.15) for _ in range(2)] == [True, True], "those take long by then"


def test_targets_that_hang_hold_no_more_than_some_further_calls() -> None:
    crowd = Crowd()
    hanging = [driven() for _ in range(40)]
    for at in range(60):
        for each in hanging:
            crowd.call(each, float(at))
    assert len(crowd.calls) == 40 + 32
    assert crowd.crowd(40, 60.0) >= 8, "others still have their first ones"


def test_calls_of_others_that_take_long_keep_no_second_call_from_being_made() -> None:
    crowd, each = Crowd(), driven()
    crowd.crowd(8)
    crowd.crowd(8, 1.0)
    assert sum(crowd.call(each, 2.0) for _ in range(20)) == 8


@pytest.mark.long
def test_calls_that_were_given_up_do_not_count_but_are_bounded() -> None:
    crowd = Crowd()
    for turn in range(60):
        crowd.crowd(200, float(turn))
        for each, _ in crowd.calls:
            each.stuck = each.calls
    assert len(crowd.calls) == 256


def test_calls_that_were_given_up_keep_no_target_from_its_next_try() -> None:
    crowd = Crowd()
    crowd.crowd(200, hangs=True)
    for each, _ in crowd.calls:
        each.stuck = each.calls
    assert crowd.call(driven(hangs=True), 1.0), "it had one time-out and must be able to recover"


def test_one_target_whose_calls_never_come_back_does_not_take_all_workers() -> None:
    crowd, each = Crowd(), driven(hangs=True)
    for turn in range(300):
        crowd.call(each, 40.0 * turn)
        each.stuck = each.calls
    assert each.stuck == 128
    assert crowd.call(driven(hangs=True), 20_000.0), "another may try"
    assert not crowd.call(each, 20_000.0)
    each.calls = each.stuck = 127
    assert crowd.call(each, 20_000.0), "one came back"
    assert crowd.crowd(100, 20_000.0) > 0


def test_a_machine_that_gives_no_thread_is_asked_again() -> None:
    crowd = Crowd()
    assert crowd.crowd(3) == 3
    crowd.capacity.refuse(3, 0.0)
    assert crowd.crowd(1, 0.9) == 0
    assert crowd.crowd(1, 1.0) == 1


def test_what_came_back_makes_room() -> None:
    crowd = Crowd()
    crowd.crowd(8)
    each, serial = crowd.calls.pop()
    crowd.capacity.end(each, serial)
    assert crowd.crowd(2) == 1


def test_a_target_that_was_removed_calls_no_more() -> None:
    each = driven()
    each.removed = True
    assert not Crowd().call(each)


def test_a_job_that_hangs_beside_others_that_are_answered_does_not_slow_its_target() -> None:
    each = driven()
    each.was_answered(10.0)
    for note, at, hangs in (
        (each.timed_out, 5.0, False),
        (each.timed_out, 11.0, True),
        (each.timed_out, 6.0, True),  # an older call that is given up later tells nothing good
        (each.was_answered, 12.0, False),
    ):
        note(at)
        assert each.hangs is hangs
