"""The kinds of calls in a recording, and how lists are identified."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMES = ("CreationTimeAfter", "CreationTimeBefore", "LastModifiedTimeAfter", "LastModifiedTimeBefore")


class Call(StrEnum):
    """The kinds of calls, as written in the file."""

    DESCRIBE = "D"
    LIST = "L"
    TRAININGS = "T"
    TAGS = "G"
    SEARCH = "S"
    BILLS = "B"
    ACCOUNT = "A"

    @property
    def has_pages(self) -> bool:
        """Whether its answers have any number of rows."""
        return self in {Call.LIST, Call.TRAININGS, Call.SEARCH, Call.BILLS}


def about_list(request: Mapping[str, Any]) -> str:
    """Return a text that identifies a list: its filters. For filters by time only the name counts."""
    said = [f"{member}={request[member]}" for member in ("NameContains", "StatusEquals") if member in request]
    return " ".join([*said, *(member for member in _TIMES if member in request)])


def is_listed(entry: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Return whether an entry of an earlier list meets the filters of a list. Times are Unix seconds, exclusive."""
    part, status = request.get("NameContains"), request.get("StatusEquals")
    if part is not None and str(part) not in str(entry.get("HyperParameterTuningJobName")):
        return False
    if status is not None and entry.get("HyperParameterTuningJobStatus") != status:
        return False
    return _is_between(entry.get("CreationTime"), request, "CreationTime") and _is_between(
        entry.get("LastModifiedTime"), request, "LastModifiedTime"
    )


def _is_between(moment: object, request: Mapping[str, Any], member: str) -> bool:
    after, before = request.get(f"{member}After"), request.get(f"{member}Before")
    if after is None and before is None:
        return True
    if not isinstance(moment, int | float):
        return False
    return (after is None or moment > after) and (before is None or moment < before)
