"""Numbers on the command line, for argparse's ``type``."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def positive(text: str) -> float:
    """Return a number above 0."""
    return _number(text, "above 0", lambda number: number > 0)


def not_negative(text: str) -> float:
    """Return a number of 0 or more."""
    return _number(text, "of 0 or more", lambda number: number >= 0)


def count_up_to(most: int) -> Callable[[str], int]:
    """Return a function that parses a whole number from 0 to ``most``."""

    def count(text: str) -> int:
        allowed = f"from 0 to {most}, without a fraction"
        return int(_number(text, allowed, lambda number: number.is_integer() and 0 <= number <= most))

    return count


def _number(text: str, what: str, allowed: Callable[[float], bool]) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or not allowed(number):
        raise argparse.ArgumentTypeError(f"write a number {what}")
    return number
