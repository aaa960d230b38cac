"""Parses times in answers.

The SDK's own parser is not used. It accepts nearly any text as a time, needs time that grows with the square of the text's
length, and converts Unix seconds to the machine's local time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

_LONGEST = 64  # characters: ISO 8601 with microseconds and zone has 32


def unix_seconds(value: Any) -> Any:
    """Return a time of an answer as Unix seconds. Anything else is returned unchanged, and the reducer leaves it out."""
    if isinstance(value, int | float):
        return value
    try:
        return moment(value).timestamp()
    except (ValueError, OverflowError, OSError):
        return value


def local_time(value: Any) -> Any:
    """Return a time of an answer as ISO 8601 in the machine's time zone. Anything else is returned unchanged."""
    try:
        return moment(value).astimezone().isoformat()
    except (ValueError, OverflowError, OSError):
        return value


def as_sent(value: Any) -> Any:
    """Return a time of an answer as AWS sent it."""
    return value


def moment(value: Any) -> datetime:
    """Return a time of an answer: seconds as number or text, or ISO 8601, which is UTC if it has no zone.

    Raises ValueError, OverflowError or OSError for anything else.
    """
    if isinstance(value, str) and len(value) <= _LONGEST:
        try:
            value = float(value)
        except ValueError:
            found = datetime.fromisoformat(value)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    if not isinstance(value, int | float):
        raise ValueError("neither seconds nor ISO 8601")  # noqa: TRY004 - callers treat wrong types like wrong texts
    return datetime.fromtimestamp(value, UTC)
