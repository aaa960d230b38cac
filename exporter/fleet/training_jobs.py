"""The training jobs of a target's tuning jobs: when their lists are read, and what becomes of what they tell."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from exporter.config.pattern import found
from exporter.errors import ErrorCode, Failure
from exporter.fleet import events
from exporter.fleet.schedule import REFUSED_PAUSE, tags_retry_at
from exporter.fleet.source import Operation
from exporter.fleet.training_reading import ListTrainings, Reading
from exporter.fleet.training_sums import TrainingSums
from exporter.tuning_job import TrainingsPage, failure_class, name_key, same_moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.fleet.bills import BillSearches
    from exporter.fleet.calls import Calls
    from exporter.fleet.events import Decision, Event
    from exporter.fleet.job import Job
    from exporter.fleet.jobs import Jobs
    from exporter.fleet.source import Work
    from exporter.tuning_job import Bill, TuningJob

_SLACK = 64
# A list may be behind a describe for a while. After so many readings that do not tell all, one reads on to the end of the
# list, and what that one does not tell either is looked for no more.
_SHORT_READINGS = 2
# While a training job waits for instances, no counter tells when it begins. Nearly all do within minutes.
_WAITS_FIRST = 3.0  # intervals
_WAITS_GROW = 6.0
_LONGEST_WAIT = 6 * 3_600.0
_MOST_WAITS = 8
_LOST_AFTER = 3  # failures in a row: the third comes three minutes after the first


@dataclass(slots=True, eq=False)
class _Search:
    """One tuning job, the one of its name that was created then.

    ``due`` is None while nothing is to be read and while a call is under way, whose serial is ``asked``. ``reading`` is
    one that has begun. ``read`` is the wall time and the counters of the last whole one, None before. ``short`` counts the
    readings in a row that did not tell all, ``waits`` those made only since a training job waits for instances.
    ``lost`` tells that calls have failed for so long that nobody knows what runs. ``told`` are the classes of failures
    that were logged.
    """

    name: str
    creation_time: float | None
    sums: TrainingSums = field(default_factory=TrainingSums)
    due: float | None = None
    asked: int | None = None
    reading: Reading | None = None
    read: tuple[float, Mapping[str, int | float]] | None = None
    short: int = 0
    waits: int = 0
    lost: bool = False
    told: frozenset[tuple[str, bool]] = frozenset()

    def rests(self, until: float) -> bool:
        """Tell whether no reading is under way or due by then."""
        return self.reading is None and self.asked is None and (self.due is None or self.due > until)


class TrainingJobs:
    """A source of calls. Due times are monotonic seconds.

    A list is read an interval after a describe has told of other counters, so that one reading tells of all changes in
    between, and of training jobs that have begun to train meanwhile. A tuning job that is new here is read at once, as
    after a restart.
    """

    head_start: ClassVar[float] = -5.0  # nothing is lost while it waits, so describes and lists go first

    def __init__(self, spec: TargetSpec, calls: Calls, jobs: Jobs, bills: BillSearches) -> None:
        self._spec = spec
        self._calls = calls
        self._jobs = jobs
        self._bills = bills
        bills.reader = self
        self._searches: dict[str, _Search] = {}
        self._serials = itertools.count()
        self._queue: list[tuple[float, int, str]] = []
        self._unpriced: frozenset[str] = frozenset()  # instance types that were told of

    def operations(self) -> Iterable[Operation]:
        """Return what it calls, where training jobs are collected."""
        return () if self._spec.spend is None else (Operation.LIST_TRAINING_JOBS,)

    def reload(self, spec: TargetSpec) -> None:
        """Take a configuration; ``described`` tells of each tuning job."""
        before, self._spec, self._unpriced = self._spec.spend, spec, frozenset()
        if spec.spend is None or (before is not None and before.billable != spec.spend.billable):
            for search in tuple(self._searches.values()):
                self.forget(search.name)
        elif before is not None and spec.spend.max_training_jobs > before.max_training_jobs:
            for search in self._searches.values():
                if search.sums.capped:
                    search.sums.look_again()
                    search.short = _SHORT_READINGS

    def forget(self, name: str) -> None:
        """Drop a tuning job; the result of a call under way will be dropped too."""
        if self._searches.pop(name_key(name), None) is not None:
            self._calls.forget(Operation.LIST_TRAINING_JOBS, name_key(name))
            self._bills.forget(name_key(name))
            self._jobs.spent(name, None)

    def described(self, job: Job, now: Instant) -> None:
        """Take what is known of a tuning job: where its counters have changed, its list is to be read."""
        facts = job.facts
        if self._spec.spend is None or facts is None:
            return
        search = self._searches.get(job.key)
        if search is None or not same_moment(search.creation_time, facts.creation_time):
            self.forget(job.spec.name)
            search = self._searches[job.key] = _Search(job.spec.name, facts.creation_time)
            if sum(facts.training_jobs.values()) > 0:
                self._plan(job.key, search, now.monotonic)
            return
        self._show(search, facts)
        due = now.monotonic + self._spec.spend.interval
        if search.rests(due) and not self._fails(search) and not search.sums.agree(facts.training_jobs):
            search.waits = 0
            self._plan(job.key, search, due)

    @property
    def due(self) -> float | None:
        """When the next call falls due; None when only a change can bring one."""
        while self._queue and not self._bills.full:
            due, _, key = self._queue[0]
            search = self._searches.get(key)
            if search is not None and search.due == due and not self._calls.stuck(Operation.LIST_TRAINING_JOBS, key):
                return due
            heapq.heappop(self._queue)
        return None

    def start(self, serial: int, now: Instant) -> Work:
        """Return the call that is ``due``."""
        key = heapq.heappop(self._queue)[2]
        search, job, spend = self._searches[key], self._jobs.get(key), self._spec.spend
        if search.reading is None:
            counters = {} if job is None or job.facts is None else job.facts.training_jobs
            most = 1 if spend is None else spend.max_training_jobs
            reads_on = search.short >= _SHORT_READINGS
            search.reading = Reading(search.sums, counters, reads_on=reads_on, most=most)
        search.due, search.asked = None, serial
        return ListTrainings(serial, now.monotonic, search.name, search.reading.page_size, search.reading.token)

    def apply(self, work: Work, outcome: object, now: Instant) -> Iterable[Decision]:
        """Take what came of a call. A failure leaves what is known as it is."""
        if isinstance(outcome, Failure):
            self.retry(work, outcome, now)
            return ()
        search, job = self._searches.get(work.key), self._jobs.get(work.key)
        if search is None or search.asked != work.serial or not isinstance(outcome, TrainingsPage):
            return ()
        search.asked, search.lost = None, False
        self._calls.succeeded(Operation.LIST_TRAINING_JOBS, work.key)
        reading, facts = search.reading, None if job is None else job.facts
        if reading is None or facts is None:  # without a describe nothing is shown, and the next one asks again
            search.reading = None
            return ()
        failed = reading.take(outcome, facts.definitions, self._class_of)
        self._bills.want(work.key, reading.trained, now)
        if reading.is_over():
            self._over(search, reading, facts, now)
        else:
            self._plan(work.key, search, now.monotonic)
        return (*self._tell(search, failed, now), *self._tell_unpriced(search, facts))

    def _over(self, search: _Search, reading: Reading, facts: TuningJob, now: Instant) -> None:
        search.reading, search.read = None, (now.wall, reading.counters)
        key, interval = name_key(search.name), self._interval
        agrees = search.sums.agree(reading.counters)
        if not agrees and search.short < _SHORT_READINGS and not reading.capped:
            search.short += 1
        else:
            search.short = 0
            search.sums.give_up(reading.counters)
        if search.short or not search.sums.agree(facts.training_jobs):
            self._plan(key, search, now.monotonic + interval)
        elif search.sums.waits and not facts.terminal:
            pause = min(_LONGEST_WAIT, _WAITS_FIRST * interval * _WAITS_GROW**search.waits)
            self._plan(key, search, now.monotonic + pause)
            search.waits = min(search.waits + 1, _MOST_WAITS)
        else:
            search.waits = 0
        self._show(search, facts)

    def late(self, work: Work, now: Instant) -> None:  # noqa: ARG002 - a Source
        """Let a list be due again whose call came back after it had been given up."""
        search = self._searches.get(work.key)
        if search is not None and search.due is not None:
            self._plan(work.key, search, search.due)

    def retry(self, work: Work, failure: Failure, now: Instant) -> None:
        """Read on later, or from the beginning where the API refused."""
        search = self._searches.get(work.key)
        if search is None or search.asked != work.serial:
            return
        if failure.code is ErrorCode.NOT_FOUND:  # a describe that finds it again asks again
            search.reading = search.asked = search.due = None
            self._calls.succeeded(Operation.LIST_TRAINING_JOBS, work.key)
            return
        failures = self._calls.failed(Operation.LIST_TRAINING_JOBS, work.key, failure.code)
        if failure.code.transient:
            due = tags_retry_at(failures, now.monotonic)
        else:
            search.reading, due = None, now.monotonic + REFUSED_PAUSE
        search.lost = not failure.code.transient or failures >= _LOST_AFTER
        self._plan(work.key, search, due)
        self._show_again(work.key, search)

    def billed(self, key: str, bill: Bill) -> None:
        """Take what is billed for a training job."""
        if (search := self._searches.get(key)) is not None:
            search.sums.bill(bill)
            self._show_again(key, search)

    def not_billed(self, key: str) -> None:
        """Take that nobody will tell what is billed for a training job."""
        if (search := self._searches.get(key)) is not None:
            search.sums.not_billed()
            self._show_again(key, search)

    def _show_again(self, key: str, search: _Search) -> None:
        job = self._jobs.get(key)
        if job is not None and job.facts is not None:
            self._show(search, job.facts)

    @property
    def _interval(self) -> float:
        return REFUSED_PAUSE if self._spec.spend is None else self._spec.spend.interval

    def _show(self, search: _Search, facts: TuningJob) -> None:
        """Show the sums. While calls fail, what the describe tells is missing from them.

        Before a list was read once there are none; that it cannot be read is shown all the same.
        """
        if (asked := self._spec.spend) is None or (search.read is None and not search.lost):
            return
        sums = TrainingSums() if search.read is None else search.sums
        read_at, counters = search.read or (None, facts.training_jobs)
        if self._fails(search):
            counters = facts.training_jobs
        waits = asked.billable == "search" and self._bills.waits(name_key(search.name))
        running_at = None if search.lost else read_at
        best = facts.best_training_job
        spend = sums.spend(counters, facts.definitions, best, running_at, asked, bills_wait=waits)
        self._jobs.spent(search.name, spend)

    def _fails(self, search: _Search) -> bool:
        return self._calls.code(Operation.LIST_TRAINING_JOBS, name_key(search.name)) is not None

    def _class_of(self, text: str | None) -> str:
        """Return the class of a failure: the first of the configuration's own that fits, else one of ours."""
        own = () if self._spec.spend is None else self._spec.spend.failure_classes
        return next((each.reason for each in own if text and found(each.regex, text)), None) or failure_class(text)

    def _tell(self, search: _Search, failed: Iterable[tuple[Any, str]], now: Instant) -> Iterable[Event]:
        """Yield a line for the first failure of each class, and one for the first that is no news any more."""
        for training, reason in failed:
            news = events.is_news(training, now.wall)
            if (reason, news) not in search.told:
                search.told |= {(reason, news)}
                yield events.of_failed_training(self._spec, search.name, training, reason, news=news)

    def _tell_unpriced(self, search: _Search, facts: TuningJob) -> Iterable[Event]:
        """Yield a line for instance types without a price, the first time that a tuning job has them."""
        prices = None if self._spec.spend is None else self._spec.spend.prices
        if prices is not None and (
            new := search.sums.instance_types(facts.definitions) - prices.keys() - self._unpriced
        ):
            self._unpriced |= new
            yield events.of_unpriced(self._spec, search.name, sorted(new))

    def _plan(self, key: str, search: _Search, due: float) -> None:
        search.due, search.asked = due, None
        heapq.heappush(self._queue, (due, next(self._serials), key))
        if len(self._queue) > 2 * len(self._searches) + _SLACK:  # what was planned anew has left its old entries
            waiting = [(each.due, key) for key, each in self._searches.items() if each.due is not None]
            self._queue = [(due, next(self._serials), key) for due, key in waiting]
            heapq.heapify(self._queue)
