"""Computes the whole life of a tuning job in advance.

This is a discrete-event simulation in simulated seconds. The result is in Unix seconds: the times and outcome of each training
job, and all states of the tuning job.
"""

from __future__ import annotations

import heapq
import struct
from math import inf
from typing import TYPE_CHECKING

from exporter.simulator import strategies
from exporter.simulator.fate import Fates
from exporter.simulator.record import OUTCOMES, Plan, State, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from exporter.simulator.scenario import Scenario
    from exporter.simulator.surface import Placed

CONVERGED_AFTER = 15
"""The number of training jobs in a row without improvement that counts as convergence."""

_LAUNCH = -1


def float32(value: float) -> float:
    """Return the value rounded to single precision, as the service stores it."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


class Planner:
    """Computes one life. ``moment`` converts simulated seconds to Unix seconds; ``max_runtime`` is in simulated seconds."""

    def __init__(
        self, scenario: Scenario, rng: Random, moment: Callable[[float], float], max_runtime: float | None
    ) -> None:
        self._scenario = scenario
        self._rng = rng
        self._moment = moment
        self._max_runtime = max_runtime
        self._trials: list[Trial] = []
        self._coordinates: list[Sequence[float]] = []
        self._states: list[State] = []
        self._events: list[tuple[float, int]] = []
        self._running: set[int] = set()
        self._ended_as = dict.fromkeys(OUTCOMES, 0)
        self._fates = Fates(scenario, rng)
        self._gaps: dict[int, float] = {}
        self._leaders: dict[int, int] = {}
        self._status = "InProgress"
        self._ended: float | None = None
        self._failure: str | None = None
        self._best: int | None = None
        self._best_gap = inf
        self._not_improving = 0
        self._converged: float | None = None
        self._stalled: float | None = None
        self._total = self._count_trials()

    def run(self) -> Plan:
        """Compute the life. Call it once."""
        scenario = self._scenario
        self._note(0.0)
        if scenario.fails_at is not None:
            self._finish(scenario.fails_at, "Failed", scenario.failure_reason)
        else:
            self._search()
        gone = None
        if scenario.deleted_at is not None:
            self._status = "Deleting"
            self._note(scenario.deleted_at)
            gone = self._moment(scenario.deleted_at + scenario.deletion)
        return Plan(
            tuple(map(self._dated, self._trials)), tuple(self._states), self._stalled, gone, self._parent_best()
        )

    def _count_trials(self) -> int:
        scenario = self._scenario
        if scenario.stalls_after is not None:
            return scenario.stalls_after
        if scenario.max_jobs is None:
            return strategies.grid_size(scenario.definitions[0].surface.ranges)
        return scenario.max_jobs

    def _search(self) -> None:
        """Launch and end training jobs in order of time, until the job has ended or stalled."""
        scenario = self._scenario
        limit = min(scenario.stops_at or inf, self._max_runtime or inf)
        time = scenario.startup
        for slot in range(scenario.parallel):
            heapq.heappush(self._events, (time + 2.0 * slot, _LAUNCH))
        while self._events:
            time, index = heapq.heappop(self._events)
            if time == limit == inf:
                return  # all that are left hang
            if time > limit:
                if limit == scenario.stops_at:
                    self._stop(limit)
                else:
                    self._conclude(self._wind_down(limit))
                return
            if index == _LAUNCH:
                self._launch(time)
                continue
            self._end(time, index)
            if self._over(time):
                return
            if len(self._trials) < self._allowed():
                heapq.heappush(self._events, (time + self._rng.uniform(*scenario.refill), _LAUNCH))
        if scenario.stalls_after is not None:
            self._stalled = self._moment(time)
        else:
            self._conclude(time + self._rng.uniform(*scenario.closing))

    def _over(self, time: float) -> bool:
        """End the tuning job if a condition for its end is met now, and return whether it has ended."""
        if self._hopeless():
            reason = "The first training jobs all failed. Look at their reasons."
            self._finish(self._wind_down(time), "Failed", reason)
        elif self._criteria_met():
            self._conclude(self._wind_down(time))
        return self._ended is not None

    def _launch(self, time: float) -> None:
        number = len(self._trials)
        if number >= self._allowed() or len(self._running) >= self._fates.slots(number):
            return
        definition = number % len(self._scenario.definitions)
        point = self._propose(definition, number)
        started = time + self._rng.uniform(*self._scenario.starting)
        outcome, length, gap = self._fates.draw(number, [placed.coordinate for placed in point], self._gaps.values())
        ended = started + length
        surface = self._scenario.definitions[definition].surface
        objective = None if gap is None else float32(surface.value(gap))
        values = tuple(placed.text for placed in point)
        self._trials.append(Trial(number + 1, definition, time, started, ended, outcome, objective, values))
        self._coordinates.append([placed.coordinate for placed in point])
        self._running.add(number)
        heapq.heappush(self._events, (ended, number))
        self._note(time)

    def _allowed(self) -> int:
        """Return the most training jobs to launch in total. Each failed one allows one more, up to twice as many."""
        if not self._scenario.replaces or self._scenario.stalls_after is not None:
            return self._total
        return self._total + min(self._ended_as["NonRetryableError"], self._total)

    def _propose(self, definition: int, number: int) -> list[Placed]:
        ranges = self._scenario.definitions[definition].surface.ranges
        if self._scenario.strategy == "Grid":
            return strategies.propose_grid(ranges, number)
        if self._scenario.strategy != "Bayesian":
            return strategies.propose_random(ranges, self._rng)
        leader = self._leaders.get(definition)
        near = None if leader is None else self._coordinates[leader]
        return strategies.propose_bayesian(ranges, len(self._gaps), near, self._rng)

    def _end(self, time: float, index: int) -> None:
        trial = self._trials[index]
        self._running.discard(index)
        self._ended_as[trial.outcome] += 1
        if trial.objective is not None:
            self._judge(time, index, trial.objective)
        self._note(time)

    def _judge(self, time: float, index: int, objective: float) -> None:
        definitions = self._scenario.definitions
        definition = self._trials[index].definition
        gap = self._gaps[index] = definitions[definition].surface.gap(objective)
        leader = self._leaders.get(definition)
        if leader is None or gap < self._gaps[leader]:
            self._leaders[definition] = index
        improved = self._best is None
        if self._best is not None:
            # Compare gaps, because values of different definitions cannot be compared. The 1 % is of the best value so far.
            reigning = definitions[self._trials[self._best].definition].surface
            value = reigning.value(self._best_gap)
            improved = gap < self._best_gap and abs(reigning.value(gap) - value) > 0.01 * abs(value)
        if gap < self._best_gap:
            self._best, self._best_gap = index, gap
        if improved:
            self._not_improving = 0
        elif self._trials[index].outcome == "Completed":
            self._not_improving += 1
        if self._scenario.on_convergence and self._not_improving >= CONVERGED_AFTER and self._converged is None:
            self._converged = self._moment(time)

    def _hopeless(self) -> bool:
        """Return whether the service gives up: ``gives_up_after`` training jobs have failed and none has succeeded."""
        failed, enough = self._ended_as["NonRetryableError"], self._scenario.gives_up_after
        return enough is not None and failed >= enough and failed == sum(self._ended_as.values())

    def _criteria_met(self) -> bool:
        scenario = self._scenario
        if scenario.on_convergence == "Enabled" and self._converged is not None:
            return True
        if scenario.max_not_improving is not None and self._not_improving >= scenario.max_not_improving:
            return True
        return scenario.target is not None and self._best_gap <= scenario.definitions[0].surface.gap(scenario.target)

    def _stop(self, time: float) -> None:
        self._status = "Stopping"
        self._note(time)
        self._finish(max(self._wind_down(time), time + self._scenario.stopping), "Stopped", None)

    def _wind_down(self, time: float) -> float:
        """Launch no more training jobs and stop those that run. Return when the tuning job can end."""
        patience = self._scenario.stopping
        for index in sorted(self._running):
            trial = self._trials[index]
            end = time + self._rng.uniform(0.3, 1.0) * patience
            if end < trial.ended:
                self._trials[index] = trial._replace(
                    ended=end,
                    outcome="Stopped",
                    objective=None,
                    started=None if trial.started is not None and trial.started > end else trial.started,
                )
        last = time
        for index in sorted(self._running, key=lambda index: self._trials[index].ended):
            last = self._trials[index].ended
            self._end(last, index)
        return last + self._rng.uniform(*self._scenario.closing)

    def _conclude(self, time: float) -> None:
        """End a job that has done its work, successfully or not."""
        if self._best is not None:
            self._finish(time, "Completed", None)
        elif self._ended_as["Completed"]:
            self._finish(time, "Failed", "No training job reported the objective metric. Check its regular expression.")
        else:
            self._finish(time, "Failed", "Not one training job completed. Look at their failure reasons.")

    def _finish(self, time: float, status: str, failure: str | None) -> None:
        self._status = status
        self._failure = failure
        self._ended = self._moment(time)
        self._note(time)

    def _note(self, time: float) -> None:
        """Record the state that answers show from ``time`` on."""
        ended = self._ended_as
        succeeded = len(self._gaps)
        self._states.append(
            State(
                since=self._moment(time),
                status=self._status,
                ended=self._ended,
                completed=ended["Completed"],
                in_progress=len(self._running),
                retryable=ended["RetryableError"],
                non_retryable=ended["NonRetryableError"],
                stopped=ended["Stopped"],
                succeeded=succeeded,
                without_objective=sum(ended.values()) - succeeded,
                best=self._best,
                not_improving=self._not_improving,
                converged=self._converged,
                failure=self._failure,
            )
        )

    def _dated(self, trial: Trial) -> Trial:
        """Return the trial with Unix seconds instead of simulated ones."""
        started = None if trial.started is None else self._moment(trial.started)
        return trial._replace(created=self._moment(trial.created), started=started, ended=self._moment(trial.ended))

    def _parent_best(self) -> float | None:
        """Return an objective better than all own trials. None without parents or own trials."""
        if not self._scenario.parents or not self._trials:
            return None
        return float32(self._scenario.definitions[0].surface.value(min(self._gaps.values(), default=0.1) - 0.02))
