"""Where the best hyperparameters lie in their ranges."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.views import facts

from exporter.tuning_job import HyperparameterRange, TuningJob
from exporter.web.pages.ranges import Placed, place_of, placed


def searched(
    value: float | None, low: float | None, high: float | None, scale: str = "", definition: str = ""
) -> TuningJob:
    job = facts()
    assert job.best_training_job is not None
    values = {} if value is None else {"eta": value}
    return replace(
        job,
        best_training_job=replace(job.best_training_job, definition_name=definition or None, hyperparameters=values),
        ranges=(HyperparameterRange("eta", definition, low, high, scale),),
    )


def only(job: TuningJob) -> Placed:
    [found] = placed(job)
    return found


@pytest.mark.parametrize(
    ("value", "low", "high", "scale", "place"),
    [
        (3.0, 1.0, 5.0, "Linear", 0.5),
        (1.0, 1.0, 5.0, "Linear", 0.0),
        (5.0, 1.0, 5.0, "Linear", 1.0),
        (0.01, 1e-4, 1.0, "Logarithmic", 0.5),
        (0.99, 0.9, 0.999, "ReverseLogarithmic", 0.5),
        (0.5, 0.0, 1.0, "Logarithmic", None),
        (0.5, 0.0, 1.0, "ReverseLogarithmic", None),
        (2.0, 2.0, 2.0, "Linear", None),
        (2.0, 5.0, 1.0, "Linear", None),
        (-1.0, 1.0, 5.0, "Logarithmic", None),
        (3.0, 1.0, 5.0, "Spiral", None),
        (math.nan, 1.0, 5.0, "Linear", None),
    ],
)
def test_a_place_is_on_the_scale_of_the_search(value, low, high, scale, place) -> None:
    found = place_of(value, low, high, scale)
    assert found == (None if place is None else pytest.approx(place))


@pytest.mark.parametrize(
    ("low", "high", "scale"),
    [(1.0, 50.0, "Linear"), (1.0, 100.0, "Logarithmic"), (0.0, 1e6, "Linear"), (-1.0, 1.0, "Linear")],
)
@pytest.mark.parametrize("told", ["", "Auto"])
def test_a_scale_that_aws_does_not_tell_is_taken_by_the_width_of_the_range(low, high, scale, told) -> None:
    found = only(searched((low + high) / 2, low, high, told))
    assert (found.scale, found.assumed) == (scale, True)


def test_a_scale_that_aws_tells_is_not_assumed() -> None:
    found = only(searched(3.0, 1.0, 5.0, "Logarithmic"))
    assert (found.scale, found.assumed) == ("Logarithmic", False)


@pytest.mark.parametrize(
    ("value", "edge"),
    [(0.0, "lower"), (1.9, "lower"), (2.0, None), (50.0, None), (97.9, None), (98.0, "upper"), (100.0, "upper")],
)
def test_a_best_value_at_an_end_is_at_the_edge(value: float, edge: str | None) -> None:
    assert only(searched(value, 0.0, 100.0, "Linear")).edge == edge


def test_a_value_without_a_range_stands_alone() -> None:
    job = replace(searched(0.5, None, None), ranges=())
    assert only(job) == Placed("eta", "", 0.5, None, None, None, assumed=False, place=None, edge=None)


def test_a_range_without_a_value_is_told_too() -> None:
    found = only(searched(None, 1.0, 5.0, "Linear"))
    assert (found.value, found.place, found.min_value) == (None, None, 1.0)
    found = only(replace(searched(None, 1.0, 5.0, "Linear"), best_training_job=None))
    assert (found.value, found.place, found.min_value) == (None, None, 1.0)


def test_the_range_of_its_own_definition_is_the_one_that_counts() -> None:
    job = searched(3.0, 1.0, 5.0, "Linear", definition="bert")
    others = (
        HyperparameterRange("eta", "", 0.0, 100.0, "Linear"),
        HyperparameterRange("eta", "xgb", 3.0, 9.0, "Linear"),
    )
    found = {(each.definition, each.value, each.place) for each in placed(replace(job, ranges=(*others, *job.ranges)))}
    assert found == {("bert", 3.0, 0.5), ("", None, None), ("xgb", None, None)}


numbers = st.none() | st.floats()


@given(numbers, numbers, numbers, st.sampled_from(["", "Auto", "Linear", "Logarithmic", "ReverseLogarithmic", "?"]))
def test_no_range_is_too_odd(value, low, high, scale) -> None:
    found = only(searched(value, low, high, scale))
    assert found.place is None or math.isfinite(found.place)
    assert (found.edge is not None) <= (found.place is not None)
