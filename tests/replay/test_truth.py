from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from replay.faults import Fault, Kind
from replay.fleet import DAY, DISCOVERED, LISTED, START, Entry, Fleet
from replay.life import Course, Told, as_asked
from replay.promises import PROMISES
from replay.truth import troubles

from exporter.config import defaults
from exporter.simulator.scenario import HOUR, SCENARIOS

ALL = {*PROMISES}


def test_what_was_to_be_listed_while_the_configuration_could_not_be_read_is_not_watched() -> None:
    course = Course("healthy", SCENARIOS["healthy"], SCENARIOS["healthy"])
    life = Told("a", course, region=LISTED.region, account_id="1", created=START + HOUR, seed=3)
    mistake = Fault(Kind.BAD_CONFIGURATION, START + HOUR / 2, START + 3 * HOUR)
    for since, expected in ((START + HOUR, [(START + HOUR, START + 3 * HOUR)]), (START, [])):
        entries = (Entry("a", None, since, math.inf),)
        fleet = Fleet(1, 120.0, START, START + 500 * HOUR, (life,), (), entries, (mistake,))
        untracked = [each for each in troubles(fleet, ALL) if each.alert.endswith("UntrackedRunningJobs")]
        assert [(each.began, each.ended) for each in untracked] == expected
        assert not any(each.must for each in untracked)


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
    assert [each.unseen for each in troubles(fleet, ALL) if each.alert == alert] == [unseen]


def test_a_target_that_never_answers_must_be_told_though_nothing_runs() -> None:
    alert = "SageMakerTuningExporterBlind"
    blind = Fault(Kind.BLIND, START + HOUR, START + 2 * HOUR, alert, DISCOVERED.region)
    fleet = Fleet(1, 120.0, START, START + 500 * HOUR, (), (), (), (blind,))
    [trouble] = troubles(fleet, ALL)
    assert (trouble.alert, trouble.must, trouble.began, trouble.visible) == (alert, True, blind.since, blind.since)
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
    found = {each.alert.removeprefix("SageMakerTuningExporter"): each for each in troubles(fleet, ALL)}
    assert found[alert].must is must
    assert (found["Blind"].must, found["Blind"].began) == (True, restart.until)


def test_of_one_exporter_of_several_it_is_told_which_sees_nothing_and_not_where() -> None:
    blind = "SageMakerTuningExporterReplicaBlind"
    fault = Fault(Kind.BLIND, START, START + HOUR, blind, DISCOVERED.region, replica=1)
    fleet = Fleet(1, 120.0, START, START + DAY, (), (), (), (fault,), replicas=2)
    assert [(each.alerts, dict(each.labels)) for each in troubles(fleet, ALL)] == [((blind,), {})]


def test_only_what_a_shipped_alert_tells_of_is_asked_for() -> None:
    fault = Fault(
        Kind.DOWN, START, START + HOUR, "SageMakerTuningExporterDown", also=("SageMakerTuningExporterRestarting",)
    )
    fleet = Fleet(1, 120.0, START, START + DAY, (), (), (), (fault,))
    assert [each.alerts for each in troubles(fleet, {"SageMakerTuningExporterRestarting"})] == [
        ("SageMakerTuningExporterRestarting",)
    ]
    assert not troubles(fleet, set())


@pytest.mark.parametrize(("hours", "must"), [(0.5, []), (1.0, [False]), (2.0, [True])])
def test_what_nobody_watches_may_be_told_before_it_must(hours: float, must: list[bool]) -> None:
    scenario = replace(SCENARIOS["healthy"], stops_at=hours * HOUR, stopping=60.0)
    life = Told("a", as_asked("x", scenario), region=DISCOVERED.region, account_id="1", created=START, seed=1)
    fleet = Fleet(1, 120.0, START, START + DAY, (), (life,), (), ())
    assert [trouble.must for trouble in troubles(fleet, ALL)] == must


def test_short_tuning_jobs_one_after_the_other_are_one_trouble() -> None:
    short = replace(SCENARIOS["completed"], stops_at=20 * 60.0, stopping=60.0)
    lives = [
        Told(
            str(number),
            as_asked("x", short),
            region=DISCOVERED.region,
            account_id="1",
            created=START + number * 1800,
            seed=1,
        )
        for number in range(5)
    ]
    fleet = Fleet(1, 120.0, START, START + DAY, (), tuple(lives), (), ())
    [trouble] = troubles(fleet, ALL)
    assert (trouble.began, trouble.ended) == (lives[0].created, lives[-1].in_progress_until)
    assert trouble.kind.endswith("one after the other")
