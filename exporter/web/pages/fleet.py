"""The table of tuning jobs: filtered, sorted, and one page of them."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.fleet import JobState
from exporter.statuses import FAILED_STATUSES
from exporter.web.pages import rows
from exporter.web.pages.figures import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from exporter.fleet import JobView
    from exporter.web.pages.query import Query
    from exporter.web.pages.rows import Row
    from exporter.web.pages.snapshot import Snapshot

PER_PAGE = 100

# States that need attention come first.
_STATES = {
    state: place
    for place, state in enumerate(
        (JobState.FAILING, JobState.MISSING, JobState.PENDING, JobState.RUNNING, JobState.FINISHED)
    )
}
STATUSES = ("Failed", "DeleteFailed", "Stopping", "Deleting", "InProgress", "Stopped", "Completed")
_PLACES = {status: place for place, status in enumerate(STATUSES)}

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices of each filter, in order, with the number of tuning jobs."""

    status: Mapping[str, int]
    state: Mapping[str, int]
    team: Mapping[str, int]
    region: Mapping[str, int]
    account: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Jobs:
    """A page of the table. ``watched`` counts all tuning jobs, ``total`` those that pass the filters."""

    at: datetime | None
    watched: int
    total: int
    page: int
    pages: int
    per_page: int
    jobs: tuple[Row, ...]


def jobs(snapshot: Snapshot, query: Query, per_page: int = PER_PAGE) -> Jobs:
    """Return the tuning jobs of a query. A page after the last one is empty."""
    everyone = list(rows.told_apart(snapshot.targets))
    chosen = _sorted([view for view in everyone if _wanted(view, query)], query, snapshot.now)
    start = (query.page - 1) * per_page
    return Jobs(
        at=moment(snapshot.now),
        watched=len(everyone),
        total=len(chosen),
        page=query.page,
        pages=max(1, math.ceil(len(chosen) / per_page)),
        per_page=per_page,
        jobs=tuple(rows.row(view, snapshot.now) for view in chosen[start : start + per_page]),
    )


def choices(snapshot: Snapshot) -> Choices:
    """Return the choices of the filters."""
    status: Counter[str] = Counter()
    state: Counter[str] = Counter()
    team: Counter[str] = Counter()
    region: Counter[str] = Counter()
    account: Counter[str] = Counter()
    for view in rows.told_apart(snapshot.targets):
        if view.facts is not None:
            status[view.facts.status] += 1
        state[view.state] += 1
        region[view.region] += 1
        if whose := rows.team(view):
            team[whose] += 1
        if view.account_id:
            account[view.account_id] += 1
    return Choices(
        status=dict(sorted(status.items(), key=lambda item: (_PLACES.get(item[0], -1), item[0]))),
        state={each: state[each] for each in _STATES if state[each]},
        team=dict(sorted(team.items())),
        region=dict(sorted(region.items())),
        account=dict(sorted(account.items())),
    )


def _wanted(view: JobView, query: Query) -> bool:
    if query.region and view.region != query.region:
        return False
    if query.account and view.account_id != query.account:
        return False
    if query.state and view.state != query.state:
        return False
    if query.status and rows.status(view) != query.status:
        return False
    team = rows.team(view)
    if query.team and team != query.team:
        return False
    text = query.q.casefold()
    return not text or any(text in each.casefold() for each in (view.name, team, view.account_id))


def _sorted(views: Sequence[JobView], query: Query, now: float) -> list[JobView]:
    """Return the views in order. Those without a value come last in both directions."""
    by_name = sorted(views, key=_identity)
    value_of = _VALUES[query.column]
    keys = [(value_of(view, now), view) for view in by_name]
    valued = [pair for pair in keys if not _is_none(pair[0])]
    valued.sort(key=lambda pair: pair[0], reverse=query.descending)  # type: ignore[arg-type,return-value]
    return [view for _, view in valued] + [view for value, view in keys if _is_none(value)]


def _is_none(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _identity(view: JobView) -> Key:
    return view.name.casefold(), view.account_id, view.region


def _attention(view: JobView, _: float) -> Key:
    """Return a sort key: failing tuning jobs first, then running ones, then ended ones."""
    status = rows.status(view)
    bad = status in FAILED_STATUSES
    place = _STATES[JobState.PENDING] - 0.5 if bad else _STATES[view.state]
    return place, _PLACES.get(status or "", -1)


def _amount(view: JobView, _: float) -> float | None:
    found = rows.cost(view)
    return None if found is None else found.amount


_VALUES: Mapping[str, Callable[[JobView, float], object]] = {
    "status": _attention,
    "name": lambda view, _: _identity(view),
    "progress": lambda view, _: rows.progress(view),
    "best": lambda view, _: rows.best_value(view),
    "improved": lambda view, _: rows.improved(view),
    "runtime": rows.elapsed,
    "described": lambda view, _: view.last_success,
    "cost": _amount,
    "team": lambda view, _: rows.team(view).casefold(),
}
