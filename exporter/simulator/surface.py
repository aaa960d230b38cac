"""The search space of a simulated tuning job: parameter ranges, and functions over them.

A range maps a coordinate from 0 to 1 to a value, so that a search does not depend on kinds and scales. A shape maps such
coordinates to a *gap*: 0 at the optimum, and about 1 at a bad point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Placed(NamedTuple):
    """One parameter's value as text of the API, and the exact coordinate of this value."""

    text: str
    coordinate: float


@dataclass(frozen=True, slots=True)
class Continuous:
    """A real parameter. ``logarithmic``: proposals are uniform on a logarithmic scale."""

    name: str
    low: float
    high: float
    logarithmic: bool = False

    def place(self, coordinate: float) -> Placed:
        """Return the value at a coordinate. 0 and 1 give exactly the edges."""
        if coordinate <= 0:
            return Placed(repr(self.low), 0.0)
        if coordinate >= 1:
            return Placed(repr(self.high), 1.0)
        if self.logarithmic:
            return Placed(repr(self.low * (self.high / self.low) ** coordinate), coordinate)
        return Placed(repr(self.low + (self.high - self.low) * coordinate), coordinate)


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole-numbered parameter on a linear scale."""

    name: str
    low: int
    high: int

    def place(self, coordinate: float) -> Placed:
        """Return the whole number nearest to a coordinate."""
        value = self.low + round((self.high - self.low) * coordinate)
        return Placed(str(value), (value - self.low) / (self.high - self.low))


@dataclass(frozen=True, slots=True)
class Categorical:
    """A parameter with a list of values."""

    name: str
    values: tuple[str, ...]

    def place(self, coordinate: float) -> Placed:
        """Return the value at a coordinate. Each value has an equal part of the interval from 0 to 1."""
        index = min(int(coordinate * len(self.values)), len(self.values) - 1)
        return Placed(self.values[index], index / max(1, len(self.values) - 1))


Range = Continuous | Integer | Categorical


def branin(point: Sequence[float]) -> float:
    """Return the gap of Branin's function of the first two coordinates: it has three equal optima."""
    x, y = 15 * point[0] - 5, 15 * point[1]
    bend = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    height = bend**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10
    return (height - 0.397887) / 307.7


def rosenbrock(point: Sequence[float]) -> float:
    """Return the gap of Rosenbrock's function of all coordinates, on a logarithmic scale: one curved valley."""
    xs = [4 * u - 2 for u in point]
    height = sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(xs))
    return math.log1p(height) / math.log1p(3609 * (len(xs) - 1))


def validation_loss(point: Sequence[float]) -> float:
    """Return the gap of a bowl with ripples, as with learning rates and depths: many shallow local optima."""
    bowl = sum((u - 0.62 + 0.11 * i) ** 2 for i, u in enumerate(point)) / len(point)
    ripple = 0.03 * (1 - math.cos(9 * math.pi * (point[0] - 0.62)))
    return 1.6 * bowl + ripple


def slope(point: Sequence[float]) -> float:
    """Return the gap of a plane that falls towards all upper edges: the ranges are too narrow."""
    return sum(1 - u for u in point) / len(point)


@dataclass(frozen=True, slots=True)
class Surface:
    """An objective metric over parameter ranges.

    ``best`` is the metric's value at gap 0 and ``worst`` that at gap 1, so their order gives the direction. ``noise`` is the
    standard deviation of the gap between two trainings at the same point. ``step`` rounds the metric, so that some values are
    equal.
    """

    metric: str
    best: float
    worst: float
    shape: Callable[[Sequence[float]], float]
    ranges: tuple[Range, ...]
    noise: float = 0.004
    step: float | None = None

    @property
    def direction(self) -> str:
        """``Maximize`` or ``Minimize``, as in the API."""
        return "Maximize" if self.best > self.worst else "Minimize"

    def value(self, gap: float) -> float:
        """Return the metric's value for a gap."""
        value = self.best + (self.worst - self.best) * gap
        return value if self.step is None else round(value / self.step) * self.step

    def gap(self, value: float) -> float:
        """Return the gap of a metric's value. Smaller is better for both directions."""
        return (value - self.best) / (self.worst - self.best)
