"""One account and region. Targets are the only mutable state of the fleet.

To drive a target, call ``next(now)``, make the call that it returns, and pass the outcome to ``apply(work, outcome, now)``.
A target reads no clock and starts no thread, so that worker threads, replays of months and tests run the same code. Threads
must hold ``lock`` for each method call; single-threaded drivers need not.
"""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

from exporter.errors import ErrorCode, Failure
from exporter.fleet import events
from exporter.fleet.account import Account
from exporter.fleet.allowance import Allowance
from exporter.fleet.bills import BillSearches
from exporter.fleet.calls import Calls
from exporter.fleet.describes import Describes
from exporter.fleet.finder import Finder
from exporter.fleet.jobs import Jobs
from exporter.fleet.lists import Lists
from exporter.fleet.polls import Polls
from exporter.fleet.quotas import AccountQuotas
from exporter.fleet.refresh import Refresh
from exporter.fleet.report import target_standing, target_view
from exporter.fleet.running import Running
from exporter.fleet.source import Operation
from exporter.fleet.sweep import Sweep
from exporter.fleet.tags import TagListings
from exporter.fleet.tally import Tally
from exporter.fleet.training_jobs import TrainingJobs
from exporter.fleet.turns import Turns
from exporter.fleet.watched import Watched

if TYPE_CHECKING:
    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.fleet.events import Event
    from exporter.fleet.source import Source, Work
    from exporter.fleet.view import Standing, TargetView
    from exporter.telemetry import Telemetry


