"""The lists of a target: which are due, page by page, and their results."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, cast

from exporter.errors import ErrorCode, Failure
from exporter.fleet.paging import check_page
from exporter.fleet.schedule import REFUSED_PAUSE, retry_at
from exporter.fleet.source import Operation, Work
from exporter.tuning_job import Page, name_key, reduce_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.fleet.account import Account
    from exporter.fleet.calls import Calls
    from exporter.fleet.events import Decision
    from exporter.sagemaker import Api
    from exporter.tuning_job import Summary

PAGE_SIZE = 100
"""The most entries that ListHyperParameterTuningJobs returns on a page."""


class Kind(IntEnum):
    """What a list is read for. If lists are due together, this is their order."""

    RUNNING = 0
    """All running tuning jobs of the account and region."""
    FIRST = 1
    """The lists that a new rule begins with."""
    LATER = 2
    """Tuning jobs created since then."""
    LOOKUP = 3
    """One tuning job that is no longer on the list of running ones."""
    SWEEP = 4
    """Watched tuning jobs that have ended: do they still exist?"""

    @property
    def repeats(self) -> bool:
        """Whether the list is read regularly. Then an unreadable entry is reported for as long as it is unreadable."""
        return self not in {Kind.FIRST, Kind.LOOKUP}


class Purpose(NamedTuple):
    """The identity of a list: its kind, and the rule and status, or the ``name_key``, that it is about."""

    kind: Kind
    rule: str = ""
    about: str = ""

    def __str__(self) -> str:
        """Return a unique text for log lines. It is never the name of a tuning job."""
        rule = repr(self.rule) if self.rule else ""
        return " ".join(filter(None, (f"list {self.kind.name.lower()}", rule, self.about)))


RUNNING = Purpose(Kind.RUNNING)
SWEEP = Purpose(Kind.SWEEP)


@dataclass(frozen=True, slots=True)
class ListPage(Work):
    """A call of ListHyperParameterTuningJobs. The answer must be from ``region`` and, if it is known, ``account_id``."""

    operation = Operation.LIST
    region: str
    account_id: str | None
    request: Mapping[str, Any]
    purpose: Purpose
    seen: AbstractSet[int]
    """Hashes of the tokens of the previous pages."""

    def make(self, api: Api) -> Page:
        """Return the page.

        Raises MalformedAnswer if a page comes again, CallFailed if it is from another account or region.
        """
        page = reduce_page(api.list_jobs(self.request))
        places = ((summary.region, summary.account_id) for summary in page.summaries)
        check_page("the list", page.next_token, self.seen, places, self.region, self.account_id)
        return page


@dataclass(frozen=True, slots=True)
class Listing:
    """The result of a list: summaries by ``name_key``, from ``pages`` calls.

    ``whole`` is False if the limit of pages was reached. ``unreadable`` counts the entries that could not be read, and ``why``
    is the reason for the first. After a ``failure`` there are no summaries: a partial list does not tell what is missing.
    """

    purpose: Purpose
    summaries: Mapping[str, Summary]
    pages: int = 0
    whole: bool = True
    failure: Failure | None = None
    unreadable: int = 0
    why: str = ""

    @property
    def reaches(self) -> float:
        """The list is complete for tuning jobs created at this time or later (Unix seconds)."""
        if self.whole:
            return -math.inf
        return min((summary.creation_time or 0.0 for summary in self.summaries.values()), default=math.inf)


class Reader(Protocol):
    """Gets the results of lists."""

    def listed(self, listing: Listing, now: Instant) -> Iterable[Decision]:
        """Handle the result of a list, after its last page or a failure."""


@dataclass(slots=True)
class _List:
    """A list that is planned or being read. ``due`` is None while a call is under way.

    All its pages have the same ``planned`` time, so that a list that has begun comes before lists that are due later.
    """

    filters: Mapping[str, Any]
    max_pages: int
    planned: float
    due: float | None
    token: str | None = None
    seen: set[int] = field(default_factory=set)  # hashes of all tokens so far, because tokens may be long
    pages: int = 0
    summaries: dict[str, Summary] = field(default_factory=dict)
    unreadable: int = 0
    why: str = ""

    def restart(self, due: float) -> None:
        """Begin again with the first page, because tokens expire."""
        self.planned, self.due = due, due
        self.token, self.seen, self.pages, self.summaries = None, set(), 0, {}
        self.unreadable, self.why = 0, ""


class Lists:
    """A source of calls. The ``readers`` get the results. Due times are monotonic seconds."""

    head_start: ClassVar[float] = 1.0  # a list brings news of many tuning jobs at once

    def __init__(self, spec: TargetSpec, calls: Calls, account: Account) -> None:
        self.readers: tuple[Reader, ...] = ()
        self._spec = spec
        self._calls = calls
        self._account = account
        self._lists: dict[Purpose, _List] = {}

    def operations(self) -> Iterable[Operation]:
        """Return the operation that it calls, nothing if neither rules nor the delta need lists."""
        needed = self._spec.rules or self._spec.describe_max_age > self._spec.interval
        return (Operation.LIST,) if needed else ()

    def reload(self, spec: TargetSpec) -> None:
        """Use a new configuration."""
        self._spec = spec

    def plan(self, purpose: Purpose, filters: Mapping[str, Any], due: float, max_pages: int) -> None:
        """Plan a list, newest entries first, ``max_pages`` pages at most. A list that is being read stays as it is."""
        current = self._lists.get(purpose)
        if current is None:
            self._lists[purpose] = _List(filters, max_pages, due, due)
        elif current.due is not None and current.pages == 0:
            current.filters, current.max_pages = filters, max_pages
            current.planned = current.due = min(due, current.due)

    def drop(self, purpose: Purpose, *, forget_failure: bool = True) -> None:
        """Forget a list. The result of a call under way is dropped too."""
        self._lists.pop(purpose, None)
        self._calls.drop(Operation.LIST, str(purpose))
        if forget_failure:
            self._calls.succeeded(Operation.LIST, str(purpose))

    def forget(self, purpose: Purpose) -> None:
        """Drop a list whose filters will differ next time. A hanging call does not delay the new list."""
        self._lists.pop(purpose, None)
        self._calls.forget(Operation.LIST, str(purpose))

    def __contains__(self, purpose: Purpose) -> bool:
        """Return whether a list is planned or being read."""
        return purpose in self._lists

    def __iter__(self) -> Iterator[Purpose]:
        """Return the purposes of the lists that are planned or being read."""
        return iter(tuple(self._lists))

    def is_being_read(self, purpose: Purpose) -> bool:
        """Return whether a page of a list has come, and the next one is awaited."""
        return purpose in self._lists and self._lists[purpose].pages > 0

    def may_ask(self, purpose: Purpose) -> bool:
        """Return whether no call for this list hangs."""
        return not self._calls.stuck(Operation.LIST, str(purpose))

    @property
    def due(self) -> float | None:
        """When the next page is due. None if no list is planned."""
        return min((due for due, _ in self._waiting()), default=None)

    def _waiting(self) -> Iterator[tuple[float, Purpose]]:
        for purpose, each in self._lists.items():
            if each.due is not None and self.may_ask(purpose):
                yield each.due, purpose

    def start(self, serial: int, now: Instant) -> ListPage:
        """Return the call for the page that is ``due``."""
        _, purpose = min(self._waiting())
        each = self._lists[purpose]
        each.due = None
        request = {"SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": PAGE_SIZE, **each.filters}
        if each.token is not None:
            request["NextToken"] = each.token
        region = self._spec.key.region
        return ListPage(serial, now.monotonic, str(purpose), region, self._account.id, request, purpose, each.seen)

    def apply(self, work: Work, outcome: object, now: Instant) -> Iterable[Decision]:
        """Handle the outcome of a call. After the last page or a failure, give the result to the readers.

        A list that failed is read again: soon after a transient failure, else in an hour or when it is next planned.
        """
        listing = self._listing(cast("ListPage", work), outcome, now)
        if listing is None:
            return ()
        for summary in listing.summaries.values():
            self._account.learn(summary.account_id)
            break  # all entries are from the same account
        if listing.failure is not None:
            self._account.ask(now)
        return [decision for reader in self.readers for decision in reader.listed(listing, now)]

    def _listing(self, work: ListPage, outcome: object, now: Instant) -> Listing | None:
        """Return the result of the list that this call has ended."""
        purpose = work.purpose
        each = self._lists[purpose]
        if isinstance(outcome, Failure):
            failures = self._calls.failed(Operation.LIST, work.key, outcome.code)
            soon = retry_at(failures, self._spec.interval, now.monotonic)
            each.restart(soon if outcome.code.transient else now.monotonic + REFUSED_PAUSE)
            return Listing(purpose, {}, failure=outcome)
        if not isinstance(outcome, Page):
            return None
        each.pages += 1
        each.summaries |= {name_key(summary.name): summary for summary in outcome.summaries}
        each.unreadable += outcome.unreadable
        each.why = each.why or outcome.why
        if outcome.unreadable and purpose.kind.repeats:
            self._calls.failed(Operation.LIST, work.key, ErrorCode.MALFORMED_ANSWER)
        if outcome.next_token is not None and each.pages < each.max_pages:
            each.token, each.due = outcome.next_token, each.planned
            each.seen.add(hash(each.token))
            return None
        del self._lists[purpose]
        if not (each.unreadable and purpose.kind.repeats):  # only now: a later page may always fail
            self._calls.succeeded(Operation.LIST, work.key)
        whole = outcome.next_token is None
        return Listing(purpose, each.summaries, each.pages, whole, unreadable=each.unreadable, why=each.why)

    def late(self, work: Work, now: Instant) -> None:
        """Do nothing: the list was planned again when the call was given up."""

    def retry(self, work: Work, failure: Failure, now: Instant) -> None:
        """Plan the list again, from its first page, after an interval."""
        each = self._lists.get(cast("ListPage", work).purpose)
        if each is not None:
            self._calls.failed(Operation.LIST, work.key, failure.code)
            each.restart(now.monotonic + self._spec.interval)

    def hurry(self, now: Instant) -> None:
        """Read lists that wait after a failure at once, because lists work again."""
        failing = self._calls.failing(Operation.LIST)
        for purpose, each in self._lists.items():
            if each.due is not None and str(purpose) in failing:
                each.planned = each.due = min(each.due, now.monotonic)

    @property
    def concerns(self) -> AbstractSet[str]:
        """The keys of lists that are planned, or that failed with a lasting error and are retried later."""
        return {str(purpose) for purpose in self._lists} | self._calls.failing(Operation.LIST)
