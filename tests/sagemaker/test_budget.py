from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.sagemaker import Budget


def takes(budget: Budget, now: float) -> int:
    """Take all there is."""
    count = 0
    while budget.take(now):
        count += 1
    return count


@pytest.mark.parametrize(("rate", "burst"), [(0.1, 1), (1.0, 1), (5.0, 1), (10.0, 2), (50.0, 10)])
def test_a_burst_is_a_fifth_of_a_second_but_at_least_one_call(rate: float, burst: int) -> None:
    assert takes(Budget(rate, 100.0), 100.0) == burst


def test_tokens_come_at_the_rate_and_do_not_pile_up() -> None:
    budget = Budget(5.0, 0.0)
    assert takes(budget, 0.0) == 1
    assert takes(budget, 0.19) == 0
    assert takes(budget, 0.2) == 1
    assert takes(budget, 1_000.0) == 1


def test_the_next_token_is_told_exactly() -> None:
    budget = Budget(0.5, 10.0)
    assert budget.next_token_at(10.0) == 10.0
    budget.take(10.0)
    assert budget.next_token_at(10.0) == 12.0
    assert budget.next_token_at(11.5) == 12.0
    assert budget.next_token_at(12.0) == 12.0


def test_time_that_goes_back_earns_nothing() -> None:
    budget = Budget(1.0, 10.0)
    budget.take(10.0)
    assert not budget.take(9.0)
    assert budget.next_token_at(9.0) == 10.0


def test_another_rate_gives_back_nothing_that_was_spent() -> None:
    budget = Budget(10.0, 0.0)
    assert takes(budget, 0.0) == 2
    budget.set_rate(100.0, 0.0)
    assert takes(budget, 0.0) == 0
    assert takes(budget, 0.01) == 1
    budget.set_rate(1.0, 10.0)
    assert takes(budget, 10.0) == 1, "what had piled up is cut to the new burst"


@pytest.mark.parametrize("start", [0.0, 2.6e6, 1e7, 1e8])
@pytest.mark.parametrize("rate", [0.05, 1 / 3, 3.0, 5.0, 7.0, 100.0])
def test_waiting_until_the_told_time_always_brings_a_token(start: float, rate: float) -> None:
    budget = Budget(rate, start)
    now = start
    for _ in range(2_000):
        takes(budget, now)
        now = budget.next_token_at(now)
        assert budget.take(now)


@given(
    rate=st.floats(0.05, 100.0),
    start=st.floats(0.0, 1e8),
    steps=st.lists(st.floats(0.0, 30.0), max_size=60),
)
def test_no_window_holds_more_than_the_burst_and_the_rate_allow(rate: float, start: float, steps: list[float]) -> None:
    budget = Budget(rate, start)
    now = start
    calls: list[float] = []
    for step in steps:
        now += step
        calls += [now] * takes(budget, now)
    burst = max(1.0, rate * 0.2)
    for first, begun in enumerate(calls):
        for last in range(first, len(calls)):
            assert last - first + 1 <= burst + rate * (calls[last] - begun) + 1e-4


def calls_in(budget: Budget, start: float, seconds: float) -> int:
    """Return how many calls are made when as many are made as may be."""
    now, count = start, 0
    while now < start + seconds:
        count += takes(budget, now)
        now = max(now + 1e-3, budget.next_token_at(now))
    return count


def test_throttling_halves_the_rate_once_a_second_at_most() -> None:
    budget = Budget(8.0, 0.0)
    for _ in range(5):
        budget.throttled(0.0)
    assert calls_in(budget, 0.0, 1.0) in {3, 4}
    budget = Budget(8.0, 0.0)
    budget.throttled(0.0)
    budget.throttled(1.0)
    assert calls_in(budget, 1.0, 1.0) == 2


def test_throttling_for_ever_leaves_an_eighth() -> None:
    budget = Budget(8.0, 0.0)
    for second in range(600):
        budget.throttled(float(second))
    # One call a second, but the rate grows by 8/60 a second meanwhile: x + 8/60 * x² / 2 = 1.
    assert budget.next_token_at(599.0) - 599.0 == pytest.approx(0.9409, rel=0.001)


def test_the_rate_grows_back_within_a_minute_and_not_at_once() -> None:
    budget = Budget(8.0, 0.0)
    for second in range(10):
        budget.throttled(float(second))
    first, last = calls_in(budget, 10.0, 10.0), 0
    assert first < 8.0 * 10 / 3
    for begin in range(20, 70, 10):
        last = calls_in(budget, float(begin), 10.0)
    assert last == pytest.approx(80, abs=2)


def test_another_configured_rate_keeps_the_slow_down() -> None:
    budget = Budget(8.0, 0.0)
    budget.throttled(0.0)
    budget.set_rate(16.0, 0.0)
    # Eight calls a second, but the rate grows meanwhile.
    assert budget.next_token_at(0.0) == pytest.approx(1 / 8, rel=0.01)


@given(
    rate=st.floats(0.01, 100.0),
    start=st.floats(0.0, 1e7),
    throttled=st.integers(1, 4),
    looks=st.lists(st.floats(0.0, 1.0), max_size=10),
)
def test_the_told_time_does_not_depend_on_who_looks_meanwhile(
    rate: float, start: float, throttled: int, looks: list[float]
) -> None:
    asleep, watched = Budget(rate, start), Budget(rate, start)
    for budget in (asleep, watched):
        takes(budget, start)
        for second in range(throttled):
            budget.throttled(start + second)
    now = start + throttled - 1
    told = asleep.next_token_at(now)
    assert told <= now + 60 + 1 / rate
    for look in sorted(looks):
        assert watched.next_token_at(now + look * (told - now)) == pytest.approx(told, abs=1e-4)
    assert asleep.take(told)
