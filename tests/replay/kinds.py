"""The kinds of tuning jobs of a replay: healthy ones, as odd as they come in practice, and those with a trouble.

Each trouble comes in several shapes: early and late, after a good start, partly, off and on, in small and large searches.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from replay import real
from replay.life import Course
from replay.promises import JOB, Cause

from exporter.simulator.scenario import HOUR, MINUTE, SCENARIOS, Definition, Scenario, Spell
from exporter.simulator.surface import Continuous, Integer, Surface

__all__ = ["COSTLY", "HEALTHY", "JOB", "TROUBLED", "healthy", "paced"]

Draw = Callable[[Random, float], Course]
"""Returns a tuning job that lasts for so many hours at most, if it ends."""


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


def _search(rng: Random, most: float, hours: tuple[float, float] = (0.35, math.inf), **how: Any) -> Scenario:
    """Return a real search, most of them short, or now and then one of the simulator's."""
    low, high = min(hours[0], most / 2), min(hours[1], most)
    if rng.random() < 0.2:
        name = rng.choice(("healthy", "stopped", "converged-running"))
        kept = {key: how.pop(key) for key in ("least", "parallel") if key in how}
        plain = {"stops_at": None, "on_convergence": None, "early_stopping": "Off", "strategy": "Bayesian"}
        return paced(name, rng, (max(low, 0.5), max(high, 0.6)), **kept, **(plain | how))
    return real.scenario(rng, (low, high), **how)


def duration(scenario: Scenario) -> float:
    """Return about how long the scenario takes, in seconds."""
    mean = (scenario.trial[0] + scenario.trial[1]) / 2 * math.exp(scenario.straggling**2 / 2)
    mean += sum(scenario.starting) / 2 + sum(scenario.refill) / 2
    return scenario.startup + (scenario.max_jobs or 24) * mean / scenario.parallel


def _course(
    kind: str, scenario: Scenario, *injects: Cause, asked: Mapping[str, Any] | None = None, **how: Any
) -> Course:
    return Course(kind, scenario, replace(scenario, **asked or {}), frozenset(injects), **how)


# What is healthy


def _real(rng: Random, most: float) -> Course:
    """As they come, half of them within the hour."""
    hours = (0.35, 1.0) if rng.random() < 0.5 else (1.0, math.inf)
    scenario = _search(rng, most, hours)
    excuses = frozenset({Cause.FAILING} if scenario.failing > 0.2 else ())
    return replace(_ended(rng, "real", scenario), excuses=excuses)


def _stress(rng: Random, most: float) -> Course:
    """Everything normal that AWS offers: early stopping, a few failures, slow trainings, ends of every kind."""
    name = rng.choice(
        ("healthy", "warm-start", "several-definitions", "hyperband", "grid", "vintage-2020", "just-created")
    )
    failing = rng.choice((0.0, 0.02, 0.05, 0.1, 0.15))
    hours = (min(4.0, most / 2), min(80.0, most))
    scenario = paced(name, rng, hours, failing=failing, retried=rng.choice((0.0, 0.02, 0.06)), max_runtime=None)
    if name == "grid":
        return Course(name, replace(scenario, max_jobs=None), replace(scenario, max_jobs=None))
    if name == "hyperband":
        scenario = replace(scenario, max_jobs=max(scenario.max_jobs or 0, 80), target=None)
    if name == "just-created":
        scenario = replace(scenario, startup=rng.uniform(10, 40) * MINUTE)
    return _ended(rng, name, scenario)


def _ended(rng: Random, name: str, scenario: Scenario) -> Course:
    length = duration(scenario)
    end = rng.choices(("budget", "user", "limit", "criterion"), (8, 2, 2, 1))[0]
    if end == "user":
        stops = rng.uniform(0.2, 0.8) * length
        scenario = replace(scenario, stops_at=stops, stopping=rng.choice((2, 10, 40)) * MINUTE)
        if rng.random() < 0.4:
            deleted = stops + rng.uniform(1, 12) * HOUR
            scenario = replace(scenario, deleted_at=deleted, deletion=rng.uniform(2, 40) * MINUTE)
    elif end == "limit" and not scenario.vintage:
        scenario = replace(scenario, max_runtime=rng.uniform(1.5, 4.0) * length)
    elif end == "criterion":
        scenario = replace(scenario, on_convergence="Enabled", max_not_improving=rng.choice((15, 25, 40)))
    return Course(name, scenario, scenario)


