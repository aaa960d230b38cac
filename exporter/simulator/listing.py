"""ListHyperParameterTuningJobs: reading its input, filtering and sorting.

Its answers are some seconds old, because an index gets the state of each job only from time to time.
"""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporter.simulator import paging, reading
from exporter.simulator.errors import invalid
from exporter.simulator.jobs import creation_key, name_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from exporter.simulator.jobs import Jobs, Order
    from exporter.simulator.life import Life
    from exporter.simulator.paging import Key, Page, Row

LAG = 5.0
"""The most seconds by which a list is late. In a recording a list was one heartbeat behind the next describe."""

_SORT_KEYS: Mapping[str, Callable[[Life, float], Key]] = {
    "Name": lambda life, _: name_key(life),
    "CreationTime": lambda life, _: creation_key(life),
    "Status": lambda life, t: (life.state(t).status, life.name),
}


@dataclass(frozen=True, slots=True)
class Query:
    """A valid input. Times are Unix seconds, exclusive."""

    page: Page
    sort_by: str
    name_contains: str
    status: str | None
    created_after: float
    created_before: float
    modified_after: float
    modified_before: float

    def admits(self, life: Life, t: float) -> bool:
        """Return whether a job that exists at ``t`` passes the filters of name and status."""
        return self.status in (None, life.state(t).status) and self.name_contains in life.name

    def is_timely(self, life: Life, t: float) -> bool:
        """Return whether a job that exists at ``t`` passes the filters of times."""
        return (
            self.created_after < life.created < self.created_before
            and self.modified_after < life.last_modified(t) < self.modified_before
        )


@dataclass(frozen=True, slots=True)
class Index:
    """How lists work. With ``filters_after_paging``, name and status only filter the jobs of a page."""

    lag: float = LAG
    filters_after_paging: bool = False

    def seen(self, life: Life, t: float) -> float:
        """Return the time as of which a list made at ``t`` shows a job. It is never later than ``t``, and never decreases."""
        if self.lag <= 0:
            return t
        # The index updates each job at different times.
        return t - (t + zlib.crc32(life.arn.encode()) / 2**32 * self.lag) % self.lag


_USUAL = Index()


def read(content: Mapping[str, Any], *, owner: str, now: float) -> Query:
    """Return the query of an input. Raises ApiError if a member has a wrong type or value. Unknown members are ignored."""
    problems: list[str] = []
    name_contains = reading.text(content, "NameContains") or ""
    if not re.fullmatch(r"[a-zA-Z0-9\-]{0,63}", name_contains):
        problems.append(f"Value '{name_contains}' at 'NameContains' must be up to 63 letters, digits and hyphens")
    query = Query(
        page=paging.read(content, problems, descending=False, owner=f"List/{owner}", now=now),
        sort_by=reading.choice(content, "SortBy", _SORT_KEYS, problems) or "Name",
        name_contains=name_contains,
        status=reading.choice(content, "StatusEquals", reading.STATUSES, problems),
        created_after=reading.moment(content, "CreationTimeAfter", -math.inf),
        created_before=reading.moment(content, "CreationTimeBefore", math.inf),
        modified_after=reading.moment(content, "LastModifiedTimeAfter", -math.inf),
        modified_before=reading.moment(content, "LastModifiedTimeBefore", math.inf),
    )
    if problems:
        raise invalid(problems)
    return query


def answer(jobs: Jobs, query: Query, *, now: float, index: Index = _USUAL) -> dict[str, Any]:
    """Return one page of the jobs, as of now minus the lag."""
    as_of, late = query.page.as_of, index.filters_after_paging

    def chosen(life: Life) -> bool:
        seen = index.seen(life, as_of)
        return (
            life.exists(seen)
            and life.exists(index.seen(life, now))
            and query.is_timely(life, seen)
            and (late or query.admits(life, seen))
        )

    lives, next_page = paging.cut(query.page, (row for row in _candidates(jobs, query, index) if chosen(row[1])))
    if late:
        lives = [life for life in lives if query.admits(life, index.seen(life, as_of))]
    return {
        "HyperParameterTuningJobSummaries": [life.summary(index.seen(life, now)) for life in lives],
        **next_page,
    }


def _candidates(jobs: Jobs, query: Query, index: Index) -> Iterable[Row]:
    """Return the jobs from the page on, in its order. The result may have other jobs too, as few as is cheap."""
    page, key = query.page, _SORT_KEYS[query.sort_by]
    if query.status == "InProgress" and not index.filters_after_paging:
        lives = jobs.in_progress(page.as_of - index.lag, page.as_of)
    elif query.sort_by == "Name":
        return _stretch(jobs.by_name, query)
    elif query.sort_by == "CreationTime":
        latest = math.nextafter(page.as_of, math.inf)
        return _stretch(jobs.by_creation, query, (query.created_after,), (min(query.created_before, latest),))
    else:
        lives = list(jobs)
    known = ((life, index.seen(life, page.as_of)) for life in lives)
    return paging.arranged(page, ((key(life, seen), life) for life, seen in known if life.exists(seen)))


def _stretch(order: Order, query: Query, after: Key = (), before: Key | None = None) -> Iterator[Row]:
    """Return the lives of ``order`` between two keys that are on this page or a later one."""
    page = query.page
    if page.after is not None:  # continue after the last job of the previous page
        after, before = (after, page.after) if page.descending else (page.after, before)
    lives = order.between(after, before)
    return ((order.key(life), life) for life in (reversed(lives) if page.descending else lives))
