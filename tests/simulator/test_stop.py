"""A stopped life is what it was until then, and then winds down."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.simulator.scenario import SCENARIOS


@settings(deadline=None)
@given(
    scenario=st.sampled_from(sorted(SCENARIOS)),
    seed=st.integers(0, 99),
    share=st.floats(0, 1),
    seconds=st.none() | st.floats(0, 5000),
)
def test_a_stopped_life_is_the_same_until_then_and_ends_stopped(make_life, validate, scenario, seed, share, seconds):
    life = make_life(scenario, seed=seed, speed=3.0)
    until = life.created + 4 * 3600 if life.in_progress_until == math.inf else life.in_progress_until
    asked = life.created + share * (until - life.created)
    if life.state(asked).status != "InProgress":
        return
    stopped = life.stopped(asked, seconds)
    for t in (life.created, life.created + share * (asked - life.created), asked - 0.002):
        assert not life.created <= t < asked - 0.001 or stopped.at(t) == life.at(t)
    patience = SCENARIOS[scenario].stopping / 3 if seconds is None else seconds
    assert stopped.ended == pytest.approx(asked + patience, abs=0.01)
    if patience > 1:
        assert stopped.at(asked + 0.01)["HyperParameterTuningJobStatus"] == "Stopping"
    answers = [stopped.at(asked + part / 20 * (patience + 0.01)) for part in range(21)]
    for answer in answers:
        assert validate("DescribeHyperParameterTuningJob", answer) == []
    last = answers[-1]
    assert last["HyperParameterTuningJobStatus"] == "Stopped"
    before, after = life.at(asked), last
    assert after["TrainingJobStatusCounters"]["InProgress"] == after["ObjectiveStatusCounters"]["Pending"] == 0
    running = before["TrainingJobStatusCounters"]["InProgress"]
    assert after["TrainingJobStatusCounters"]["Stopped"] == before["TrainingJobStatusCounters"]["Stopped"] + running
    assert after["LastModifiedTime"] == after["HyperParameterTuningEndTime"] == stopped.ended
    assert stopped.at(stopped.ended + 1e6)["HyperParameterTuningJobStatus"] == "Stopped"


def test_a_job_that_is_stopped_before_its_first_training_job_has_counters_of_nothing(make_life):
    life = make_life("healthy")
    stopped = life.stopped(life.created + 5, 60)
    for t in (life.created + 5, stopped.ended):
        assert {*stopped.at(t)["TrainingJobStatusCounters"].values()} == {0}
    assert stopped.trials == ()
    assert stopped.ended == pytest.approx(life.created + 65, abs=0.01)


def test_while_it_is_stopping_the_counters_move_one_by_one_and_the_heart_beats(make_life):
    life = make_life("healthy")
    asked = life.created + 1200
    stopped = life.stopped(asked, 60)
    answers = [stopped.at(asked + tenth / 10) for tenth in range(600)]
    assert {answer["HyperParameterTuningJobStatus"] for answer in answers} == {"Stopping"}
    running = [answer["TrainingJobStatusCounters"]["InProgress"] for answer in answers]
    assert sorted({*running}) == [0, 1, 2, 3, 4]
    assert running == sorted(running, reverse=True)
    assert len({answer["ConsumedResources"]["RuntimeInSeconds"] for answer in answers}) >= 6
    assert life.at(asked + 1)["HyperParameterTuningJobStatus"] == "InProgress", "the life itself is as it was"