def _limit_as_budget(rng: Random, most: float) -> Course:
    scenario = _search(rng, most, (1, math.inf), least=10)
    limit = max(duration(scenario), 10 * MINUTE)
    scenario = replace(scenario, max_runtime=limit, max_jobs=round((scenario.max_jobs or 0) * rng.choice((3, 10, 30))))
    return _course("limit-as-budget", scenario, limit_is_budget=True)


def _just_in_case(rng: Random, most: float) -> Course:
    """More slots asked for than it ever needs, or than its account has; its owner knows."""
    scenario = _search(rng, most, least=10, parallel=rng.choice((1, 2, 4)))
    return _course("just-in-case", scenario, asked={"parallel": scenario.parallel * rng.choice((3, 5, 10))})


def _draining(rng: Random, most: float) -> Course:
    """The last training jobs take far longer than the others."""
    scenario = _search(rng, most / 3, least=10, parallel=rng.choice((4, 10)), failing=0.0)
    last = (scenario.max_jobs or 10) - rng.choice((1, 2))
    slower = rng.uniform(5, 15) if duration(scenario) < HOUR else rng.uniform(2, 4)
    return _course("draining", replace(scenario, spells=(Spell(last, slower=slower),)))


def _converged_late(rng: Random, most: float) -> Course:
    """It converges when everything is launched, and the last training jobs take long."""
    parallel = rng.choice((10, 20))
    scenario = paced("converged-running", rng, (2, most / 2), parallel=parallel, trainings=(120, 240), failing=0.0)
    definitions = _flat("validation:auc", 0.9)
    return _course("converged-late", replace(scenario, max_jobs=parallel + 14, definitions=definitions))


def _quick_first(rng: Random, most: float) -> Course:
    """One quick training job has no metric while the others still run."""
    scenario = _search(rng, most, (2, math.inf), least=4, parallel=rng.choice((2, 4)))
    return _course("quick-first", replace(scenario, spells=(Spell(0, 1, mute=1.0, slower=0.1),)))


def _near_top(rng: Random, most: float) -> Course:
    """Gains below one per cent are all that is left, and they are what it is for."""
    surface = {"metric": "validation:auc", "best": 0.9999, "worst": 0.97, "noise": 0.02, "step": None}
    scenario = _search(rng, most, (1, math.inf), least=30, definitions=(real.definition(rng, **surface),))
    return _course("near-top", scenario, fine=True)


def _bursts(rng: Random, most: float) -> Course:
    """Full and nearly empty by turns, as when a wave of training jobs ends at once."""
    parallel = rng.choice((4, 10))
    scenario = _search(rng, most, least=20, parallel=parallel, straggling=0.02, failing=0.0)
    waves = range(parallel - 1, scenario.max_jobs or 20, parallel)
    return _course("bursts", replace(scenario, spells=tuple(Spell(at, at + 1, slower=1.8) for at in waves)))


HEALTHY: tuple[tuple[Draw, int], ...] = (
    (_real, 14),
    (_stress, 4),
    (_limit_as_budget, 1),
    (_just_in_case, 1),
    (_draining, 1),
    (_converged_late, 1),
    (_quick_first, 1),
    (_near_top, 1),
    (_bursts, 1),
)
"""The healthy kinds and how often they come."""


def healthy(rng: Random, most: float) -> Course:
    """Return anything that is normal, as odd as it is."""
    draws, weights = zip(*HEALTHY, strict=True)
    draw: Draw = rng.choices(draws, weights)[0]
    course = draw(rng, most)
    # A draw of its own for each, whether it counts or not.
    budget = rng.uniform(1.05, 3.0)
    return replace(course, budget=budget) if rng.random() < 0.3 else course


