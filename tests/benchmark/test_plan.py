"""What plan tells of memory is held against real daemons by the bench; here against one of them."""

from __future__ import annotations

import pytest

from bench import plan


@pytest.mark.long
def test_memory_is_what_a_daemon_takes() -> None:
    name, *_ = plan.CASES
    told, measured = plan.planned(name), plan.measure(name)
    assert measured / plan.TOLERANCE <= told <= measured * plan.TOLERANCE
