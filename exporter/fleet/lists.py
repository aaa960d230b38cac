"""The lists of a target: which are due, page by page, and what they told."""

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
"""The most that the API puts on a page of ListHyperParameterTuningJobs."""


class Kind(IntEnum):
    """What a list is read for. Of lists that are due together the first of these comes first."""

    RUNNING = 0
    """All that runs in the account and region."""
    FIRST = 1
    """What a rule begins with."""
    LATER = 2
    """What was created since then."""
    LOOKUP = 3
    """One tuning job that has left the list of what runs."""
    SWEEP = 4
    """Those watched that have ended: are they still there?"""

    @property
    def repeats(self) -> bool:
        """Whether such a list is read again and again, and so tells when an entry that could not be read can be."""
        return self not in {Kind.FIRST, Kind.LOOKUP}


class Purpose(NamedTuple):
    """What tells a list from every other: its kind, and the rule and status or the ``name_key`` that it is about."""

    kind: Kind
    rule: str = ""
    about: str = ""

    def __str__(self) -> str:
        """Return it as written in a log line; no two are the same, and none is the name of a tuning job."""
        rule = repr(self.rule) if self.rule else ""
        return " ".join(filter(None, (f"list {self.kind.name.lower()}", rule, self.about)))


RUNNING = Purpose(Kind.RUNNING)
SWEEP = Purpose(Kind.SWEEP)


@dataclass(frozen=True, slots=True)
class ListPage(Work):
    """A call of ListHyperParameterTuningJobs; the answer must come from ``region`` and, where known, ``account_id``."""

    operation = Operation.LIST
    region: str
    account_id: str | None
    request: Mapping[str, Any]
    purpose: Purpose
    seen: AbstractSet[int]
    """Hashes of the tokens that the list has given so far."""

    def make(self, api: Api) -> Page:
        """Return the page.

        Raise MalformedAnswer if the list gives a page again, CallFailed if it is of another account or region.
        """
        page = reduce_page(api.list_jobs(self.request))
        places = ((summary.region, summary.account_id) for summary in page.summaries)
        check_page("the list", page.next_token, self.seen, places, self.region, self.account_id)
        return page


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list told: summaries by ``name_key``, from ``pages`` calls.

    ``whole`` tells that no limit of pages cut it short. ``unreadable`` is how many entries could not be read, and ``why``
    the reason for the first. With a ``failure`` there are no summaries: half a list tells nothing of what is not on it.
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
        """The creation time from which on the list is complete: it has all that its filters ask for (Unix seconds)."""
        if self.whole:
            return -math.inf
        return min((summary.creation_time or 0.0 for summary in self.summaries.values()), default=math.inf)


class Reader(Protocol):
    """What takes whole lists."""

    def listed(self, listing: Listing, now: Instant) -> Iterable[Decision]:
        """Take a list that has ended, by its last page or by a failure."""


@dataclass(slots=True)
class _List:
    """A list that is to be read. ``due`` is None while a call is under way.

    All its pages have one ``planned`` time: what was begun is not put off by what falls due meanwhile.
    """

    filters: Mapping[str, Any]
    max_pages: int
    planned: float
    due: float | None
    token: str | None = None
    seen: set[int] = field(default_factory=set)  # hashes of all tokens so far, which may be long
    pages: int = 0
    summaries: dict[str, Summary] = field(default_factory=dict)
    unreadable: int = 0
    why: str = ""

    def restart(self, due: float) -> None:
        """Begin again with the first page: tokens do not last."""
        self.planned, self.due = due, due
        self.token, self.seen, self.pages, self.summaries = None, set(), 0, {}
        self.unreadable, self.why = 0, ""


