"""The only source of randomness of the simulator, so that equal seeds give equal lives."""

from __future__ import annotations

import random


def chance(*origin: object) -> random.Random:
    """Return a generator seeded with ``origin``. Equal origins give equal draws on all machines."""
    return random.Random(repr(origin))  # noqa: S311  (nothing here guards anything)
