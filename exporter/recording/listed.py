"""Remembers which tuning jobs the lists of a target have shown, to detect those that are missing on a later list."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from exporter.recording.calls import is_listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST_TOKENS = 256


class Listed:
    """The listed tuning jobs of one target, by the keys of their rows."""

    def __init__(self) -> None:
        self._jobs: dict[str, tuple[float, Mapping[str, Any]]] = {}
        self._gone: set[str] = set()
        self._reached: OrderedDict[str, float] = OrderedDict()  # by the token of the next page

    def changes(
        self, request: Mapping[str, Any], answer: Mapping[str, Any], named: Sequence[tuple[str, Mapping[str, Any]]]
    ) -> tuple[list[str], list[str]]:
        """Return which tuning jobs are missing on this page, and which are back.

        A tuning job is missing if an earlier list had it, and if this page would have it unless something has changed.
        """
        token, after = request.get("NextToken"), answer.get("NextToken")
        upper = math.inf if token is None else self._reached.get(str(token), -math.inf)
        times = [entry.get("CreationTime") for _, entry in named]
        last = min((each for each in times if isinstance(each, int | float)), default=upper)
        lower = last if after else -math.inf
        if after:
            self._reached[str(after)] = lower
            while len(self._reached) > _MOST_TOKENS:
                self._reached.popitem(last=False)
        gone = []
        ordered = request.get("SortBy") == "CreationTime" and request.get("SortOrder") == "Descending"
        # A filter by modification time may exclude a tuning job that was modified since the last list.
        if ordered and not any(member.startswith("LastModified") for member in request):
            shown = {key for key, _ in named}
            gone = [
                key
                for key, (created, entry) in self._jobs.items()
                if lower < created < upper and key not in shown and is_listed(entry, request)
            ]
        for key in gone:
            del self._jobs[key]
        back = [key for key, _ in named if key in self._gone]
        self._gone.update(gone)
        self._gone.difference_update(back)
        for key, entry in named:
            created = entry.get("CreationTime")
            if isinstance(created, int | float):
                self._jobs[key] = created, entry
        return gone, back