class Lists:
    """A source of calls. What lists tell goes to the ``readers``. Due times are monotonic seconds."""

    head_start: ClassVar[float] = 1.0  # a list brings news of many tuning jobs at once

    def __init__(self, spec: TargetSpec, calls: Calls, account: Account) -> None:
        self.readers: tuple[Reader, ...] = ()
        self._spec = spec
        self._calls = calls
        self._account = account
        self._lists: dict[Purpose, _List] = {}

    def operations(self) -> Iterable[Operation]:
        """Return the one that it calls, where rules or the delta need lists."""
        needed = self._spec.rules or self._spec.describe_max_age > self._spec.interval
        return (Operation.LIST,) if needed else ()

    def reload(self, spec: TargetSpec) -> None:
        """Take a configuration."""
        self._spec = spec

    def plan(self, purpose: Purpose, filters: Mapping[str, Any], due: float, max_pages: int) -> None:
        """Have a list read, newest first and at most ``max_pages`` pages. One that is being read stays as it is."""
        current = self._lists.get(purpose)
        if current is None:
            self._lists[purpose] = _List(filters, max_pages, due, due)
        elif current.due is not None and current.pages == 0:
            current.filters, current.max_pages = filters, max_pages
            current.planned = current.due = min(due, current.due)

    def drop(self, purpose: Purpose, *, forget_failure: bool = True) -> None:
        """Forget a list; the result of a call under way will be dropped too."""
        self._lists.pop(purpose, None)
        self._calls.drop(Operation.LIST, str(purpose))
        if forget_failure:
            self._calls.succeeded(Operation.LIST, str(purpose))

    def forget(self, purpose: Purpose) -> None:
        """Drop a list that will be another one if it is read again: a call that hangs does not hold that up."""
        self._lists.pop(purpose, None)
        self._calls.forget(Operation.LIST, str(purpose))

    def __contains__(self, purpose: Purpose) -> bool:
        """Tell whether a list is planned or being read."""
        return purpose in self._lists

    def __iter__(self) -> Iterator[Purpose]:
        """Return the purposes of the lists that are planned or being read."""
        return iter(tuple(self._lists))

    def is_being_read(self, purpose: Purpose) -> bool:
        """Tell whether a list has begun to come, page by page."""
        return purpose in self._lists and self._lists[purpose].pages > 0

    def may_ask(self, purpose: Purpose) -> bool:
        """Tell whether no call for a list hangs."""
        return not self._calls.stuck(Operation.LIST, str(purpose))

    @property
    def due(self) -> float | None:
        """When the next page falls due; None when only a change can bring one."""
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
        """Take what came of a call, and hand the list to its readers when that was its end.

        A list that failed is read again: soon after a transient failure, else in an hour, or as soon as planned.
        """
        listing = self._listing(cast("ListPage", work), outcome, now)
        if listing is None:
            return ()
        for summary in listing.summaries.values():
            self._account.learn(summary.account_id)
            break  # a list is of one account
        if listing.failure is not None:
            self._account.wonder(now)
        return [decision for reader in self.readers for decision in reader.listed(listing, now)]

    def _listing(self, work: ListPage, outcome: object, now: Instant) -> Listing | None:
        """Return what the list told that a call has ended."""
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
        elif each.pages == 1:
            self._calls.succeeded(Operation.LIST, work.key)
        if outcome.next_token is not None and each.pages < each.max_pages:
            each.token, each.due = outcome.next_token, each.planned
            each.seen.add(hash(each.token))
            return None
        del self._lists[purpose]
        whole = outcome.next_token is None
        return Listing(purpose, each.summaries, each.pages, whole, unreadable=each.unreadable, why=each.why)

    def late(self, work: Work, now: Instant) -> None:
        """Nothing to do: it has been planned again since it was given up."""

    def retry(self, work: Work, failure: Failure, now: Instant) -> None:
        """Read a list again from its beginning after an interval."""
        each = self._lists.get(cast("ListPage", work).purpose)
        if each is not None:
            self._calls.failed(Operation.LIST, work.key, failure.code)
            each.restart(now.monotonic + self._spec.interval)

    def hurry(self, now: Instant) -> None:
        """Read at once the lists that wait after a failure, because lists succeed again."""
        failing = self._calls.failing(Operation.LIST)
        for purpose, each in self._lists.items():
            if each.due is not None and str(purpose) in failing:
                each.planned = each.due = min(each.due, now.monotonic)

    @property
    def concerns(self) -> AbstractSet[str]:
        """The keys of the lists that are wanted, or failed for a reason that lasts and are wanted later."""
        return {str(purpose) for purpose in self._lists} | self._calls.failing(Operation.LIST)
