"""The AWS tags of a target's tuning jobs: what is known of them and when they are listed again."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.errors import ErrorCode, Failure
from exporter.fleet import events
from exporter.fleet.schedule import tags_again_at, tags_retry_at
from exporter.fleet.work import Operation, Tags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config.specs import TargetSpec
    from exporter.fleet.calls import Calls
    from exporter.fleet.events import Event
    from exporter.fleet.work import Outcome, Work
    from exporter.tuning_job import TuningJob


@dataclass(slots=True)
class _Listing:
    """What is known of one tuning job's tags.

    ``arn`` and ``creation_time`` are of the tuning job that bears the name, the ARN empty while none is known to.
    ``due`` is None without one and while a call, the one of serial ``in_flight``, is under way.
    """

    labels: Mapping[str, str]
    arn: str = ""
    creation_time: float | None = None
    due: float | None = None
    known: Mapping[str, str] = field(default_factory=dict)
    failures: int = 0
    in_flight: int | None = None


class TagListings:
    """The tags of one target. Times are monotonic seconds. Not thread-safe: used under the target's lock.

    Only tuning jobs whose configuration makes labels of tags are in it, so that the others cost no call.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._listings: dict[str, _Listing] = {}
        self._failing: dict[str, ErrorCode] = {}
        self._serials = itertools.count()
        self._queue: list[tuple[float, int, str]] = []

    def want(self, name: str, labels: Mapping[str, str], facts: TuningJob | None, now: float) -> None:
        """Take what the configuration makes labels of; a tag that is new in it is listed for at once."""
        if not labels:
            self.forget(name)
            return
        listing = self._listings.setdefault(name, _Listing(labels))
        added = labels.keys() - listing.labels.keys()
        listing.labels = labels
        if added and listing.arn:
            self._plan(name, listing, now)
        if facts is not None:
            self.described(name, facts, now)

    def forget(self, name: str) -> None:
        """Drop a tuning job; the result of a call under way will be dropped too."""
        self._listings.pop(name, None)
        self._failing.pop(name, None)

    def described(self, name: str, facts: TuningJob, now: float) -> None:
        """Take a good describe: when the name is another tuning job's than before, its tags are listed at once."""
        listing = self._listings.get(name)
        if listing is None or (listing.arn, listing.creation_time) == (facts.arn, facts.creation_time):
            return
        listing.arn, listing.creation_time = facts.arn, facts.creation_time
        listing.known = {}
        self._start_anew(name, listing)
        self._plan(name, listing, now)

    def missing(self, name: str) -> None:
        """Let a tuning job that does not exist rest until a describe succeeds; its last tags stay until then."""
        listing = self._listings.get(name)
        if listing is not None:
            listing.arn, listing.due = "", None
            self._start_anew(name, listing)

    def resume(self, name: str) -> None:
        """Let a tuning job be due again whose call came back after it had been given up."""
        listing = self._listings.get(name)
        if listing is not None and listing.due is not None:
            self._plan(name, listing, listing.due)

    @property
    def due(self) -> float | None:
        """When the next call falls due; None when only a change can bring one."""
        while self._queue:
            due, _, name = self._queue[0]
            listing = self._listings.get(name)
            if listing is not None and listing.due == due and not self._calls.stuck(Operation.LIST_TAGS, name):
                return due
            heapq.heappop(self._queue)
        return None

    def start(self, serial: int) -> tuple[str, str]:
        """Return name and ARN of the tuning job whose tags are ``due``, and note the call's serial."""
        name = heapq.heappop(self._queue)[2]
        listing = self._listings[name]
        listing.due, listing.in_flight = None, serial
        return name, listing.arn

    def apply(self, spec: TargetSpec, work: Work, outcome: Outcome, now: float) -> tuple[Event, ...]:
        """Take what came of a call and return what is worth a log line. A failure leaves what is known as it is."""
        name = work.name
        listing = self._listings.get(name)
        if listing is None or listing.in_flight != work.serial:
            return ()
        codes_before = set(self._failing.values())
        if isinstance(outcome, Tags):
            listing.known = {key: value for key, value in outcome.by_key.items() if key in listing.labels}
            self._start_anew(name, listing)
            self._plan(name, listing, tags_again_at(name, now))
        elif isinstance(outcome, Failure):
            listing.failures += 1
            self._failing[name] = outcome.code
            self._plan(name, listing, tags_retry_at(listing.failures, now))
        failure = outcome if isinstance(outcome, Failure) else None
        return events.of_tags(spec, name, codes_before, set(self._failing.values()), failure)

    def of(self, name: str) -> Mapping[str, str]:
        """Return the tags that are labels and known, by the labels' names."""
        listing = self._listings.get(name)
        if listing is None:
            return {}
        return {label: listing.known[key] for key, label in listing.labels.items() if key in listing.known}

    def _start_anew(self, name: str, listing: _Listing) -> None:
        listing.failures, listing.in_flight = 0, None
        self._failing.pop(name, None)

    def _plan(self, name: str, listing: _Listing, due: float) -> None:
        listing.due, listing.in_flight = due, None
        heapq.heappush(self._queue, (due, next(self._serials), name))
