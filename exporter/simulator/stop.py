"""How a request to stop changes a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from exporter.simulator.record import Plan, State, Trial


def stopped(plan: Plan, t: float, patience: float, rng: Random) -> Plan:
    """Return the plan of a job with a request to stop at ``t`` (Unix seconds), when it must be in progress.

    Everything before ``t`` stays. No more training jobs begin, those that run are stopped within ``patience`` (seconds), and
    then the job is Stopped.
    """
    kept = [state for state in plan.states if state.since <= t]
    begun = [trial for trial in plan.trials if trial.created <= t]
    cut = {trial.number: _cut(trial, t, patience, rng) for trial in begun if trial.ended > t}
    state = kept[-1]._replace(since=t, status="Stopping")
    states = [*kept, state]
    for trial in sorted(cut.values(), key=lambda trial: trial.ended):
        state = _without_one(state, trial.ended)
        states.append(state)
    end = round(t + patience, 3)
    states.append(state._replace(since=end, status="Stopped", ended=end))
    trials = tuple(cut.get(trial.number, trial) for trial in begun)
    return plan._replace(trials=trials, states=tuple(states), stalled=None, gone=None)


def _cut(trial: Trial, t: float, patience: float, rng: Random) -> Trial:
    ended = round(t + rng.uniform(0.3, 0.9) * patience, 3)
    started = None if trial.started is not None and trial.started > ended else trial.started
    return trial._replace(ended=ended, outcome="Stopped", objective=None, started=started)


def _without_one(state: State, t: float) -> State:
    return state._replace(
        since=t,
        in_progress=state.in_progress - 1,
        stopped=state.stopped + 1,
        without_objective=state.without_objective + 1,
    )
