"""The rate limit, by the second."""

from __future__ import annotations

import pytest

from exporter.simulator.limit import RateLimit


@pytest.mark.parametrize("rate", [0.5, 1, 5, 7, 100])
def test_admits_a_second_at_once_and_then_the_rate(rate):
    limit = RateLimit()
    start = 1000.0
    burst = sum(limit.admits("a", rate, start) for _ in range(300))
    assert burst == max(1, rate)
    admitted = sum(limit.admits("a", rate, start + i / 1000) for i in range(1, 10_001))
    assert admitted == 10 * rate


def test_keys_do_not_share():
    limit = RateLimit()
    assert limit.admits("a", 1, 0.0)
    assert not limit.admits("a", 1, 0.0)
    assert limit.admits("b", 1, 0.0)


def test_a_quiet_hour_earns_one_second():
    limit = RateLimit()
    limit.admits("a", 3, 0.0)
    assert sum(limit.admits("a", 3, 3600.0) for _ in range(10)) == 3
