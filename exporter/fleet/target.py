"""One account and region: the only mutable state of the fleet.

A target is driven by a pair: ``next(now)`` hands out the call to make, ``apply(work, outcome, now)`` takes what came
of it. It reads no clock and starts no thread, so that worker threads, replays over months and tests drive the same
code. Threads hold ``condition`` round every call; single-threaded drivers need not.
"""

from __future__ import annotations

import itertools
import math
import threading
from functools import partial
from typing import TYPE_CHECKING

from exporter.errors import ErrorCode, Failure
from exporter.fleet import events, report
from exporter.fleet.account import Account
from exporter.fleet.allowance import Allowance
from exporter.fleet.calls import Calls
from exporter.fleet.finder import Finder
from exporter.fleet.job import Job
from exporter.fleet.jobs import Jobs
from exporter.fleet.refresh import Refresh
from exporter.fleet.rounds import Rounds
from exporter.fleet.tags import TagListings
from exporter.fleet.tally import Tally
from exporter.fleet.work import Operation, Outcome, Work
from exporter.tuning_job import TuningJob, name_key

if TYPE_CHECKING:
    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.fleet.events import Event
    from exporter.fleet.view import TargetView
    from exporter.telemetry import Telemetry


class Target:
    """The tuning jobs of one target and when each is described. Times as given by ``now``."""

    def __init__(self, spec: TargetSpec, telemetry: Telemetry, now: Instant) -> None:
        self.condition = threading.Condition()
        self._spec = spec
        self._telemetry = telemetry
        self._serials = itertools.count()
        self._budget = Allowance(spec, telemetry, now.monotonic)
        self._rounds = Rounds(telemetry)
        self._calls = Calls()
        self._jobs = Jobs(self._calls)
        self._tags = TagListings(self._calls)
        self._account = Account(spec, self._calls)
        self._finder = Finder(self._calls, self._jobs, self._tags, telemetry, self._forget)
        self._refresh = Refresh(self._jobs, self._rounds, self._finder, now.monotonic)
        self._tally = Tally(telemetry)
        self._attempted = False
        self._listed_last = False
        self._changed = False
        self._adopt(None, now)
        self._changes_told = self._jobs.changes

    @property
    def spec(self) -> TargetSpec:
        """The configuration in force."""
        return self._spec

    def update(self, spec: TargetSpec, now: Instant) -> tuple[Event, ...]:
        """Take a new configuration of the same key and return what is worth a log line: jobs in both keep their values."""
        before, self._spec = self._spec, spec
        self._budget.set_rate(spec.requests_per_second, now.monotonic)
        if spec.account_id != before.account_id:
            known = (job.facts.account_id for job in self._jobs if job.facts is not None)
            self._account.claim(spec.account_id, next(known, None))
        self._adopt(before, now)
        self._refresh.reload(spec, before, now)
        self._tally.renamed(spec)
        return tuple(self._finder.enforce_limits(spec, now))

    def _adopt(self, before: TargetSpec | None, now: Instant) -> None:
        wanted = {name_key(job.name): job for job in self._spec.jobs}
        self._finder.reload(self._spec, before, now)
        for job in tuple(self._jobs):
            listed = wanted.get(job.key)
            if listed is not None and listed.name == job.spec.name:
                continue
            found = self._finder.spec_after_reload(self._spec, job) if listed is None else None
            if found is None:
                self._forget(job.spec.name, now)
            else:
                job.spec, job.view = found, None
                self._tags.want(job.spec.name, found.tag_labels, job.facts, now.monotonic)
        for job_spec in wanted.values():
            known = self._jobs.get(job_spec.name)
            if known is None or known.is_elsewhere(job_spec):
                self._forget(job_spec.name, now)
                known = Job(job_spec, now.monotonic, now.monotonic, now.wall)
                self._jobs.add(known)
            known.spec = job_spec
            known.view = None
            self._tags.want(job_spec.name, job_spec.tag_labels, known.facts, now.monotonic)
        self._jobs.arrange(wanted)
        self._rounds.target = self._spec.name
        self._telemetry.add_target(self._spec.name, report.operations(self._spec))

    def _forget(self, name: str, now: Instant) -> None:
        self._jobs.remove(name)
        self._tags.forget(name)
        self._tally.incidents.forget(name, now.monotonic)
        self._rounds.done(name_key(name), now)

    def next(self, now: Instant) -> Work | None:
        """Return the call to make now, or None when nothing is due or the budget is spent: see ``wakes_at``."""
        self._refresh.begin_round(self._spec, now)
        self._rounds.check(now.monotonic)
        if not self._budget.spend(self._spec.name, now.monotonic, self._next_due()):
            return None
        work = self._start(now)
        self._calls.begin(work)
        self._tally.begun(self._spec, work)
        return work

    def wakes_at(self, now: Instant) -> float | None:
        """Return the monotonic time at which ``next`` may have something, None when only a change can bring it."""
        due = self._next_due()
        if due is not None and due <= now.monotonic:
            due = self._budget.next_token_at(now.monotonic)
        moments = (due, self.expires_at, self._refresh.round_at(self._spec))
        return min((moment for moment in moments if moment is not None), default=None)

    @property
    def calls_under_way(self) -> int:
        """How many calls are under way within their deadline."""
        return len(self._calls)

    @property
    def expires_at(self) -> float | None:
        """The monotonic time at which ``expire`` has something to do, None while nothing is under way or wrong."""
        started = self._calls.oldest_started
        moments = (None if started is None else started + self._deadline, self._tally.incidents.due(self._spec))
        return min((moment for moment in moments if moment is not None), default=None)

    @property
    def _deadline(self) -> float:
        return self._spec.connection.deadline

    def expire(self, now: Instant) -> tuple[Event, ...]:
        """Give up the calls that are past their deadline and return what is worth a log line.

        That includes what fails for longer. A call given up has failed as a time-out. Its tuning job is not asked for again before it has come back, so that
        an endpoint that never answers holds one thread for each tuning job and no more.
        """
        failure = Failure(ErrorCode.TIMEOUT, f"no whole answer within {self._deadline:g} s", now.wall)
        late = self._calls.give_up(self._deadline, now.monotonic)
        self._tally.incidents.only(Operation.LIST, self._finder.lists.concerns, now.monotonic)
        given_up = [event for work in late for event in self._apply(work, failure, now, hung=True)]
        return (*given_up, *self._tally.incidents.report(self._spec, now))

    def apply(self, work: Work, outcome: Outcome, now: Instant) -> tuple[Event, ...]:
        """Take what came of a call and return what is worth a log line.

        The result of a call for a tuning job that has left the configuration meanwhile is dropped, and so is that of
        a call that was given up: its tuning job is then described at once, or its tags are listed when they are due.
        """
        if not self._calls.back(work):
            try:
                return self._apply(work, outcome, now)
            except Exception as error:  # noqa: BLE001 - one answer that we fail at must not hide all others
                return self._fail_at(work, error, now)
        if work.operation is Operation.LIST_TAGS:
            self._tags.resume(work.name)
        job = self._jobs.get(work.name)
        if work.operation is Operation.DESCRIBE and job is not None and job.in_flight is None:
            self._jobs.plan(job, now.monotonic, now)
        return ()

    def take_changed(self) -> bool:
        """Tell whether the view may have changed since this was asked last. Ask after ``next`` too."""
        changed = self._changed or self._changes_told != self._jobs.changes
        self._changed, self._changes_told = False, self._jobs.changes
        return changed

    def has_more(self, now: Instant) -> bool:
        """Tell whether more calls are due already."""
        return _since(self._next_due(), now) < math.inf

    def _apply(self, work: Work, outcome: Outcome, now: Instant, *, hung: bool = False) -> tuple[Event, ...]:
        self._tally.ended(self._spec, work, outcome, now)
        throttled = isinstance(outcome, Failure) and outcome.code is ErrorCode.THROTTLED
        if throttled and work.operation in {Operation.DESCRIBE, Operation.LIST}:
            self._budget.throttled(now.monotonic)
        if work.operation is Operation.LIST:
            before = self._what_lists_show(now)
            told = self._apply_list(work, outcome, now)
            self._changed |= self._what_lists_show(now) != before
            return told
        self._changed = True
        if work.operation is Operation.DESCRIBE:
            return self._apply_describe(work, outcome, now, hung=hung)
        if work.operation is Operation.IDENTIFY:
            if self._account.identified(outcome, self._spec, now.monotonic):
                self._jobs.redraw()
            return ()
        return self._apply_tags(work, outcome, now)

    def _apply_describe(self, work: Work, outcome: Outcome, now: Instant, *, hung: bool) -> tuple[Event, ...]:
        self._attempted = True
        job = self._jobs.get(work.name)
        if job is None or job.in_flight != work.serial:
            return ()
        before = (job.facts, job.failure)
        job.in_flight = None
        job.attempted = True
        if isinstance(outcome, TuningJob):
            self._succeed(job, outcome, work, now)
        elif isinstance(outcome, Failure):
            if outcome.code is ErrorCode.NOT_FOUND and job.discovered and not self._finder.shows(job.key):
                self._forget(work.name, now)
                return (events.of_discovery(self._spec, work.name, job.spec.source, "discovered tuning job is gone"),)
            self._fail(job, outcome, now, hung=hung)
        self._rounds.done(job.key, now)
        return events.of_describe(self._spec, work.name, *before, job.facts, job.failure)

    def _fail_at(self, work: Work, error: Exception, now: Instant) -> tuple[Event, ...]:
        """Take an answer that a defect of ours keeps from being used: whatever it was about has failed and goes on."""
        failure = Failure(ErrorCode.MALFORMED_ANSWER, f"the answer cannot be used ({type(error).__name__})", now.wall)
        job = self._jobs.get(work.name) if work.operation is Operation.DESCRIBE else None
        if job is not None:
            job.in_flight, job.attempted = None, True
            self._fail(job, failure, now, hung=False)
            self._rounds.done(job.key, now)
        self._finder.lists.retry(work, self._spec.interval, now.monotonic)
        self._tags.retry(work, now.monotonic)
        self._tally.incidents.failed(self._spec, work.operation, work.name, failure, now.monotonic)
        return (events.of_defect(self._spec, work.operation, work.name, error),)

    def _succeed(self, job: Job, facts: TuningJob, work: Work, now: Instant) -> None:
        if self._account.learn(facts.account_id):
            self._jobs.redraw()
        self._tags.described(job.spec.name, facts, now.monotonic)
        job.succeed(facts, work.started, now)
        self._refresh.succeeded(self._spec, job, now)

    def _fail(self, job: Job, failure: Failure, now: Instant, *, hung: bool) -> None:
        before = job.failure
        job.fail(failure)
        if failure.code is ErrorCode.NOT_FOUND:
            self._tags.missing(job.spec.name)
        self._refresh.failed(self._spec, job, before, now, hung=hung)
        self._account.wonder(self._spec, now.monotonic)

    def _apply_list(self, work: Work, outcome: Outcome, now: Instant) -> tuple[Event, ...]:
        self._attempted = True
        listing, told = self._finder.apply(self._spec, work, outcome, now)
        if listing is None:
            return tuple(told)
        if listing.failure is not None:
            self._account.wonder(self._spec, now.monotonic)
            if not isinstance(outcome, Failure):  # each page was good, but not the list
                self._tally.incidents.failed(self._spec, work.operation, work.name, listing.failure, now.monotonic)
        for summary in listing.summaries.values():
            if self._account.learn(summary.account_id):
                self._jobs.redraw()
            break  # a list is of one account
        self._refresh.listed(self._spec, listing, now)
        return tuple(told)

    def _what_lists_show(self, now: Instant) -> tuple[object, ...]:
        """Return what of the view a list may change beside the tuning jobs."""
        untracked, codes = self._finder.untracked(self._spec, now), self._finder.lists.codes
        return self._attempted, self._account.id, untracked, codes

    def _apply_tags(self, work: Work, outcome: Outcome, now: Instant) -> tuple[Event, ...]:
        self._tags.apply(work, outcome, now.monotonic)
        self._jobs.redraw(None if work.operation is Operation.SEARCH else work.name)
        return tuple(self._finder.tags_known(self._spec, now))

    def view(self, now: Instant) -> TargetView:
        """Return the target as it stands, values that have gone stale and jobs past their retention left out."""
        for job in tuple(self._jobs):
            goes_at = job.goes_at(self._spec.retention, now)
            if goes_at is not None and goes_at <= now.monotonic:
                self._forget(job.spec.name, now)
        attempted = self._attempted or not (self._jobs or self._spec.rules)
        return report.target_view(
            self._spec,
            self._jobs,
            self._account,
            self._tags,
            self._finder,
            attempted=attempted,
            last_answered=self._tally.last_answered,
            now=now,
        )

    def _next_due(self) -> float | None:
        dues = (self._jobs.due, self._account.due, self._tags.due, self._finder.lists.due)
        return min((due for due in dues if due is not None), default=None)

    def _start(self, now: Instant) -> Work:
        """Return the call to make of those that are due.

        What has waited for longest comes first, but a list goes before describes that fell due within the interval
        before it, since it brings news of many tuning jobs at once, and tags go after those of the interval after them.
        Describes that have waited for a quarter of an interval take turns with the pages of lists, however many these are.
        """
        serial = next(self._serials)
        begin = partial(Work, serial, started=now.monotonic, region=self._spec.key.region)
        if _since(self._account.due, now) < math.inf:
            self._account.start()
            return begin(Operation.IDENTIFY)
        listed = _since(self._finder.lists.due, now) - self._spec.interval
        tagged = _since(self._tags.due, now) + self._spec.interval
        described = _since(self._jobs.due, now)
        describe_now = self._listed_last and now.monotonic >= described + self._spec.interval / 4
        self._listed_last = listed <= min(described, tagged) and not describe_now
        if self._listed_last:
            key, request = self._finder.lists.start(serial)
            return begin(Operation.LIST, name=key, account_id=self._account.id, request=request)
        if tagged < described and not describe_now:
            operation, name, arn, request = self._tags.start(serial, now.monotonic)
            return begin(operation, name=name, arn=arn, request=request)
        job = self._jobs.pop()
        self._refresh.starting(self._spec, job, now.monotonic)
        job.in_flight = serial
        return begin(Operation.DESCRIBE, name=job.spec.name, account_id=job.spec.account_id or self._account.id)


def _since(due: float | None, now: Instant) -> float:
    """Return since when a call has been due, infinite when none is."""
    return due if due is not None and due <= now.monotonic else math.inf
