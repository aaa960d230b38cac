"""What SageMaker bills for training jobs that have ended: searched for by name, a hundred at a time, whosever they are."""

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
"""The most that the API puts on a page of Search."""

THE_BILLS = "bills of training jobs"
"""What these searches are about. No tuning job's name has a space."""

ENOUGH_WAIT = 1_000
"""While so many wait for searches that work, no further list of training jobs is read: names take memory."""

MOST_WAITING = 10_000
"""So many wait for searches that do not work. The bills of more than these stay unknown."""

_NAMES_IN_A_VALUE = 15  # a value has 1,024 characters at most, and a name 63
_GATHER_SECONDS = 60.0
_MOST_TRIES = 4  # the index of the search lags, so that one that has ended may not be found so at first


class Reader(Protocol):
    """Who gets the bills, by the key of the tuning job."""

    def billed(self, key: str, bill: Bill) -> None:
        """Take what is billed for a training job."""

    def not_billed(self, key: str) -> None:
        """Take that what is billed for one of the training jobs will stay unknown."""


@dataclass(frozen=True, slots=True)
class SearchBills(Work):
    """A call of Search, for the training jobs of these names."""

    operation = Operation.SEARCH
    training_jobs: Sequence[str]

    def make(self, api: Api) -> Bills:
        """Return what is billed for those that are found."""
        return reduce_bills(api.search(request_for(self.training_jobs)))


def request_for(names: Sequence[str]) -> Mapping[str, Any]:
    """Return the input that asks for the training jobs of these names, a page of them at most."""
    parts = [names[first : first + _NAMES_IN_A_VALUE] for first in range(0, len(names), _NAMES_IN_A_VALUE)]
    filters = [{"Name": "TrainingJobName", "Operator": "In", "Value": ",".join(part)} for part in parts]
    return {
        "Resource": "TrainingJob",
        "SearchExpression": {"Filters": filters, "Operator": "Or"},
        "MaxResults": PAGE_SIZE,
    }


@dataclass(slots=True)
class _Waiting:
    """A training job whose bill is asked for from a time on (monotonic seconds)."""

    key: str
    name: str
    since: float
    tries: int = 0


class BillSearches:
    """A source of calls. Due times are monotonic seconds."""

    head_start: ClassVar[float] = -4.0  # before further lists of training jobs, whose names would have to wait here

    def __init__(self, spec: TargetSpec, calls: Calls) -> None:
        self._spec = spec
        self._calls = calls
        self._waiting: dict[tuple[str, str], _Waiting] = {}
        self._first = math.inf  # when the first of those that wait is to be asked for
        self._asked: dict[int, list[_Waiting]] = {}
        self._unknown: Counter[str] = Counter()  # how many wait or are asked for, by the key of the tuning job
        self._not_before = 0.0
        self.reader: Reader | None = None

    @property
    def _wanted(self) -> bool:
        return self._spec.spend is not None and self._spec.spend.billable == "search"

    def operations(self) -> Iterable[Operation]:
        """Return what it calls, where the configuration asks for bills."""
        return (Operation.SEARCH,) if self._wanted else ()

    def reload(self, spec: TargetSpec) -> None:
        """Take a configuration."""
        self._spec = spec
        if not self._wanted:
            self._waiting.clear()
            self._asked.clear()
            self._unknown.clear()
            self._calls.forget(Operation.SEARCH, THE_BILLS)

    @property
    def full(self) -> bool:
        """Whether more should come only once searches have answered some. Nothing waits for searches that do not work."""
        if len(self._waiting) < ENOUGH_WAIT:
            return False
        fails = self._calls.code(Operation.SEARCH, THE_BILLS) is not None
        return not (fails or self._calls.stuck(Operation.SEARCH, THE_BILLS))

    def want(self, key: str, names: Iterable[str], now: Instant) -> None:
        """Ask for the bills of a tuning job's training jobs, with those of others that come soon."""
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
        """Let those that have not been asked for yet wait no longer for others."""
        for each in self._waiting.values():
            if each.tries == 0:
                each.since = min(each.since, now.monotonic)
        self._first = min((each.since for each in self._waiting.values()), default=math.inf)

    def waits(self, key: str) -> bool:
        """Tell whether a bill of the tuning job has not come yet."""
        return self._unknown[key] > 0

    def forget(self, key: str) -> None:
        """Drop the training jobs of a tuning job."""
        if self._unknown.pop(key, 0):
            for place in [place for place in self._waiting if place[0] == key]:
                del self._waiting[place]
            for serial, batch in self._asked.items():
                self._asked[serial] = [each for each in batch if each.key != key]

    @property
    def due(self) -> float | None:
        """When the next call falls due: when a page is full, or the first has waited for others for a minute."""
        if not self._waiting or self._asked or self._calls.stuck(Operation.SEARCH, THE_BILLS):
            return None
        first = self._first - (_GATHER_SECONDS if len(self._waiting) >= PAGE_SIZE else 0.0)
        return max(first, self._not_before)

    def start(self, serial: int, now: Instant) -> Work:
        """Return the call that is ``due``."""
        batch = sorted(self._waiting.values(), key=lambda each: each.since)[:PAGE_SIZE]
        for each in batch:
            del self._waiting[each.key, name_key(each.name)]
        self._first = min((each.since for each in self._waiting.values()), default=math.inf)
        self._asked[serial] = batch
        return SearchBills(serial, now.monotonic, THE_BILLS, [each.name for each in batch])

    def apply(self, work: Work, outcome: object, now: Instant) -> Iterable[Decision]:
        """Take what came of a call."""
        if isinstance(outcome, Failure):
            self.retry(work, outcome, now)
        elif isinstance(outcome, Bills):
            self._calls.succeeded(Operation.SEARCH, THE_BILLS)
            told = {name_key(bill.name): bill for bill in outcome.bills if _is_final(bill)}
            batch = self._asked.get(work.serial, [])
            while batch:  # what is left of it is asked for again where one of them makes us fail
                each = batch.pop(0)
                self._unknown[each.key] -= 1
                if (bill := told.get(name_key(each.name))) is None:
                    self._again(each, now)
                elif self.reader is not None:
                    self.reader.billed(each.key, bill)
            self._asked.pop(work.serial, None)
        return ()

    def _again(self, each: _Waiting, now: Instant) -> None:
        """Ask for one again that was not found as it is in the end, unless that was often enough."""
        each.tries += 1
        if each.tries < _MOST_TRIES:
            each.since = now.monotonic + _GATHER_SECONDS * 2.0**each.tries
            self._unknown[each.key] += 1
            self._put(each)
        elif self.reader is not None:
            self.reader.not_billed(each.key)

    def late(self, work: Work, now: Instant) -> None:
        """Take that a call came back that had been given up; ``due`` sees that."""

    def retry(self, work: Work, failure: Failure, now: Instant) -> None:
        """Ask again later, whatever the reason: a refusal may be lifted, and credentials be renewed."""
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
