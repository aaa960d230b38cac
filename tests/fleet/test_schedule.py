from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.fleet.schedule import next_round, retry_at


@pytest.mark.parametrize(
    ("now", "expected"), [(100.0, 160.0), (100.1, 160.0), (159.9, 160.0), (160.0, 220.0), (1_000.0, 1_060.0)]
)
def test_rounds_stand_on_a_grid(now: float, expected: float) -> None:
    assert next_round(100.0, 60.0, now) == expected


@given(
    epoch=st.floats(0.0, 1e7),
    interval=st.one_of(st.integers(1, 3_600).map(float), st.floats(0.1, 3_600.0)),
    round_=st.integers(0, 100_000),
)
def test_at_a_round_the_next_one_is_a_whole_interval_away(epoch: float, interval: float, round_: int) -> None:
    now = epoch + round_ * interval
    assert next_round(epoch, interval, now) - now == pytest.approx(interval, abs=1e-6)


@given(epoch=st.floats(0.0, 1e7), interval=st.floats(0.1, 3_600.0), passed=st.floats(0.0, 1e7))
def test_the_next_round_lies_ahead_within_an_interval(epoch: float, interval: float, passed: float) -> None:
    ahead = next_round(epoch, interval, epoch + passed) - (epoch + passed)
    assert 0.0 < ahead <= interval * (1 + 2e-6) + 1e-6


def test_pauses_double_up_to_the_interval() -> None:
    assert [retry_at(failures, 60.0, 1_000.0) - 1_000.0 for failures in range(1, 7)] == [5, 10, 20, 40, 60, 60]


def test_pauses_of_a_short_interval_begin_at_its_quarter() -> None:
    assert [retry_at(failures, 4.0, 0.0) for failures in range(1, 5)] == [1, 2, 4, 4]


def test_endless_failures_do_not_overflow() -> None:
    assert retry_at(1_000_000, 3_600.0, 0.0) == 3_600.0
