from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from replay.faults import Fault, Kind
from replay.fleet import DAY, DISCOVERED, LISTED, START, Entry, Fleet
from replay.kinds import JOB
from replay.life import Course, Told, as_asked
from replay.rules import Rules
from replay.truth import Trouble, troubles

from exporter.config import defaults
from exporter.simulator.scenario import HOUR, SCENARIOS

RULES = Rules.shipped()


def found(
    kind: str, alert: str, *, injected: bool = True, asked: dict[str, Any] | None = None, **changes: Any
) -> list[Trouble]:
    """Return the troubles of one tuning job that an alert is about."""
    how = {key: changes.pop(key) for key in ("cut_off", "delete_fails") if key in changes}
    scenario = replace(SCENARIOS[kind], **changes)
    injects = frozenset({JOB + alert} if injected else ())
    course = Course(kind, scenario, replace(scenario, **asked or {}), injects, **how)
    life = Told("a", course, region=DISCOVERED.region, account_id="1", created=START, seed=3)
    fleet = Fleet(1, 120.0, START, START + 500 * HOUR, (life,), (), (), ())
    return [trouble for trouble in troubles(fleet, RULES) if trouble.alert == JOB + alert]


def test_a_healthy_tuning_job_has_none_but_a_plateau() -> None:
    alerts = {
        JOB + alert for alert in ("Failed", "Stuck", "NearTimeLimit", "NoBestValue", "StuckStopping", "SlotsStarved")
    }
    assert not any(found("healthy", alert.removeprefix(JOB), injected=False) for alert in alerts)


@pytest.mark.parametrize("patience", [0.5, 3.0])
def test_a_stop_counts_once_it_lasts(patience: float) -> None:
    long: dict[str, Any] = {"stopping": patience * HOUR, "trial": (8 * HOUR, 9 * HOUR), "failing": 0.0}
    stops = found("stopped", "StuckStopping", injected=False, **long)
    assert [trouble.began for trouble in stops] == ([START + 2 * HOUR] if patience > 1 else [])


def test_what_failed_must_be_found_whatever_led_to_it() -> None:
    [trouble] = found("failed-at-once", "Failed", injected=False)
    assert trouble.injected
    assert trouble.ended == trouble.began + RULES.numbers(JOB + "Failed")["age"]


def test_stuck_from_when_nothing_runs_any_more() -> None:
    [trouble] = found("stuck", "Stuck")
    assert trouble.began > START
    [never] = found("stuck", "Stuck", stalls_after=0)
    numbers = RULES.numbers(JOB + "Stuck")
    assert never.began == START
    assert never.evident == START + numbers["age"] - numbers["window"]


def test_a_limit_that_cuts_work_off() -> None:
    [trouble] = found("near-time-limit", "NearTimeLimit")
    assert trouble.ended == START + 4 * HOUR
    assert trouble.evident is not None
    assert trouble.began == START + 0.8 * 4 * HOUR <= trouble.evident < trouble.ended
    assert not found("near-time-limit", "NearTimeLimit", max_runtime=400 * HOUR)


def test_a_deletion_after_the_end_is_seen_within_the_hour() -> None:
    [trouble] = found("deleting", "DeleteFailed", delete_fails=True)
    assert trouble.unseen == HOUR


def test_the_target_counts_from_when_it_is_reached() -> None:
    [trouble] = found("healthy", "TargetReachedStillRunning", asked={"target": 0.7})
    assert trouble.began == trouble.evident
    [never] = found("healthy", "TargetReachedStillRunning", asked={"target": 0.99})
    assert never.evident is None


