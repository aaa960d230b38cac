"""Draws the result of each training job of a tuning job: how it ends, after how long, and how good its value is."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from random import Random

    from exporter.simulator.record import Outcome
    from exporter.simulator.scenario import Scenario, Spell

RUNGS = (1 / 27, 1 / 9, 1 / 3)
"""The shares of a training's resources at which Hyperband decides whether to continue it."""

ELSEWHERE = 0.1
"""With ``failing_together``: the share of failures that are elsewhere."""


class Fate(NamedTuple):
    """How a training job ends, how many seconds it runs (infinite if it never ends), and its gap, None without a value."""

    outcome: Outcome
    length: float
    gap: float | None


class Fates:
    """Draws the results of one tuning job's training jobs, in their order."""

    def __init__(self, scenario: Scenario, rng: Random) -> None:
        self._scenario = scenario
        self._rng = rng
        self._rungs: list[list[float]] = [[] for _ in RUNGS]

    def slots(self, number: int) -> int:
        """Return how many training jobs may run at once when the one with ``number`` (from 0) is launched."""
        given = (spell.parallel for spell in self._spells(number) if spell.parallel is not None)
        return min([self._scenario.parallel, *given])

    def draw(self, number: int, point: Sequence[float], gaps: Collection[float]) -> Fate:
        """Return the result of the training job with ``number`` at ``point``. ``gaps`` has those known so far."""
        definition = self._scenario.definitions[number % len(self._scenario.definitions)]
        outcome, share, gap = self._failure(number, point) or self._success(number, point, gaps)
        length = self._length(number) * share
        if definition.max_runtime < length < inf:
            return Fate("Stopped", definition.max_runtime, gap)
        return Fate(outcome, length, gap)

    def _spells(self, number: int) -> list[Spell]:
        return [spell for spell in self._scenario.spells if spell.holds(number)]

    def _length(self, number: int) -> float:
        """Return the full duration of a training, if nothing stops it."""
        scenario = self._scenario
        length = self._rng.uniform(*scenario.trial)
        if scenario.straggling:
            length *= self._rng.lognormvariate(0, scenario.straggling)
        for spell in self._spells(number):
            length *= inf if spell.hanging else spell.slower
        return length

    def _failure(self, number: int, point: Sequence[float]) -> tuple[Outcome, float, None] | None:
        """Return how a training fails, and after which share of its full duration. None if it does not fail."""
        rng, scenario, spells = self._rng, self._scenario, self._spells(number)
        luck = rng.random()
        if any(spell.hanging for spell in spells):
            return None
        failing = scenario.failing
        if scenario.failing_together and point:
            failing = 1 - failing * ELSEWHERE if point[0] < failing else failing * ELSEWHERE
        failing = max([failing, *(spell.failing for spell in spells)])
        if luck < failing:
            return "NonRetryableError", rng.uniform(0.05, 0.6), None
        if luck < failing + max([scenario.retried, *(spell.retried for spell in spells)]):
            return "RetryableError", rng.uniform(0.01, 0.3), None
        return None

    def _success(
        self, number: int, point: Sequence[float], gaps: Collection[float]
    ) -> tuple[Outcome, float, float | None]:
        rng, scenario = self._rng, self._scenario
        mute = max((spell.mute for spell in self._spells(number)), default=0.0)
        if not scenario.emits_objective or (mute and rng.random() < mute):
            return "Completed", 1.0, None
        surface = scenario.definitions[number % len(scenario.definitions)].surface
        gap = surface.shape(point) + abs(rng.gauss(0.0, surface.noise))
        if scenario.strategy == "Hyperband":
            return self._halve(gap)
        if scenario.early_stopping == "Auto" and len(gaps) >= 5:
            median = sorted(gaps)[len(gaps) // 2]
            if gap > 1.3 * median:
                return "Stopped", rng.uniform(0.3, 0.7), gap * 1.2
        return "Completed", 1.0, gap

    def _halve(self, gap: float) -> tuple[Outcome, float, float | None]:
        """Stop a training at the first rung where it is not in the best third of those seen there."""
        for share, seen in zip(RUNGS, self._rungs, strict=True):
            partial = gap + 0.3 * (1 - share) ** 6
            seen.append(partial)
            if sorted(seen).index(partial) >= max(2, len(seen) // 3):
                return "Stopped", share, partial
        return "Completed", 1.0, gap
