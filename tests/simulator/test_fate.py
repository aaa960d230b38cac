"""What befalls training jobs, as the plans of lives show it."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest

from exporter.simulator.life import Life
from exporter.simulator.scenario import SCENARIOS, Spell


def life(scenario):
    return Life(
        "a",
        scenario,
        region="us-east-1",
        account_id="111122223333",
        created=1_764_000_000.0,
        speed=1.0,
        seed=0,
        tags={},
    )


def test_a_training_job_that_failed_is_made_up_for():
    it = life(SCENARIOS["failing-training-jobs"])
    failed = sum(trial.outcome == "NonRetryableError" for trial in it.trials)
    assert len(it.trials) == 60 + min(failed, 60) > 90
    old = life(replace(SCENARIOS["failing-training-jobs"], replaces=False))
    assert len(old.trials) == 60


def spelled(**spell):
    """Return the training jobs 10 to 19 of a healthy life in a spell, and the others."""
    quiet = replace(SCENARIOS["healthy"], failing=0.0, retried=0.0, early_stopping=None, parallel=3)
    it = life(replace(quiet, spells=(Spell(10, 20, **spell),)))
    return it, it.trials[10:20], it.trials[:10] + it.trials[20:]


@pytest.mark.parametrize(
    ("spell", "outcome"),
    [({"failing": 1.0}, "NonRetryableError"), ({"retried": 1.0}, "RetryableError"), ({"mute": 1.0}, "Completed")],
)
def test_a_spell_befalls_the_training_jobs_of_its_numbers(spell, outcome):
    _, befallen, others = spelled(**spell)
    assert {(trial.outcome, trial.objective) for trial in befallen} == {(outcome, None)}
    assert all(trial.outcome == "Completed" and trial.objective is not None for trial in others)


def test_training_jobs_that_hang():
    it, befallen, others = spelled(hanging=True)
    assert len(befallen) == 3
    assert it.ended is None
    state = it.state(it.created + 1e7)
    assert (state.status, state.in_progress, state.completed) == ("InProgress", 3, 10)
    assert {trial.ended for trial in befallen} == {math.inf}
    assert all(trial.ended < math.inf for trial in others)


def test_fewer_at_once_than_asked_for():
    it, befallen, _ = spelled(parallel=1)
    assert all(first.ended < second.created for first, second in pairwise(befallen[3:]))
    assert it.ended is not None


def test_a_training_job_is_stopped_when_it_runs_for_too_long():
    [definition] = SCENARIOS["healthy"].definitions
    limited = replace(definition, max_runtime=600.0)
    quiet = replace(SCENARIOS["healthy"], definitions=(limited,), early_stopping=None)
    trials = life(quiet).trials
    cut = [trial for trial in trials if trial.outcome == "Stopped"]
    assert len(cut) > len(trials) / 2
    assert all(trial.ended - trial.started == pytest.approx(600) for trial in cut)
    assert all(trial.ended - trial.started <= 601 for trial in trials)


def test_failures_lie_together():
    scenario = replace(SCENARIOS["healthy"], strategy="Random", failing=0.3, failing_together=True, gives_up_after=None)
    trials = life(replace(scenario, max_jobs=200)).trials
    failed = [float(trial.hyperparameters[0]) for trial in trials if trial.outcome == "NonRetryableError"]
    others = [float(trial.hyperparameters[0]) for trial in trials if trial.outcome != "NonRetryableError"]
    bound = 0.001 * 500**0.3
    assert sum(value < bound for value in failed) > 0.8 * len(failed) > 30
    assert sum(value < bound for value in others) < 0.1 * len(others)
