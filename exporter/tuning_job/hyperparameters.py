"""Numeric hyperparameters: the values of a training job, and the ranges that are searched.

The API sends all values as text. Some SDKs add quotation marks, as in ``"512"``. A value counts as a number if it is a finite
decimal number, with any kind of range, also with categories.
"""

from __future__ import annotations

import math
import re
import sys
from functools import lru_cache
from typing import TYPE_CHECKING

from exporter.tuning_job.definitions import labelled_definitions
from exporter.tuning_job.members import Answer, is_text, mapping, mappings, term, text
from exporter.tuning_job.model import HyperparameterRange

if TYPE_CHECKING:
    from collections.abc import Iterator

# There must be only one way to match digits. Otherwise the match takes quadratic time for a text that is not a number.
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_LONGEST = 2500  # characters of a value in the API
_RANGES = ("IntegerParameterRanges", "ContinuousParameterRanges")


def tuned_hyperparameters(training_job: Answer) -> dict[str, float]:
    """Return the numeric hyperparameters that the search chose for a training job."""
    tuned = mapping(training_job, "TunedHyperParameters")
    numbers = ((name, decimal(value)) for name, value in tuned.items() if name and is_text(name))
    return {sys.intern(name): number for name, number in numbers if number is not None}


def ranges(answer: Answer) -> tuple[HyperparameterRange, ...]:
    """Return the bounds of all integer and continuous ranges, as configured, independent of the scale.

    They are in the configuration of the tuning job or in its definitions. Categories, and hyperparameters whose ranges
    SageMaker chooses itself, have none.
    """
    parameter_ranges = mapping(mapping(answer, "HyperParameterTuningJobConfig"), "ParameterRanges")
    found = list(_bounded("", parameter_ranges))
    for name, definition in labelled_definitions(answer):
        found += _bounded(name, mapping(definition, "HyperParameterRanges"))
    return tuple(found)


def _bounded(definition: str, parameter_ranges: Answer) -> Iterator[HyperparameterRange]:
    for kind in _RANGES:
        for range_ in mappings(parameter_ranges, kind):
            name = term(range_, "Name")
            if name is not None:
                low, high = text(range_, "MinValue"), text(range_, "MaxValue")
                yield _range(name, definition, low, high, term(range_, "ScalingType") or "")


@lru_cache(maxsize=4096)  # cached, because many tuning jobs have the same few ranges
def _range(name: str, definition: str, low: str | None, high: str | None, scale: str) -> HyperparameterRange:
    return HyperparameterRange(name, definition, decimal(low), decimal(high), scale)


def decimal(value: object) -> float | None:
    """Return a hyperparameter's value as a number. None if it is not a finite number."""
    if not isinstance(value, str):
        return None
    quoted = len(value) > 1 and value[0] == value[-1] == '"'
    inner = value[1:-1] if quoted else value
    if len(inner) > _LONGEST or not _DECIMAL.fullmatch(inner):
        return None
    number = float(inner)
    return number if math.isfinite(number) else None
