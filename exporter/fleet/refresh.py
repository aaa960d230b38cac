"""When the tuning jobs of a target are described: at each round, when a list tells of a change, or once in a while."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from exporter.fleet import delta
from exporter.fleet.discovery import created_between
from exporter.fleet.finder import RUNNING, SWEEP
from exporter.fleet.schedule import REFUSED_PAUSE, REST, RESTS_AFTER_END, next_round, retry_at
from exporter.fleet.suspicion import Suspicion, Suspicions
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
    from exporter.tuning_job import Summary

_SWEEP_PERIOD = 3_600.0
# A page of a sweep must stand for so many describes at least; but a sweep may always have so many pages, and the rest
# of it so many describes.
_JOBS_PER_SWEEP_PAGE = 10
_SWEEP_CALLS = 10
# How long the length of the list of all that run, as it was last, says whether another is worth it.
_LENGTH_HOLDS = 3_600.0
# In how many rounds a list is read once that takes more calls than it may spare.
_ROUNDS_PER_LONG_LIST = 5
# A list may work where describes are denied, so one running tuning job is described at least this often.
_PROBE_PERIOD = 300.0
# What a round waits for beside tuning jobs; no tuning job's name has a space.
_LIST = "the list"


class Refresh:
    """Part of a target, under its lock. Times are monotonic seconds where nothing else is said.

    While ``_delta`` holds, a list in each round shows which running tuning jobs to describe and confirms the others, which
    wait for their greatest age.
    """

    def __init__(self, jobs: Jobs, rounds: Rounds, finder: Finder, now: float) -> None:
        self._jobs = jobs
        self._rounds = rounds
        self._finder = finder
        self._epoch = now
        self._round_at = now
        self._delta = False
        self._no_delta_before = now
        self._long_list_at = now
        self._sweep_at = now + _SWEEP_PERIOD
        self._described_running = -math.inf
        self._suspicions = Suspicions()

    def round_at(self, spec: TargetSpec) -> float | None:
        """When the next round begins that may ask more than what falls due anyhow, None without anything to watch."""
        if not (self._jobs or spec.rules):
            return None
        return self._round_at if spec.rules or self._delta else max(self._round_at, self._sweep_at)

    def begin_round(self, spec: TargetSpec, now: Instant) -> None:
        """Once in each interval decide whether a list spares describes, and have it read."""
        if now.monotonic < self._round_at:
            return
        planned, self._round_at = self._round_at, next_round(self._epoch, spec.interval, now.monotonic)
        running = [job for job in self._jobs if job.running]
        pages = self._finder.running_pages if now.monotonic < self._finder.running_told + _LENGTH_HOLDS else 1
        may_list = now.monotonic >= self._no_delta_before and self._finder.lists.may_ask(RUNNING)
        was_on, self._delta = self._delta, may_list and delta.worthwhile(spec, len(running), pages)
        if (was_on and not self._delta) or self._suspicions.all_may_fail:
            self._describe(running, now)
        elif self._delta and not was_on:
            self._wait_for_the_list(spec, running, planned, now)
        elif self._delta:
            self._do_without_the_list(spec, running, now)
            self._probe(spec, running, now)
        self._plan_lists(spec, len(running), pages, now)
        if self._delta and not self._rounds.open:
            self._begin_counted_round(spec, now.monotonic)
        if now.monotonic >= self._sweep_at:
            self._sweep_at = now.monotonic + _SWEEP_PERIOD
            self._sweep(now)

    def _plan_lists(self, spec: TargetSpec, running: int, pages: int, now: Instant) -> None:
        if self._delta or self._list_for_rules(spec, running, pages, now.monotonic):
            self._finder.list_running(now)
        elif not spec.rules:
            # What was planned goes; a refusal is told until the next try.
            self._finder.lists.drop(RUNNING, forget_failure=now.monotonic >= self._no_delta_before)
        if RUNNING not in self._finder.lists:
            self._rounds.done(_LIST, now)
        if spec.rules:
            self._finder.begin_round(spec, now)

    def _list_for_rules(self, spec: TargetSpec, running: int, pages: int, now: float) -> bool:
        if not spec.rules or (delta.is_long(running, pages) and now < self._long_list_at):
            return False
        # Nor may it take more than a fifth of the calls, or what it finds could not be described.
        pause = max(
            _ROUNDS_PER_LONG_LIST - 0.5, _ROUNDS_PER_LONG_LIST * pages / (spec.requests_per_second * spec.interval)
        )
        self._long_list_at = now + pause * spec.interval
        return True

    def _wait_for_the_list(self, spec: TargetSpec, running: Iterable[Job], planned: float, now: Instant) -> None:
        """Let jobs wait that fell due with this round, as long as their last describe is young enough."""
        for job in running:
            due = delta.due_by_age(spec, self._epoch, job.described)
            if job.in_flight is None and job.owed >= planned and job.due <= now.monotonic < due:
                self._jobs.settle(job, due, job.owed, now)

    def _do_without_the_list(self, spec: TargetSpec, running: Iterable[Job], now: Instant) -> None:
        """Describe what the list of an earlier round should have confirmed: it hangs, or the budget does not reach."""
        patience = 2 if self._finder.lists.is_being_read(RUNNING) else 1
        since = self._round_at - (1 + patience) * spec.interval
        self._describe([job for job in running if job.owed <= since], now)

    def _probe(self, spec: TargetSpec, running: Iterable[Job], now: Instant) -> None:
        if now.monotonic + spec.interval > self._described_running + _PROBE_PERIOD:
            askable = [job for job in running if self._jobs.may_ask(job)]
            self._describe(sorted(askable, key=lambda job: (job.described, job.key))[:1], now)

    def reload(self, spec: TargetSpec, before: TargetSpec, now: Instant) -> None:
        """Take another interval; jobs are described sooner where the new configuration asks for it."""
        self._round_at = min(self._round_at, next_round(self._epoch, spec.interval, now.monotonic))
        if spec.rules != before.rules:
            self._long_list_at = now.monotonic
        if spec.rules and not before.rules:
            self._round_at = now.monotonic
        if spec.interval < before.interval or spec.describe_max_age < before.describe_max_age:
            round_at = next_round(self._epoch, spec.interval, now.monotonic)
            for job in self._jobs:
                if job.rests_left > 0 and job.due > round_at:
                    self._jobs.plan(job, round_at, now)

    def starting(self, spec: TargetSpec, job: Job, now: float) -> None:
        """Note that a describe is about to be made; the first one of a round opens it."""
        if job.running:  # one that fails already would tell nothing of the others
            self._described_running = now
        if not self._rounds.open and not job.retrying:
            self._begin_counted_round(spec, now)

    def _begin_counted_round(self, spec: TargetSpec, now: float) -> None:
        due = {job.key: job.due for job in self._jobs if job.due <= now and self._jobs.may_ask(job)}
        waits_for_list = self._delta and RUNNING in self._finder.lists
        names = [*due, *([_LIST] if waits_for_list else [])]
        self._rounds.begin(names, spec.interval, min(due.values(), default=now))

    def succeeded(self, spec: TargetSpec, job: Job, now: Instant) -> None:
        """Plan the next describe after a good one."""
        if self._suspicions.succeeded():  # what was wrong is over: a list that was refused meanwhile need not wait
            self._no_delta_before = min(self._no_delta_before, now.monotonic)
        terminal = job.facts is not None and job.facts.terminal
        if not terminal:
            job.rests_left = RESTS_AFTER_END
            self._described_running = max(self._described_running, job.described)
        due = owed = next_round(self._epoch, spec.interval, now.monotonic)
        if job.rests_left == 0:
            due = owed = now.monotonic + REST
        elif terminal:
            job.rests_left -= 1
        elif self._delta:
            due = max(due, delta.due_by_age(spec, self._epoch, job.described))
        self._jobs.settle(job, due, owed, now)

    def failed(self, spec: TargetSpec, job: Job, before: Failure | None, now: Instant, *, hung: bool) -> None:
        """Plan the next describe after one that failed.

        ``before`` is what the one before it failed by, if it did; ``hung`` tells that the call was given up.
        """
        failure = job.failure
        if failure is None:
            return
        round_at = next_round(self._epoch, spec.interval, now.monotonic)
        sooner = retry_at(job.failures, spec.interval, now.monotonic)
        job.retrying = failure.code.transient and sooner < round_at
        due = sooner if job.retrying else round_at
        if not failure.code.transient and job.discovered and job.ended is not None:
            due = max(due, now.monotonic + REFUSED_PAUSE)  # it has ended, so nothing changes
        self._jobs.plan(job, due, now)
        suspicion = self._suspicions.failed(failure, before, hung=hung)
        if self._delta:
            self._act_on(suspicion, spec.interval, now)

    def _act_on(self, suspicion: Suspicion, interval: float, now: Instant) -> None:
        """Have others described too, but none twice in a round: failures that come and go must not cost more than all."""
        began = self._round_at - interval
        waiting = [job for job in self._jobs if job.running and job.described < began and self._jobs.may_ask(job)]
        if suspicion is Suspicion.ONE_MORE:
            waiting = sorted((job for job in waiting if job.due > now.monotonic), key=lambda job: job.described)[:1]
        if suspicion is not Suspicion.NONE:
            self._describe(waiting, now)

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
        else:
            self._no_delta_before = min(self._no_delta_before, now.monotonic)
            again = [job for job in self._jobs if job.resting and _is_another(job, listing)]
            self._describe(again, now)
            if self._delta:
                self._describe([job for job in running if _tells_change(job, listing)], now)
                for job in running:
                    job.confirm(self._round_at, now)
        self._rounds.done(_LIST, now)

    def _describe(self, jobs: Iterable[Job], now: Instant) -> None:
        """Have jobs described now that were to wait."""
        for job in jobs:
            if job.in_flight is None and job.due > now.monotonic:
                self._jobs.plan(job, now.monotonic, now)
                self._rounds.add(job.key)

    def _sweep(self, now: Instant) -> None:
        resting = [job.created for job in self._jobs if job.resting]
        if resting:
            pages = max(_SWEEP_CALLS, len(resting) // _JOBS_PER_SWEEP_PAGE)
            filters = created_between(min(resting), max(resting))
            self._finder.lists.plan(SWEEP, filters, now.monotonic, pages)

    def _swept(self, listing: Listing, now: Instant) -> None:
        """Let those rest on that a list shows as they were. The others are being deleted or are gone: have them described."""
        unseen: list[Job] = []
        for job in self._jobs:
            if not job.resting or job.in_flight is not None:
                continue
            summary = listing.summaries.get(job.key)
            if summary is None and job.created < listing.reaches:
                unseen.append(job)
            elif summary is None or not _is_as_it_was(job, summary):
                self._jobs.plan(job, now.monotonic, now)
            elif job.owed > now.monotonic:
                self._jobs.settle(job, now.monotonic + REST, now.monotonic + REST, now)
        for job in sorted(unseen, key=lambda job: job.due)[:_SWEEP_CALLS]:
            self._jobs.plan(job, now.monotonic, now)


def _tells_change(job: Job, listing: Listing) -> bool:
    summary = listing.summaries.get(job.key)
    return summary is None or job.facts is None or delta.differs(job.facts, summary)


def _is_another(job: Job, listing: Listing) -> bool:
    """Tell whether a list shows a later tuning job of the name of one that has ended."""
    summary = listing.summaries.get(job.key)
    return (
        summary is not None
        and job.facts is not None
        and not same_moment(summary.creation_time, job.facts.creation_time)
    )


def _is_as_it_was(job: Job, summary: Summary) -> bool:
    return (
        job.facts is not None and summary.status == job.facts.status and same_moment(summary.creation_time, job.created)
    )
