"""What runs in a target's account and region, as a list told last."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from exporter.fleet import rules
from exporter.fleet.lists import RUNNING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.clock import Instant
    from exporter.fleet.lists import Listing, Lists
    from exporter.tuning_job import Summary

MAX_PAGES = 50
"""The most pages that are read of any list. Lists of about 70 pages were seen to be throttled.

The API lets 100 tuning jobs run at once in an account and region, but it may choose by status after it has cut the pages:
then those that ended fill them too.
"""

_CLOCKS_DIFFER = 86_400.0
# How long the length of the list, as it was last, says whether another is worth it.
_LENGTH_HOLDS = 3_600.0


class Running:
    """What runs, as the last list of it told. Used under the target's lock."""

    def __init__(self, lists: Lists) -> None:
        self.jobs: Mapping[str, Summary] | None = None
        """By ``name_key``, None until a list has told."""
        self.told = -math.inf
        """When a list told last (monotonic seconds)."""
        self.whole = True
        self._lists = lists
        self._pages = 1
        self._reaches = -math.inf

    def ask(self, now: Instant) -> None:
        """Have the list read."""
        oldest = now.wall - rules.LONGEST_RUN - _CLOCKS_DIFFER
        filters = {"StatusEquals": rules.RUNNING, **rules.created_between(oldest, None)}
        self._lists.plan(RUNNING, filters, now.monotonic, MAX_PAGES)

    def take(self, listing: Listing, now: Instant) -> Mapping[str, Summary]:
        """Take the list, and return what the one before it told."""
        before = self.jobs or {}
        self.jobs, self.told, self._pages = listing.summaries, now.monotonic, listing.pages
        self.whole, self._reaches = listing.whole, listing.reaches
        return before

    def pages(self, now: Instant) -> int:
        """Return how many pages the list had, 1 where none has told lately."""
        return self._pages if now.monotonic < self.told + _LENGTH_HOLDS else 1

    def shows(self, key: str) -> bool:
        """Tell whether the list shows a tuning job, whatever a describe says."""
        return self.jobs is not None and key in self.jobs

    def has_left(self, key: str, summary: Summary) -> bool:
        """Tell whether a tuning job has left the list: it is not on it, but would be if it still ran."""
        if self.jobs is None or key in self.jobs:
            return False
        return (summary.creation_time or 0.0) >= self._reaches
