"""The AWS tags of a target's tuning jobs: which are known, and when they are read again."""

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
_Entry = tuple[float, int, str]
"""When the tags of a tuning job are due, a serial number, and its key. If the listing has another due time, it no longer counts."""


@dataclass(slots=True, eq=False)
class _Listing:
    """What is known about the tags of one tuning job.

    ``arn`` and ``creation_time`` are those of the tuning job that has the name now. ``arn`` is empty while none is known.
    ``due`` is None without an ARN and while a call is under way; ``asked`` is the serial of that call. ``known`` is None
    until a call has told the tags. ``missed`` is True if a search did not find the tuning job, because its index lags.
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
        """Return whether this is about the same tuning job, not an earlier one with the same name."""
        return arn_key(self.arn) == arn_key(facts.arn) and same_moment(self.creation_time, facts.creation_time)

    @property
    def awaited(self) -> bool:
        """Whether the tags are to be read for the first time."""
        return self.known is None and self.arn != ""

    @property
    def is_searchable(self) -> bool:
        """Whether a search may find it."""
        return not self.missed and self.creation_time is not None

    @property
    def shown(self) -> Mapping[str, str]:
        """The known tags that become labels, by label name."""
        known = self.known or {}
        return {label: known[key] for key, label in self.labels.items() if key in known}


class TagListings:
    """A source of calls for the tags of one target's tuning jobs. Due times are monotonic seconds.

    It has only tuning jobs with tags that become labels, and those that a rule with tags may match. The others cost no call.
    ListTags reads the tags of one tuning job. If several are due together, Search reads up to 100 in one call.
    """

    head_start: ClassVar[float] = -1.0  # tags rarely change

    def __init__(self, spec: TargetSpec, calls: Calls, jobs: Jobs) -> None:
        self._spec = spec
        self._calls = calls
        self._jobs = jobs
        self._listings: dict[str, _Listing] = {}
        self._serials = itertools.count()
        self._queue: list[_Entry] = []
        self._searchable: list[_Entry] = []
        """Those of the queue that a search may find. The others would be looked at for each batch."""
        self._no_search_before = 0.0
        self._learned: dict[str, None] = {}

    def operations(self) -> Iterable[Operation]:
        """Return the operations that it calls, nothing if neither labels nor rules need tags."""
        return (Operation.LIST_TAGS, Operation.SEARCH) if self._wanted else ()

    @property
    def _wanted(self) -> bool:
        """Whether labels or rules need tags."""
        labelled = any(job.tag_labels for job in self._spec.jobs) or any(rule.tag_labels for rule in self._spec.rules)
        return labelled or self._rules_ask

    @property
    def _rules_ask(self) -> bool:
        return any(rule.asks_tags for rule in self._spec.rules)

    def reload(self, spec: TargetSpec) -> None:
        """Use a new configuration. Call ``want`` for each tuning job afterwards."""
        self._spec = spec
        if not self._wanted:
            self._calls.forget(Operation.SEARCH, THE_SEARCH)
            for key in tuple(self._listings):
                self.forget(key)

    def want(self, job: Job, now: Instant) -> None:
        """Note which tags of a tuning job become labels. A tag that was added is read at once."""
        labels, key = job.spec.tag_labels, job.key
        if not labels:
            if (listing := self._listings.get(key)) is not None and job.discovered and self._rules_ask:
                listing.labels = labels  # kept, because rules need the tags again after a reload
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

    def ask(self, summary: Summary, now: Instant) -> None:
        """Plan to read the tags of a tuning job on a list."""
        self._listings.setdefault(name_key(summary.name), _Listing(summary.name, {}))
        self.described(summary.name, summary, now)

    def all_but(self, wanted: Callable[[str], bool]) -> list[str]:
        """Return the names of all tuning jobs that are not ``wanted``."""
        return [listing.name for key, listing in self._listings.items() if not wanted(key)]

    def forget(self, name: str) -> None:
        """Forget a tuning job. The result of a call under way is dropped too."""
        self._listings.pop(name_key(name), None)
        self._calls.forget(Operation.LIST_TAGS, name_key(name))
        self._end_search()

    def described(self, name: str, facts: TuningJob | Summary, now: Instant) -> None:
        """Handle a successful describe. If the name now belongs to another tuning job, plan to read its tags at once."""
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
        """Make no calls for a tuning job that does not exist, until a describe succeeds. Its last tags stay until then."""
        key = name_key(name)
        listing = self._listings.get(key)
        if listing is not None:
            listing.arn, listing.due = "", None
            self._start_anew(key, listing)
            self._end_search()

    @property
    def failing(self) -> AbstractSet[str]:
        """The names of the tuning jobs whose tags are needed but cannot be read."""
        keys = self._calls.failing(Operation.LIST_TAGS) & self._listings.keys()
        return {self._listings[key].name for key in keys}

    def unfound(self, key: str) -> bool:
        """Return whether the tags of a tuning job cannot be read because it does not exist."""
        return self._calls.code(Operation.LIST_TAGS, key) is ErrorCode.NOT_FOUND

    def late(self, work: Work, now: Instant) -> None:  # noqa: ARG002 - a Source
        """Put a tuning job into the queue again after a call that was given up has returned."""
        listing = self._listings.get(work.key)
        if listing is not None and listing.due is not None:
            self._plan(work.key, listing, listing.due)

    @property
    def due(self) -> float | None:
        """When the next call is due. None if no call is planned."""
        while self._queue:
            if self._is_waiting(self._queue[0]):
                return self._queue[0][0]
            heapq.heappop(self._queue)
        return None

    def _is_waiting(self, entry: _Entry) -> bool:
        due, _, key = entry
        listing = self._listings.get(key)
        return listing is not None and listing.due == due and not self._calls.stuck(Operation.LIST_TAGS, key)

    def start(self, serial: int, now: Instant) -> Work:
        """Return the call that is due."""
        batch = self._batch(now)
        # If searches fail, use one even for a single tuning job, to see whether they still do.
        if len(batch) > 1 or (batch and self._calls.code(Operation.SEARCH, THE_SEARCH) is not None):
            for listing in batch:
                listing.due, listing.asked = None, serial
            times = [listing.creation_time or 0.0 for listing in batch]
            return SearchTags.between(min(times), max(times), serial, now)
        listing = self._listings[heapq.heappop(self._queue)[2]]
        listing.due, listing.asked = None, serial
        return ListTags(serial, now.monotonic, listing.name, listing.arn)

    def _batch(self, now: Instant) -> list[_Listing]:
        """Return the tuning jobs for one search, newest first, at most a page of them."""
        if now.monotonic < self._no_search_before or self._calls.stuck(Operation.SEARCH, THE_SEARCH):
            return []
        due: dict[str, _Entry] = {}
        while self._searchable and self._searchable[0][0] <= now.monotonic:
            entry = heapq.heappop(self._searchable)
            if self._is_waiting(entry) and self._listings[entry[2]].is_searchable:
                due[entry[2]] = entry
        for entry in due.values():  # entries of tuning jobs in the batch will be skipped
            heapq.heappush(self._searchable, entry)
        newest = sorted(due, key=lambda key: (self._listings[key].creation_time or 0.0, key), reverse=True)
        return [self._listings[key] for key in newest[:PAGE_SIZE]]

    def apply(self, work: Work, outcome: object, now: Instant) -> Iterable[Decision]:
        """Handle the outcome of a call. After a failure the known tags stay."""
        if work.operation is Operation.SEARCH:
            self._apply_search(self._asked(work), outcome, now)
        elif isinstance(outcome, Failure):
            self.retry(work, outcome, now)
        elif isinstance(outcome, Tags):
            for key, listing in self._asked(work).items():
                self._learn(key, listing, outcome.by_key, now)
        return ()

    def _asked(self, work: Work) -> Mapping[str, _Listing]:
        """Return the tuning jobs, by key, that still wait for the outcome of this call."""
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
            for key, listing in asked.items():  # ListTags reads them until searches work again
                self._plan(key, listing, now.monotonic)
            return
        self._calls.succeeded(Operation.SEARCH, THE_SEARCH)
        found = {key for key, listing in asked.items() if arn_key(listing.arn) in outcome.tags}
        # The others are on the next page, unless the page was filled by tuning jobs that are not in the batch.
        reached = min(outcome.created.values(), default=0.0) if not outcome.whole and len(found) > 1 else 0.0
        for key, listing in asked.items():
            if key in found:
                self._learn(key, listing, outcome.tags[arn_key(listing.arn)], now)
            else:
                listing.missed = (listing.creation_time or 0.0) >= reached
                self._plan(key, listing, now.monotonic)

    def retry(self, work: Work, failure: Failure, now: Instant) -> None:
        """Plan another call for the tuning jobs that still wait for the outcome of this one."""
        for key, listing in self._asked(work).items():
            failures = self._calls.failed(Operation.LIST_TAGS, key, failure.code)
            self._plan(key, listing, tags_retry_at(failures, now.monotonic))

    def _learn(self, key: str, listing: _Listing, tags: Mapping[str, str], now: Instant) -> None:
        listing.known = dict(tags)
        self._learned[key] = None
        self._jobs.tag(key, listing.shown)
        self._start_anew(key, listing)
        if listing.labels or key not in self._jobs:  # one that no rule matches may get its tags later
            self._plan(key, listing, in_about_a_day(key, now.monotonic))
        self._end_search()

    def _end_search(self) -> None:
        """Forget that a search failed if there is nothing left to search for."""
        code = self._calls.code(Operation.SEARCH, THE_SEARCH)
        if code is not None and code.transient and not any(each.awaited for each in self._listings.values()):
            self._calls.succeeded(Operation.SEARCH, THE_SEARCH)

    def known(self, summary: Summary) -> Mapping[str, str] | None:
        """Return all tags of a tuning job, None while they are not known."""
        listing = self._listings.get(name_key(summary.name))
        return listing.known if listing is not None and listing.is_of(summary) else None

    def take_learned(self) -> Iterable[str]:
        """Return the keys of the tuning jobs whose tags were read since the last call of this method."""
        learned, self._learned = self._learned, {}
        return learned

    def _start_anew(self, key: str, listing: _Listing) -> None:
        listing.asked, listing.missed = None, False
        self._calls.succeeded(Operation.LIST_TAGS, key)

    def _plan(self, key: str, listing: _Listing, due: float) -> None:
        listing.due, listing.asked = due, None
        entry = due, next(self._serials), key
        heapq.heappush(self._queue, entry)
        if listing.is_searchable:
            heapq.heappush(self._searchable, entry)
        # A new due time leaves the old entry in the queues.
        if max(len(self._queue), len(self._searchable)) > 2 * len(self._listings) + _SLACK:
            waiting = [(each.due, key) for key, each in self._listings.items() if each.due is not None]
            self._queue = sorted((due, next(self._serials), key) for due, key in waiting)
            self._searchable = [entry for entry in self._queue if self._listings[entry[2]].is_searchable]
