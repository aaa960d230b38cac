"""The AWS tags of a target's tuning jobs: what is known of them and when they are read again."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from exporter.errors import ErrorCode, Failure
from exporter.fleet.schedule import REFUSED_PAUSE, in_about_a_day, tags_retry_at
from exporter.fleet.source import Operation
from exporter.fleet.tag_calls import PAGE_SIZE, THE_SEARCH, ListTags, SearchTags, Tags
from exporter.tuning_job import Found, arn_key, name_key, same_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.fleet.calls import Calls
    from exporter.fleet.events import Decision
    from exporter.fleet.job import Job
    from exporter.fleet.jobs import Jobs
    from exporter.fleet.source import Work
    from exporter.tuning_job import Summary, TuningJob

_SLACK = 64


@dataclass(slots=True, eq=False)
class _Listing:
    """What is known of one tuning job's tags.

    ``arn`` and ``creation_time`` are of the tuning job that bears the name, the ARN empty while none is known to.
    ``due`` is None without one and while a call is under way. ``known`` is None until a call has told. ``missed`` tells
    that a search did not find it: the index of the search lags.
    """

    name: str
    labels: Mapping[str, str]
    arn: str = ""
    creation_time: float | None = None
    due: float | None = None
    asked: int | None = None
    known: Mapping[str, str] | None = None
    missed: bool = False

    def is_of(self, facts: TuningJob | Summary) -> bool:
        """Tell whether this is about that very tuning job, not an earlier one of its name."""
        return arn_key(self.arn) == arn_key(facts.arn) and same_moment(self.creation_time, facts.creation_time)

    @property
    def awaited(self) -> bool:
        """Whether a call is to tell the tags for the first time."""
        return self.known is None and self.arn != ""

    @property
    def shown(self) -> Mapping[str, str]:
        """The tags that are labels and known, by the labels' names."""
        known = self.known or {}
        return {label: known[key] for key, label in self.labels.items() if key in known}


