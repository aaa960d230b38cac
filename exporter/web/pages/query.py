"""The parameters of the table of tuning jobs in the address: filters, order and page."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from exporter.config import nearest
from exporter.fleet import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable

SORTS = ("status", "name", "progress", "best", "improved", "runtime", "described", "cost", "team")
"""The columns to sort by. A minus before the name reverses the order. The first is the default."""

_LONGEST_PAGE = 9  # digits

# Parameters whose values are labels or tags, which may have spaces at their ends.
_AS_IT_IS = frozenset({"team"})


@dataclass(frozen=True, slots=True)
class Query:
    """``q`` is a text in the name, team or account; the others must be equal. Empty means any. Pages count from 1."""

    q: str = ""
    status: str = ""
    state: str = ""
    team: str = ""
    region: str = ""
    account: str = ""
    sort: str = SORTS[0]
    page: int = 1

    @property
    def column(self) -> str:
        """The column to sort by."""
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the order is reversed."""
        return self.sort.startswith("-")

    @property
    def filtered(self) -> bool:
        """Whether there is any filter."""
        return any((self.q, self.status, self.state, self.team, self.region, self.account))

    def address(self, **changes: Any) -> str:
        """Return the address of the same table with these changes, relative to the page. Defaults are left out."""
        changed, default = replace(self, **changes), asdict(Query())
        given = {name: value for name, value in asdict(changed).items() if value != default[name]}
        return f"?{urlencode(given)}" if given else "?"


def parse_query(parameters: Iterable[tuple[str, str]]) -> Query:
    """Parse the parameters of an address. Empty parameters are ignored.

    Raises ValueError, which says what to write instead, if a parameter is unknown, given twice, or has an invalid value.
    """
    given: dict[str, Any] = {}
    for name, value in parameters:
        if name not in Query.__slots__:
            close = nearest(name, Query.__slots__)
            remedy = f"did you mean {close}?" if close else f"use {', '.join(Query.__slots__)}"
            raise ValueError(f"there is no parameter {_quoted(name)}: {remedy}")
        if name in given:
            raise ValueError(f"{name} is given twice: give it once")
        if value.strip():
            given[name] = value if name in _AS_IT_IS else value.strip()
    if given.get("sort", SORTS[0]).removeprefix("-") not in SORTS:
        raise ValueError(
            f"cannot sort by {_quoted(given['sort'])}: use {', '.join(SORTS)}, or one of them after a minus"
        )
    if given.get("state", JobState.RUNNING) not in {*JobState}:
        raise ValueError(f"there is no state {_quoted(given['state'])}: use {', '.join(JobState)}")
    page = given.get("page", "1")
    if not (page.isascii() and page.isdigit() and len(page) <= _LONGEST_PAGE and int(page) > 0):
        raise ValueError(f"page is {_quoted(page)}: use a whole number from 1 on")
    return Query(**given | {"page": int(page)})


def _quoted(text: str) -> str:
    return f'"{text[:80]}"'
