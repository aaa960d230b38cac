from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.web.webconfig.rate import TokenBucket
from exporter.web.webconfig.settings import Rate


def test_a_burst_passes_and_then_one_request_each_interval() -> None:
    bucket = TokenBucket(Rate(0.5, 3), now=100.0)
    assert [bucket.take(100.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert bucket.take(100.25) == 0.25
    assert bucket.take(100.5) == 0
    assert bucket.take(100.5) == 0.5


def test_no_more_than_a_burst_is_saved() -> None:
    bucket = TokenBucket(Rate(1.0, 2), now=0.0)
    assert [bucket.take(1000.0) for _ in range(3)] == [0, 0, 1]


@given(st.lists(st.floats(0, 3), max_size=100), st.sampled_from([0.25, 1.0]), st.integers(1, 5))
def test_in_any_time_pass_no_more_than_the_burst_and_one_for_each_interval(
    steps: list[float], interval: float, burst: int
) -> None:
    bucket, now, passed = TokenBucket(Rate(interval, burst), 0.0), 0.0, 0
    for step in steps:
        now += step
        wait = bucket.take(now)
        passed += wait == 0
        assert 0 <= wait <= interval
        assert passed <= burst + now / interval + 1e-6


def test_who_waits_as_long_as_told_passes() -> None:
    bucket = TokenBucket(Rate(0.75, 1), 0.0)
    assert bucket.take(0.0) == 0
    wait = bucket.take(0.1)
    assert bucket.take(0.1 + wait + 1e-9) == 0
