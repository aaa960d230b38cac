"""A life answers like the service at any moment, and never of the future."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.simulator.errors import ApiError
from exporter.simulator.scenario import SCENARIOS

NOW = 1_764_000_000.25
EVERY = pytest.mark.parametrize("scenario", SCENARIOS)


def timestamps(value):
    """Yield every timestamp of an answer, found by its name."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key.endswith("Time"):
                yield item
            else:
                yield from timestamps(item)


def moments(life):
    """Return many moments of a life: all its changes, just before and after them, and long after."""
    since = life._since
    near = {t + shift for t in [*since, since[-1] + 1e6] for shift in (-0.0004, 0.0, 0.01)}
    return sorted(filter(life.exists, near))


@pytest.mark.long
@EVERY
@pytest.mark.parametrize("speed", [0.5, 1.0, 60.0, 3600.0])
def test_every_answer_fits_the_model_at_every_change(make_life, validate, scenario, speed):
    life = make_life(scenario, speed=speed)
    for t in moments(life):
        assert validate("DescribeHyperParameterTuningJob", life.at(t)) == []
        assert validate("ListHyperParameterTuningJobs", {"HyperParameterTuningJobSummaries": [life.summary(t)]}) == []
        assert max(timestamps(life.at(t))) <= t


@settings(deadline=None)  # a busy machine is no counterexample
@given(
    scenario=st.sampled_from(sorted(SCENARIOS)),
    seed=st.integers(0, 2**40),
    speed=st.floats(0.1, 10_000),
    created=st.floats(1e9, 2e9),
    age=st.floats(0, 1e6),
)
def test_any_seed_speed_and_moment_give_a_valid_answer_of_the_past(
    make_life, validate, scenario, seed, speed, created, age
):
    life = make_life(scenario, seed=seed, speed=speed, created=created)
    t = created + age
    if life.exists(t):
        answer = life.at(t)
        assert validate("DescribeHyperParameterTuningJob", answer) == []
        assert max(timestamps(answer)) <= t
        assert sum(answer["TrainingJobStatusCounters"].values()) == sum(answer["ObjectiveStatusCounters"].values())


def test_the_validator_sees_what_is_wrong(make_life, validate):
    answer = make_life("healthy").at(NOW + 5000)
    del answer["CreationTime"]
    answer["HyperParameterTuningJobStatus"] = "Running"
    answer["HyperParameterTuningJobName"] = "-" * 33
    answer["TrainingJobStatusCounters"] = {"Completed": -1, "Other": 1}
    answer["FailureReason"] = None
    assert len(validate("DescribeHyperParameterTuningJob", answer)) == 7


@EVERY
def test_equal_seeds_give_equal_lives(make_life, scenario):
    one, other = make_life(scenario, seed=5), make_life(scenario, seed=5)
    assert one.trials == other.trials
    assert [one.at(t) for t in moments(one)] == [other.at(t) for t in moments(other)]


def test_seed_and_name_make_lives_differ(make_life):
    trials = [make_life("healthy", **changes).trials for changes in ({}, {"seed": 1}, {"name": "other"})]
    assert trials[0] != trials[1] != trials[2] != trials[0]


@EVERY
def test_speed_only_compresses_a_life(make_life, scenario):
    slow, fast = make_life(scenario), make_life(scenario, speed=60.0)
    assert len(slow.trials) == len(fast.trials)
    for one, other in zip(slow.trials, fast.trials, strict=True):
        assert one.hyperparameters == other.hyperparameters
        assert (one.ended - NOW) / 60 == pytest.approx(other.ended - NOW, abs=0.002)


@EVERY
def test_what_can_only_grow_only_grows(make_life, scenario):
    life = make_life(scenario, speed=60.0)
    answers = [life.at(t) for t in moments(life)]

    def values(answer):
        return [
            answer["LastModifiedTime"],
            *(answer["TrainingJobStatusCounters"][key] for key in ("Completed", "NonRetryableError", "Stopped")),
            *(answer["ObjectiveStatusCounters"][key] for key in ("Succeeded", "Failed")),
            answer.get("ConsumedResources", {}).get("RuntimeInSeconds", 0),
        ]

    for earlier, later in zip(map(values, answers), map(values, answers[1:]), strict=False):
        assert all(a <= b for a, b in zip(earlier, later, strict=True))


def each_tenth(life, begin, end):
    """Return what the life tells each tenth of a second between two moments."""
    return [life.at(begin + tenth / 10) for tenth in range(round(10 * (end - begin)))]


def moved(answers, member=lambda answer: answer["LastModifiedTime"]):
    return [after for before, after in pairwise(map(member, answers)) if after != before]


@EVERY
def test_last_modified_moves_with_every_change_and_is_the_end_when_there_is_one(make_life, scenario):
    life = make_life(scenario)
    for since in life._since:
        assert life.at(since)["LastModifiedTime"] == since
    if life.ended is not None:
        assert {life.at(life.ended + later)["LastModifiedTime"] for later in (0.0, 9.0, 3000.0)} == {life.ended}


