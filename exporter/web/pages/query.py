"""What is asked of the table of tuning jobs: filters, order and page, as they are in the address."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from exporter.config import nearest
from exporter.fleet import JobState

if TYPE_CHECKING:
    from collections.abc import Iterable

SORTS = ("status", "name", "progress", "best", "improved", "runtime", "described", "cost", "team")
"""The columns to sort by; with a minus before it the other way round. The first is the default."""

_LONGEST_PAGE = 9  # digits

# Whatever somebody wrote as a label or tag, with the spaces at its ends; blank ones are none.
_AS_IT_IS = frozenset({"team"})


@dataclass(frozen=True, slots=True)
class Query:
    """``q`` is text in the name, the team or the account; the others must be equal. Empty: any. Pages count from 1."""

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
        """Whether the order is the other way round."""
        return self.sort.startswith("-")

    @property
    def filtered(self) -> bool:
        """Whether some tuning jobs may be left out."""
        return any((self.q, self.status, self.state, self.team, self.region, self.account))

    def address(self, **changes: Any) -> str:
        """Return the address of the same table with these changes, relative to the page. A default is not spelled out."""
        changed, default = replace(self, **changes), asdict(Query())
        given = {name: value for name, value in asdict(changed).items() if value != default[name]}
        return f"?{urlencode(given)}" if given else "?"


def parse_query(parameters: Iterable[tuple[str, str]]) -> Query:
    """Read the parameters of an address; an empty one is as good as none.

    Raise ValueError, saying what to write instead, for one that is unknown or given twice, and for a value that cannot be.
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
