"""The lists of a target: which are due, page by page, and what they told."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exporter.errors import ErrorCode, Failure
from exporter.fleet.schedule import REFUSED_PAUSE, retry_at
from exporter.fleet.work import Operation, Page
from exporter.tuning_job import name_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from exporter.fleet.calls import Calls
    from exporter.fleet.work import Outcome, Work
    from exporter.tuning_job import Summary

PAGE_SIZE = 100
"""The most that the API puts on a page of ListHyperParameterTuningJobs."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list told: summaries by ``name_key``, from ``pages`` calls.

    ``whole`` tells that its limit of pages did not end it. With a ``failure`` there are no summaries: half a list tells
    nothing of what is not on it.
    """

    key: str
    summaries: Mapping[str, Summary]
    pages: int = 0
    whole: bool = True
    failure: Failure | None = None

    @property
    def reaches(self) -> float:
        """From which creation time on a tuning job that is not on it is none of its filters' (Unix seconds)."""
        if self.whole:
            return -math.inf
        return min((summary.creation_time or 0.0 for summary in self.summaries.values()), default=math.inf)


@dataclass(slots=True)
class _List:
    """A list that is to be read. ``due`` is None while a call, the one of serial ``in_flight``, is under way.

    All its pages have one ``planned`` time: what was begun is not put off by what falls due meanwhile.
    """

    filters: Mapping[str, Any]
    max_pages: int
    planned: float
    due: float | None
    in_flight: int | None = None
    token: str | None = None
    seen: set[int] = field(default_factory=set)  # hashes of all tokens so far, which may be long
    pages: int = 0
    summaries: dict[str, Summary] = field(default_factory=dict)
    failures: int = 0

    def restart(self, due: float) -> None:
        """Begin again with the first page: tokens do not last."""
        self.planned, self.due, self.in_flight = due, due, None
        self.token, self.seen, self.pages, self.summaries = None, set(), 0, {}


class Lists:
    """Not thread-safe: used under the target's lock. Times are monotonic seconds; a list is known by its key."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._lists: dict[str, _List] = {}
        self._failing: dict[str, ErrorCode] = {}

    def plan(self, key: str, filters: Mapping[str, Any], due: float, max_pages: int) -> None:
        """Have a list read, newest first and at most ``max_pages`` pages. One that is being read stays as it is."""
        current = self._lists.get(key)
        if current is None:
            self._lists[key] = _List(filters, max_pages, due, due)
        elif current.in_flight is None and current.pages == 0:
            current.filters, current.max_pages = filters, max_pages
            current.planned = current.due = due if current.due is None else min(due, current.due)

    def drop(self, key: str, *, forget_failure: bool = True) -> None:
        """Forget a list; the result of a call under way will be dropped too."""
        self._lists.pop(key, None)
        if forget_failure:
            self._failing.pop(key, None)

    def __contains__(self, key: str) -> bool:
        """Tell whether a list is planned or being read."""
        return key in self._lists

    def __iter__(self) -> Iterator[str]:
        """Return the keys of the lists that are planned or being read."""
        return iter(tuple(self._lists))

    def is_being_read(self, key: str) -> bool:
        """Tell whether a list has begun to come, page by page."""
        return key in self._lists and self._lists[key].pages > 0

    def may_ask(self, key: str) -> bool:
        """Tell whether no call for a list hangs."""
        return not self._calls.stuck(Operation.LIST, key)

    @property
    def due(self) -> float | None:
        """When the next page falls due; None when only a change can bring one."""
        return min((due for due, _ in self._waiting()), default=None)

    def _waiting(self) -> Iterator[tuple[float, str]]:
        for key, each in self._lists.items():
            if each.due is not None and self.may_ask(key):
                yield each.due, key

    def start(self, serial: int) -> tuple[str, Mapping[str, Any]]:
        """Return the key and the request of the page that is ``due``, and note the call's serial."""
        _, key = min(self._waiting())
        each = self._lists[key]
        each.due, each.in_flight = None, serial
        request = {"SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": PAGE_SIZE, **each.filters}
        return key, request if each.token is None else request | {"NextToken": each.token}

    def apply(self, work: Work, outcome: Outcome, interval: float, now: float) -> Listing | None:
        """Take what came of a call, and return what the list told when that was its end.

        A list that failed is read again: soon after a transient failure, else in an hour, or as soon as planned.
        """
        key = work.name
        each = self._lists.get(key)
        if each is None or each.in_flight != work.serial:
            return None
        if isinstance(outcome, Page) and hash(outcome.next_token) in each.seen:
            outcome = Failure(ErrorCode.MALFORMED_ANSWER, "the list goes on with a page that it gave before", now)
        if isinstance(outcome, Failure):
            each.failures += 1
            self._failing[key] = outcome.code
            transient = outcome.code.transient
            each.restart(retry_at(each.failures, interval, now) if transient else now + REFUSED_PAUSE)
            return Listing(key, {}, failure=outcome)
        if not isinstance(outcome, Page):
            return None
        each.pages += 1
        each.summaries |= {name_key(summary.name): summary for summary in outcome.summaries}
        if outcome.unreadable:
            self._failing[key] = ErrorCode.MALFORMED_ANSWER
        elif each.pages == 1:
            self._failing.pop(key, None)
        if outcome.next_token is not None and each.pages < each.max_pages:
            each.token, each.due, each.in_flight = outcome.next_token, each.planned, None
            each.seen.add(hash(each.token))
            return None
        del self._lists[key]
        return Listing(key, each.summaries, each.pages, whole=outcome.next_token is None)

    def retry(self, work: Work, interval: float, now: float) -> None:
        """Read a list again from its beginning after an interval, if it still waits for what came of a call."""
        each = self._lists.get(work.name)
        if each is not None and work.operation is Operation.LIST and each.in_flight in {work.serial, None}:
            each.restart(now + interval)

    def hurry(self, now: float) -> None:
        """Read those at once that wait after a failure: lists succeed again."""
        for each in self._lists.values():
            if each.failures and each.due is not None:
                each.planned = each.due = min(each.due, now)

    @property
    def concerns(self) -> AbstractSet[str]:
        """The lists that are wanted, or failed for a reason that lasts and are wanted later."""
        return self._lists.keys() | self._failing.keys()

    @property
    def codes(self) -> AbstractSet[ErrorCode]:
        """The codes by which lists fail."""
        return set(self._failing.values())
