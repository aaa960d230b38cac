"""Search: tuning jobs by an expression, with their tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporter.simulator import expression, paging, reading
from exporter.simulator.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.simulator.expression import Matcher, Property
    from exporter.simulator.jobs import Jobs
    from exporter.simulator.life import Life
    from exporter.simulator.paging import Page, Row

RESOURCE = "HyperParameterTuningJob"
"""The only resource that is searched for here."""


@dataclass(frozen=True, slots=True)
class Query:
    """A valid input; without ``matches`` every job is meant."""

    page: Page
    matches: Matcher | None
    sort_by: Property


def read(content: Mapping[str, Any], *, owner: str, now: float) -> Query:
    """Return the query of an input. Raise ApiError on members of a wrong type or value; unknown ones do not matter."""
    problems: list[str] = []
    if reading.choice(content, "Resource", (RESOURCE,), problems) is None:
        problems.append("Value at 'Resource' must be given")
    page = paging.read(content, problems, descending=True, owner=f"Search/{owner}", now=now)
    given = content.get("SearchExpression")
    matches = None if given is None else expression.read(reading.structure(given, "SearchExpression"), problems)
    name = reading.text(content, "SortBy")
    sort_by = expression.property_of("LastModifiedTime" if name is None else name)
    if sort_by is None:
        problems.append(f"Value '{name}' at 'SortBy' is no property of a tuning job")
    if problems or sort_by is None:
        raise invalid(problems)
    return Query(page, matches, sort_by)


def answer(jobs: Jobs, query: Query, *, now: float) -> dict[str, Any]:
    """Return one page of the jobs. What it tells of each is of now."""
    lives, next_page = paging.cut(query.page, paging.arranged(query.page, _rows(jobs, query, now)))
    return {"Results": [{RESOURCE: _record(life, now)} for life in lives], **next_page}


def _rows(jobs: Jobs, query: Query, now: float) -> Iterator[Row]:
    as_of = query.page.as_of
    for life in jobs:
        if life.exists(as_of) and life.exists(now) and (query.matches is None or query.matches(life, as_of)):
            value = query.sort_by.find(life, as_of)
            # Jobs without the property come last in either order.
            present = (value is not None) == query.page.descending
            yield (present, "" if value is None else value, life.name), life


def _record(life: Life, t: float) -> dict[str, Any]:
    """Return what an index of tuning jobs holds of one: what Describe says but for Autotune, and the tags."""
    described = life.at(t)
    described.pop("Autotune", None)
    return {**described, "Tags": life.tag_list()} if life.tags else described
