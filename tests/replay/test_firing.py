from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from replay.firing import evaluated, held
from replay.fleet import START, Fleet
from replay.rules import Rules
from replay.samples import lay
from support.tools import RELEASES, release, require

if TYPE_CHECKING:
    from pathlib import Path

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


@pytest.mark.parametrize("version", RELEASES)
def test_records_are_there_before_what_is_made_of_them(version: str, tmp_path: Path) -> None:
    """And end at the evaluation in which their expression gives nothing any more."""
    interval, count = 60.0, 1200
    fleet = Fleet(1, interval, START, START + (count + 40) * interval, (), (), (), (), own_evaluation=30.0)
    seen = [number for number in range(1, count) if number <= 600 or number > 660]
    lay(
        (f'sagemaker_tuning_x{{a="q\\"\\\\"}} {number} {START + number * interval:.0f}\n' for number in seen),
        require("promtool"),
        tmp_path / "data",
    )
    alert = {"alert": "A", "for": "5m", "keep_firing_for": "0s"}
    made = "tuning:x:twice > 200 and tuning:x:twice offset 10m < 1300  # tuning:x:never"
    rules = Rules(
        {"A": {**alert, "expr": made}, "B": {**alert, "expr": "tuning:x:once unless tuning:x:once{a!~'q.*'}"}},
        {
            "tuning:x:twice": "2 * tuning:x:once",
            "tuning:x:once": "sagemaker_tuning_x + 0",
            "tuning:x:never": "vector(1)",
        },
    )
    fired = evaluated(rules, fleet, require("promtool"), release(version, "prometheus"), tmp_path)
    told = {
        (one.alert, one.labels["a"], round((one.since - START) / 60), round((one.until - START) / 60)) for one in fired
    }
    assert told == {("A", 'q"\\', 106, 601), ("B", 'q"\\', 6, 601), ("B", 'q"\\', 666, 1200)}
