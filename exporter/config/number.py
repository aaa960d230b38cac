"""Parses numbers such as ``250``, ``0.23`` and ``1.25e+06``."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_LONGEST = 100


def parse_number(text: str) -> float | None:
    """Return the number, None if the text is not a number. It may have a decimal point and an exponent.

    Helm writes large and small numbers with an exponent, even if its values have none. A number too large for a float is
    infinite.
    """
    return float(text) if len(text) <= _LONGEST and _NUMBER.fullmatch(text) else None
