"""Ranges cover what they say, and the functions have their optimum where they should."""

from __future__ import annotations

import pytest

from exporter.simulator.surface import (
    Categorical,
    Continuous,
    Integer,
    Surface,
    branin,
    rosenbrock,
    slope,
    validation_loss,
)


@pytest.mark.parametrize(
    ("range_", "low", "middle", "high"),
    [
        (Continuous("c", 0.1, 0.5), "0.1", "0.3", "0.5"),
        (Continuous("l", 0.001, 10.0, logarithmic=True), "0.001", "0.1", "10.0"),
        (Integer("i", 2, 12), "2", "7", "12"),
        (Categorical("k", ("a", "b", "c")), "a", "b", "c"),
    ],
)
def test_ranges_span_the_unit_interval(range_, low, middle, high):
    assert range_.place(0.0) == (low, 0.0)
    assert range_.place(1.0) == (high, 1.0)
    text, coordinate = range_.place(0.5)
    assert coordinate == pytest.approx(0.5)
    assert text == middle or float(text) == pytest.approx(float(middle))


def test_an_integer_tells_the_coordinate_it_was_rounded_to():
    assert Integer("i", 0, 4).place(0.3) == ("1", 0.25)


@pytest.mark.parametrize(
    ("shape", "optimum"),
    [
        (branin, ((3.141592653589793 + 5) / 15, 2.275 / 15)),
        (branin, ((-3.141592653589793 + 5) / 15, 12.275 / 15)),
        (rosenbrock, (0.75, 0.75, 0.75)),
        (validation_loss, (0.62, 0.51, 0.40)),
        (slope, (1.0, 1.0)),
    ],
)
def test_the_gap_vanishes_at_the_optimum_only(shape, optimum):
    assert shape(optimum) == pytest.approx(0.0, abs=1e-6)
    for shift in (-0.08, 0.08):
        moved = [min(1.0, max(0.0, u + shift)) for u in optimum]
        if moved != list(optimum):
            assert shape(moved) > 0.003


@pytest.mark.parametrize("shape", [branin, rosenbrock, validation_loss, slope])
def test_gaps_are_never_negative_and_about_one_at_worst(shape):
    gaps = [shape([i / 10, j / 10, k / 10]) for i in range(11) for j in range(11) for k in range(11)]
    assert min(gaps) >= 0
    assert 0.3 < max(gaps) <= 1.1


@pytest.mark.parametrize(("best", "worst", "direction"), [(0.9, 0.5, "Maximize"), (0.1, 2.0, "Minimize")])
def test_a_surface_turns_gaps_into_values_and_back(best, worst, direction):
    surface = Surface("metric", best, worst, slope, ())
    assert surface.direction == direction
    assert surface.value(0.0) == best
    assert surface.value(1.0) == pytest.approx(worst)
    assert surface.gap(surface.value(0.3)) == pytest.approx(0.3)
