"""Numbers as people write them and as programs do: ``250``, ``0.23``, ``1.25e+06``."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_LONGEST = 100


def parse_number(text: str) -> float | None:
    """Return the number that digits name, with or without a point and an exponent; None for anything else.

    Helm writes large and small numbers with an exponent, whatever its values have. One beyond all floats is infinite.
    """
    return float(text) if len(text) <= _LONGEST and _NUMBER.fullmatch(text) else None
