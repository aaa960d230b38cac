"""The hourly list of tuning jobs that have ended. It shows which were deleted or have a new tuning job with their name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.fleet.lists import SWEEP
from exporter.fleet.rules import created_between
from exporter.fleet.running import MAX_PAGES
from exporter.fleet.schedule import differs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.clock import Instant
    from exporter.fleet.events import Decision
    from exporter.fleet.job import Job
    from exporter.fleet.jobs import Jobs
    from exporter.fleet.lists import Listing, Lists
    from exporter.tuning_job import Summary

_PERIOD = 3_600.0
# A sweep may read one page for each _JOBS_PER_PAGE resting jobs, but always _CALLS pages. If these pages do not reach all jobs,
# _CALLS of the remaining jobs are described.
_JOBS_PER_PAGE = 10
_CALLS = 10


class Sweep:
    """Plans the sweep and handles its result. A reader of lists, used with the target's lock held."""

    def __init__(self, jobs: Jobs, lists: Lists, now: Instant) -> None:
        self._jobs = jobs
        self._lists = lists
        self._at = now.monotonic + _PERIOD

    @property
    def at(self) -> float | None:
        """When the next sweep begins (monotonic seconds). None if there are no tuning jobs."""
        return self._at if self._jobs else None

    def begin(self, now: Instant) -> None:
        """Plan the list when it is time."""
        if now.monotonic < self._at:
            return
        self._at = now.monotonic + _PERIOD
        resting = [job.created for job in self._jobs if job.resting]
        if resting:
            pages = min(MAX_PAGES, max(_CALLS, len(resting) // _JOBS_PER_PAGE))
            filters = created_between(min(resting), max(resting))
            self._lists.plan(SWEEP, filters, now.monotonic, pages)
        else:
            self._lists.drop(SWEEP)  # also one that failed and waits for its retry

    def listed(self, listing: Listing, now: Instant) -> Iterable[Decision]:
        """Plan describes of the jobs that the list shows changed, and of those that it does not show, which may have been deleted."""
        if listing.purpose != SWEEP or listing.failure is not None:
            return ()
        unseen: list[Job] = []
        for job in self._jobs:
            if not job.resting or not self._jobs.is_idle(job):
                continue
            summary = listing.summaries.get(job.key)
            if summary is None and job.created < listing.reaches:
                unseen.append(job)
            elif summary is None or not _is_as_it_was(job, summary):
                self._jobs.plan(job, now.monotonic, now)
        for job in sorted(unseen, key=lambda job: job.due)[:_CALLS]:
            self._jobs.plan(job, now.monotonic, now)
        return ()


def _is_as_it_was(job: Job, summary: Summary) -> bool:
    return job.facts is not None and not differs(job.facts, summary)
