"""Pages are cut from rows in order, and a token continues only what it was made for."""

from __future__ import annotations

import pytest

from exporter.simulator import paging
from exporter.simulator.errors import ApiError

NOW = 1_764_000_000.25
KEYS = [(float(i % 3), f"job-{i}") for i in range(9)]


def page(content=None, *, owner="me", now=NOW, descending=False):
    problems: list[str] = []
    return paging.read(content or {}, problems, descending=descending, owner=owner, now=now), problems


def rows():
    return [(key, key[1]) for key in KEYS]


@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_a_token_goes_on_where_and_when_the_page_before_was_made(order):
    content = {"MaxResults": 4, "SortOrder": order}
    first, _ = page(content)
    jobs, more = paging.cut(first, paging.arranged(first, rows()))
    second, problems = page(content | more | {"MaxResults": 100}, now=NOW + 60)
    rest, none = paging.cut(second, paging.arranged(second, rows()))
    assert (problems, none) == ([], {})
    assert second.as_of == NOW
    assert jobs + rest == [name for _, name in sorted(KEYS, reverse=order == "Descending")]


def test_a_page_that_is_just_full_is_the_last():
    exact, _ = page({"MaxResults": 9})
    assert paging.cut(exact, paging.arranged(exact, rows())) == ([name for _, name in sorted(KEYS)], {})


def test_no_more_rows_are_taken_than_tell_that_there_are_more():
    taken = iter(rows())
    paging.cut(page({"MaxResults": 3})[0], taken)
    assert len([*taken]) == len(KEYS) - 4


def test_the_order_is_the_operations_own_unless_given():
    assert page(descending=True)[0].descending
    assert not page({"SortOrder": "Ascending"}, descending=True)[0].descending


def test_a_token_is_bound_to_owner_and_query():
    content = {"MaxResults": 1, "NameContains": "a"}
    first, _ = page(content)
    token = paging.cut(first, rows())[1]
    assert page(content | token)[1] == []
    for other, owner in [({"NameContains": "b"}, "me"), ({"SortBy": "Name"}, "me"), ({}, "you")]:
        refused, problems = page(content | token | other, owner=owner)
        assert problems == ["Value at 'NextToken' does not continue this request"]
        assert (refused.as_of, refused.after) == (NOW, None)


@pytest.mark.parametrize("size", [0, 101])
def test_sizes_are_bounded(size):
    assert "MaxResults" in page({"MaxResults": size})[1][0]


def test_what_is_no_size_cannot_be_read():
    with pytest.raises(ApiError, match="MaxResults"):
        page({"MaxResults": 1.0})
