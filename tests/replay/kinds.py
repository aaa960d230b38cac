"""The kinds of tuning jobs of a replay: healthy ones, as odd as they come in practice, and those with a trouble."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from replay.life import Course

from exporter.simulator.scenario import HOUR, MINUTE, SCENARIOS, Definition, Scenario
from exporter.simulator.surface import Continuous, Integer, Surface

JOB = "SageMakerTuningJob"

Draw = Callable[[Random], Course]


def paced(
    name: str,
    rng: Random,
    hours: tuple[float, float],
    *,
    least: int = 6,
    trainings: tuple[float, ...] = (8, 15, 30, 60, 120, 240),
    **changes: Any,
) -> Scenario:
    """Return a scenario at a pace of its own: about so many hours in all, with trainings of one of these minutes."""
    parallel = changes.pop("parallel", None) or rng.choice((1, 2, 3, 4, 4, 6, 10))
    length = rng.uniform(*hours) * HOUR
    trial = min(rng.choice(trainings) * MINUTE, length * parallel / least)
    jobs = min(round(length * parallel / trial), 300)
    pace = replace(SCENARIOS[name], trial=(0.5 * trial, 1.5 * trial), parallel=parallel, max_jobs=jobs)
    return replace(pace, **changes)


def duration(scenario: Scenario) -> float:
    """Return about how long the scenario takes, in seconds."""
    mean = (scenario.trial[0] + scenario.trial[1]) / 2 + 2 * MINUTE
    return scenario.startup + (scenario.max_jobs or 24) * mean / scenario.parallel


def healthy(rng: Random) -> Course:
    """Anything that is normal: early stopping, a few failures, slow trainings, ends of every kind."""
    name = rng.choices(
        ("healthy", "warm-start", "several-definitions", "hyperband", "grid", "vintage-2020", "just-created", "plain"),
        (5, 2, 2, 1, 1, 1, 1, 5),
    )[0]
    base = {"plain": rng.choice(("near-time-limit", "converged-running", "healthy"))}.get(name, name)
    failing = rng.choice((0.0, 0.02, 0.05, 0.1, 0.15))
    scenario = paced(base, rng, (4, 80), failing=failing, retried=rng.choice((0.0, 0.02, 0.06)), max_runtime=None)
    if name == "grid":
        scenario = replace(scenario, max_jobs=None)
    if name == "hyperband":
        scenario = replace(scenario, max_jobs=max(scenario.max_jobs or 0, 80), target=None)
    if name in {"healthy", "plain"}:
        scenario = replace(scenario, early_stopping=rng.choice(("Auto", "Off", None)), on_convergence=None)
        scenario = replace(scenario, strategy=rng.choice(("Bayesian", "Bayesian", "Random")))
    if name == "just-created":
        scenario = replace(scenario, startup=rng.uniform(10, 40) * MINUTE)
    return _ended(rng, name, scenario)


def _ended(rng: Random, name: str, scenario: Scenario) -> Course:
    length = duration(scenario)
    end = rng.choices(("budget", "user", "limit", "criterion"), (6, 2, 2, 1))[0]
    if end == "user":
        stops = rng.uniform(0.2, 0.8) * length
        scenario = replace(scenario, stops_at=stops, stopping=rng.choice((2, 10, 45)) * MINUTE)
        if rng.random() < 0.4:
            deleted = stops + rng.uniform(1, 12) * HOUR
            scenario = replace(scenario, deleted_at=deleted, deletion=rng.uniform(2, 40) * MINUTE)
    elif end == "limit" and not scenario.vintage:
        scenario = replace(scenario, max_runtime=rng.uniform(1.1, 3.0) * length)
    elif end == "criterion":
        scenario = replace(scenario, on_convergence="Enabled", max_not_improving=rng.choice((15, 25, 40)))
    return Course(name, scenario, scenario)


def _flat(metric: str, value: float) -> tuple[Definition, ...]:
    """Return a definition on which nothing that is tried makes a difference of a per cent."""
    surface = Surface(
        metric, value, value - 0.3, lambda _: 0.1, (Continuous("eta", 0.01, 0.5), Integer("depth", 2, 12))
    )
    return (Definition(replace(surface, noise=0.001), image="xgboost", name="flat"),)


def _course(kind: str, scenario: Scenario, *injects: str, asked: Mapping[str, Any] | None = None, **how: Any) -> Course:
    alerts = frozenset(JOB + name for name in injects)
    return Course(kind, scenario, replace(scenario, **asked or {}), alerts, **how)


def _failed(rng: Random) -> Course:
    at = rng.choice((6.0, 90.0, 20 * MINUTE, 5 * HOUR))
    return _course("failed", replace(SCENARIOS["failed-at-once"], fails_at=at), "Failed")


def _delete_failed(rng: Random) -> Course:
    stops = rng.uniform(2, 8) * HOUR
    deleted = stops + rng.choice((10 * MINUTE, 3 * HOUR, 8 * HOUR))
    scenario = paced("stopped", rng, (12, 24), stops_at=stops, stopping=5 * MINUTE, deleted_at=deleted)
    return _course("delete-failed", scenario, "DeleteFailed", delete_fails=True)


def _stopping(rng: Random) -> Course:
    stops = rng.uniform(1, 6) * HOUR
    scenario = paced("stopped", rng, (24, 48), trainings=(600,), parallel=4, stops_at=stops, failing=0.0)
    return _course("stopping", replace(scenario, stopping=rng.uniform(4, 9) * HOUR), "StuckStopping")


def _deleting(rng: Random) -> Course:
    stops = rng.uniform(2, 8) * HOUR
    scenario = paced("deleting", rng, (12, 24), stops_at=stops, deleted_at=stops + rng.choice((10 * MINUTE, 3 * HOUR)))
    return _course("deleting", replace(scenario, deletion=rng.uniform(4, 9) * HOUR), "StuckStopping")


def _failing(rng: Random) -> Course:
    scenario = paced("failing-training-jobs", rng, (8, 36), least=40, failing=rng.uniform(0.6, 0.95), retried=0.02)
    return _course("failing", scenario, "TrainingJobsFailing")


def _silent(rng: Random) -> Course:
    return _course("silent", paced("objective-never-emitted", rng, (6, 36), least=12), "ObjectiveNeverEmitted")


def _stuck(rng: Random) -> Course:
    scenario = paced("stuck", rng, (6, 36), stalls_after=rng.choice((0, 3, 10, 30)))
    return _course("stuck", scenario, "Stuck", leaves_after=rng.uniform(4, 20) * HOUR)


def _plateau(rng: Random) -> Course:
    scenario = paced("healthy", rng, (8, 48), least=60, early_stopping="Off", definitions=_flat("validation:auc", 0.9))
    if rng.random() < 0.5:
        return _course("plateau", scenario, "NotImproving")
    return _course("plateau-limit", scenario, "NotImproving", asked={"max_not_improving": rng.choice((10, 20))})


def _converged(rng: Random) -> Course:
    scenario = paced("converged-running", rng, (12, 48), least=60, definitions=_flat("validation:auc", 0.8))
    return _course("converged", scenario, "ConvergedStillRunning")


def _time_limit(rng: Random) -> Course:
    scenario = paced("near-time-limit", rng, (8, 60), least=20)
    limit = rng.uniform(0.3, 0.75) * duration(scenario)
    return _course("time-limit", replace(scenario, max_runtime=limit), "NearTimeLimit")


def _cut_off(rng: Random) -> Course:
    scenario = paced("objective-never-emitted", rng, (16, 36), least=20, trainings=(60,), failing=0.05)
    return _course("cut-off", scenario, "NoBestValue", cut_off=True)


def _hopeless(rng: Random) -> Course:
    scenario = paced("failing-training-jobs", rng, (16, 36), least=40, failing=1.0, trainings=(120, 240))
    return _course("hopeless", scenario, "NoBestValue", "TrainingJobsFailing")


def _edge(rng: Random) -> Course:
    return _course("edge", paced("edge-of-range", rng, (8, 48), least=50), "BestAtRangeEdge")


def _starved(rng: Random) -> Course:
    parallel = rng.choice((1, 2, 3))
    scenario = paced("healthy", rng, (8, 48), least=30, parallel=parallel)
    asked = round(parallel * rng.uniform(2.6, 5))
    return _course("starved", scenario, "SlotsStarved", asked={"parallel": asked})


def _retried(rng: Random) -> Course:
    scenario = paced("healthy", rng, (8, 36), least=50, retried=rng.uniform(0.35, 0.6))
    return _course("retried", scenario, "RetryableErrors")


def _target(rng: Random) -> Course:
    scenario = paced("healthy", rng, (8, 36), least=60, failing=0.02)
    return _course("target", scenario, "TargetReachedStillRunning", asked={"target": rng.uniform(0.7, 0.8)})


TROUBLED: tuple[Draw, ...] = (
    _failed,
    _delete_failed,
    _stopping,
    _deleting,
    _failing,
    _silent,
    _stuck,
    _plateau,
    _converged,
    _time_limit,
    _cut_off,
    _hopeless,
    _edge,
    _starved,
    _retried,
    _target,
)
"""The kinds with a trouble, each a function of chance."""
