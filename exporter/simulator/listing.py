"""ListHyperParameterTuningJobs: reading its input, choosing, sorting and paging."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from exporter.simulator.errors import invalid, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from exporter.simulator.life import Life

DEFAULT_PAGE = 10
LARGEST_PAGE = 100

_STATUSES = ("Completed", "InProgress", "Failed", "Stopped", "Stopping", "Deleting", "DeleteFailed")
_SORT_KEYS: Mapping[str, Callable[[Life, float], list[Any]]] = {
    "Name": lambda life, _: [life.name],
    "CreationTime": lambda life, _: [life.created, life.name],
    "Status": lambda life, t: [life.state(t).status, life.name],
}


@dataclass(frozen=True, slots=True)
class Query:
    """A valid input. Times are Unix seconds and exclude the moment itself; ``token`` is not checked yet."""

    max_results: int
    token: str | None
    sort_by: str
    descending: bool
    name_contains: str
    status: str | None
    created_after: float
    created_before: float
    modified_after: float
    modified_before: float

    def admits(self, life: Life, t: float) -> bool:
        """Return whether a job that exists at a moment passes every filter then."""
        state = life.state(t)
        return (
            self.name_contains in life.name
            and self.status in (None, state.status)
            and self.created_after < life.created < self.created_before
            and self.modified_after < state.since < self.modified_before
        )


def read(content: Mapping[str, Any]) -> Query:
    """Return the query of an input. Raise ApiError on members of a wrong type or value; unknown ones do not matter."""
    problems: list[str] = []
    max_results = content.get("MaxResults", DEFAULT_PAGE)
    if isinstance(max_results, bool) or not isinstance(max_results, int):
        raise unreadable("MaxResults must be a whole number")
    if not 1 <= max_results <= LARGEST_PAGE:
        problems.append(f"Value '{max_results}' at 'MaxResults' must lie between 1 and {LARGEST_PAGE}")
    name_contains = _text(content, "NameContains") or ""
    if not re.fullmatch(r"[a-zA-Z0-9\-]{0,63}", name_contains):
        problems.append(f"Value '{name_contains}' at 'NameContains' must be up to 63 letters, digits and hyphens")
    query = Query(
        max_results=max_results,
        token=_text(content, "NextToken"),
        sort_by=_choice(content, "SortBy", tuple(_SORT_KEYS), problems) or "Name",
        descending=_choice(content, "SortOrder", ("Ascending", "Descending"), problems) == "Descending",
        name_contains=name_contains,
        status=_choice(content, "StatusEquals", _STATUSES, problems),
        created_after=_moment(content, "CreationTimeAfter", -math.inf),
        created_before=_moment(content, "CreationTimeBefore", math.inf),
        modified_after=_moment(content, "LastModifiedTimeAfter", -math.inf),
        modified_before=_moment(content, "LastModifiedTimeBefore", math.inf),
    )
    if problems:
        raise invalid(problems)
    return query


def page(lives: Iterable[Life], query: Query, *, now: float, owner: str) -> dict[str, Any]:
    """Return one page of an owner's jobs. Raise ApiError on a token that does not continue this very query.

    A token remembers when its first page was made: every page chooses and sorts as of then, so that jobs created or
    changed in between neither repeat nor hide others. What a page tells of a job is of now.
    """
    as_of, after = (now, None) if query.token is None else _unseal(query, owner)
    key = _SORT_KEYS[query.sort_by]
    rows = sorted(
        (
            (key(life, as_of), life)
            for life in lives
            if life.exists(as_of) and life.exists(now) and query.admits(life, as_of)
        ),
        key=lambda row: row[0],
        reverse=query.descending,
    )
    if after is not None:
        rows = [row for row in rows if (row[0] < after if query.descending else row[0] > after)]
    chosen = rows[: query.max_results]
    answer: dict[str, Any] = {"HyperParameterTuningJobSummaries": [life.summary(now) for _, life in chosen]}
    if len(rows) > len(chosen):
        answer["NextToken"] = _seal(query, owner, [as_of, chosen[-1][0]])
    return answer


def _seal(query: Query, owner: str, position: list[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps([*position, _digest(query, owner, position)]).encode()).decode()


def _unseal(query: Query, owner: str) -> tuple[float, list[Any]]:
    try:
        *position, digest = json.loads(base64.urlsafe_b64decode(cast("str", query.token)))
    except (ValueError, TypeError):
        position, digest = [], None
    if digest != _digest(query, owner, position):
        raise invalid(["Value at 'NextToken' does not continue this request"])
    return position[0], position[1]


def _digest(query: Query, owner: str, position: list[Any]) -> str:
    """Return what ties a position to its owner and filters; the size of a page may change on the way."""
    bound = (
        owner,
        query.sort_by,
        query.descending,
        query.name_contains,
        query.status,
        query.created_after,
        query.created_before,
        query.modified_after,
        query.modified_before,
        position,
    )
    return hashlib.blake2b(repr(bound).encode(), digest_size=12).hexdigest()


def _text(content: Mapping[str, Any], member: str) -> str | None:
    value = content.get(member)
    if isinstance(value, str | None):
        return value
    raise unreadable(f"{member} must be a string")


def _choice(content: Mapping[str, Any], member: str, allowed: Sequence[str], problems: list[str]) -> str | None:
    value = _text(content, member)
    if value is not None and value not in allowed:
        problems.append(f"Value '{value}' at '{member}' is none of [{', '.join(allowed)}]")
    return value


def _moment(content: Mapping[str, Any], member: str, default: float) -> float:
    value = content.get(member, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise unreadable(f"{member} must be a number of seconds")
    return float(value)
