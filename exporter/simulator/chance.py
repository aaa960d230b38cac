"""The simulator's only source of randomness, so that equal seeds give equal lives."""

from __future__ import annotations

import random


def chance(*origin: object) -> random.Random:
    """Return the generator that belongs to an origin; equal origins give equal draws, on every machine."""
    return random.Random(repr(origin))  # noqa: S311  (nothing here guards anything)
