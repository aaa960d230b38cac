"""Reading the members of an answer, none of which is trusted to be there or to be what the API's model says.

A member of a type that cannot be what it should be is treated like a member that is absent, but where that would say
something else than that nothing is known: that there is no further page, or that a tuning job lacks a tag.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeGuard, TypeVar

T = TypeVar("T")
Number = int | float
Answer = Mapping[str, Any]

_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_LONGEST_TEXT = 256  # of the API's members that are read as texts
_LONGEST_NUMBER = 4_096
_LONGEST_TOKEN = 8_192
_LONGEST_TAG_KEY = 128
_LONGEST_PROSE = 1_024  # of a FailureReason
_LATEST = 32_503_680_000.0  # the year 3000: far enough from the last that a calendar has
_LARGEST_WHOLE = 2**63  # that is kept to the last digit
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class MalformedAnswer(Exception):
    """The answer lacks what every one of its kind has; the message says what."""


def mapping(parent: Answer, member: str) -> Answer:
    """Return an object, empty where there is none."""
    found = parent.get(member)
    return found if isinstance(found, dict) else {}


def mappings(parent: Answer, member: str) -> list[Answer]:
    """Return the objects of a list, leaving out whatever else is in it."""
    found = parent.get(member)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list | tuple) else []


def text(parent: Answer, member: str) -> str | None:
    """Return a text that says something: the API spells "none" now and then as an empty string.

    One that is no Unicode text (half of a surrogate pair), or longer than any member of the API, counts as absent.
    """
    found = parent.get(member)
    return found if found and is_text(found) else None


def is_text(found: object, longest: int = _LONGEST_TEXT) -> TypeGuard[str]:
    """Tell whether this is Unicode text, maybe empty, of at most so many characters."""
    if not isinstance(found, str) or len(found) > longest:
        return False
    if found.isascii():
        return True
    try:
        found.encode()
    except UnicodeEncodeError:
        return False
    return True


def required(parent: Answer, member: str, what: str = "answer") -> str:
    """Return a text that must be there; raise MalformedAnswer, which says what lacks it, where it is not."""
    found = text(parent, member)
    if found is None:
        raise MalformedAnswer(f"the {what} has no {member}")
    return found


def entries(answer: Answer, member: str, reduce: Callable[[Answer], T]) -> tuple[tuple[T, ...], list[str]]:
    """Return the entries of a list, reduced, and what is wrong with each that cannot be: it must not hide the others.

    Raises MalformedAnswer where there is no list.
    """
    raw = answer.get(member)
    if not isinstance(raw, list):
        raise MalformedAnswer(f"the answer has no {member}")
    reduced: list[T] = []
    errors: list[str] = []
    for entry in raw:
        try:
            reduced.append(reduce(entry))
        except MalformedAnswer as malformed:
            errors.append(str(malformed))
    return tuple(reduced), errors


def next_token(answer: Answer) -> str | None:
    """Return what asks for the next page, None where there is none: no token, or an empty one, as for AWS' own SDKs.

    Raises MalformedAnswer for anything else that is no text of the API: there is a further page, and no way to it.
    """
    found = answer.get("NextToken")
    if found is None:
        return None
    if not is_text(found, _LONGEST_TOKEN):
        raise MalformedAnswer("the answer has a NextToken that cannot be one")
    return found or None


def tags(found: object) -> dict[str, str]:
    """Return the values of a list of AWS tags by key; raise MalformedAnswer where one of them, or the list, is none."""
    if not isinstance(found, list):
        raise MalformedAnswer("the answer has no Tags")
    values: dict[str, str] = {}
    for tag in found:
        key, value = (tag.get("Key"), tag.get("Value")) if isinstance(tag, Mapping) else (None, None)
        if not key or not is_text(key, _LONGEST_TAG_KEY) or not is_text(value):
            raise MalformedAnswer("the answer has a tag without a usable key or value")
        values[key] = value
    return values


def prose(parent: Answer, member: str) -> str | None:
    """Return a text for a person to read, cut where it is longer than the API says, what is no Unicode text replaced."""
    found = parent.get(member)
    if not isinstance(found, str) or not found:
        return None
    cut = found if len(found) <= _LONGEST_PROSE else f"{found[:_LONGEST_PROSE]}…"
    return cut.encode("utf-8", "replace").decode()


def term(parent: Answer, member: str) -> str | None:
    """Return a text that many tuning jobs have in common; it is held once however many they are."""
    found = text(parent, member)
    return None if found is None else sys.intern(found)


def number(parent: Answer, member: str) -> Number | None:
    """Return a finite number; ``value`` is for those that may be something else."""
    found = value(parent, member)
    return found if found is not None and math.isfinite(found) else None


def value(parent: Answer, member: str) -> Number | None:
    """Return the value of an objective, for which NaN and the infinities are values like any other."""
    found = parent.get(member)
    if isinstance(found, bool):
        return None
    if isinstance(found, str):
        if found in _NON_FINITE:
            return _NON_FINITE[found]
        # One that is spelled out and past any float is not the infinity that an algorithm may print.
        return parsed if _is_number(found) and math.isfinite(parsed := float(found)) else None
    if isinstance(found, int):
        try:
            rounded = float(found)
        except OverflowError:  # no sample can hold it
            return None
        # A sum of larger ones might be past any float, and only floats go on with infinity.
        return found if abs(found) <= _LARGEST_WHOLE else rounded
    return found if isinstance(found, float) else None


def time(parent: Answer, member: str) -> float | None:
    """Return a time in Unix seconds, from seconds, ISO 8601 text or a datetime; without a zone it is UTC.

    One that cannot be a tuning job's (before 1970, or milliseconds taken for seconds) counts as absent.
    """
    found = parent.get(member)
    if isinstance(found, str) and not _is_number(found):
        try:
            found = datetime.fromisoformat(found)
        except ValueError:
            return None
    if isinstance(found, datetime):
        try:
            seconds: Number | None = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        except OverflowError:
            return None
    else:
        seconds = number(parent, member)
    return float(seconds) if seconds is not None and 0 <= seconds < _LATEST else None


def _is_number(found: str) -> bool:
    return len(found) <= _LONGEST_NUMBER and _JSON_NUMBER.fullmatch(found) is not None
