"""What a simulated search explores: parameter ranges, and real functions over them.

Ranges map the unit interval onto their values, so that a search needs to know nothing of kinds and scales. A shape
maps unit coordinates to a *gap*: 0 at the optimum and about 1 at a hopeless point.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Placed(NamedTuple):
    """One parameter's value as the API spells it, and the unit coordinate where it really lies."""

    text: str
    coordinate: float


@dataclass(frozen=True, slots=True)
class Continuous:
    """A real parameter; ``logarithmic`` spreads proposals evenly over orders of magnitude."""

    name: str
    low: float
    high: float
    logarithmic: bool = False

    def place(self, coordinate: float) -> Placed:
        """Return the value at a unit coordinate; 0 and 1 give exactly the edges."""
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
        """Return the whole number nearest to a unit coordinate."""
        value = self.low + round((self.high - self.low) * coordinate)
        return Placed(str(value), (value - self.low) / (self.high - self.low))


@dataclass(frozen=True, slots=True)
class Categorical:
    """A parameter with a list of values."""

    name: str
    values: tuple[str, ...]

    def place(self, coordinate: float) -> Placed:
        """Return the value whose share of the unit interval holds the coordinate."""
        index = min(int(coordinate * len(self.values)), len(self.values) - 1)
        return Placed(self.values[index], index / max(1, len(self.values) - 1))


Range = Continuous | Integer | Categorical


def branin(point: Sequence[float]) -> float:
    """Return the gap on Branin's function of the first two coordinates: three equal valleys."""
    x, y = 15 * point[0] - 5, 15 * point[1]
    bend = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    height = bend**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10
    return (height - 0.397887) / 307.7


def rosenbrock(point: Sequence[float]) -> float:
    """Return the gap on Rosenbrock's function over all coordinates, on a logarithmic scale: one bent valley."""
    xs = [4 * u - 2 for u in point]
    height = sum(100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(xs))
    return math.log1p(height) / math.log1p(3609 * (len(xs) - 1))


def validation_loss(point: Sequence[float]) -> float:
    """Return the gap on a bowl with ripples, as learning rates and depths give: many shallow local optima."""
    bowl = sum((u - 0.62 + 0.11 * i) ** 2 for i, u in enumerate(point)) / len(point)
    ripple = 0.03 * (1 - math.cos(9 * math.pi * (point[0] - 0.62)))
    return 1.6 * bowl + ripple


def slope(point: Sequence[float]) -> float:
    """Return the gap on a plane that falls towards every upper edge: the ranges were chosen too narrow."""
    return sum(1 - u for u in point) / len(point)


@dataclass(frozen=True, slots=True)
class Surface:
    """An objective metric over parameter ranges.

    ``best`` is the metric's value at gap 0 and ``worst`` at gap 1, so their order says what is sought. ``noise``
    is the standard deviation of the gap between two trainings at the same point. ``step`` is the unit in which the metric
    is counted, so that some values are equal.
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
        """``Maximize`` or ``Minimize``, as the API spells it."""
        return "Maximize" if self.best > self.worst else "Minimize"

    def value(self, gap: float) -> float:
        """Return the metric's value at a gap."""
        value = self.best + (self.worst - self.best) * gap
        return value if self.step is None else round(value / self.step) * self.step

    def gap(self, value: float) -> float:
        """Return the gap of a metric's value: the smaller, the better, whatever the direction."""
        return (value - self.best) / (self.worst - self.best)
