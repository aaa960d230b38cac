"""Reads the billed seconds of training jobs that have ended: one search for up to 100 names, of any tuning jobs."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from exporter.errors import Failure
from exporter.fleet.schedule import REFUSED_PAUSE, tags_retry_at
from exporter.fleet.source import Operation, Work
from exporter.statuses import ENDED_TRAINING_JOB_STATUSES
from exporter.tuning_job import Bills, name_key, reduce_bills

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.fleet.calls import Calls
    from exporter.fleet.events import Decision
    from exporter.sagemaker import Api
    from exporter.tuning_job import Bill

PAGE_SIZE = 100
"""The most results that Search returns on a page."""

THE_BILLS = "bills of training jobs"
"""The ``name`` of these searches. It is not the name of a tuning job, because it has a space."""

ENOUGH_WAIT = 1_000
"""While this many wait and searches work, no more lists of training jobs are read, because names take memory."""

MOST_WAITING = 10_000
"""The most that wait while searches fail. The billed seconds of any more stay unknown."""

_NAMES_IN_A_VALUE = 15  # a value may have 1,024 characters, and a name 63
_GATHER_SECONDS = 60.0
_MOST_TRIES = 4  # the search index lags, so it may not show at once that a training job has ended


class Reader(Protocol):
    """Gets the billed seconds, by the key of the tuning job."""

    def billed(self, key: str, bill: Bill) -> None:
        """Add the billed seconds of a training job."""

    def not_billed(self, key: str) -> None:
        """Count a training job whose billed seconds will stay unknown."""


@dataclass(frozen=True, slots=True)
class SearchBills(Work):
    """A call of Search for the training jobs with these names."""

    operation = Operation.SEARCH
    training_jobs: Sequence[str]

    def make(self, api: Api) -> Bills:
        """Return the billed seconds of the training jobs that were found."""
        return reduce_bills(api.search(request_for(self.training_jobs)))


def request_for(names: Sequence[str]) -> Mapping[str, Any]:
    """Return the request for the training jobs with these names, ``PAGE_SIZE`` at most."""
    parts = [names[first : first + _NAMES_IN_A_VALUE] for first in range(0, len(names), _NAMES_IN_A_VALUE)]
    filters = [{"Name": "TrainingJobName", "Operator": "In", "Value": ",".join(part)} for part in parts]
    return {
        "Resource": "TrainingJob",
        "SearchExpression": {"Filters": filters, "Operator": "Or"},
        "MaxResults": PAGE_SIZE,
    }


@dataclass(slots=True)
class _Waiting:
    """A training job to search for. ``since`` is when this may begin (monotonic seconds)."""

    key: str
    name: str
    since: float
    tries: int = 0


class BillSearches:
    """A source of calls. Due times are monotonic seconds."""

    head_start: ClassVar[float] = -4.0  # before more lists of training jobs, whose names would wait here

    def __init__(self, spec: TargetSpec, calls: Calls) -> None:
        self._spec = spec
        self._calls = calls
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self._first = math.inf  # when the first waiting one is to be searched for
        self._asked: dict[int, list[_Waiting]] = {}
        self._unknown: Counter[str] = Counter()  # how many wait or are being searched for, by the key of the tuning job
        self._not_before = 0.0
        self.reader: Reader | None = None

    @property
    def _wanted(self) -> bool:
        return self._spec.spend is not None and self._spec.spend.billable == "search"

    def operations(self) -> Iterable[Operation]:
        """Return the operation that it calls, nothing if the configuration does not ask for billed seconds."""
        return (Operation.SEARCH,) if self._wanted else ()

    def reload(self, spec: TargetSpec) -> None:
        """Use a new configuration."""
        self._spec = spec
        if not self._wanted:
            self._waiting.clear()
            self._asked.clear()
            self._unknown.clear()
            self._calls.forget(Operation.SEARCH, THE_BILLS)

    @property
    def full(self) -> bool:
        """Whether no more should be added until a search has answered. Never while searches fail: nothing waits for them."""
        if len(self._waiting) < ENOUGH_WAIT:
            return False
        fails = self._calls.code(Operation.SEARCH, THE_BILLS) is not None
        return not (fails or self._calls.stuck(Operation.SEARCH, THE_BILLS))

    def want(self, key: str, names: Iterable[str], now: Instant) -> None:
        """Plan to search for the billed seconds of training jobs, together with others that come soon."""
        for name in names if self._wanted else ():
            if (key, name_key(name)) in self._waiting:
                continue
            if len(self._waiting) < MOST_WAITING:
                self._unknown[key] += 1
                self._put(_Waiting(key, name, now.monotonic + _GATHER_SECONDS))
            elif self.reader is not None:
                self.reader.not_billed(key)

    def _put(self, each: _Waiting) -> None:
        self._waiting[each.key, name_key(each.name)] = each
        self._first = min(self._first, each.since)

    def hurry(self, now: Instant) -> None:
        """Search now, without waiting for others."""
        for each in self._waiting.values():
            if each.tries == 0:
                each.since = min(each.since, now.monotonic)
        self._first = min((each.since for each in self._waiting.values()), default=math.inf)

    def waits(self, key: str) -> bool:
        """Return whether some billed seconds of the tuning job are still to come."""
        return self._unknown[key] > 0

    def forget(self, key: str) -> None:
        """Forget the training jobs of a tuning job."""
        if self._unknown.pop(key, 0):
            for place in [place for place in self._waiting if place[0] == key]:
                del self._waiting[place]
            for serial, batch in self._asked.items():
                self._asked[serial] = [each for each in batch if each.key != key]

    @property
    def due(self) -> float | None:
        """When the next call is due: when there are enough for a page, or the first has waited for a minute."""
        if not self._waiting or self._asked or self._calls.stuck(Operation.SEARCH, THE_BILLS):
            return None
        first = self._first - (_GATHER_SECONDS if len(self._waiting) >= PAGE_SIZE else 0.0)
        return max(first, self._not_before)

    def start(self, serial: int, now: Instant) -> Work:
        """Return the call that is due."""
        # Those that are searched for again wait for their time, even if a new one is due.
        ready = [each for each in self._waiting.values() if not each.tries or each.since <= now.monotonic]
        batch = sorted(ready or self._waiting.values(), key=lambda each: each.since)[:PAGE_SIZE]
        for each in batch:
            del self._waiting[each.key, name_key(each.name)]
        self._first = min((each.since for each in self._waiting.values()), default=math.inf)
        self._asked[serial] = batch
        return SearchBills(serial, now.monotonic, THE_BILLS, [each.name for each in batch])

    def apply(self, work: Work, outcome: object, now: Instant) -> Iterable[Decision]:
        """Handle the outcome of a call."""
        if isinstance(outcome, Failure):
            self.retry(work, outcome, now)
        elif isinstance(outcome, Bills):
            self._calls.succeeded(Operation.SEARCH, THE_BILLS)
            bills = {name_key(bill.name): bill for bill in outcome.bills if _is_final(bill)}
            batch = self._asked.get(work.serial, [])
            while batch:  # if one of them raises an error, the others are searched for again
                each = batch.pop(0)
                self._unknown[each.key] -= 1
                if (bill := bills.get(name_key(each.name))) is None:
                    self._again(each, now)
                elif self.reader is not None:
                    self.reader.billed(each.key, bill)
            self._asked.pop(work.serial, None)
        return ()

    def _again(self, each: _Waiting, now: Instant) -> None:
        """Search again later for one that the search index does not show as ended, until after ``_MOST_TRIES`` tries."""
        each.tries += 1
        if each.tries < _MOST_TRIES:
            each.since = now.monotonic + _GATHER_SECONDS * 2.0**each.tries
            self._unknown[each.key] += 1
            self._put(each)
        elif self.reader is not None:
            self.reader.not_billed(each.key)

    def late(self, work: Work, now: Instant) -> None:
        """Do nothing: ``due`` sees that the call has returned."""

    def retry(self, work: Work, failure: Failure, now: Instant) -> None:
        """Search again later, after any failure: permissions and credentials may change."""
        batch = self._asked.pop(work.serial, None)
        if batch is None:
            return
        failures = self._calls.failed(Operation.SEARCH, THE_BILLS, failure.code)
        pause = tags_retry_at(failures, now.monotonic)
        self._not_before = pause if failure.code.transient else now.monotonic + REFUSED_PAUSE
        for each in batch:
            self._put(each)


def _is_final(bill: Bill) -> bool:
    return bill.status in ENDED_TRAINING_JOB_STATUSES and bill.billable_seconds is not None