class TagListings:
    """A source of calls for the tags of one target's tuning jobs. Due times are monotonic seconds.

    Only tuning jobs whose configuration makes labels of tags, or that a rule with tags might want, are in it, so that
    the others cost no call. One is read by ListTags; of several at once each page of Search tells a hundred.
    """

    head_start: ClassVar[float] = -1.0  # what tags say hardly ever changes

    def __init__(self, spec: TargetSpec, calls: Calls, jobs: Jobs) -> None:
        self._spec = spec
        self._calls = calls
        self._jobs = jobs
        self._listings: dict[str, _Listing] = {}
        self._serials = itertools.count()
        self._queue: list[tuple[float, int, str]] = []
        self._no_search_before = 0.0

    def operations(self) -> Iterable[Operation]:
        """Return those that it calls, where tags are labels or rules ask for them."""
        return (Operation.LIST_TAGS, Operation.SEARCH) if self._wanted else ()

    @property
    def _wanted(self) -> bool:
        """Whether tags are labels or rules ask for them."""
        labelled = any(job.tag_labels for job in self._spec.jobs) or any(rule.tag_labels for rule in self._spec.rules)
        return labelled or self._rules_ask

    @property
    def _rules_ask(self) -> bool:
        return any(rule.asks_tags for rule in self._spec.rules)

    def reload(self, spec: TargetSpec) -> None:
        """Take a configuration; ``want`` is called for each tuning job."""
        self._spec = spec
        if not self._wanted:
            self._calls.forget(Operation.SEARCH, THE_SEARCH)
            for key in tuple(self._listings):
                self.forget(key)

    def want(self, job: Job, now: Instant) -> None:
        """Take what the configuration makes labels of; a tag that is new in it is read at once."""
        labels, key = job.spec.tag_labels, job.key
        if not labels:
            if (listing := self._listings.get(key)) is not None and job.discovered and self._rules_ask:
                listing.labels = labels  # kept as it is: after a reload rules ask for them again
            else:
                self.forget(job.spec.name)
            self._jobs.tag(job.spec.name, {})
            return
        listing = self._listings.setdefault(key, _Listing(job.spec.name, labels))
        listing.name = job.spec.name
        added = labels.keys() - listing.labels.keys()
        listing.labels = labels
        if listing.arn and listing.asked is None:
            if added and listing.known is None:
                self._plan(key, listing, now.monotonic)
            elif listing.due is None:
                self._plan(key, listing, in_about_a_day(key, now.monotonic))
        if job.facts is not None:
            self.described(job.spec.name, job.facts, now)
        self._jobs.tag(job.spec.name, listing.shown)

    def wonder(self, summary: Summary, now: Instant) -> None:
        """Have the tags read of a tuning job that a list shows."""
        self._listings.setdefault(name_key(summary.name), _Listing(summary.name, {}))
        self.described(summary.name, summary, now)

    def all_but(self, wanted: Callable[[str], bool]) -> list[str]:
        """Return the names of all tuning jobs but those wanted."""
        return [listing.name for key, listing in self._listings.items() if not wanted(key)]

    def forget(self, name: str) -> None:
        """Drop a tuning job; the result of a call under way will be dropped too."""
        self._listings.pop(name_key(name), None)
        self._calls.forget(Operation.LIST_TAGS, name_key(name))
        self._end_search()

    def described(self, name: str, facts: TuningJob | Summary, now: Instant) -> None:
        """Take a good describe: when the name is another tuning job's than before, its tags are read at once."""
        key = name_key(name)
        listing = self._listings.get(key)
        if listing is None or listing.is_of(facts):
            return
        listing.arn, listing.creation_time = facts.arn, facts.creation_time
        listing.known = None
        self._jobs.tag(key, {})
        self._start_anew(key, listing)
        self._plan(key, listing, now.monotonic)

    def missing(self, name: str) -> None:
        """Let a tuning job that does not exist rest until a describe succeeds; its last tags stay until then."""
        key = name_key(name)
        listing = self._listings.get(key)
        if listing is not None:
            listing.arn, listing.due = "", None
            self._start_anew(key, listing)
            self._end_search()

    @property
    def failing(self) -> AbstractSet[str]:
        """The names of the tuning jobs whose tags cannot be read and are still to be."""
        keys = self._calls.failing(Operation.LIST_TAGS) & self._listings.keys()
        return {self._listings[key].name for key in keys}

    def unfound(self, key: str) -> bool:
        """Tell whether the tags of a tuning job cannot be read because there is none of the name."""
        return self._calls.code(Operation.LIST_TAGS, key) is ErrorCode.NOT_FOUND

    def late(self, work: Work, now: Instant) -> None:  # noqa: ARG002 - a Source
        """Let a tuning job be due again whose call came back after it had been given up."""
        listing = self._listings.get(work.key)
        if listing is not None and listing.due is not None:
            self._plan(work.key, listing, listing.due)

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
        return listing is not None and listing.due == due and not self._calls.stuck(Operation.LIST_TAGS, key)

    def start(self, serial: int, now: Instant) -> Work:
        """Return the call that is ``due``."""
        batch = self._batch(now)
        # One alone is searched for to learn whether searches still fail.
        if len(batch) > 1 or (batch and self._calls.code(Operation.SEARCH, THE_SEARCH) is not None):
            for listing in batch:
                listing.due, listing.asked = None, serial
            times = [listing.creation_time or 0.0 for listing in batch]
            return SearchTags.between(min(times), max(times), serial, now)
        listing = self._listings[heapq.heappop(self._queue)[2]]
        listing.due, listing.asked = None, serial
        return ListTags(serial, now.monotonic, listing.name, listing.arn)

    def _batch(self, now: Instant) -> list[_Listing]:
        """Return those that one search may serve, newest first, at most a page of them."""
        if now.monotonic < self._no_search_before or self._calls.stuck(Operation.SEARCH, THE_SEARCH):
            return []
        due: set[tuple[float, str]] = set()
        put_back: list[tuple[float, int, str]] = []
        while self._queue and self._queue[0][0] <= now.monotonic:
            entry = heapq.heappop(self._queue)
            put_back.append(entry)
            listing = self._listings.get(entry[2])
            if not self._is_waiting(entry[0], entry[2]) or listing is None:
                continue
            if not listing.missed and listing.creation_time is not None:
                due.add((listing.creation_time, entry[2]))
        for entry in put_back:  # those that are taken are not waiting any more when their turn comes
            heapq.heappush(self._queue, entry)
        return [self._listings[key] for _, key in sorted(due, reverse=True)[:PAGE_SIZE]]

    def apply(self, work: Work, outcome: object, now: Instant) -> Iterable[Decision]:
        """Take what came of a call. A failure leaves what is known as it is."""
        if work.operation is Operation.SEARCH:
            self._apply_search(self._asked(work), outcome, now)
        elif isinstance(outcome, Failure):
            self.retry(work, outcome, now)
        elif isinstance(outcome, Tags):
            for key, listing in self._asked(work).items():
                self._learn(key, listing, outcome.by_key, now)
        return ()

    def _asked(self, work: Work) -> Mapping[str, _Listing]:
        """Return those by their keys that still wait for what came of a call."""
        keys = self._listings if work.operation is Operation.SEARCH else {work.key} & self._listings.keys()
        return {key: self._listings[key] for key in keys if self._listings[key].asked == work.serial}

    def _apply_search(self, asked: Mapping[str, _Listing], outcome: object, now: Instant) -> None:
        if not isinstance(outcome, Found):
            if isinstance(outcome, Failure):
                failures = self._calls.failed(Operation.SEARCH, THE_SEARCH, outcome.code)
                transient = outcome.code.transient
                self._no_search_before = (
                    tags_retry_at(failures, now.monotonic) if transient else now.monotonic + REFUSED_PAUSE
                )
            for key, listing in asked.items():  # ListTags tells it meanwhile
                self._plan(key, listing, now.monotonic)
            return
        self._calls.succeeded(Operation.SEARCH, THE_SEARCH)
        found = {key for key, listing in asked.items() if arn_key(listing.arn) in outcome.tags}
        # Of the next page the others are, unless jobs that nobody asked about fill the pages.
        reached = min(outcome.created.values(), default=0.0) if not outcome.whole and len(found) > 1 else 0.0
        for key, listing in asked.items():
            if key in found:
                self._learn(key, listing, outcome.tags[arn_key(listing.arn)], now)
            else:
                listing.missed = (listing.creation_time or 0.0) >= reached
                self._plan(key, listing, now.monotonic)

    def retry(self, work: Work, failure: Failure, now: Instant) -> None:
        """Ask again for the tags that still wait for what came of a call."""
        for key, listing in self._asked(work).items():
            failures = self._calls.failed(Operation.LIST_TAGS, key, failure.code)
            self._plan(key, listing, tags_retry_at(failures, now.monotonic))

    def _learn(self, key: str, listing: _Listing, tags: Mapping[str, str], now: Instant) -> None:
        listing.known = dict(tags)
        self._jobs.tag(key, listing.shown)
        self._start_anew(key, listing)
        if listing.labels:
            self._plan(key, listing, in_about_a_day(key, now.monotonic))
        self._end_search()

    def _end_search(self) -> None:
        """Take a search for no failing one that is not made again: there is nothing left to search for."""
        code = self._calls.code(Operation.SEARCH, THE_SEARCH)
        if code is not None and code.transient and not any(each.awaited for each in self._listings.values()):
            self._calls.succeeded(Operation.SEARCH, THE_SEARCH)

    def known(self, summary: Summary) -> Mapping[str, str] | None:
        """Return all tags of a tuning job, None while they are not known."""
        listing = self._listings.get(name_key(summary.name))
        return listing.known if listing is not None and listing.is_of(summary) else None

    def _start_anew(self, key: str, listing: _Listing) -> None:
        listing.asked, listing.missed = None, False
        self._calls.succeeded(Operation.LIST_TAGS, key)

    def _plan(self, key: str, listing: _Listing, due: float) -> None:
        listing.due, listing.asked = due, None
        heapq.heappush(self._queue, (due, next(self._serials), key))
        if len(self._queue) > 2 * len(self._listings) + _SLACK:  # what was planned again has left its old entries
            waiting = [(each.due, key) for key, each in self._listings.items() if each.due is not None]
            self._queue = [(due, next(self._serials), key) for due, key in waiting]
            heapq.heapify(self._queue)
