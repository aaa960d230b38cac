"""Reads the members of an answer. A member may be missing, or have another type than in the API's model.

A member with a wrong type is treated like a missing one. The exceptions are members whose absence has a meaning, such as that
there is no further page or that a tuning job does not have a tag: for these an error is raised.
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
_LONGEST_TEXT = 256  # of all members of the API that are read as texts
_LONGEST_NUMBER = 4_096
_LONGEST_TOKEN = 8_192
_LONGEST_TAG_KEY = 128
_LONGEST_PROSE = 1_024  # of a FailureReason
_LATEST = 32_503_680_000.0  # the year 3000: well before the last year of Python's datetime
_LARGEST_WHOLE = 2**63  # the largest whole number that a float represents exactly
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class MalformedAnswer(Exception):
    """The answer lacks a required member. The message says which."""


def mapping(parent: Answer, member: str) -> Answer:
    """Return an object, empty if there is none."""
    found = parent.get(member)
    return found if isinstance(found, dict) else {}


def mappings(parent: Answer, member: str) -> list[Answer]:
    """Return the objects in a list. Anything else in it is left out."""
    found = parent.get(member)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list | tuple) else []


def text(parent: Answer, member: str) -> str | None:
    """Return a text that is not empty: the API sometimes has an empty string for no value.

    A text that is not valid Unicode (a single surrogate), or longer than any member of the API, counts as missing.
    """
    found = parent.get(member)
    return found if found and is_text(found) else None


def is_text(found: object, longest: int = _LONGEST_TEXT) -> TypeGuard[str]:
    """Return whether a value is Unicode text of at most ``longest`` characters. It may be empty."""
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
    """Return a text that is required. Raises MalformedAnswer, which says what lacks it."""
    found = text(parent, member)
    if found is None:
        raise MalformedAnswer(f"the {what} has no {member}")
    return found


def entries(answer: Answer, member: str, reduce: Callable[[Answer], T]) -> tuple[tuple[T, ...], list[str]]:
    """Return the reduced entries of a list, and the problems of the entries that cannot be reduced, which must not hide the others.

    Raises MalformedAnswer if there is no list.
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
    """Return the token of the next page. None if there is no next page: no token or an empty one, as in AWS' own SDKs.

    Raises MalformedAnswer for any other token that is not a valid text, because then there is a next page that cannot be read.
    """
    found = answer.get("NextToken")
    if found is None:
        return None
    if not is_text(found, _LONGEST_TOKEN):
        raise MalformedAnswer("the answer has a NextToken that cannot be one")
    return found or None


def tags(found: object) -> dict[str, str]:
    """Return the values in a list of AWS tags by key. Raises MalformedAnswer if the list or one of the tags is not valid."""
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
    """Return a text to read. It is cut to the API's maximum length, and invalid Unicode is replaced."""
    found = parent.get(member)
    if not isinstance(found, str) or not found:
        return None
    cut = found if len(found) <= _LONGEST_PROSE else f"{found[:_LONGEST_PROSE]}…"
    return cut.encode("utf-8", "replace").decode()


def term(parent: Answer, member: str) -> str | None:
    """Return a text that many tuning jobs share. It is in memory only once."""
    found = text(parent, member)
    return None if found is None else sys.intern(found)


def number(parent: Answer, member: str) -> Number | None:
    """Return a finite number. For numbers that may be NaN or infinite, use ``value``."""
    found = value(parent, member)
    return found if found is not None and math.isfinite(found) else None


def value(parent: Answer, member: str) -> Number | None:
    """Return the value of an objective, which may be NaN or infinite."""
    found = parent.get(member)
    if isinstance(found, bool):
        return None
    if isinstance(found, str):
        if found in _NON_FINITE:
            return _NON_FINITE[found]
        # A number in digits that is too large for a float is not the infinity that an algorithm may print.
        return parsed if _is_number(found) and math.isfinite(parsed := float(found)) else None
    if isinstance(found, int):
        try:
            rounded = float(found)
        except OverflowError:  # too large for a sample
            return None
        # Larger ones become floats: their sum may be infinite, which only floats support.
        return found if abs(found) <= _LARGEST_WHOLE else rounded
    return found if isinstance(found, float) else None


def time(parent: Answer, member: str) -> float | None:
    """Return a time in Unix seconds, from seconds, ISO 8601 text or a datetime. Without a zone it is UTC.

    A time that cannot be that of a tuning job (before 1970, or milliseconds instead of seconds) counts as missing.
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
