"""What is measured of training jobs is what the goals are about; the goals themselves are held here too, on less time."""

from __future__ import annotations

import pytest

from bench import spend
from bench.process import call


@pytest.mark.long
def test_a_change_costs_little_more_than_one_call() -> None:
    assert 0.5 < spend.calls_per_change(3) <= spend.CALLS_LIMIT


@pytest.mark.long
def test_a_thousand_wide_searches_take_little_memory() -> None:
    assert 1 < call("bench.spend:memory") <= spend.MEMORY_LIMIT
