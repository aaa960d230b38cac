"""When the tuning jobs of a target are described: at each round, when a list tells of a change, or once in a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.fleet import delta
from exporter.fleet.discovery import created_between
from exporter.fleet.finder import RUNNING, SWEEP
from exporter.fleet.schedule import REFUSED_PAUSE, REST, RESTS_AFTER_END, next_round, retry_at
from exporter.tuning_job import same_moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.errors import Failure
    from exporter.fleet.finder import Finder
    from exporter.fleet.job import Job
    from exporter.fleet.jobs import Jobs
    from exporter.fleet.lists import Listing
    from exporter.fleet.rounds import Rounds

_SWEEP_PERIOD = 3_600.0
# A page of a sweep must stand for so many describes at least, or the rest is described once a day.
_JOBS_PER_SWEEP_PAGE = 10
# How long the number of running jobs in the account, as the last list told it, says whether another is worth it.
_COUNT_HOLDS = 3_600.0
# What a round waits for beside tuning jobs; no tuning job's name has a space.
_LIST = "the list"


class Refresh:
    """Part of a target, under its lock. Times are monotonic seconds where nothing else is said."""

    def __init__(self, jobs: Jobs, rounds: Rounds, finder: Finder, now: float) -> None:
        self._jobs = jobs
        self._rounds = rounds
        self._finder = finder
        self._epoch = now
        self._round_at = now
        self._delta = False
        self._no_delta_before = now
        self._sweep_at = now + _SWEEP_PERIOD

    def round_at(self, spec: TargetSpec) -> float | None:
        """When the next round begins, None when it would ask nothing but what falls due anyhow."""
        return self._round_at if spec.rules or self._delta else None

    def begin_round(self, spec: TargetSpec, now: Instant) -> None:
        """Once in each interval decide whether a list spares describes, and have it read."""
        if now.monotonic < self._round_at:
            return
        self._round_at = next_round(self._epoch, spec.interval, now.monotonic)
        running = [job for job in self._jobs if job.running]
        told_lately = now.monotonic < self._finder.running_told + _COUNT_HOLDS
        listed = len(self._finder.running or ()) if told_lately else 0
        was_on, self._delta = self._delta, False
        if now.monotonic >= self._no_delta_before and delta.worthwhile(spec, len(running), listed):
            self._delta = True
            self._postpone(spec, running, now)
        elif was_on:
            self._describe(running, now)
        if not self._delta and not spec.rules:
            return
        self._finder.begin_round(spec, now)
        if self._delta and not self._rounds.open:
            self._begin_counted_round(spec, now.monotonic)
        if now.monotonic >= self._sweep_at:
            self._sweep_at = now.monotonic + _SWEEP_PERIOD
            self._sweep(now)

    def reload(self, spec: TargetSpec, before: TargetSpec, now: Instant) -> None:
        """Take another interval; jobs are described sooner where the new configuration asks for it."""
        self._round_at = min(self._round_at, next_round(self._epoch, spec.interval, now.monotonic))
        if spec.rules and not before.rules:
            self._round_at = now.monotonic
        if spec.interval < before.interval or spec.describe_max_age < before.describe_max_age:
            round_at = next_round(self._epoch, spec.interval, now.monotonic)
            for job in self._jobs:
                if job.rests_left > 0 and job.due > round_at:
                    self._plan(job, round_at, now)

    def succeeded(self, spec: TargetSpec, job: Job, now: float) -> None:
        """Plan the next describe after a good one."""
        facts = job.facts
        terminal = facts is not None and facts.terminal
        if not terminal:
            job.rests_left = RESTS_AFTER_END
        if job.rests_left == 0:
            due = now + REST
        elif terminal or not self._delta:
            job.rests_left -= terminal
            due = next_round(self._epoch, spec.interval, now)
        else:
            due = delta.due_by_age(spec, self._epoch, job.described)
        self._jobs.plan(job, due)
        job.owed = due
        job.retrying = False

    def failed(self, spec: TargetSpec, job: Job, failure: Failure, now: float) -> None:
        """Plan the next describe after one that failed."""
        round_at = next_round(self._epoch, spec.interval, now)
        sooner = retry_at(job.failures, spec.interval, now)
        job.retrying = failure.code.transient and sooner < round_at
        self._jobs.plan(job, sooner if job.retrying else round_at)

    def starting(self, spec: TargetSpec, job: Job, now: float) -> None:
        """Open a round with the describe that is about to be made, if it is one's first."""
        if not self._rounds.open and not job.retrying:
            self._begin_counted_round(spec, now)

    def _begin_counted_round(self, spec: TargetSpec, now: float) -> None:
        due = {job.spec.name: job.due for job in self._jobs if job.due <= now and self._jobs.may_ask(job)}
        waits_for_list = self._delta and RUNNING in self._finder.lists
        names = [*due, *([_LIST] if waits_for_list else [])]
        self._rounds.begin(names, spec.interval, min(due.values(), default=now))

    def listed(self, spec: TargetSpec, listing: Listing, now: Instant) -> None:
        """Have those tuning jobs described that a list tells a change of, or all that it should have told of."""
        if listing.key == RUNNING:
            self._listed_running(spec, listing, now)
        elif listing.key == SWEEP and listing.failure is None:
            self._swept(listing, now)

    def _listed_running(self, spec: TargetSpec, listing: Listing, now: Instant) -> None:
        running = [job for job in self._jobs if job.running]
        if listing.failure is not None:
            if not listing.failure.code.transient:
                self._no_delta_before = now.monotonic + REFUSED_PAUSE
            if self._delta:
                began = self._round_at - spec.interval
                self._describe([job for job in running if job.described < began], now)
            if not spec.rules and not listing.failure.code.transient:
                self._finder.lists.drop(RUNNING, forget_failure=False)
        elif self._delta:
            self._describe([job for job in running if self._tells_change(job, listing)], now)
        self._rounds.done(_LIST, now)

    def _tells_change(self, job: Job, listing: Listing) -> bool:
        summary = listing.summaries.get(job.spec.name)
        return summary is None or job.facts is None or delta.differs(job.facts, summary)

    def _describe(self, jobs: Iterable[Job], now: Instant) -> None:
        """Have jobs described now that were to wait."""
        for job in jobs:
            if job.in_flight is None and job.due > now.monotonic:
                self._plan(job, now.monotonic, now)
                self._rounds.add(job.spec.name)

    def _postpone(self, spec: TargetSpec, jobs: Iterable[Job], now: Instant) -> None:
        """Have jobs wait for what the list will tell, as long as their last describe is young enough."""
        for job in jobs:
            due = delta.due_by_age(spec, self._epoch, job.described)
            if job.in_flight is None and job.due <= now.monotonic < due:
                self._jobs.plan(job, due)
                job.owed = due
                job.next_describe = now.wall + due - now.monotonic
                job.view = None

    def _plan(self, job: Job, due: float, now: Instant) -> None:
        self._jobs.plan(job, due)
        job.owed = min(job.owed, due)  # what has been owed for longer stays so, and stale
        job.next_describe = now.wall + due - now.monotonic
        job.view = None

    def _sweep(self, now: Instant) -> None:
        resting = [job.created for job in self._jobs if job.resting]
        if resting:
            pages = max(1, len(resting) // _JOBS_PER_SWEEP_PAGE)
            filters = created_between(min(resting), max(resting))
            self._finder.lists.plan(SWEEP, filters, now.monotonic, pages)

    def _swept(self, listing: Listing, now: Instant) -> None:
        """Let those rest on that a list shows as they were. The others are being deleted or are gone: have them described."""
        created = [summary.creation_time or 0.0 for summary in listing.summaries.values()]
        reached = 0.0 if listing.whole else min(created, default=0.0)
        for job in self._jobs:
            if not job.resting or job.in_flight is not None or job.created < reached:
                continue
            summary = listing.summaries.get(job.spec.name)
            same = (
                summary is not None
                and job.facts is not None
                and summary.status == job.facts.status
                and same_moment(summary.creation_time, job.created)
            )
            due = now.monotonic + REST if same else now.monotonic
            self._plan(job, due, now)
            if same:
                job.owed = due
