"""Times of answers, read by rules of our own.

The SDK's own parser takes nearly any text for a time, takes time that grows with the square of the text's length, and
turns Unix seconds into the machine's local time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

_LONGEST = 64  # letters: ISO 8601 to the microsecond, with its zone, has 32


def unix_seconds(value: Any) -> Any:
    """Return a time of an answer in Unix seconds; anything else is passed on, and the reducer leaves it out."""
    if isinstance(value, int | float):
        return value
    try:
        return moment(value).timestamp()
    except (ValueError, OverflowError, OSError):
        return value


def local_time(value: Any) -> Any:
    """Return a time of an answer as ISO 8601 in the machine's time zone; anything else is passed on as it is."""
    try:
        return moment(value).astimezone().isoformat()
    except (ValueError, OverflowError, OSError):
        return value


def as_sent(value: Any) -> Any:
    """Return a time of an answer as AWS sent it."""
    return value


def moment(value: Any) -> datetime:
    """Return a time of an answer: seconds, as a number or as text, or ISO 8601, which is UTC when it names no zone.

    Raises ValueError, OverflowError or OSError for anything else.
    """
    if isinstance(value, str) and len(value) <= _LONGEST:
        try:
            value = float(value)
        except ValueError:
            found = datetime.fromisoformat(value)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    if not isinstance(value, int | float):
        raise ValueError("neither seconds nor ISO 8601")  # noqa: TRY004 - odd types and odd texts are one to the caller
    return datetime.fromtimestamp(value, UTC)
