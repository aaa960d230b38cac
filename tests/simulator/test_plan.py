"""The events of a life obey the limits of the job, and its states tell exactly those events."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.simulator.plan import CONVERGED_AFTER, float32
from exporter.simulator.scenario import SCENARIOS

NOW = 1_764_000_000.25
EVERY = pytest.mark.parametrize("scenario", SCENARIOS)


def single_definition():
    return [name for name, scenario in SCENARIOS.items() if len(scenario.definitions) == 1]


@EVERY
@pytest.mark.parametrize("speed", [1.0, 60.0])
def test_the_limits_hold(make_life, scenario, speed):
    limits = SCENARIOS[scenario]
    for seed in range(5):
        life = make_life(scenario, seed=seed, speed=speed)
        for trial in life.trials:
            at_once = sum(other.created <= trial.created < other.ended for other in life.trials)
            assert at_once <= limits.parallel
            assert trial.created <= (trial.started or trial.created) <= trial.ended
        if limits.max_jobs is not None:
            failed = sum(trial.outcome == "NonRetryableError" for trial in life.trials)
            assert len(life.trials) <= limits.max_jobs + failed * limits.replaces


@settings(deadline=None)  # a busy machine is no counterexample
@given(scenario=st.sampled_from(sorted(SCENARIOS)), seed=st.integers(0, 10_000), share=st.floats(0, 1.1))
def test_a_state_counts_exactly_the_trials_of_its_moment(make_life, scenario, seed, share):
    life = make_life(scenario, seed=seed)
    last = max((trial.ended for trial in life.trials), default=life.created)
    t = life.created + share * (last - life.created)
    if not life.exists(t):
        return
    state = life.state(t)
    ended = [trial for trial in life.trials if trial.ended <= t]
    outcomes = Counter(trial.outcome for trial in ended)
    running = sum(trial.created <= t < trial.ended for trial in life.trials)
    assert (state.completed, state.retryable, state.non_retryable, state.stopped, state.in_progress) == (
        outcomes["Completed"],
        outcomes["RetryableError"],
        outcomes["NonRetryableError"],
        outcomes["Stopped"],
        running,
    )
    with_objective = sum(trial.objective is not None for trial in ended)
    assert (state.succeeded, state.without_objective) == (with_objective, len(ended) - with_objective)


@pytest.mark.parametrize("scenario", single_definition())
def test_the_best_is_the_best_and_not_improving_follows_from_the_one_per_cent(make_life, scenario):
    life = make_life(scenario, seed=3)
    maximize = SCENARIOS[scenario].definitions[0].surface.direction == "Maximize"
    best, best_number, since = None, None, 0
    for trial in sorted(life.trials, key=lambda trial: trial.ended):
        if trial.objective is not None:
            better = best is None or (trial.objective > best if maximize else trial.objective < best)
            if best is None or (better and abs(trial.objective - best) > 0.01 * abs(best)):
                since = 0
            elif trial.outcome == "Completed":
                since += 1
            if better:
                best, best_number = trial.objective, trial.number
        if life.exists(trial.ended):
            state = life.state(trial.ended)
            assert state.not_improving == since
            assert (state.best is None) == (best is None)
            assert state.best is None or life.trials[state.best].number == best_number


def test_convergence_is_the_moment_when_enough_trials_in_a_row_improved_nothing(make_life):
    life = make_life("converged-running")
    detected = life.state(life.ended).converged
    assert life.state(detected).not_improving == CONVERGED_AFTER
    assert life.state(detected - 0.001).converged is None
    assert life.state(detected - 0.001).not_improving == CONVERGED_AFTER - 1


def test_hyperband_stops_most_trials_after_a_small_share_of_their_length(make_life):
    trials = make_life("hyperband").trials
    stopped = [trial.ended - trial.started for trial in trials if trial.outcome == "Stopped"]
    completed = [trial.ended - trial.started for trial in trials if trial.outcome == "Completed"]
    assert len(stopped) > 3 * len(completed) > 0
    assert max(stopped) < 0.5 * max(completed)


def test_hyperparameters_are_searched_not_drawn_where_the_strategy_learns(make_life):
    def late_gap(scenario):
        surface = SCENARIOS[scenario].definitions[0].surface
        gaps = []
        for seed in range(10):
            trials = make_life(scenario, seed=seed).trials[-20:]
            gaps += [
                surface.gap(trial.objective) for trial in trials if trial.outcome == "Completed" and trial.objective
            ]
        return sum(gaps) / len(gaps)

    assert late_gap("just-created") < 0.75 * late_gap("stopped")  # the same surface, Bayesian and at random


def test_values_have_single_precision(make_life):
    for trial in make_life("healthy").trials:
        assert trial.objective is None or trial.objective == float32(trial.objective)
    assert float32(0.1) == 0.10000000149011612
