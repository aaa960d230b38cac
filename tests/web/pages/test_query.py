"""What an address asks of the table."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.fleet import JobState
from exporter.web.pages.query import SORTS, Query, parse_query


def test_nothing_asks_for_everything() -> None:
    assert parse_query([]) == Query() == parse_query([("q", ""), ("status", " "), ("sort", ""), ("page", "")])
    assert not Query().filtered
    assert Query().address() == "?"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ([("stat", "x")], 'there is no parameter "stat": did you mean state?'),
        ([("zzzzzz", "x")], "use q, status, state, team, region, account, sort, page"),
        ([("q", "a"), ("q", "b")], "q is given twice"),
        ([("sort", "size")], 'cannot sort by "size": use status, name'),
        ([("sort", "--name")], "cannot sort by"),
        ([("state", "broken")], 'there is no state "broken": use pending, running'),
        ([("page", "0")], 'page is "0": use a whole number'),
        ([("page", "-1")], "page is"),
        ([("page", "1.5")], "page is"),
        ([("page", "\u0661")], "page is"),
        ([("page", "9" * 5_000)], "page is"),
    ],
)
def test_what_cannot_be_is_told_with_what_to_write(parameters: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        parse_query(parameters)
    assert len(str(raised.value)) < 300


characters = st.characters(exclude_categories=["Cs"])
texts = st.text(characters).map(str.strip)
queries = st.builds(
    Query,
    q=texts,
    status=texts,
    state=st.sampled_from(["", *JobState]),
    team=st.text(characters).filter(lambda text: not text or text.strip()),
    region=texts,
    account=texts,
    sort=st.sampled_from([*SORTS, *(f"-{sort}" for sort in SORTS)]),
    page=st.integers(1, 999_999_999),
)


@given(queries)
def test_an_address_is_read_as_it_was_written(query: Query) -> None:
    address = query.address()
    assert address.startswith("?")
    assert parse_query(parse_qsl(address[1:], keep_blank_values=True)) == query
    assert not set(address) & set("\"'<> ")


def test_a_change_is_in_the_address_and_the_rest_stays() -> None:
    query = Query(q="a b", state="running", page=3)
    assert query.address(page=4) == "?q=a+b&state=running&page=4"
    assert query.address(state="", page=1) == "?q=a+b"


@settings(max_examples=30)
@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=8))
def test_nothing_but_a_value_error_comes_of_any_address(parameters: list[tuple[str, str]]) -> None:
    with suppress(ValueError):
        assert parse_query(parameters).page > 0
