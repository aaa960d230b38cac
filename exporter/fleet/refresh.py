"""When the tuning jobs of a target are described: in each round, or when a list shows a change or the facts are too old."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from exporter.fleet import schedule
from exporter.fleet.lists import RUNNING
from exporter.fleet.schedule import REFUSED_PAUSE, REST
from exporter.fleet.suspicion import Suspicion, Suspicions
from exporter.tuning_job import same_moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.errors import Failure
    from exporter.fleet.events import Decision
    from exporter.fleet.finder import Finder
    from exporter.fleet.job import Job
    from exporter.fleet.jobs import Jobs
    from exporter.fleet.lists import Listing, Lists
    from exporter.fleet.polls import Polls
    from exporter.fleet.running import Running
    from exporter.tuning_job import TuningJob

# A list that costs more calls than it saves is read once in this many rounds.
_ROUNDS_PER_LONG_LIST = 5
# Lists may work while describes are denied. So one running tuning job is described at least once in this many seconds.
_PROBE_PERIOD = 300.0
# A poll waits for tuning jobs, by name, and for the list. This name is not that of a tuning job, because it has a space.
_LIST = "the list"


class Refresh:
    """Decides when each tuning job of a target is described. A reader of lists; used under the target's lock.

    While ``_delta`` is True, each round reads the list of running tuning jobs. Those that have changed are described. The
    list confirms the values of the others: they are described only when their last describe is ``describe_max_age`` old.
    """

    def __init__(
        self, spec: TargetSpec, jobs: Jobs, lists: Lists, running: Running, finder: Finder, polls: Polls, now: Instant
    ) -> None:
        self._spec = spec
        self._jobs = jobs
        self._lists = lists
        self._running = running
        self._finder = finder
        self._polls = polls
        self._epoch = now.monotonic
        self._round_at = now.monotonic
        self._delta = False
        self._no_delta_before = now.monotonic
        self._long_list_at = now.monotonic
        self._described_running = -math.inf
        self._suspicions = Suspicions()

    @property
    def round_at(self) -> float | None:
        """When the next round begins (monotonic seconds). None if rounds need no list: each tuning job has its own due time."""
        return self._round_at if self._spec.rules or self._delta else None

    def begin_round(self, now: Instant) -> None:
        """Once in each interval, decide whether a list saves describes, and plan it."""
        if now.monotonic < self._round_at:
            return
        planned, self._round_at = self._round_at, self._next_round(now)
        running = [job for job in self._jobs if job.running]
        pages = self._running.pages(now)
        may_list = now.monotonic >= self._no_delta_before and self._lists.may_ask(RUNNING)
        was_on, self._delta = self._delta, may_list and schedule.list_spares(self._spec, len(running), pages)
        if (was_on and not self._delta) or self._suspicions.all_may_fail:
            self._describe(running, now)
        elif self._delta and not was_on:
            self._wait_for_the_list(running, planned, now)
        elif self._delta:
            self._do_without_the_list(running, now)
            self._probe(running, now)
        self._plan_lists(len(running), pages, now)
        if self._delta and not self._polls.open:
            self._begin_poll(now)

    def _next_round(self, now: Instant) -> float:
        return schedule.next_round(self._epoch, self._spec.interval, now.monotonic)

    def _plan_lists(self, running: int, pages: int, now: Instant) -> None:
        if self._delta or self._list_for_rules(running, pages, now):
            self._running.ask(now)
        elif not self._spec.rules:
            # Drop a planned list. But keep reporting that lists were refused, until the next try.
            self._lists.drop(RUNNING, forget_failure=now.monotonic >= self._no_delta_before)
        if RUNNING not in self._lists:
            self._polls.done(_LIST, now)
        if self._spec.rules:
            self._finder.begin_round(now)

    def _list_for_rules(self, running: int, pages: int, now: Instant) -> bool:
        rate, interval = self._spec.requests_per_second, self._spec.interval
        if not self._spec.rules or (schedule.list_is_long(running, pages) and now.monotonic < self._long_list_at):
            return False
        # Lists may use a fifth of the calls at most, so that enough are left for describes.
        pause = max(_ROUNDS_PER_LONG_LIST - 0.5, _ROUNDS_PER_LONG_LIST * pages / (rate * interval))
        self._long_list_at = now.monotonic + pause * interval
        return True

    def _wait_for_the_list(self, running: Iterable[Job], planned: float, now: Instant) -> None:
        """Wait for the list before describing jobs that are due in this round, if their last describe is not too old."""
        for job in running:
            due = schedule.due_by_age(self._spec, self._epoch, job.described)
            if self._jobs.is_idle(job) and job.owed >= planned and job.due <= now.monotonic < due:
                self._jobs.settle(job, due, job.owed, now)

    def _do_without_the_list(self, running: Iterable[Job], now: Instant) -> None:
        """Describe jobs that the list of an earlier round should have confirmed: it hangs, or the budget is too small."""
        patience = 2 if self._lists.is_being_read(RUNNING) else 1
        since = self._round_at - (1 + patience) * self._spec.interval
        self._describe([job for job in running if job.owed <= since], now)

    def _probe(self, running: Iterable[Job], now: Instant) -> None:
        if now.monotonic + self._spec.interval > self._described_running + _PROBE_PERIOD:
            askable = [job for job in running if self._jobs.may_ask(job)]
            self._describe(sorted(askable, key=lambda job: (job.described, job.key))[:1], now)

    def reload(self, spec: TargetSpec, before: TargetSpec | None, now: Instant) -> None:
        """Use a new configuration. Jobs are described sooner if it asks for more describes than ``before``."""
        self._spec = spec
        if before is None:
            return
        if not spec.rules and schedule.rounds_per_describe(spec) == 1:
            self._lists.drop(RUNNING)
        self._round_at = min(self._round_at, self._next_round(now))
        if spec.rules != before.rules:
            self._long_list_at = now.monotonic
        if spec.rules and not before.rules:
            self._round_at = now.monotonic
        if spec.interval < before.interval or spec.describe_max_age < before.describe_max_age:
            round_at = self._next_round(now)
            for job in self._jobs:
                if job.describes_left > 0 and job.due > round_at:
                    self._jobs.plan(job, round_at, now)

    def starting(self, job: Job, now: Instant) -> None:
        """Note that a describe is about to be made. The first one that is due opens a poll."""
        if job.running:  # one that already fails says nothing about the others
            self._described_running = now.monotonic
        if not self._polls.open and not job.retrying:
            self._begin_poll(now)

    def _begin_poll(self, now: Instant) -> None:
        due = {job.key: job.due for job in self._jobs if job.due <= now.monotonic and self._jobs.may_ask(job)}
        waits_for_list = self._delta and RUNNING in self._lists
        names = [*due, *([_LIST] if waits_for_list else [])]
        self._polls.begin(names, self._spec.interval, min(due.values(), default=now.monotonic))

    def succeeded(self, job: Job, facts: TuningJob, started: float, now: Instant) -> None:
        """Handle a describe that succeeded and plan the next one. ``started`` is when it began (monotonic seconds)."""
        if self._suspicions.succeeded():  # describes work again, so lists may work again too: try one now
            self._no_delta_before = min(self._no_delta_before, now.monotonic)
        resting = job.succeed(facts, started, now)
        due = owed = self._next_round(now)
        if resting:
            due = owed = now.monotonic + REST
        elif not facts.terminal:
            self._described_running = max(self._described_running, started)
            if self._delta:
                due = max(due, schedule.due_by_age(self._spec, self._epoch, started))
        self._jobs.settle(job, due, owed, now)

    def failed(self, job: Job, failure: Failure, failures: int, now: Instant, *, hung: bool) -> None:
        """Handle a describe that failed and plan the next one.

        ``failures`` counts the failures in a row, including this one. ``hung`` is True if the call was given up.
        """
        before = job.failure
        job.fail(failure)
        round_at = self._next_round(now)
        sooner = schedule.retry_at(failures, self._spec.interval, now.monotonic)
        if failure.code.transient and sooner < round_at:
            self._jobs.retry(job, sooner, now)
        elif not failure.code.transient and job.discovered and job.ended is not None:
            self._jobs.plan(
                job, max(round_at, now.monotonic + REFUSED_PAUSE), now
            )  # an ended job does not change, so there is no hurry
        else:
            self._jobs.plan(job, round_at, now)
        suspicion = self._suspicions.failed(failure, before, hung=hung)
        if self._delta:
            self._act_on(suspicion, now)

    def _act_on(self, suspicion: Suspicion, now: Instant) -> None:
        """Describe other jobs too, but each at most once in a round: this must not cost more than describing all of them."""
        began = self._round_at - self._spec.interval
        waiting = [job for job in self._jobs if job.running and job.described < began and self._jobs.may_ask(job)]
        if suspicion is Suspicion.ONE_MORE:
            waiting = sorted((job for job in waiting if job.due > now.monotonic), key=lambda job: job.described)[:1]
        if suspicion is not Suspicion.NONE:
            self._describe(waiting, now)

    def listed(self, listing: Listing, now: Instant) -> Iterable[Decision]:
        """Describe the tuning jobs that have changed on a list; if the list failed, all that it should have confirmed."""
        if listing.purpose == RUNNING:
            if listing.failure is None:
                self._listed(listing, now)
            else:
                self._not_listed(listing.failure, now)
            self._polls.done(_LIST, now)
        return ()

    def _listed(self, listing: Listing, now: Instant) -> None:
        self._no_delta_before = min(self._no_delta_before, now.monotonic)
        self._describe([job for job in self._jobs if job.resting and _is_another(job, listing)], now)
        if self._delta:
            running = [job for job in self._jobs if job.running]
            self._describe([job for job in running if _tells_change(job, listing)], now)
            for job in running:
                self._jobs.confirm(job, self._round_at, now)

    def _not_listed(self, failure: Failure, now: Instant) -> None:
        if not failure.code.transient:
            self._no_delta_before = now.monotonic + REFUSED_PAUSE
        if self._delta:
            began = self._round_at - self._spec.interval
            self._describe([job for job in self._jobs if job.running and job.described < began], now)
        if not self._spec.rules and not failure.code.transient:
            self._lists.drop(RUNNING, forget_failure=False)

    def _describe(self, jobs: Iterable[Job], now: Instant) -> None:
        """Plan a describe now for jobs whose next describe was planned for later."""
        for job in jobs:
            if job.due > now.monotonic and self._jobs.is_idle(job):
                self._jobs.plan(job, now.monotonic, now)
                self._polls.add(job.key)


def _tells_change(job: Job, listing: Listing) -> bool:
    summary = listing.summaries.get(job.key)
    return summary is None or job.facts is None or schedule.differs(job.facts, summary)


def _is_another(job: Job, listing: Listing) -> bool:
    """Return whether a list shows another tuning job with the name of one that has ended."""
    summary, facts = listing.summaries.get(job.key), job.facts
    return summary is not None and facts is not None and not same_moment(summary.creation_time, facts.creation_time)
