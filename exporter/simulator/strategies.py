"""The four strategies of a tuning job. Each proposes the next point to train at."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING

from exporter.simulator.surface import Categorical, Placed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from exporter.simulator.surface import Range

INITIAL_DESIGN = 6
"""The number of random points that a Bayesian search begins with."""

EXPLORING = 0.2
"""The share of random points after that."""

AT_EDGE = 0.06
"""The share of coordinates that are at an edge of their range. Real searches often try edges."""


def grid_size(ranges: Sequence[Range]) -> int:
    """Return the number of combinations of a grid search. Raises TypeError if a range is not categorical."""
    return prod(len(_values(range_)) for range_ in ranges)


def propose_grid(ranges: Sequence[Range], number: int) -> list[Placed]:
    """Return the ``number``-th combination, counted from 0."""
    axes = [[range_.place((i + 0.5) / len(_values(range_))) for i in range(len(_values(range_)))] for range_ in ranges]
    return list(list(product(*axes))[number])


def propose_random(ranges: Sequence[Range], rng: Random) -> list[Placed]:
    """Return a random point, uniform over the ranges."""
    return [range_.place(rng.random()) for range_ in ranges]


def propose_bayesian(ranges: Sequence[Range], known: int, best: Sequence[float] | None, rng: Random) -> list[Placed]:
    """Return a point near the best one: the more trials are known, the nearer.

    The first points, and some of the later ones, are random. ``known`` counts the trials with an objective value. ``best`` has
    the coordinates of the best of them.
    """
    if best is None or known < INITIAL_DESIGN or rng.random() < EXPLORING:
        return propose_random(ranges, rng)
    reach = max(0.05, 0.3 * 0.97**known)
    return [range_.place(_near(centre, reach, rng)) for range_, centre in zip(ranges, best, strict=True)]


def _near(centre: float, reach: float, rng: Random) -> float:
    if rng.random() < AT_EDGE:
        return float(rng.random() < centre)
    return min(1.0, max(0.0, rng.gauss(centre, reach)))


def _values(range_: Range) -> tuple[str, ...]:
    if not isinstance(range_, Categorical):
        raise TypeError(f"a grid enumerates categorical values only, {range_.name} has a scale")
    return range_.values
