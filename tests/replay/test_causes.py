from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from replay.causes import Wrong, wrongs
from replay.fleet import DISCOVERED, START
from replay.life import Course, Told
from replay.promises import Cause

from exporter.simulator.scenario import HOUR, SCENARIOS, Spell

QUIET: dict[str, Any] = {"failing": 0.0, "retried": 0.0, "early_stopping": None}


def life(
    kind: str, *injects: Cause, asked: dict[str, Any] | None = None, how: dict[str, Any] | None = None, **changes: Any
) -> Told:
    scenario = replace(SCENARIOS[kind], **changes)
    course = Course("x", scenario, replace(scenario, **asked or {}), frozenset(injects), **how or {})
    return Told("a", course, region=DISCOVERED.region, account_id="1", created=START, seed=3)


def found(cause: Cause, it: Told) -> list[Wrong]:
    return [wrong for wrong in wrongs(it) if wrong.cause is cause]


def test_a_healthy_tuning_job_may_only_stop_improving() -> None:
    assert {wrong.cause for wrong in wrongs(life("healthy", **QUIET))} <= {Cause.FLAT}


def test_what_failed_must_be_told_whatever_led_to_it() -> None:
    it = life("failed-at-once")
    [failed] = found(Cause.FAILED, it)
    assert failed == (Cause.FAILED, it.ended, it.ended, (it.ended or 0) + 24 * HOUR, True)


@pytest.mark.parametrize(("patience", "count"), [(0.5, 0), (3.0, 1)])
def test_a_stop_is_wrong_when_it_lasts(patience: float, count: int) -> None:
    it = life("stopped", Cause.LINGERING, stopping=patience * HOUR, trial=(8 * HOUR, 9 * HOUR), failing=0.0)
    assert [wrong.began for wrong in found(Cause.LINGERING, it)] == [START + 2 * HOUR] * count


@pytest.mark.parametrize(
    ("cause", "spell", "outcome", "several"),
    [
        (Cause.FAILING, {"failing": 1.0}, "NonRetryableError", 5),
        (Cause.RETRIED, {"retried": 1.0}, "RetryableError", 5),
        (Cause.PARTLY_MUTE, {"mute": 1.0}, "Completed", 5),
    ],
)
def test_training_jobs_of_a_spell(cause: Cause, spell: dict[str, Any], outcome: str, several: int) -> None:
    it = life("healthy", cause, **QUIET, spells=(Spell(30, 42, **spell),))
    ends = sorted(trial.ended for trial in it.trials[30:42])
    assert {trial.outcome for trial in it.trials[30:42]} == {outcome}
    assert found(cause, it) == [(cause, ends[0], ends[several - 1], ends[-1], True)]
    assert not found(cause, life("healthy", **QUIET, spells=(Spell(30, 42, **spell),)))


def test_many_of_the_same_fate_are_wrong_by_themselves() -> None:
    it = life("failing-training-jobs")
    [failing] = found(Cause.FAILING, it)
    assert (failing.must, failing.ended) == (False, it.ended)
    [mute] = found(Cause.MUTE, life("objective-never-emitted", failing=0.0))
    assert mute.visible is not None


def test_training_jobs_that_are_cut_off() -> None:
    [definition] = SCENARIOS["healthy"].definitions
    it = life("healthy", Cause.CUT_OFF, **QUIET, definitions=(replace(definition, max_runtime=900.0),))
    [wrong] = found(Cause.CUT_OFF, it)
    cut = sorted(trial.ended for trial in it.trials if trial.outcome == "Stopped")
    assert (wrong.began, wrong.visible) == (cut[0], cut[4])


def test_what_stands_still() -> None:
    it = life("stuck", Cause.IDLE)
    [idle] = found(Cause.IDLE, it)
    assert idle.visible == it.stalled == max(trial.ended for trial in it.trials)
    [never] = found(Cause.IDLE, life("stuck", Cause.IDLE, stalls_after=0))
    assert never.began == never.visible == START
    [pending] = found(Cause.PENDING, life("stuck", Cause.PENDING, how={"pending": True}))
    assert pending.must


