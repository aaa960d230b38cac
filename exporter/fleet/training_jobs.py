"""The training jobs of a target's tuning jobs: when their lists are read, and handling the results."""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING, Any, ClassVar

from exporter.config.pattern import found
from exporter.errors import ErrorCode, Failure
from exporter.fleet import events
from exporter.fleet.schedule import REFUSED_PAUSE, tags_retry_at
from exporter.fleet.source import Operation
from exporter.fleet.training_reading import ListTrainings, Reading
from exporter.fleet.training_search import TrainingSearch
from exporter.fleet.training_sums import TrainingSums
from exporter.tuning_job import OTHER, REASONS, TrainingsPage, failure_class, name_key, same_moment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from exporter.clock import Instant
    from exporter.config.specs import SpendSpec, TargetSpec
    from exporter.fleet.bills import BillSearches
    from exporter.fleet.calls import Calls
    from exporter.fleet.events import Decision, Event
    from exporter.fleet.job import Job
    from exporter.fleet.jobs import Jobs
    from exporter.fleet.source import Work
    from exporter.tuning_job import Bill, TuningJob

_SLACK = 64
_LOST_AFTER = 3  # failures in a row: the third comes three minutes after the first


class TrainingJobs:
    """A source of calls. Due times are monotonic seconds.

    When a describe shows changed counters, the list is read one interval later. So one reading has all changes in between, and
    the training jobs that have started training. The list of a new tuning job is read at once, such as after a restart.
    """

    head_start: ClassVar[float] = -5.0  # nothing is lost by waiting, so describes and lists come first

    def __init__(self, spec: TargetSpec, calls: Calls, jobs: Jobs, bills: BillSearches) -> None:
        self._spec = spec
        self._calls = calls
        self._jobs = jobs
        self._bills = bills
        bills.reader = self
        self._searches: dict[str, TrainingSearch] = {}
        self._serials = itertools.count()
        self._queue: list[tuple[float, int, str]] = []
        self._unpriced: frozenset[str] = frozenset()  # instance types that were reported

    def operations(self) -> Iterable[Operation]:
        """Return the operation that it calls, nothing if training jobs are not collected."""
        return () if self._spec.spend is None else (Operation.LIST_TRAINING_JOBS,)

    def reload(self, spec: TargetSpec) -> None:
        """Use a new configuration. ``described`` is called for each tuning job afterwards."""
        before, self._spec, self._unpriced = self._spec.spend, spec, frozenset()
        # Billed seconds are read by name, but names are not kept. So everything must be read again.
        if spec.spend is None or (before is not None and before.billable != spec.spend.billable == "search"):
            for search in tuple(self._searches.values()):
                self.forget(search.name)
        elif before is not None:
            self._reload(before, spec.spend)

    def _reload(self, before: SpendSpec, spend: SpendSpec) -> None:
        reasons = {*REASONS, *(each.reason for each in spend.failure_classes)}
        for search in self._searches.values():
            search.sums.only(reasons, OTHER)
            if spend.max_training_jobs > before.max_training_jobs:
                if search.reading is not None:
                    search.reading.most = spend.max_training_jobs
                if search.sums.capped:
                    search.sums.look_again()
                    search.reads_on = True

    @property
    def failing(self) -> AbstractSet[str]:
        """The names of the tuning jobs whose lists are needed but cannot be read."""
        keys = self._calls.failing(Operation.LIST_TRAINING_JOBS) & self._searches.keys()
        return {self._searches[key].name for key in keys}

    def forget(self, name: str) -> None:
        """Forget a tuning job. The result of a call under way is dropped too."""
        if self._searches.pop(name_key(name), None) is not None:
            self._calls.forget(Operation.LIST_TRAINING_JOBS, name_key(name))
            self._bills.forget(name_key(name))
            self._jobs.spent(name, None)

    def described(self, job: Job, now: Instant) -> None:
        """Handle a describe: plan to read the list if the counters have changed."""
        facts = job.facts
        if self._spec.spend is None or facts is None:
            return
        search = self._searches.get(job.key)
        if search is None or not same_moment(search.creation_time, facts.creation_time):
            self.forget(job.spec.name)
            search = self._searches[job.key] = TrainingSearch(job.spec.name, facts.creation_time)
            if sum(facts.training_jobs.values()) > 0:
                self._plan(job.key, search, now.monotonic)
            return
        interval = self._spec.spend.interval
        search.compare(facts, interval, now)
        self._show(search, facts)
        if search.changed is not None and search.rests(now.monotonic + interval) and not self._fails(search):
            search.waits = 0
            self._plan(job.key, search, now.monotonic + interval)

    @property
    def due(self) -> float | None:
        """When the next call is due. None if no call is planned."""
        while self._queue and not self._bills.full:
            due, _, key = self._queue[0]
            search = self._searches.get(key)
            if search is not None and search.due == due and not self._calls.stuck(Operation.LIST_TRAINING_JOBS, key):
                return due
            heapq.heappop(self._queue)
        return None

    def start(self, serial: int, now: Instant) -> Work:
        """Return the call that is due."""
        key = heapq.heappop(self._queue)[2]
        search, job, spend = self._searches[key], self._jobs.get(key), self._spec.spend
        if search.reading is None:
            counters = {} if job is None or job.facts is None else job.facts.training_jobs
            counted_at = now.wall if job is None or job.last_success is None else job.last_success
            most = 1 if spend is None else spend.max_training_jobs
            search.reading = Reading(search.sums, counters, counted_at, reads_on=search.reads_on, most=most)
            search.reads_on = False
        search.due, search.asked = None, serial
        return ListTrainings(serial, now.monotonic, search.name, search.reading.token)

    def apply(self, work: Work, outcome: object, now: Instant) -> Iterable[Decision]:
        """Handle the outcome of a call. After a failure the known sums stay."""
        if isinstance(outcome, Failure):
            self.retry(work, outcome, now)
            return ()
        search, job = self._searches.get(work.key), self._jobs.get(work.key)
        if search is None or search.asked != work.serial or not isinstance(outcome, TrainingsPage):
            return ()
        reading, facts = search.reading, None if job is None else job.facts
        if reading is None or facts is None:  # nothing can be shown without a describe; the next one plans a reading
            search.reading = search.asked = None
            self._calls.succeeded(Operation.LIST_TRAINING_JOBS, work.key)
            return ()
        failed = reading.take(outcome, facts.definitions, self._class_of)
        search.asked, search.lost = None, False
        self._calls.succeeded(Operation.LIST_TRAINING_JOBS, work.key)
        self._bills.want(work.key, reading.trained, now)
        if reading.is_over():
            self._over(search, reading, facts, now)
        else:
            self._plan(work.key, search, now.monotonic)
        return (*self._tell(search, failed, now), *self._tell_unpriced(search, facts))

    def _over(self, search: TrainingSearch, reading: Reading, facts: TuningJob, now: Instant) -> None:
        search.reading, search.read = None, (now.wall, reading.counters)
        search.compare(facts, self._interval, now)
        if (pause := search.pause_after(reading, facts, self._interval)) is not None:
            self._plan(name_key(search.name), search, now.monotonic + pause)
        self._show(search, facts)

    def late(self, work: Work, now: Instant) -> None:  # noqa: ARG002 - a Source
        """Put a list into the queue again after a call that was given up has returned."""
        search = self._searches.get(work.key)
        if search is not None and search.due is not None:
            self._plan(work.key, search, search.due)

    def retry(self, work: Work, failure: Failure, now: Instant) -> None:
        """Continue the reading later. After a lasting failure, begin it again."""
        search = self._searches.get(work.key)
        if search is None or search.asked != work.serial:
            return
        job, gone = self._jobs.get(work.key), failure.code is ErrorCode.NOT_FOUND
        failures = self._calls.failed(Operation.LIST_TRAINING_JOBS, work.key, failure.code)
        if gone and (job is None or job.facts is None):  # a describe that finds it again plans a reading
            search.reading = search.asked = search.due = None
            self._calls.succeeded(Operation.LIST_TRAINING_JOBS, work.key)
            return
        passes = failure.code.transient or gone  # if it does not exist, a describe will soon say so too
        if passes:
            due = tags_retry_at(failures, now.monotonic)
        else:
            search.reading, due = None, now.monotonic + REFUSED_PAUSE
        hangs = self._calls.stuck(Operation.LIST_TRAINING_JOBS, work.key)  # nobody knows for how long
        search.lost = not passes or hangs or failures >= _LOST_AFTER
        self._plan(work.key, search, due)
        self._show_again(work.key, search)

    def billed(self, key: str, bill: Bill) -> None:
        """Add the billed seconds of a training job."""
        if (search := self._searches.get(key)) is not None:
            search.sums.bill(bill)
            self._show_again(key, search)

    def not_billed(self, key: str) -> None:
        """Count a training job whose billed seconds will stay unknown."""
        if (search := self._searches.get(key)) is not None:
            search.sums.not_billed()
            self._show_again(key, search)

    def _show_again(self, key: str, search: TrainingSearch) -> None:
        job = self._jobs.get(key)
        if job is not None and job.facts is not None:
            self._show(search, job.facts)

    @property
    def _interval(self) -> float:
        return REFUSED_PAUSE if self._spec.spend is None else self._spec.spend.interval

    def _show(self, search: TrainingSearch, facts: TuningJob) -> None:
        """Show the sums. While calls fail or are late, compare them with the describe, so that they count as incomplete.

        Before the first complete reading nothing is shown, unless the list cannot be read: then empty sums are shown.
        """
        if (asked := self._spec.spend) is None or (search.read is None and not search.lost):
            return
        sums = TrainingSums() if search.read is None else search.sums
        read_at, counters = search.read or (None, facts.training_jobs)
        if self._fails(search) or search.behind:
            counters = facts.training_jobs
        waits = asked.billable == "search" and self._bills.waits(name_key(search.name))
        running_at = None if search.lost else read_at
        best = facts.best_training_job
        spend = sums.spend(counters, facts.definitions, best, running_at, asked, bills_wait=waits)
        self._jobs.spent(search.name, spend)

    def _fails(self, search: TrainingSearch) -> bool:
        return self._calls.code(Operation.LIST_TRAINING_JOBS, name_key(search.name)) is not None

    def _class_of(self, text: str | None) -> str:
        """Return the class of a failure: the first configured one that matches, else one of the built-in classes."""
        own = () if self._spec.spend is None else self._spec.spend.failure_classes
        return next((each.reason for each in own if text and found(each.regex, text)), None) or failure_class(text)

    def _tell(self, search: TrainingSearch, failed: Iterable[tuple[Any, str]], now: Instant) -> Iterable[Event]:
        """Yield a log line for the first recent failure of each class, and for the first old one."""
        for training, reason in failed:
            news = events.is_news(training, now.wall)
            if (reason, news) not in search.logged:
                search.logged |= {(reason, news)}
                yield events.of_failed_training(self._spec, search.name, training, reason, news=news)

    def _tell_unpriced(self, search: TrainingSearch, facts: TuningJob) -> Iterable[Event]:
        """Yield a log line for instance types without a price, the first time that a tuning job uses them."""
        prices = None if self._spec.spend is None else self._spec.spend.prices
        if prices is not None and (
            new := search.sums.instance_types(facts.definitions) - prices.keys() - self._unpriced
        ):
            self._unpriced |= new
            yield events.of_unpriced(self._spec, search.name, sorted(new))

    def _plan(self, key: str, search: TrainingSearch, due: float) -> None:
        search.due, search.asked = due, None
        heapq.heappush(self._queue, (due, next(self._serials), key))
        if len(self._queue) > 2 * len(self._searches) + _SLACK:  # a new due time leaves the old entry in the queue
            waiting = [(each.due, key) for key, each in self._searches.items() if each.due is not None]
            self._queue = [(due, next(self._serials), key) for due, key in waiting]
            heapq.heapify(self._queue)
