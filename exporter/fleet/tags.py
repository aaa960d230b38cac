"""The AWS tags of a target's tuning jobs: what is known of them and when they are read again."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from exporter.errors import ErrorCode, Failure
from exporter.fleet.schedule import REFUSED_PAUSE, tags_again_at, tags_retry_at
from exporter.fleet.work import Found, Operation, Tags
from exporter.tuning_job import arn_key, name_key, same_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from exporter.fleet.calls import Calls
    from exporter.fleet.work import Outcome, Work
    from exporter.tuning_job import Summary, TuningJob

_PAGE_SIZE = 100
"""The most that the API puts on a page of Search."""

_SLACK = 64

# No tuning job's name has a space.
_SEARCH = "the search"


@dataclass(slots=True)
class _Listing:
    """What is known of one tuning job's tags.

    ``arn`` and ``creation_time`` are of the tuning job that bears the name, the ARN empty while none is known to.
    ``due`` is None without one and while a call, the one of serial ``in_flight``, is under way. ``known`` is None until
    a call has told. ``missed`` tells that a search did not find it: the index of the search lags.
    """

    name: str
    labels: Mapping[str, str]
    arn: str = ""
    creation_time: float | None = None
    due: float | None = None
    known: Mapping[str, str] | None = None
    failures: int = 0
    in_flight: int | None = None
    missed: bool = False

    def is_of(self, facts: TuningJob | Summary) -> bool:
        """Tell whether this is about that very tuning job, not an earlier one of its name."""
        return arn_key(self.arn) == arn_key(facts.arn) and same_moment(self.creation_time, facts.creation_time)


class TagListings:
    """The tags of one target. Times are monotonic seconds. Not thread-safe: used under the target's lock.

    Only tuning jobs whose configuration makes labels of tags, or that a rule with tags might want, are in it, so that
    the others cost no call. One is read by ListTags; of several at once each page of Search tells a hundred.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._listings: dict[str, _Listing] = {}
        self._failing: dict[str, ErrorCode] = {}
        self._serials = itertools.count()
        self._queue: list[tuple[float, int, str]] = []
        self._batches: dict[int, Sequence[str]] = {}
        self._search_failures = 0
        self._no_search_before = 0.0

    def want(self, name: str, labels: Mapping[str, str], facts: TuningJob | None, now: float) -> None:
        """Take what the configuration makes labels of; a tag that is new in it is read at once."""
        if not labels:
            self.forget(name)
            return
        key = name_key(name)
        listing = self._listings.setdefault(key, _Listing(name, labels))
        listing.name = name
        added = labels.keys() - listing.labels.keys()
        listing.labels = labels
        if listing.arn and listing.in_flight is None:
            if added and listing.known is None:
                self._plan(key, listing, now)
            elif listing.due is None:
                self._plan(key, listing, tags_again_at(key, now))
        if facts is not None:
            self.described(name, facts, now)

    def wonder(self, summary: Summary, now: float) -> None:
        """Have the tags of a tuning job read that a rule might want."""
        self._listings.setdefault(name_key(summary.name), _Listing(summary.name, {}))
        self.described(summary.name, summary, now)

    def keep_only(self, wanted: Callable[[str], bool]) -> None:
        """Forget all tuning jobs but those wanted."""
        for key in [key for key in self._listings if not wanted(key)]:
            self.forget(key)

    def forget(self, name: str) -> None:
        """Drop a tuning job; the result of a call under way will be dropped too."""
        self._listings.pop(name_key(name), None)
        self._failing.pop(name_key(name), None)

    def described(self, name: str, facts: TuningJob | Summary, now: float) -> None:
        """Take a good describe: when the name is another tuning job's than before, its tags are read at once."""
        key = name_key(name)
        listing = self._listings.get(key)
        if listing is None or listing.is_of(facts):
            return
        listing.arn, listing.creation_time = facts.arn, facts.creation_time
        listing.known = None
        self._start_anew(key, listing)
        self._plan(key, listing, now)

    def missing(self, name: str) -> None:
        """Let a tuning job that does not exist rest until a describe succeeds; its last tags stay until then."""
        key = name_key(name)
        listing = self._listings.get(key)
        if listing is not None:
            listing.arn, listing.due = "", None
            self._start_anew(key, listing)

    def resume(self, name: str) -> None:
        """Let a tuning job be due again whose call came back after it had been given up."""
        key = name_key(name)
        listing = self._listings.get(key)
        if listing is not None and listing.due is not None:
            self._plan(key, listing, listing.due)

    @property
    def due(self) -> float | None:
        """When the next call falls due; None when only a change can bring one."""
        while self._queue:
            due, _, key = self._queue[0]
            if self._is_waiting(due, key):
                return due
            heapq.heappop(self._queue)
        return None

    def _is_waiting(self, due: float, key: str) -> bool:
        listing = self._listings.get(key)
        return listing is not None and listing.due == due and not self._calls.stuck(Operation.LIST_TAGS, listing.name)

    def start(self, serial: int, now: float) -> tuple[Operation, str, str, Mapping[str, Any]]:
        """Return operation, name, ARN and request of the call that is ``due``, and note its serial."""
        batch = self._batch(now)
        if len(batch) > 1:
            for key in batch:
                listing = self._listings[key]
                listing.due, listing.in_flight = None, serial
            self._batches[serial] = batch
            times = [self._listings[key].creation_time or 0.0 for key in batch]
            return Operation.SEARCH, _SEARCH, "", _search(min(times), max(times))
        _, _, key = heapq.heappop(self._queue)
        listing = self._listings[key]
        listing.due, listing.in_flight = None, serial
        return Operation.LIST_TAGS, listing.name, listing.arn, {}

    def _batch(self, now: float) -> list[str]:
        """Return the keys of those that one search may serve, newest first, at most a page of them."""
        if now < self._no_search_before or self._calls.stuck(Operation.SEARCH, _SEARCH):
            return []
        due: list[tuple[float, str]] = []
        put_back: list[tuple[float, int, str]] = []
        while self._queue and self._queue[0][0] <= now:
            entry = heapq.heappop(self._queue)
            put_back.append(entry)
            listing = self._listings.get(entry[2])
            if not self._is_waiting(entry[0], entry[2]) or listing is None:
                continue
            if not listing.missed and listing.creation_time is not None:
                due.append((listing.creation_time, entry[2]))
        for entry in put_back:  # those that are taken are not waiting any more when their turn comes
            heapq.heappush(self._queue, entry)
        return [key for _, key in sorted(set(due), reverse=True)[:_PAGE_SIZE]]

    def apply(self, work: Work, outcome: Outcome, now: float) -> None:
        """Take what came of a call. A failure leaves what is known as it is."""
        if work.operation is Operation.SEARCH:
            self._apply_search(work, outcome, now)
            return
        key = name_key(work.name)
        listing = self._listings.get(key)
        if listing is not None and listing.in_flight == work.serial:
            self._apply_list(key, listing, outcome, now)

    def _apply_list(self, key: str, listing: _Listing, outcome: Outcome, now: float) -> None:
        if isinstance(outcome, Tags):
            self._learn(key, listing, outcome.by_key, now)
        elif isinstance(outcome, Failure):
            listing.failures += 1
            self._failing[key] = outcome.code
            self._plan(key, listing, tags_retry_at(listing.failures, now))

    def _apply_search(self, work: Work, outcome: Outcome, now: float) -> None:
        batch = {
            key: listing
            for key in self._batches.pop(work.serial, ())
            if (listing := self._listings.get(key)) is not None and listing.in_flight == work.serial
        }
        if not isinstance(outcome, Found):
            if isinstance(outcome, Failure):
                self._search_failures += 1
                self._failing[_SEARCH] = outcome.code
                pause = tags_retry_at(self._search_failures, now)
                self._no_search_before = pause if outcome.code.transient else now + REFUSED_PAUSE
            for key, listing in batch.items():  # ListTags tells it meanwhile
                self._plan(key, listing, now)
            return
        self._search_failures = 0
        self._failing.pop(_SEARCH, None)
        found = {key for key, listing in batch.items() if arn_key(listing.arn) in outcome.tags}
        # Of the next page the others are, unless jobs that nobody asked about fill the pages.
        reached = min(outcome.created.values(), default=0.0) if not outcome.whole and len(found) > 1 else 0.0
        for key, listing in batch.items():
            if key in found:
                self._learn(key, listing, outcome.tags[arn_key(listing.arn)], now)
            else:
                listing.missed = (listing.creation_time or 0.0) >= reached
                self._plan(key, listing, now)

    def retry(self, work: Work, now: float) -> None:
        """Ask again for the tags that still wait for what came of a call."""
        self._batches.pop(work.serial, None)
        for key, listing in self._listings.items():
            if listing.in_flight == work.serial:
                listing.failures += 1
                self._plan(key, listing, tags_retry_at(listing.failures, now))

    def _learn(self, key: str, listing: _Listing, tags: Mapping[str, str], now: float) -> None:
        listing.known = dict(tags)
        self._start_anew(key, listing)
        if listing.labels:
            self._plan(key, listing, tags_again_at(key, now))

    @property
    def codes(self) -> AbstractSet[ErrorCode]:
        """The codes by which reading tags fails."""
        return set(self._failing.values())

    @property
    def errors(self) -> AbstractSet[tuple[Operation, ErrorCode]]:
        """The codes by which each operation fails."""
        return {
            (Operation.SEARCH if key == _SEARCH else Operation.LIST_TAGS, code) for key, code in self._failing.items()
        }

    def of(self, name: str) -> Mapping[str, str]:
        """Return the tags that are labels and known, by the labels' names."""
        listing = self._listings.get(name_key(name))
        if listing is None or listing.known is None:
            return {}
        return {label: listing.known[key] for key, label in listing.labels.items() if key in listing.known}

    def known(self, summary: Summary) -> Mapping[str, str] | None:
        """Return all tags of a tuning job, None while they are not known."""
        listing = self._listings.get(name_key(summary.name))
        return listing.known if listing is not None and listing.is_of(summary) else None

    def _start_anew(self, key: str, listing: _Listing) -> None:
        listing.failures, listing.in_flight, listing.missed = 0, None, False
        self._failing.pop(key, None)

    def _plan(self, key: str, listing: _Listing, due: float) -> None:
        listing.due, listing.in_flight = due, None
        heapq.heappush(self._queue, (due, next(self._serials), key))
        if len(self._queue) > 2 * len(self._listings) + _SLACK:  # what was planned anew has left its old entries
            waiting = [(each.due, key) for key, each in self._listings.items() if each.due is not None]
            self._queue = [(due, next(self._serials), key) for due, key in waiting]
            heapq.heapify(self._queue)


def _search(first: float, last: float) -> Mapping[str, Any]:
    """Return the request for the tuning jobs created between two times (Unix seconds), both included, newest first."""

    def bound(operator: str, seconds: float) -> Mapping[str, str]:
        moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        return {"Name": "CreationTime", "Operator": operator, "Value": moment}

    filters = [bound("GreaterThanOrEqualTo", int(first)), bound("LessThanOrEqualTo", int(last) + 1)]
    return {
        "Resource": "HyperParameterTuningJob",
        "SearchExpression": {"Filters": filters},
        "SortBy": "CreationTime",
        "SortOrder": "Descending",
        "MaxResults": _PAGE_SIZE,
    }
