from __future__ import annotations

import pytest
from replay.firing import held

MINUTE = 60.0


@pytest.mark.parametrize(
    ("active", "hold", "keep", "expected"),
    [
        ([], 5, 0, []),
        ([0, 1, 2, 3, 4], 5, 0, []),
        ([0, 1, 2, 3, 4, 5], 5, 0, [(5, 6)]),
        ([3], 0, 0, [(3, 4)]),
        ([3], 0, 10, [(3, 14)]),
        ([0, 1, 2, 4, 5, 6], 3, 0, []),  # a gap: it must hold anew
        ([0, 1, 2, 3, 10], 3, 6, [(3, 17)]),  # back before it is resolved
        ([0, 1, 2, 3, 11], 3, 6, [(3, 10)]),  # back too late, and too short to fire again
        ([0, 1, 5, 6], 1, 0, [(1, 2), (6, 7)]),
    ],
)
def test_held(active: list[int], hold: int, keep: int, expected: list[tuple[int, int]]) -> None:
    times = [MINUTE * minute for minute in active]
    found = [*held(times, MINUTE * hold, MINUTE * keep, MINUTE)]
    assert found == [(MINUTE * since, MINUTE * until) for since, until in expected]
