"""Positions of the best hyperparameters in their ranges, computed like the recorded series."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.tuning_job import HyperparameterRange, TuningJob

EDGE = 0.02
"""The distance to an end of the range within which a value is at the edge, as on the dashboard."""

_WIDE = 4.6  # wider than this, a positive range with scale Auto is assumed to be logarithmic, since AWS does not tell


@dataclass(frozen=True, slots=True)
class Placed:
    """A hyperparameter of the best training job, and its position in its range.

    ``place`` is 0 at the lower end and 1 at the upper end, on ``scale``. It is None without a range. ``edge`` is ``lower`` or
    ``upper`` if the value is at this end. ``assumed`` is True if AWS does not tell the scale. ``value`` is None if the
    hyperparameter is searched but the best training job has no number for it.
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
    """Return the hyperparameters of the best training job, and all others that are searched, by name."""
    return tuple(sorted(_placed(facts), key=lambda each: (each.hyperparameter.casefold(), each.definition)))


def _placed(facts: TuningJob) -> Iterator[Placed]:
    best = facts.best_training_job
    values = {} if best is None else best.hyperparameters
    definition = "" if best is None else best.definition_name or ""
    # A range of the training job's definition comes before one of the tuning job.
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
    """Return the scale of a range, and whether it is assumed."""
    if searched.scale not in {"", "Auto"}:
        return searched.scale, False
    low, high = searched.min_value, searched.max_value
    wide = low is not None and high is not None and low > 0 and high > low and math.log(high / low) >= _WIDE
    return ("Logarithmic" if wide else "Linear"), True


def place_of(value: float, low: float, high: float, scale: str) -> float | None:
    """Return the position of a value between two ends. None if it has none on this scale."""
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
