"""Each strategy proposes what its name promises."""

from __future__ import annotations

from itertools import product

import pytest

from exporter.simulator.chance import chance
from exporter.simulator.strategies import (
    INITIAL_DESIGN,
    grid_size,
    propose_bayesian,
    propose_grid,
    propose_random,
)
from exporter.simulator.surface import Categorical, Continuous

GRID = (Categorical("a", ("x", "y")), Categorical("b", ("1", "2", "3")))
PLANE = (Continuous("u", 0.0, 1.0), Continuous("v", 0.0, 1.0))


def test_a_grid_enumerates_every_combination_once():
    seen = [tuple(placed.text for placed in propose_grid(GRID, number)) for number in range(grid_size(GRID))]
    assert sorted(seen) == sorted(product("xy", "123"))


def test_a_grid_refuses_a_scale():
    with pytest.raises(TypeError, match="u has a scale"):
        grid_size(PLANE)


def test_random_points_spread_over_the_ranges():
    rng = chance("spread")
    points = [propose_random(PLANE, rng)[0].coordinate for _ in range(200)]
    assert min(points) < 0.1
    assert max(points) > 0.9


def test_a_bayesian_search_closes_in_on_the_best_after_its_initial_design():
    rng = chance("closing in")
    best = (0.3, 0.8)

    def mean_distance(known):
        points = [propose_bayesian(PLANE, known, best, rng) for _ in range(300)]
        return sum(abs(point[0].coordinate - best[0]) for point in points) / len(points)

    assert mean_distance(40) < mean_distance(INITIAL_DESIGN) < mean_distance(INITIAL_DESIGN - 1)


def test_equal_origins_give_equal_draws_and_others_do_not():
    assert chance(1, "a").random() == chance(1, "a").random()
    assert chance(1, "a").random() != chance(2, "a").random()
