from __future__ import annotations

import pytest

from bench.table import LINEAR, Row, Spread, growth, markdown, replaced, versus


def cells(row: Row) -> list[str]:
    return [cell.strip() for cell in markdown([row]).splitlines()[-1].strip("|").split("|")]


def test_ratios_are_formed_pair_by_pair() -> None:
    row = versus("a scrape", [1.0, 2.0, 4.0], "theirs", [100.0, 200.0, 400.0], "s", 1 / 50)
    assert (row.ratio, row.met) == (Spread(0.01, 0.01, 0.01), True)
    assert cells(row) == [
        "a scrape",
        "2 s (1 to 4)",
        "theirs",
        "200 s (100 to 400)",
        "1/100 (1/100 to 1/100)",
        "≤ 1/50",
        "yes",
    ]


def test_a_goal_that_is_missed_stands_out() -> None:
    row = versus("a scrape", [3.0], "theirs", [100.0], "s", 1 / 50)
    assert row.met is False
    assert cells(row)[-1] == "**no**"


def test_a_goal_without_a_ratio_is_held_against_the_figure() -> None:
    assert cells(Row("memory", Spread.of([81.0, 80.0, 82.0], "MB"), limit=85)) == [
        *("memory", "81 MB (80 to 82)", "", "", "", "≤ 85 MB", "yes")
    ]
    assert Row("memory", Spread.of([86.0], "MB"), limit=85).met is False


def test_without_a_goal_nothing_is_met() -> None:
    assert versus("a scrape", [1.0], "theirs", [2.0], "s").met is None


@pytest.mark.parametrize(("many", "met"), [(9.0, True), (10.0, True), (12.0, False)])
def test_growth_is_held_against_linear(many: float, met: bool) -> None:
    row = growth("10 jobs", [many], [1.0], 10, "s")
    assert (row.limit, row.met) == (LINEAR, met)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(12.3456, "12.3 s"), (0.0123456, "12.3 ms"), (0.0000123456, "12.3 µs"), (1234.5, "1,234 s"), (0.0, "0 µs")],
)
def test_seconds_are_shown_in_three_digits(value: float, shown: str) -> None:
    assert str(Spread.of([value], "s")) == shown


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    page = replaced(
        "above\n<!-- Below: written by `make bench`. -->\nold\n<!-- Above: written by `make bench`. -->\nunder\n",
        "new\n",
    )
    assert "old" not in page
    assert [line for line in page.splitlines() if line and not line.startswith("<!--")] == ["above", "new", "under"]
    assert replaced(page, "new\n") == page
    with pytest.raises(ValueError, match="no marks"):
        replaced("a page", "new\n")
