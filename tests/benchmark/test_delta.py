from __future__ import annotations

import pytest

from bench import delta
from bench.day import WAYS, Spent
from bench.delta import REPEATS


def test_over_the_wire_the_same_calls_are_made_and_rendered_and_take_cpu() -> None:
    start, more = delta.measure("running", jobs=8, running=4)
    assert (start.calls, more.calls) == (8 + 3 * 8 + 4, WAYS["running"].rounds * 4)
    for spent in (start, more):
        assert 0 < spent.calls_cpu < spent.cpu
    assert WAYS["running"].rounds <= more.renderings <= 2 * WAYS["running"].rounds


def test_a_day_is_its_start_and_as_often_as_it_has_them_the_rounds_after() -> None:
    assert delta.day("all", [Spent(3.0, 2.0, 1_000, 7), Spent(5.0, 4.0, 2_000, 9)]) == Spent(
        3.0 + 719.5 * 5, 2.0 + 719.5 * 4, 1_000 + 719.5 * 2_000, 7 + 719.5 * 9
    )


def test_each_way_has_its_row_and_the_goals_are_those_of_describing_all(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = {
        way: [Spent(2 * size, size, 0, 0), Spent(0, 0, 0, 0)]
        for way, size in {"delta": 1.0, "running": 4.0, "all": 24.0}.items()
    }
    monkeypatch.setattr(delta, "measure", lambda way, jobs, running: measured[way])
    rows = delta.rows()
    assert [round(1 / row.ratio.median, 2) for row in rows if row.ratio] == [4, 24, 4, 24]
    assert [row.met for row in rows] == [None, False, None, False]
    assert REPEATS >= 3
    assert len({(row.what, row.against) for row in rows}) == len(rows)
