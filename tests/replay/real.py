"""Tuning jobs as they are in practice: drawn from what public ones show of durations, gaps, failures, values and ends."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from random import Random
from typing import Any

from exporter.simulator.scenario import HOUR, Definition, Scenario
from exporter.simulator.surface import Categorical, Continuous, Integer, Surface, branin, rosenbrock, validation_loss

Quantiles = tuple[tuple[float, float], ...]

NEW: Quantiles = ((0, 30), (0.05, 37), (0.5, 52), (0.95, 1_206), (1, 6_805))
"""Shares of training jobs and how many seconds they take at most, since instances are used again (October 2022)."""
OLD: Quantiles = ((0, 40), (0.05, 65), (0.5, 745), (0.95, 3_400), (1, 12_358))
"""The same before that."""
LONG: Quantiles = ((0, 900), (0.5, 2 * HOUR), (1, 12 * HOUR))
"""Of training jobs that nobody puts into a notebook."""

LARGEST = 500
"""Training jobs in a search."""


def drawn(quantiles: Quantiles, rng: Random) -> float:
    """Return a value by its quantiles, between which its logarithm is linear."""
    luck = rng.random()
    for (low, least), (high, most) in itertools.pairwise(quantiles):
        if luck <= high:
            return float(least * (most / least) ** ((luck - low) / (high - low)))
    return float(quantiles[-1][1])


def scenario(rng: Random, hours: tuple[float, float], *, least: int = 2, **changes: Any) -> Scenario:
    """Return a search that lasts about so many hours, with training jobs of a usual length and at least so many of them."""
    length = math.exp(rng.uniform(math.log(hours[0]), math.log(hours[1]))) * HOUR
    old = rng.random() < 0.3
    parallel = changes.pop("parallel", None) or rng.choice((1, 2, 2, 3, 4, 5, 10))
    usual = drawn(LONG if rng.random() < 0.3 else OLD if old else NEW, rng)
    gap = 170.0 if old else 18.0
    # Few have many training jobs, so the long ones have long ones.
    most = min(math.exp(rng.uniform(math.log(max(least, 12)), math.log(LARGEST))), LARGEST)
    usual = min(max(usual, length * parallel / most - gap, 20.0), max(length * parallel / least - gap, 20.0))
    jobs = max(least, min(round(length * parallel / (usual + gap)), LARGEST))
    search = Scenario(
        (definition(rng),),
        in_config=rng.random() < 0.7,
        strategy="Random" if rng.random() < 0.1 else "Bayesian",
        max_jobs=jobs,
        parallel=min(parallel, jobs),
        early_stopping=rng.choices(("Off", "Auto", None), (5, 2, 3))[0],
        startup=rng.uniform(120, 180) if old else rng.uniform(50, 90),
        starting=(105.0, 184.0) if old else (3.0, 12.0),
        trial=(usual, usual),
        straggling=rng.choice((0.2, 0.35, 0.35, 0.5, 0.7)),
        refill=(10.0, 60.0) if old else (5.0, 15.0),
        failing=rng.choices((0.0, 0.02, 0.05, 0.1, 0.22), (10, 3, 3, 2, 1))[0],
        failing_together=True,
        retried=rng.choices((0.0, 0.02, 0.05), (6, 2, 1))[0],
        replaces=not old,
    )
    return replace(search, **changes)


def definition(rng: Random, **changes: Any) -> Definition:
    """Return what is searched: a metric that may be coarse, noisy, and best at an edge."""
    metric, best, worst, coarse = rng.choice(
        (
            ("validation:auc", 0.93, 0.5, 0.001),
            ("validation:accuracy", 0.87, 0.3, 0.005),
            ("validation:rmse", 2.9, 9.4, 0.01),
            ("valid_loss", 0.21, 2.3, 0.001),
            ("f1", 0.62, 0.1, 0.002),
        )
    )
    ranges = (
        Continuous("eta", 0.001, 0.5, logarithmic=True),
        Integer("depth", 2, 12),
        Continuous("dropout", 0.0, 0.6),
        Categorical("optimizer", ("sgd", "adam", "adamw")),
    )[: rng.choice((2, 3, 4))]
    surface = Surface(
        metric,
        best,
        worst,
        rng.choice((branin, rosenbrock, validation_loss)),
        ranges,
        noise=rng.choice((0.01, 0.03, 0.06, 0.1)),
        step=rng.choice((None, coarse, coarse)),
    )
    return Definition(replace(surface, **changes), image="xgboost", name="real")
