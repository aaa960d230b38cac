"""Replaces the values of hyperparameters by their positions in their ranges, because values are private."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from exporter.tuning_job.hyperparameters import decimal

_LOG_DECADES = 3  # decades of a logarithmic range in a recording, whatever its real bounds are
BOUNDED = ("ContinuousParameterRanges", "IntegerParameterRanges")
"""The kinds of ranges that have bounds."""


class Scale:
    """Converts values to positions in a range: from 0 to 1, or in decades on a logarithmic scale."""

    def __init__(self, range_: Mapping[str, Any]) -> None:
        self._low, self._high = decimal(range_.get("MinValue")), decimal(range_.get("MaxValue"))
        self._logarithmic = (
            range_.get("ScalingType") == "Logarithmic" and (self._low or 0) > 0 and (self._high or 0) > 0
        )

    def shown(self, value: Any) -> str | None:
        """Return the replacement for a value. None if it is not a number or the range has no bounds."""
        number = decimal(value)
        if number is None or self._low is None or self._high is None:
            return None
        if not self._logarithmic:
            return f"{_place(self._low, number, self._high):.6g}"
        if number <= 0:
            return None
        place = _place(math.log(self._low), math.log(number), math.log(self._high))
        return f"{10 ** min(_LOG_DECADES * (place - 1), 300):.6g}"


def _place(low: float, number: float, high: float) -> float:
    place = (number - low) / (high - low) if high > low else 0.0
    return place if math.isfinite(place) else 0.0


class Scales:
    """The scales of a tuning job's hyperparameters, by definition and name."""

    def __init__(self, answer: Mapping[str, Any], definition: object = None) -> None:
        self._answer = answer
        self._definition = definition

    def of(self, definition: object) -> Scales:
        """Return the scales for a training job of a definition."""
        return Scales(self._answer, definition)

    def scale(self, name: str) -> Scale | None:
        """Return the scale of a hyperparameter, None if it has no range with bounds."""
        config: Any = self._answer.get("HyperParameterTuningJobConfig")
        places: list[Any] = [config.get("ParameterRanges")] if isinstance(config, Mapping) else []
        several: Any = self._answer.get("TrainingJobDefinitions")
        definitions = [self._answer.get("TrainingJobDefinition"), *(several if isinstance(several, list) else ())]
        named: list[Mapping[str, Any]] = [each for each in definitions if isinstance(each, Mapping)]
        named.sort(key=lambda each: each.get("DefinitionName") != self._definition)
        places += [each.get("HyperParameterRanges") for each in named]
        for ranges in places:
            for kind in BOUNDED:
                found = ranges.get(kind) if isinstance(ranges, Mapping) else None
                for range_ in found if isinstance(found, list) else ():
                    if isinstance(range_, Mapping) and range_.get("Name") == name:
                        return Scale(range_)
        return None
