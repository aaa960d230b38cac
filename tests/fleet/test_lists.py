"""A list, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count, cycle
from typing import Any

import pytest
from fleet.driver import FakeApi, answer, target_spec

from exporter.clock import Instant
from exporter.errors import ErrorCode
from exporter.fleet import perform
from exporter.fleet.account import Account
from exporter.fleet.calls import Calls
from exporter.fleet.lists import RUNNING, Listing, Lists

START = Instant(1_000.0, 0.0)


class OnePage(FakeApi):
    """Gives the page that it is told to."""

    def __init__(self, name: str, token: str | None) -> None:
        super().__init__()
        self.page = {"HyperParameterTuningJobSummaries": [answer(name)], "NextToken": token}

    def list_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.page


class Reader:
    """Keeps the lists that it is handed."""

    def __init__(self) -> None:
        self.listings: list[Listing] = []

    def listed(self, listing: Listing, now: Instant) -> tuple[()]:
        self.listings.append(listing)
        return ()


class Source:
    """Lists, and who reads them."""

    def __init__(self) -> None:
        calls, self.reader = Calls(), Reader()
        self.lists = Lists(target_spec(), calls, Account(target_spec(), calls))
        self.lists.readers = (self.reader,)

    def read(self, tokens: list[str | None], max_pages: int = 50) -> Listing:
        """Return what a list told whose pages have these tokens, over and over."""
        self.lists.plan(RUNNING, {}, 0.0, max_pages)
        serials, last = count(), None
        self.reader.listings.clear()
        for token in cycle(tokens):
            work = self.lists.start(next(serials), START)
            assert work.request.get("NextToken") == last
            self.lists.apply(work, perform(OnePage(f"job-{work.serial}", token), work), START)
            if self.reader.listings:
                return self.reader.listings[0]
            last = token
        raise AssertionError


def read(tokens: list[str | None], max_pages: int = 50) -> Listing:
    return Source().read(tokens, max_pages)


def test_every_page_is_read_in_turn() -> None:
    listing = read(["a", "b", "c", None])
    assert (len(listing.summaries), listing.pages, listing.whole, listing.failure) == (4, 4, True, None)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 49])
def test_a_token_that_comes_again_is_a_list_without_end(size: int) -> None:
    listing = read([f"token-{i}" for i in range(size)])
    assert listing.failure is not None
    assert (listing.failure.code, dict(listing.summaries)) == (ErrorCode.MALFORMED_ANSWER, {})


def test_a_list_that_begins_anew_may_have_the_same_tokens() -> None:
    source = Source()
    assert source.read(["a", "a"]).failure is not None
    assert source.read(["a", None]).failure is None


def test_a_list_ends_at_its_limit_of_pages() -> None:
    listing = read([f"token-{i}" for i in range(9)], max_pages=9)
    assert (listing.pages, listing.whole, listing.failure) == (9, False, None)
