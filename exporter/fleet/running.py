"""The running tuning jobs of a target's account and region, from the last list of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from exporter.fleet import rules
from exporter.fleet.lists import RUNNING
from exporter.statuses import IN_PROGRESS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.clock import Instant
    from exporter.fleet.lists import Listing, Lists
    from exporter.tuning_job import Summary

MAX_PAGES = 50
"""The most pages that are read of any list. AWS was seen to throttle lists of about 70 pages.

At most 100 tuning jobs run at once in an account and region. But the API may filter by status after it has cut the pages:
then tuning jobs that have ended take space on the pages too.
"""

_CLOCKS_DIFFER = 86_400.0
# For this many seconds, the length of the last list is used to decide whether another list saves calls.
_LENGTH_HOLDS = 3_600.0


class Running:
    """The result of the last list of running tuning jobs. Used with the target's lock held."""

    def __init__(self, lists: Lists) -> None:
        self.jobs: Mapping[str, Summary] | None = None
        """The running tuning jobs by ``name_key``. None until a list has succeeded."""
        self.listed_at = -math.inf
        """When a list last succeeded (monotonic seconds)."""
        self.whole = True
        self._lists = lists
        self._pages = 1
        self._reaches = -math.inf

    def ask(self, now: Instant) -> None:
        """Plan the list."""
        oldest = now.wall - rules.LONGEST_RUN - _CLOCKS_DIFFER
        filters = {"StatusEquals": IN_PROGRESS, **rules.created_between(oldest, None)}
        self._lists.plan(RUNNING, filters, now.monotonic, MAX_PAGES)

    def take(self, listing: Listing, now: Instant) -> Mapping[str, Summary]:
        """Store a list, and return the tuning jobs of the previous one."""
        before = self.jobs or {}
        self.jobs, self.listed_at, self._pages = listing.summaries, now.monotonic, listing.pages
        self.whole, self._reaches = listing.whole, listing.reaches
        return before

    def pages(self, now: Instant) -> int:
        """Return how many pages the last list had, 1 if there is no recent one."""
        return self._pages if now.monotonic < self.listed_at + _LENGTH_HOLDS else 1

    def shows(self, key: str) -> bool:
        """Return whether the last list has a tuning job, whatever a describe says."""
        return self.jobs is not None and key in self.jobs

    def has_left(self, key: str, summary: Summary) -> bool:
        """Return whether a tuning job is not on the last list, although it would be if it were running."""
        if self.jobs is None or key in self.jobs:
            return False
        return (summary.creation_time or 0.0) >= self._reaches
