from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.fleet.schedule import in_about_a_day, next_round, retry_at, tags_retry_at


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


DAY = 86_400.0


def test_tags_are_listed_again_in_about_a_day_spread_over_a_fifth_of_it() -> None:
    pauses = sorted(in_about_a_day(f"job-{i}", 1_000.0) - 1_000.0 for i in range(1_000))
    assert 0.9 * DAY <= pauses[0] < 0.91 * DAY
    assert 1.09 * DAY < pauses[-1] <= 1.1 * DAY
    tenths = [sum(low <= pause / DAY < low + 0.02 for pause in pauses) for low in (0.9, 0.98, 1.06)]
    assert all(50 < count < 150 for count in tenths)


def test_each_tuning_job_keeps_its_moment() -> None:
    assert in_about_a_day("churn", 0.0) == in_about_a_day("churn", DAY) - DAY


def test_pauses_before_tags_are_tried_again_double_from_a_minute_to_an_hour() -> None:
    assert [tags_retry_at(failures, 7.0) - 7.0 for failures in range(1, 9)] == [
        *(60, 120, 240, 480, 960, 1_920),
        *(3_600, 3_600),
    ]
    assert tags_retry_at(1_000_000, 0.0) == 3_600