@pytest.mark.long
@settings(deadline=None)
@given(seed=st.integers(0, 99), begin=st.floats(600, 4000), speed=st.sampled_from((0.02, 1.0, 60.0)))
def test_the_service_touches_a_job_each_ten_seconds_though_nothing_changes(make_life, seed, begin, speed):
    # In slow motion the heart beats as ever.
    life, pace = make_life("stuck", seed=seed, speed=speed, created=NOW - 10 * 3600 / speed), max(speed, 1.0)
    first, *more = (life.at(NOW + (begin + tenth / 10) / pace) for tenth in range(1200))
    for answer in more:
        assert answer["TrainingJobStatusCounters"] == first["TrainingJobStatusCounters"]
    beats = moved([first, *more])
    assert 11 <= len(beats) <= 13
    assert all(9 < (after - before) * pace < 11 for before, after in pairwise(beats))
    for answer in more:
        told = answer["ConsumedResources"]["RuntimeInSeconds"]
        assert told == math.floor(answer["LastModifiedTime"] - answer["CreationTime"])


def test_a_change_between_two_heartbeats_moves_last_modified_but_not_the_runtime(make_life):
    life = make_life("healthy")
    beats = moved(each_tenth(life, NOW, NOW + 3600), lambda answer: answer["ConsumedResources"]["RuntimeInSeconds"])
    for since in [since for since in life._since if NOW + 60 < since < NOW + 3600]:
        answer = life.at(since)
        assert answer["LastModifiedTime"] == since
        assert 0 <= since - NOW - answer["ConsumedResources"]["RuntimeInSeconds"] < 11
    assert len(beats) == pytest.approx(360, abs=4)


def test_the_first_minute_is_as_recorded(make_life):
    for seed in range(20):
        life = make_life("healthy", seed=seed)
        first, *_, last = each_tenth(life, NOW, NOW + 60)
        assert first["LastModifiedTime"] == first["CreationTime"]
        assert first["ConsumedResources"] == {"RuntimeInSeconds": 0}
        assert last["HyperParameterTuningJobStatus"] == "InProgress"
        counters = last["TrainingJobStatusCounters"] | last["ObjectiveStatusCounters"]
        assert {*counters.values()} == {0}
        assert 60 < life.trials[0].started - life.created < 85
        assert all(3 <= trial.started - trial.created <= 12 for trial in life.trials)


def test_a_deleted_life_ends_there_and_leaves_the_other_as_it_is(make_life):
    life = make_life("healthy")
    deleted = life.deleted(NOW + 900)
    assert deleted.at(NOW + 899.999) == life.at(NOW + 899.999)
    assert not deleted.exists(NOW + 900)
    assert deleted.in_progress_until == NOW + 900
    assert life.exists(NOW + 900)


def test_there_is_no_end_time_while_running_and_a_last_one_after(make_life):
    life = make_life("healthy")
    assert "HyperParameterTuningEndTime" not in life.at(life.ended - 0.001)
    assert life.at(life.ended)["HyperParameterTuningEndTime"] == life.ended
    assert life.at(life.ended + 1e6)["HyperParameterTuningEndTime"] == life.ended


def test_runtime_is_of_the_last_heartbeat_and_settles_within_a_minute_of_the_end(make_life):
    for seed in range(10):
        life = make_life("healthy", seed=seed)
        final = math.floor(life.ended - life.created)

        def runtime(t, life=life):
            return life.at(t)["ConsumedResources"]["RuntimeInSeconds"]

        assert final - 11 <= runtime(life.ended) == runtime(life.ended + 59) <= final
        assert runtime(life.ended + 60) == runtime(life.ended + 1e6) == final


def test_a_best_training_job_appears_with_the_first_objective(make_life):
    life = make_life("healthy")
    first = min(trial.ended for trial in life.trials if trial.objective is not None)
    assert "BestTrainingJob" not in life.at(first - 0.001)
    best = life.at(first)["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"].keys() == {"MetricName", "Value"}
    assert best["TrainingEndTime"] == math.floor(first)
    assert best["TrainingJobName"].startswith("Some-Job-00")
    assert best["TrainingJobArn"].endswith(best["TrainingJobName"].lower())
    assert all(isinstance(value, str) for value in best["TunedHyperParameters"].values())


def test_names_keep_their_case_and_arns_lose_it(make_life):
    answer = make_life("healthy", name="Churn-V3").at(NOW)
    assert answer["HyperParameterTuningJobName"] == "Churn-V3"
    assert answer["HyperParameterTuningJobArn"].endswith("/churn-v3")


def test_a_summary_carries_no_more_than_the_service_tells(make_life):
    life = make_life("warm-start")
    assert life.summary(life.ended).keys() == {
        "HyperParameterTuningJobName",
        "HyperParameterTuningJobArn",
        "HyperParameterTuningJobStatus",
        "Strategy",
        "CreationTime",
        "HyperParameterTuningEndTime",
        "LastModifiedTime",
        "TrainingJobStatusCounters",
        "ObjectiveStatusCounters",
        "ResourceLimits",
    }


def test_there_is_no_job_before_its_creation(make_life):
    with pytest.raises(ApiError, match="ResourceNotFound"):
        make_life("healthy").at(NOW - 0.001)


@pytest.mark.parametrize("created", [NOW, 1_764_000_000.0004, 1_764_000_000.9999])
def test_creation_is_a_whole_millisecond_not_after_the_moment_asked(make_life, created):
    life = make_life("healthy", created=created)
    assert life.created <= created < life.created + 0.001
    assert life.at(created)["CreationTime"] == round(life.created, 3)


def test_a_life_needs_a_speed(make_life):
    with pytest.raises(ValueError, match="speed 0"):
        make_life("healthy", speed=0)
