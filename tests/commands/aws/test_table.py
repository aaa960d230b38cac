from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.cli.aws.table import NoTable, as_table

SCALARS = st.none() | st.booleans() | st.integers() | st.text("ab界é", max_size=12)
ANSWERS: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.dictionaries(st.text("abc", max_size=8), inner, max_size=4)
        | st.lists(st.dictionaries(st.text("abc", max_size=8), inner, max_size=3), max_size=3)
    ),
    max_leaves=12,
)


def test_a_box_for_each_object() -> None:
    value = {"name": "churn", "counters": {"done": 3, "failed": 0}, "best": {}}
    assert as_table("Describe", value, 80, color=False) == (
        "----------------------\n"
        "|      Describe      |\n"
        "+--------+-----------+\n"
        "|  name  |  churn    |\n"
        "+--------+-----------+\n"
        "||     counters     ||\n"
        "|+-------+----------+|\n"
        "|| done  | failed   ||\n"
        "|+-------+----------+|\n"
        "||  3    |  0       ||\n"
        "|+-------+----------+|\n"
    )


def test_what_is_too_wide_stands_upright() -> None:
    value = {"first": "x" * 20, "second": "y" * 20}
    assert as_table("T", value, 40, color=False).splitlines()[2:5] == [
        "+---------+------------------------+",
        "|  first  |  xxxxxxxxxxxxxxxxxxxx  |",
        "|  second |  yyyyyyyyyyyyyyyyyyyy  |",
    ]
    assert "first" in as_table("T", value, 60, color=False).splitlines()[3]


def test_a_list_in_a_list_begins_at_the_left_and_has_no_title() -> None:
    value = {"jobs": [[{"name": "a", "where": {"path": "x"}}, {"name": "b", "where": {"path": "y"}}]]}
    lines = as_table("T", value, 80, color=False).splitlines()
    assert lines.count("||    jobs     ||") == 1
    assert lines.count("||    where    ||") == 2
    assert "|     name      |" in lines


@pytest.mark.parametrize("empty", [None, {}, [], "", 0])
def test_nothing_is_shown_of_nothing(empty: object) -> None:
    assert as_table("T", empty, 80, color=False) == ""


@pytest.mark.parametrize("value", [[["a", "b"], ["c"]], [{"a": 1}, 2], [1, {"a": 1, "b": 2}]])
def test_a_list_of_odd_things_is_no_table(value: object) -> None:
    with pytest.raises(NoTable, match="change --query, or take --output json"):
        as_table("T", value, 80, color=False)


@settings(max_examples=60)
@given(ANSWERS, st.integers(10, 120))
def test_all_lines_are_equally_wide_in_whatever_color(value: object, columns: int) -> None:
    table = as_table("T", value, columns, color=False)
    lines = [sum(2 if letter in "界é" else 1 for letter in line) for line in table.splitlines()]
    assert len(set(lines)) <= 1
    colored = as_table("T", value, columns, color=True)
    for code in ("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[33m", "\x1b[34m"):
        colored = colored.replace(code, "")
    assert colored == table
