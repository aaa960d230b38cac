"""The hourly list of tuning jobs that have ended: one that was deleted, or whose name was used again, is seen on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.fleet.lists import SWEEP
from exporter.fleet.rules import created_between
from exporter.fleet.schedule import REST
from exporter.tuning_job import same_moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.clock import Instant
    from exporter.fleet.events import Decision
    from exporter.fleet.job import Job
    from exporter.fleet.jobs import Jobs
    from exporter.fleet.lists import Listing, Lists
    from exporter.tuning_job import Summary

_PERIOD = 3_600.0
# A sweep may read a page for so many jobs that rest, and so many pages in any case. Of the jobs that these pages do not
# reach, as many are described.
_JOBS_PER_PAGE = 10
_CALLS = 10


class Sweep:
    """Plans the sweep and acts on it. A reader of lists; used under the target's lock."""

    def __init__(self, jobs: Jobs, lists: Lists, now: Instant) -> None:
        self._jobs = jobs
        self._lists = lists
        self._at = now.monotonic + _PERIOD

    @property
    def at(self) -> float | None:
        """When the next one begins (monotonic seconds), None while there is nothing to watch."""
        return self._at if self._jobs else None

    def begin(self, now: Instant) -> None:
        """Have the list read once it is time."""
        if now.monotonic < self._at:
            return
        self._at = now.monotonic + _PERIOD
        resting = [job.created for job in self._jobs if job.resting]
        if resting:
            pages = max(_CALLS, len(resting) // _JOBS_PER_PAGE)
            filters = created_between(min(resting), max(resting))
            self._lists.plan(SWEEP, filters, now.monotonic, pages)
        else:
            self._lists.drop(SWEEP)  # one that failed waits for its next try

    def listed(self, listing: Listing, now: Instant) -> Iterable[Decision]:
        """Let the jobs rest that the list shows unchanged. The others may have been deleted: have them described."""
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
            elif job.owed > now.monotonic:
                self._jobs.settle(job, now.monotonic + REST, now.monotonic + REST, now)
        for job in sorted(unseen, key=lambda job: job.due)[:_CALLS]:
            self._jobs.plan(job, now.monotonic, now)
        return ()


def _is_as_it_was(job: Job, summary: Summary) -> bool:
    return (
        job.facts is not None and summary.status == job.facts.status and same_moment(summary.creation_time, job.created)
    )