def test_counters_that_stand_still_look_like_training_jobs_that_hang() -> None:
    it = life("healthy", Cause.FROZEN, **QUIET, how={"frozen_after": 2 * HOUR})
    [frozen] = found(Cause.FROZEN, it)
    longest = max(trial.ended - (trial.started or 0) for trial in it.trials if trial.ended < START + 2 * HOUR)
    assert (frozen.began, frozen.visible, frozen.must) == (START + 2 * HOUR, START + 2 * HOUR + 3 * longest, True)
    early = life("healthy", Cause.FROZEN, **QUIET, how={"frozen_after": 60.0}, startup=600.0)
    [idle] = found(Cause.IDLE, early)
    assert (idle.visible, idle.must) == (START + 60, True)


@pytest.mark.parametrize(("fails_at", "count"), [(0.5 * HOUR, 0), (5 * HOUR, 1)])
def test_nobody_is_wrong_to_tell_that_nothing_runs_for_long(fails_at: float, count: int) -> None:
    idle = found(Cause.IDLE, life("failed-at-once", fails_at=fails_at))
    assert [(wrong.began, wrong.ended, wrong.must) for wrong in idle] == [(START, START + fails_at, False)] * count


def test_training_jobs_that_hang_are_seen_after_three_times_the_longest() -> None:
    it = life("healthy", Cause.HANGING, **QUIET, spells=(Spell(20, hanging=True),), how={"leaves_after": 99 * HOUR})
    [wrong] = found(Cause.HANGING, it)
    hung = [trial.started or 0 for trial in it.trials if trial.ended == math.inf]
    longest = max(trial.ended - (trial.started or 0) for trial in it.trials if trial.ended < min(hung))
    assert (wrong.began, wrong.visible, wrong.ended) == (min(hung), max(hung) + 3 * longest, min(hung) + 99 * HOUR)


def test_a_drought_is_wrong_when_nothing_ends_it_and_much_is_left() -> None:
    [definition] = SCENARIOS["healthy"].definitions
    level = replace(definition.surface, shape=lambda _: 0.1, noise=0.0001, step=None)
    it = life("healthy", Cause.FLAT, **QUIET, definitions=(replace(definition, surface=level),))
    [wrong] = found(Cause.FLAT, it)
    ends, launches = sorted(trial.ended for trial in it.trials), sorted(trial.created for trial in it.trials)
    assert (wrong.began, wrong.visible, wrong.ended) == (ends[0], ends[42], launches[54])
    [limited] = found(
        Cause.FLAT,
        life("healthy", **QUIET, definitions=(replace(definition, surface=level),), asked={"max_not_improving": 10}),
    )
    # Then AWS ends it, unless it launches another.
    assert limited.visible == next(moment for moment in launches if moment > ends[10])


def test_what_goes_on_until_its_last_launch() -> None:
    it = life("healthy", asked={"target": 0.7}, **QUIET)
    [target] = found(Cause.TARGET, it)
    launches = sorted(trial.created for trial in it.trials)
    assert START < target.began < target.ended == launches[-1]
    assert target.visible == next(moment for moment in launches if moment > target.began)
    assert not found(Cause.TARGET, life("healthy", asked={"target": 0.99}, **QUIET))

    [kept] = found(Cause.CONVERGED, life("converged-running", **QUIET))
    assert kept.visible == kept.began
    [ignored] = found(Cause.CONVERGED, life("converged-running", **QUIET, asked={"on_convergence": "Enabled"}))
    assert ignored.visible is not None
    assert ignored.visible > ignored.began == kept.began


def test_a_limit_that_cuts_work_off() -> None:
    [wrong] = found(Cause.TIME, life("near-time-limit"))
    assert (wrong.visible, wrong.ended) == (START + 0.85 * 4 * HOUR, START + 4 * HOUR)
    assert not found(Cause.TIME, life("near-time-limit", max_runtime=400 * HOUR))
    assert not found(Cause.TIME, life("near-time-limit", how={"limit_is_budget": True}))
    wave = life("healthy", **QUIET, max_jobs=4, parallel=4, trial=(6 * HOUR, 6 * HOUR), max_runtime=5 * HOUR)
    assert len(found(Cause.TIME, wave)) == 1


def test_fewer_slots_than_asked_for() -> None:
    late = life("healthy", Cause.STARVED, **QUIET, parallel=4, spells=(Spell(20, parallel=1),))
    [wrong] = found(Cause.STARVED, late)
    assert wrong.began == late.trials[20].created