# What is not


def _flat(metric: str, value: float, noise: float = 0.001) -> tuple[Definition, ...]:
    """Return a definition on which nothing that is tried makes a difference of a per cent."""
    surface = Surface(
        metric, value, value - 0.3, lambda _: 0.1, (Continuous("eta", 0.01, 0.5), Integer("depth", 2, 12))
    )
    return (Definition(replace(surface, noise=noise), image="xgboost", name="flat"),)


def _spells(rng: Random, jobs: int, **what: Any) -> tuple[str, tuple[Spell, ...]]:
    """Return a shape of a trouble that befalls training jobs: throughout, late, early, or off and on."""
    shape = rng.choice(("throughout", "late", "late", "off-and-on", "early"))
    if shape == "throughout":
        return shape, (Spell(**what),)
    if shape == "late":
        return shape, (Spell(round(rng.uniform(0.3, 0.7) * jobs), **what),)
    if shape == "early":
        return shape, (Spell(0, max(10, round(rng.uniform(0.2, 0.4) * jobs)), **what),)
    length = max(6, jobs // 8)
    return shape, tuple(Spell(at, at + length, **what) for at in range(length, jobs, 2 * length))


def _failed(rng: Random, most: float) -> Course:
    at = rng.choice((6.0, 90.0, 20 * MINUTE, 5 * HOUR))
    return _course("failed", replace(SCENARIOS["failed-at-once"], fails_at=at), Cause.FAILED)


def _all_fail(rng: Random, most: float) -> Course:
    """AWS ends it after five."""
    return _course("all-fail", _search(rng, most, failing=1.0, failing_together=False), Cause.FAILED)


def _delete_failed(rng: Random, most: float) -> Course:
    stops = rng.uniform(0.1, 0.4) * most * HOUR
    deleted = stops + rng.choice((10 * MINUTE, 3 * HOUR, 8 * HOUR))
    scenario = paced("stopped", rng, (most / 2, most), stops_at=stops, stopping=5 * MINUTE, deleted_at=deleted)
    return _course("delete-failed", scenario, Cause.UNDELETED, delete_fails=True)


def _stopping(rng: Random, most: float) -> Course:
    stops = rng.uniform(0.1, 0.4) * most * HOUR
    scenario = paced("stopped", rng, (most, most), trainings=(600,), parallel=4, stops_at=stops, failing=0.0)
    return _course("stopping", replace(scenario, stopping=rng.choice((2, 3, 6, 9)) * HOUR), Cause.LINGERING)


def _deleting(rng: Random, most: float) -> Course:
    stops = rng.uniform(0.1, 0.4) * most * HOUR
    deleted = stops + rng.choice((10 * MINUTE, 3 * HOUR))
    scenario = paced("deleting", rng, (most / 2, most), stops_at=stops, deleted_at=deleted)
    return _course("deleting", replace(scenario, deletion=rng.choice((2, 3, 6, 9)) * HOUR), Cause.LINGERING)


def _failing(rng: Random, most: float) -> Course:
    share = rng.choice((0.6, 0.8, 1.0))
    scenario = _search(rng, most, (1, math.inf), least=rng.choice((12, 40)), gives_up_after=None, failing=0.0)
    shape, spells = _spells(rng, scenario.max_jobs or 0, failing=share)
    return _course(f"failing-{shape}", replace(scenario, spells=spells), Cause.FAILING)


def _retried(rng: Random, most: float) -> Course:
    scenario = _search(rng, most, (1, math.inf), least=rng.choice((12, 40)), failing=0.0)
    shape, spells = _spells(rng, scenario.max_jobs or 0, retried=rng.uniform(0.4, 0.8))
    return _course(f"retried-{shape}", replace(scenario, spells=spells), Cause.RETRIED)


def _mute(rng: Random, most: float) -> Course:
    scenario = _search(rng, most, (0.5, math.inf), least=rng.choice((4, 12)), emits_objective=False)
    return _course("mute", replace(scenario, early_stopping=None), Cause.MUTE)


def _partly_mute(rng: Random, most: float) -> Course:
    scenario = _search(rng, most, (1, math.inf), least=20, failing=0.0, early_stopping=None)
    shape, spells = _spells(rng, scenario.max_jobs or 0, mute=rng.choice((0.7, 0.9, 1.0)))
    return _course(f"partly-mute-{shape}", replace(scenario, spells=spells), Cause.PARTLY_MUTE)


def _nan(rng: Random, most: float) -> Course:
    return _course("nan", _search(rng, most, (1, math.inf), least=6), Cause.NAN, nan=True)


def _stuck(rng: Random, most: float) -> Course:
    scenario = paced("stuck", rng, (most / 4, most / 2), stalls_after=rng.choice((0, 3, 10, 30)))
    pending = rng.random() < 0.3
    cause = Cause.PENDING if pending else Cause.IDLE
    return _course("stuck", scenario, cause, leaves_after=_left(rng, most), pending=pending)


def _left(rng: Random, most: float) -> float:
    return rng.uniform(max(3.0, most / 4), max(4.0, most / 2)) * HOUR


def _frozen(rng: Random, most: float) -> Course:
    scenario = _search(rng, most / 2, (0.5, math.inf), least=6)
    after = rng.uniform(0.2, 0.8) * duration(scenario)
    return _course("frozen", scenario, Cause.FROZEN, frozen_after=after, leaves_after=_left(rng, most))


def _hanging(rng: Random, most: float) -> Course:
    scenario = _search(rng, most / 2, (0.5, math.inf), least=8, failing=0.0)
    jobs = scenario.max_jobs or 8
    first = rng.choice((0, round(rng.uniform(0.2, 0.8) * jobs)))
    some = scenario.parallel > 2 and rng.random() < 0.3
    until = first + max(1, scenario.parallel // 2) if some else math.inf
    kind = "hanging-some" if some else "hanging" if first else "hanging-first"
    left = max(_left(rng, most), 10 * scenario.trial[1])
    spelled = replace(scenario, spells=(Spell(first, until, hanging=True),))
    return _course(kind, spelled, Cause.HANGING, leaves_after=min(left, 3 * most * HOUR))


def _cut_off(rng: Random, most: float) -> Course:
    """Its training jobs meet their own MaxRuntime: all, or those that take longest; with a last value or without."""
    scenario = _search(rng, most, (1, math.inf), least=12, failing=0.0, early_stopping=rng.choice(("Off", None)))
    usual = scenario.trial[0]
    [definition] = scenario.definitions
    definitions = (replace(definition, max_runtime=usual * rng.choice((0.3, 0.6, 0.9))),)
    emits = rng.random() < 0.6
    return _course("cut-off", replace(scenario, definitions=definitions, emits_objective=emits), Cause.CUT_OFF)


def _plateau(rng: Random, most: float) -> Course:
    noise = rng.choice((0.001, 0.003))
    scenario = _search(
        rng, most, (2, math.inf), least=60, early_stopping="Off", definitions=_flat("validation:auc", 0.9, noise)
    )
    scenario = replace(scenario, strategy="Bayesian", failing_together=False)
    if rng.random() < 0.6:
        return _course("plateau", scenario, Cause.FLAT)
    limit = rng.choice((10, 20))
    return _course("plateau-limit", scenario, Cause.FLAT, asked={"max_not_improving": limit})


def _converged(rng: Random, most: float) -> Course:
    scenario = paced("converged-running", rng, (most / 3, most), least=60, definitions=_flat("validation:auc", 0.8))
    kept = rng.random() < 0.6
    asked = {"on_convergence": "Disabled" if kept else "Enabled"}
    return _course("converged" if kept else "converged-not-kept", scenario, Cause.CONVERGED, asked=asked)


def _time_limit(rng: Random, most: float) -> Course:
    scenario = _search(rng, most, (2, math.inf), least=20)
    limit = rng.uniform(0.4, 0.85) * duration(scenario)
    return _course("time-limit", replace(scenario, max_runtime=limit), Cause.TIME)


def _last_wave(rng: Random, most: float) -> Course:
    """Everything is launched, and what runs cannot end in time."""
    parallel = rng.choice((3, 5, 10))
    scenario = _search(rng, most, (2, math.inf), least=parallel, parallel=parallel, failing=0.0)
    scenario = replace(scenario, max_jobs=parallel * rng.choice((1, 2)), straggling=0.1)
    length = rng.uniform(1, max(2, most / 3)) * HOUR
    waves = (scenario.max_jobs or parallel) // parallel
    limited = replace(scenario, trial=(length, length), max_runtime=(waves - rng.uniform(0.2, 0.5)) * length)
    return _course("last-wave", limited, Cause.TIME)


def _starved(rng: Random, most: float) -> Course:
    """The account has fewer slots than it asked for, from its first training job or from a later one on."""
    parallel = rng.choice((1, 2, 3))
    asked = max(2, round(parallel * rng.uniform(2, 5)))
    if rng.random() < 0.5:
        scenario = _search(rng, most, (2, math.inf), least=30, parallel=parallel)
        return _course("starved", scenario, Cause.STARVED, asked={"parallel": asked})
    scenario = _search(rng, most / 2, (2, math.inf), least=40, parallel=asked)
    late = Spell(round(rng.uniform(0.2, 0.5) * (scenario.max_jobs or 0)), parallel=parallel)
    return _course("starved-late", replace(scenario, spells=(late,)), Cause.STARVED)


def _target(rng: Random, most: float) -> Course:
    definitions = (real.definition(rng, metric="validation:auc", best=0.93, worst=0.5, noise=0.02, step=None),)
    scenario = _search(rng, most, (2, math.inf), least=40, definitions=definitions)
    return _course("target", scenario, Cause.TARGET, asked={"target": rng.uniform(0.7, 0.85)})


TROUBLED: tuple[Draw, ...] = (
    _failed,
    _all_fail,
    _delete_failed,
    _stopping,
    _deleting,
    _failing,
    _failing,
    _retried,
    _mute,
    _partly_mute,
    _nan,
    _stuck,
    _frozen,
    _hanging,
    _hanging,
    _cut_off,
    _plateau,
    _plateau,
    _converged,
    _time_limit,
    _last_wave,
    _starved,
    _target,
)
"""The kinds with a trouble, each a function of chance."""


# What only training jobs tell


def _out_of_memory(rng: Random, most: float) -> Course:
    share = rng.choice((0.3, 0.5, 0.8))
    scenario = _search(rng, most, (1, math.inf), least=rng.choice((20, 40)), gives_up_after=None, failing=0.0)
    shape, spells = _spells(rng, scenario.max_jobs or 0, failing=share, reason="out_of_memory")
    return _course(f"out-of-memory-{shape}", replace(scenario, spells=spells), Cause.OUT_OF_MEMORY)


def _no_capacity(rng: Random, most: float) -> Course:
    scenario = _search(rng, most, (1, math.inf), least=rng.choice((20, 40)), failing=0.0)
    share = rng.uniform(0.3, 0.8)
    shape, spells = _spells(rng, scenario.max_jobs or 0, retried=share, reason=rng.choice(("capacity", "quota")))
    return _course(f"no-capacity-{shape}", replace(scenario, spells=spells), Cause.NO_CAPACITY)


def _over_budget(rng: Random, most: float) -> Course:
    scenario = _search(rng, most, (1, math.inf), least=8)
    return _course("over-budget", scenario, Cause.OVER_BUDGET, budget=rng.uniform(0.3, 0.9))


def _spot_unused(rng: Random, most: float) -> Course:
    scenario = _search(rng, most, (2, math.inf), least=12, failing=0.0)
    definitions = tuple(replace(each, max_wait=36 * HOUR, savings=(0.0, 0.01)) for each in scenario.definitions)
    return _course("spot-unused", replace(scenario, definitions=definitions), Cause.SPOT)


COSTLY: tuple[Draw, ...] = (_out_of_memory, _no_capacity, _over_budget, _over_budget, _spot_unused)
"""Kinds with a trouble that shows only where training jobs are collected."""
