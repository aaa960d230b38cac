"""The result: figures with their spread, side by side, and the goal that their ratio is held against."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LINEAR = 1.1
"""Goal of a row of ``growth``: no worse than linear, and a tenth for the machine's noise."""

_MARKS = ("<!-- Below: written by `make bench`. -->\n", "<!-- Above: written by `make bench`. -->\n")
_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of repeated measurements, and the least and the greatest of them."""

    median: float
    low: float
    high: float
    unit: str = ""
    """``s``, ``MB`` or what is counted; empty for a ratio."""

    @classmethod
    def of(cls, values: Sequence[float], unit: str) -> Spread:
        return cls(statistics.median(values), min(values), max(values), unit)

    def __str__(self) -> str:
        scale, unit = _scale(self.median, self.unit)
        if self.low == self.high:
            return f"{_short(self.median / scale)} {unit}"
        low, high = _short(self.low / scale), _short(self.high / scale)
        return f"{_short(self.median / scale)} {unit} ({low} to {high})"


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison.

    ``ratio`` is the exporter's figure by the other's; without one to compare with it is None. ``limit`` is the goal:
    the most that the ratio, or without one the figure itself, may be.
    """

    what: str
    ours: Spread
    against: str = ""
    theirs: Spread | None = None
    ratio: Spread | None = None
    limit: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        if self.limit is None:
            return None
        return (self.ratio or self.ours).median <= self.limit

    def cells(self) -> tuple[str, ...]:
        goal = "" if self.limit is None else f"≤ {_ratio(self.limit)}"
        if goal and self.ratio is None:
            goal = f"≤ {_short(self.limit or 0)} {self.ours.unit}"
        ratio = "" if self.ratio is None else _ratio_spread(self.ratio)
        verdict = {None: "", True: "yes", False: "**no**"}[self.met]
        return (self.what, str(self.ours), self.against, str(self.theirs or ""), ratio, goal, verdict)


def versus(  # a row's parts, and no more
    what: str, ours: Sequence[float], against: str, theirs: Sequence[float], unit: str, limit: float | None = None
) -> Row:
    """Return the comparison of measurements taken in turn: the ratio is formed pair by pair, so that drift cancels."""
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return Row(what, Spread.of(ours, unit), against, Spread.of(theirs, unit), Spread.of(ratios, ""), limit)


def growth(what: str, many: Sequence[float], few: Sequence[float], factor: int, unit: str) -> Row:
    """Return the comparison of what ``factor`` times the jobs cost with ``factor`` times what they cost."""
    scaled = [factor * value for value in few]
    return versus(f"growth: {what}", many, f"{factor} × a {factor}th of the jobs", scaled, unit, LINEAR)  # noqa: RUF001


def markdown(rows: Iterable[Row]) -> str:
    """Return the rows as a table."""
    head = ("what", "exporter", "against", "its figure", "ratio", "goal", "met")
    lines = [head, ("---",) * len(head), *(row.cells() for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def replaced(page: str, generated: str) -> str:
    """Return the page with what stands between its marks replaced. Raise ValueError when it has no marks."""
    before, _, rest = page.partition(_MARKS[0])
    _, found, after = rest.partition(_MARKS[1])
    if not found:
        raise ValueError("the page has no marks between which the table belongs")
    return f"{before}{_MARKS[0]}\n{generated}\n{_MARKS[1]}{after}"


def _scale(value: float, unit: str) -> tuple[float, str]:
    if unit != "s":
        return 1.0, unit
    return next((pair for pair in _SECONDS if value >= pair[0]), _SECONDS[-1])


def _short(value: float) -> str:
    """Return three significant digits, without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _ratio(value: float) -> str:
    return f"1/{_short(1 / value)}" if 0 < value < 0.95 else _short(value)


def _ratio_spread(spread: Spread) -> str:
    return f"{_ratio(spread.median)} ({_ratio(spread.low)} to {_ratio(spread.high)})"