class Target:
    """The tuning jobs of one target, and the sources of calls about them. Due times are monotonic seconds."""

    def __init__(self, spec: TargetSpec, telemetry: Telemetry, now: Instant) -> None:
        self.lock = threading.Lock()
        self._spec = spec
        self._telemetry = telemetry
        self._serials = itertools.count()
        self._budget = Allowance(spec, telemetry, now)
        self._tally = Tally(telemetry)
        self._polls = Polls(telemetry)
        self._calls = Calls()
        self._jobs = Jobs(self._calls)
        self._account = Account(spec, self._calls)
        self._tags = TagListings(spec, self._calls, self._jobs)
        self._bills = BillSearches(spec, self._calls)
        self._training_jobs = TrainingJobs(spec, self._calls, self._jobs, self._bills)
        self._quotas = AccountQuotas(spec, self._calls, self._account)
        self._lists = Lists(spec, self._calls, self._account)
        running = Running(self._lists)
        self._finder = Finder(spec, self._jobs, self._lists, running, self._tags, telemetry)
        self._refresh = Refresh(spec, self._jobs, self._lists, running, self._finder, self._polls, now)
        self._sweep = Sweep(self._jobs, self._lists, now)
        self._lists.readers = (self._finder, self._refresh, self._sweep)
        self._describes = Describes(
            spec,
            self._calls,
            self._jobs,
            self._refresh,
            self._polls,
            self._finder,
            self._tags,
            self._training_jobs,
            self._account,
        )
        self._watched = Watched(
            self._jobs, self._finder, self._tags, self._training_jobs, self._tally.incidents, self._polls
        )
        # Add the source of a new kind of call here.
        sources: tuple[Source, ...] = (
            self._account,
            self._lists,
            self._describes,
            self._tags,
            self._bills,
            self._training_jobs,
            self._quotas,
        )
        self._turns = Turns(sources, describes=self._describes, first_of_all=self._account)
        self._adopt(spec, None, now)
        self._changes_seen = self._jobs.changes
        self._failing_seen = (0, 0)
        self._changed = False

    @property
    def spec(self) -> TargetSpec:
        """The present configuration."""
        return self._spec

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations that the configuration may need."""
        return tuple(operation for source in self._turns.sources for operation in source.operations())

    def update(self, spec: TargetSpec, now: Instant) -> tuple[Event, ...]:
        """Use a new configuration of this target and return the log lines. Tuning jobs that stay keep their values."""
        before, self._spec = self._spec, spec
        self._budget.set_rate(spec.requests_per_second, now.monotonic)
        accounts = [job.facts.account_id for job in self._jobs if job.facts is not None]
        self._adopt(spec, before, now)
        self._tally.renamed(spec)
        if accounts:
            self._account.learn(accounts[0])
        if spec.connection != before.connection:  # calls now use a new client
            for work, source in self._calls.release():
                source.late(work, now)
        self._jobs.redraw()
        return self._watched.carry_out(self._finder.limits.enforce(), now)

    def _adopt(self, spec: TargetSpec, before: TargetSpec | None, now: Instant) -> None:
        self._finder.reload(spec, before, now)
        for source in self._turns.sources:
            source.reload(spec)
        self._watched.reload(spec, () if before is None else before.rules, now)
        self._quotas.want(now)
        self._refresh.reload(spec, before, now)
        self._polls.target = spec.name
        self._telemetry.add_target(spec.name, self.operations, tuple(rule.name for rule in spec.rules))

    def next(self, now: Instant) -> Work | None:
        """Return the call to make now. None if nothing is due or the budget is used up: see ``wakes_at``."""
        self._watched.retire(self._spec.retention, now)
        errors = self._calls.errors
        self._refresh.begin_round(now)
        self._sweep.begin(now)
        self._changed |= errors != self._calls.errors  # a list that failed may no longer be needed
        self._polls.check(now)
        if not self._budget.spend(self._spec.name, now, self._turns.due):
            return None
        source = self._turns.take(self._spec.interval, now)
        work = source.start(next(self._serials), now)
        self._calls.begin(work, source)
        self._tally.begun(self._spec, work)
        return work

    def hurry(self, now: Instant) -> None:
        """Make calls due now that only wait to ask for more at once."""
        self._bills.hurry(now)

    def has_more(self, now: Instant) -> bool:
        """Return whether more calls are due now."""
        due = self._turns.due
        return due is not None and due <= now.monotonic

    def wakes_at(self, now: Instant) -> float | None:
        """Return when ``next`` may return a call (monotonic seconds). None if nothing is planned."""
        due = self._turns.due
        if due is not None and due <= now.monotonic:
            due = self._budget.next_token_at(now.monotonic)
        return _earliest(due, self.expires_at(now), self._refresh.round_at, self._sweep.at)

    @property
    def calls_under_way(self) -> int:
        """The number of calls under way that are within their deadline."""
        return len(self._calls)

    @property
    def calls_given_up(self) -> int:
        """The number of calls that are past their deadline and have not returned."""
        return self._calls.given_up

    def expires_at(self, now: Instant) -> float | None:
        """Return when ``expire`` has something to do (monotonic seconds). None if there is nothing."""
        started = self._calls.oldest_started
        deadline = None if started is None else started + self._spec.connection.deadline
        return _earliest(deadline, self._tally.incidents.due(self._spec), self._jobs.goes_at(self._spec.retention, now))

    def expire(self, now: Instant) -> tuple[Event, ...]:
        """Do everything that depends only on time, and return the log lines.

        Discovered jobs past their retention are forgotten. Calls past their deadline are given up: they have failed with a
        time-out. Such a call still holds its thread, so its tuning job is not described again until the call has returned.
        So at most one thread for each tuning job is held. Incidents that last are logged again.
        """
        self._watched.retire(self._spec.retention, now)
        deadline = self._spec.connection.deadline
        failure = Failure(ErrorCode.TIMEOUT, f"no complete answer within {deadline:g} s")
        late = self._calls.give_up(deadline, now)
        self._end_incidents(now)
        given_up = [event for work, source in late for event in self._bring(source, work, failure, now)]
        return (*given_up, *self._tally.incidents.report(self._spec, now))

    def _end_incidents(self, now: Instant) -> None:
        """End the incidents of calls that are no longer made, because no outcome does."""
        incidents = self._tally.incidents
        incidents.only(Operation.LIST, self._lists.concerns, now)
        failing = self._calls.troubles, incidents.failures  # an incident may begin that the ledger does not know
        if failing == self._failing_seen:
            return
        self._failing_seen = failing
        for operation in (Operation.SEARCH, Operation.IDENTIFY, Operation.LIST_SERVICE_QUOTAS):
            incidents.only(operation, self._calls.failing(operation), now)
        incidents.only(Operation.LIST_TAGS, self._tags.failing, now)
        incidents.only(Operation.LIST_TRAINING_JOBS, self._training_jobs.failing, now)

    def apply(self, work: Work, outcome: object, now: Instant) -> tuple[Event, ...]:
        """Handle the outcome of a call and return the log lines.

        The outcome is dropped if the call was given up, or if its tuning job is no longer watched.
        """
        source, given_up = self._calls.back(work)
        if source is None:
            return ()
        if given_up:
            source.late(work, now)
            return ()
        return self._bring(source, work, outcome, now)

    def _bring(self, source: Source, work: Work, outcome: object, now: Instant) -> tuple[Event, ...]:
        try:
            return self._take(source, work, outcome, now)
        except Exception as error:  # noqa: BLE001 - a bug with one answer must not hide all others
            self._calls.claim(work)
            self._changed = True
            failure = Failure(ErrorCode.MALFORMED_ANSWER, f"the answer cannot be used ({type(error).__name__})")
            source.retry(work, failure, now)
            self._tally.incidents.failed(self._spec, work.operation, work.name, failure, now)
            self._jobs.called(work, failure, now)
            return (events.of_defect(self._spec, work.operation, work.name, error),)

    def _take(self, source: Source, work: Work, outcome: object, now: Instant) -> tuple[Event, ...]:
        changes, before = self._jobs.changes, self._beside_jobs(now)
        wanted = self._calls.claim(work)
        self._tally.ended(self._spec, work, outcome, now, wanted=wanted)
        if work.operation.watches and isinstance(outcome, Failure) and outcome.code is ErrorCode.THROTTLED:
            self._budget.throttled(now.monotonic)
        lines = self._watched.carry_out(source.apply(work, outcome, now), now) if wanted else ()
        lines += self._watched.carry_out(self._finder.tags_known(now), now)
        lines += tuple(self._finder.empty_rules())
        beside = self._beside_jobs(now)
        if beside[0] != before[0]:
            self._jobs.redraw()
        self._changed |= changes != self._jobs.changes or beside != before
        if wanted:
            self._jobs.called(work, outcome, now)
        return lines

    def _beside_jobs(self, now: Instant) -> tuple[object, ...]:
        """Return what the view shows beside the tuning jobs, to find out whether it has changed."""
        finder = self._finder
        return (
            self._account.id,
            self._tally.attempted,
            finder.untracked(now),
            finder.limits.left_out,
            finder.pending_rules,
            self._quotas.known(now),
            self._calls.errors,
        )

    def take_changed(self) -> bool:
        """Return whether the view may have changed since the last call of this method. Call it after ``next`` too."""
        changed = self._changed or self._changes_seen != self._jobs.changes
        self._changed, self._changes_seen = False, self._jobs.changes
        return changed

    def view(self, now: Instant) -> TargetView:
        """Return the target as it is now. Stale values and jobs past their retention are left out."""
        return target_view(
            self._spec, self._jobs, self._account, self._finder, self._quotas, self._calls, self._tally, now
        )

    def standing(self, now: Instant) -> Standing:
        """Return how the target uses its budget."""
        return target_standing(self._budget, self._calls, self._tally, now)


def _earliest(*moments: float | None) -> float | None:
    return min((moment for moment in moments if moment is not None), default=None)
