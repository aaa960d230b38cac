"""A list, page by page."""

from __future__ import annotations

from itertools import count, cycle

import pytest
from fleet.driver import REGION, answer

from exporter.errors import ErrorCode
from exporter.fleet.calls import Calls
from exporter.fleet.lists import Listing, Lists
from exporter.fleet.work import Operation, Page, Work
from exporter.tuning_job import reduce_summary


def read(tokens: list[str | None], max_pages: int = 50, lists: Lists | None = None) -> Listing:
    """Return what a list told whose pages have these tokens, over and over."""
    lists = lists or Lists(Calls())
    lists.plan("all", {}, 0.0, max_pages)
    serials, listing, last = count(), None, None
    for token in cycle(tokens):
        serial = next(serials)
        key, request = lists.start(serial)
        assert request.get("NextToken") == last
        page = Page((reduce_summary(answer(f"job-{serial}")),), token)
        listing = lists.apply(Work(serial, Operation.LIST, 0.0, REGION, key, request=request), page, 60.0, 0.0)
        if listing is not None:
            return listing
        last = token
    raise AssertionError


def test_every_page_is_read_in_turn() -> None:
    listing = read(["a", "b", "c", None])
    assert (len(listing.summaries), listing.pages, listing.whole, listing.failure) == (4, 4, True, None)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 49])
def test_a_token_that_comes_again_is_a_list_without_end(size: int) -> None:
    listing = read([f"token-{i}" for i in range(size)])
    assert listing.failure is not None
    assert (listing.failure.code, dict(listing.summaries)) == (ErrorCode.MALFORMED_ANSWER, {})


def test_a_list_that_begins_anew_may_have_the_same_tokens() -> None:
    lists = Lists(Calls())
    assert read(["a", "a"], lists=lists).failure is not None
    assert read(["a", None], lists=lists).failure is None


def test_a_list_ends_at_its_limit_of_pages() -> None:
    listing = read([f"token-{i}" for i in range(9)], max_pages=9)
    assert (listing.pages, listing.whole, listing.failure) == (9, False, None)