def test_what_was_to_be_listed_while_the_configuration_could_not_be_read_is_not_watched() -> None:
    course = Course("healthy", SCENARIOS["healthy"], SCENARIOS["healthy"])
    life = Told("a", course, region=LISTED.region, account_id="1", created=START + HOUR, seed=3)
    mistake = Fault(Kind.BAD_CONFIGURATION, START + HOUR / 2, START + 3 * HOUR)
    for since, expected in ((START + HOUR, [(START + HOUR, START + 3 * HOUR)]), (START, [])):
        entries = (Entry("a", None, since, math.inf),)
        fleet = Fleet(1, 120.0, START, START + 500 * HOUR, (life,), (), entries, (mistake,))
        untracked = [each for each in troubles(fleet, RULES) if each.alert.endswith("UntrackedRunningJobs")]
        assert [(each.began, each.ended) for each in untracked] == expected
        assert not any(each.injected for each in untracked)


def test_an_optimum_out_of_reach() -> None:
    [trouble] = found("edge-of-range", "BestAtRangeEdge")
    assert trouble.evident is not None
    by_chance = found("edge-of-range", "BestAtRangeEdge", injected=False)
    assert {trouble.labels["hyperparameter"] for trouble in by_chance} == {"factors", "regularization"}
    assert not any(trouble.injected for trouble in by_chance)


def test_a_drought_counts_only_where_training_jobs_learn_from_each_other() -> None:
    learns, draws = (
        found("healthy", "NotImproving", injected=False, strategy=strategy, max_jobs=60, target=None)
        for strategy in ("Bayesian", "Random")
    )
    assert not draws
    assert all(trouble.evident is not None for trouble in learns)


@pytest.mark.parametrize(
    ("about", "unseen"),
    [
        ({}, 300.0),
        ({"name": "a"}, defaults.DESCRIBE_MAX_AGE),
        ({"operations": frozenset({"List"})}, 0.0),
    ],
)
def test_lists_that_show_no_change_put_off_what_tells_of_denied_describes(about: dict[str, Any], unseen: float) -> None:
    alert = "SageMakerTuningExporterAccessDenied"
    denied = Fault(Kind.REFUSED, START, START + 5 * HOUR, alert, LISTED.region, **about)
    fleet = Fleet(1, 120.0, START, START + 500 * HOUR, (), (), (), (denied,))
    assert [each.unseen for each in troubles(fleet, RULES) if each.alert == alert] == [unseen]


def test_a_target_that_never_answers_must_be_told_though_nothing_runs() -> None:
    alert = "SageMakerTuningExporterBlind"
    blind = Fault(Kind.BLIND, START + HOUR, START + 2 * HOUR, alert, DISCOVERED.region)
    fleet = Fleet(1, 120.0, START, START + 500 * HOUR, (), (), (), (blind,))
    [trouble] = troubles(fleet, RULES)
    assert (trouble.alert, trouble.injected, trouble.began, trouble.evident) == (alert, True, blind.since, blind.since)
    assert blind.blinds


@pytest.mark.parametrize(
    ("region", "alert", "must"),
    [
        (DISCOVERED.region, "CallsFailing", False),
        (DISCOVERED.region, "ConfigReloadFailed", False),
        (LISTED.region, "CallsFailing", False),
        (LISTED.region, "ConfigReloadFailed", True),
    ],
)
def test_of_a_pod_that_sees_nothing_only_that_must_be_told(region: str, alert: str, *, must: bool) -> None:
    """And of tuning jobs that are listed."""
    fault = Fault(Kind.REFUSED, START, START + 5 * HOUR, f"SageMakerTuningExporter{alert}", region)
    restart = Fault(Kind.RESTART, START + 60, START + 61)
    life = Told("a", as_asked("x", SCENARIOS["stuck"]), region=region, account_id="1", created=START - DAY, seed=3)
    fleet = Fleet(1, 120.0, START, START + 500 * HOUR, (life,), (), (), (fault, restart))
    found = {each.alert.removeprefix("SageMakerTuningExporter"): each for each in troubles(fleet, RULES)}
    assert found[alert].injected is must
    assert (found["Blind"].injected, found["Blind"].began) == (True, restart.until)
