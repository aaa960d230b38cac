"""Rows come back as they were told, whatever changes in them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.recording.delta import Rows, by_row, columns, leaves

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.integers(-(10**12), 10**12).map(lambda number: number / 1000),
    st.text(max_size=4),
    st.just([]),
    st.just({}),
    st.lists(st.integers(0, 3), max_size=2),
)
MEMBERS = st.sampled_from(["a", "a/b", "~", "", "Time"])
ROWS = st.recursive(
    st.dictionaries(MEMBERS, LEAVES, max_size=4), lambda inner: st.dictionaries(MEMBERS, inner, max_size=3)
)


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are alike in types too."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from("xyz"), ROWS, max_size=3), max_size=5))
def test_rows_come_back_as_they_were_told(pages: list[dict[str, dict[str, Any]]]) -> None:
    telling, reading = Rows(), Rows()
    for page in pages:
        new = [key for key in page if key not in telling]
        numbered = [(telling.add(key), telling.told(key, leaves(row))) for key, row in page.items()]
        line = json.loads(json.dumps([new, columns(numbered)]))
        for key in line[0]:
            reading.add(key)
        for number, changes in by_row(line[1]).items():
            reading.change(reading.key(number), changes)
        for key, row in page.items():
            assert same(reading.row(key), row)


def test_what_stays_is_not_told_again_and_times_are_told_by_what_has_passed() -> None:
    rows = Rows()
    rows.told("a", leaves({"Status": "InProgress", "LastModifiedTime": 1_764_000_000.25, "Counters": {"Completed": 3}}))
    changed = {"Status": "InProgress", "LastModifiedTime": 1_764_000_010.263, "Counters": {"Completed": 5}}
    assert rows.told("a", leaves(changed)) == {"/LastModifiedTime": 10.013, "/Counters/Completed": 2}
    assert rows.told("a", leaves(changed)) == {}
    assert rows.told("a", {}) == dict.fromkeys(("/Status", "/LastModifiedTime", "/Counters/Completed"))


@pytest.mark.parametrize("change", [1, 1.5, "text", True, {"a": 1}, [], [1, 2]])
def test_a_change_that_fits_nothing_is_refused(change: Any) -> None:
    rows = Rows()
    rows.change("a", {"/b": ["text"]})
    with pytest.raises(ValueError, match="does not fit"):
        rows.change("a", {"/b": change})


def test_a_leaf_with_leaves_is_refused() -> None:
    rows = Rows()
    rows.change("a", {"/b": ["text"], "/b/c": ["text"]})
    with pytest.raises(ValueError, match="a leaf has leaves"):
        rows.row("a")
