"""Pages of an answer, and the tokens that continue them.

A token has the time of the first page. All pages filter and sort as of that time. So jobs that are created or changed while
pages are read cause no repeated or missing entries.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from exporter.simulator import reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter.simulator.life import Life

DEFAULT_SIZE = 10
LARGEST_SIZE = 100

Key = tuple[Any, ...]
"""The unique sort key of a job."""

Job = TypeVar("Job")

Row = tuple[Key, "Life"]


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of an answer is requested.

    ``as_of`` is the time of the first page (Unix seconds). ``after`` is the key of the last job on the previous page, None for
    the first page. ``binding`` identifies the query that a token can continue.
    """

    size: int
    descending: bool
    as_of: float
    after: Key | None
    binding: str


def read(content: Mapping[str, Any], problems: list[str], *, descending: bool, owner: str, now: float) -> Page:
    """Return the page that an input asks for. Adds wrong values to ``problems``. Raises ApiError on wrong types.

    ``descending`` is the operation's default order. ``owner`` identifies the caller and the operation.
    """
    size = reading.whole_number(content, "MaxResults", DEFAULT_SIZE)
    if not 1 <= size <= LARGEST_SIZE:
        problems.append(f"Value '{size}' at 'MaxResults' must lie between 1 and {LARGEST_SIZE}")
    order = reading.choice(content, "SortOrder", ("Ascending", "Descending"), problems)
    binding = _binding(content, owner)
    token = reading.text(content, "NextToken")
    as_of, after = now, None
    if token is not None:
        try:
            as_of, after = _unseal(token, binding)
        except ValueError:
            problems.append("Value at 'NextToken' does not continue this request")
    return Page(size, descending if order is None else order == "Descending", as_of, after, binding)


def arranged(page: Page, rows: Iterable[tuple[Key, Job]]) -> list[tuple[Key, Job]]:
    """Return the rows in the page's order, without those of previous pages."""
    ordered = sorted(rows, key=itemgetter(0), reverse=page.descending)
    if page.after is None:
        return ordered
    return [row for row in ordered if (row[0] < page.after if page.descending else row[0] > page.after)]


def cut(page: Page, rows: Iterable[tuple[Key, Job]]) -> tuple[list[Job], dict[str, str]]:
    """Return the jobs of the page, and the member of the answer with the token for the next page, if there is one.

    The rows must be as ``arranged`` returns them. Only as many as needed are read.
    """
    chosen = [*islice(rows, page.size + 1)]
    jobs = [job for _, job in chosen[: page.size]]
    if len(chosen) <= page.size:
        return jobs, {}
    return jobs, {"NextToken": _seal(page, chosen[page.size - 1][0])}


def _seal(page: Page, last: Key) -> str:
    position = [page.as_of, list(last)]
    return base64.urlsafe_b64encode(json.dumps([*position, _digest(page.binding, position)]).encode()).decode()


def _unseal(token: str, binding: str) -> tuple[float, Key]:
    """Return the time of a token's first page, and its last key. Raises ValueError if it is of another query."""
    sealed = json.loads(base64.urlsafe_b64decode(token))
    if not isinstance(sealed, list) or len(sealed) != 3 or sealed[2] != _digest(binding, sealed[:2]):
        raise ValueError("not sealed here")
    as_of, after, _ = sealed
    return as_of, tuple(after)


def _digest(binding: str, position: list[Any]) -> str:
    return hashlib.blake2b(repr((binding, position)).encode(), digest_size=12).hexdigest()


def _binding(content: Mapping[str, Any], owner: str) -> str:
    """Return what identifies a query of an owner. The size of pages is not part of it."""
    query = sorted((member, value) for member, value in content.items() if member not in {"MaxResults", "NextToken"})
    return repr((owner, query))
