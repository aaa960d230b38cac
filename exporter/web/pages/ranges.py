"""Where the best hyperparameters are in the ranges that are searched, as the recorded series has it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.tuning_job import HyperparameterRange, TuningJob

EDGE = 0.02
"""How near an end of its range a value is at the edge: as on the dashboard."""

_WIDE = 4.6  # a positive range over two powers of ten: what Auto is taken for, since AWS does not tell


@dataclass(frozen=True, slots=True)
class Placed:
    """A hyperparameter of the best training job within its range.

    ``place`` is 0 at the lower end and 1 at the upper one, on ``scale``; None where there is no range to place it in.
    ``edge`` is ``lower`` or ``upper`` where it is at one of them. ``assumed`` tells that AWS does not say which scale
    it searches by. A hyperparameter without a value is one that is searched and that the best training job has no number
    of.
    """

    hyperparameter: str
    definition: str
    value: float | None
    min_value: float | None
    max_value: float | None
    scale: str | None
    assumed: bool
    place: float | None
    edge: str | None


def placed(facts: TuningJob) -> tuple[Placed, ...]:
    """Return the hyperparameters of the best training job, and those that are searched beside them, by name."""
    return tuple(sorted(_placed(facts), key=lambda each: (each.hyperparameter.casefold(), each.definition)))


def _placed(facts: TuningJob) -> Iterator[Placed]:
    best = facts.best_training_job
    values = {} if best is None else best.hyperparameters
    definition = "" if best is None else best.definition_name or ""
    # The range of its own definition goes before that of the tuning job as a whole.
    ranges = {each.hyperparameter: each for each in facts.ranges if not each.definition}
    ranges |= {each.hyperparameter: each for each in facts.ranges if each.definition and each.definition == definition}
    for name, value in values.items():
        yield _place(name, value, ranges.get(name))
    for each in facts.ranges:
        if best is None or ranges.get(each.hyperparameter) is not each or each.hyperparameter not in values:
            yield _place(each.hyperparameter, None, each)


def _place(name: str, value: float | None, searched: HyperparameterRange | None) -> Placed:
    if searched is None:
        return Placed(name, "", value, None, None, None, assumed=False, place=None, edge=None)
    low, high = searched.min_value, searched.max_value
    scale, assumed = _scale(searched)
    found = None if value is None or low is None or high is None else place_of(value, low, high, scale)
    edge = None
    if found is not None:
        edge = "lower" if found < EDGE else "upper" if found >= 1 - EDGE else None
    return Placed(name, searched.definition, value, low, high, scale, assumed, found, edge)


def _scale(searched: HyperparameterRange) -> tuple[str, bool]:
    """Return the scale to place a value on, and whether AWS leaves it open."""
    if searched.scale not in {"", "Auto"}:
        return searched.scale, False
    low, high = searched.min_value, searched.max_value
    wide = low is not None and high is not None and low > 0 and high > low and math.log(high / low) >= _WIDE
    return ("Logarithmic" if wide else "Linear"), True


def place_of(value: float, low: float, high: float, scale: str) -> float | None:
    """Return where a value lies between two ends; None where the scale has no such place."""
    if not low < high:
        return None
    try:
        if scale == "Logarithmic":
            found = math.log(value / low) / math.log(high / low) if low > 0 else None
        elif scale == "ReverseLogarithmic":
            found = math.log((1 - value) / (1 - low)) / math.log((1 - high) / (1 - low)) if high < 1 else None
        elif scale == "Linear":
            found = (value - low) / (high - low)
        else:
            found = None
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return found if found is not None and math.isfinite(found) else None
