from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
from replay.life import DELETE_FAILS_AFTER, Course, Told, as_asked

from exporter.simulator.scenario import HOUR, SCENARIOS

CREATED = 1_750_000_000.0


def told(course: Course) -> Told:
    return Told("a", course, region="eu-west-1", account_id="111122223333", created=CREATED, seed=1)


def status(life: Told, hours: float) -> Any:
    return life.at(CREATED + hours * HOUR)["HyperParameterTuningJobStatus"]


def test_a_deletion_that_fails() -> None:
    scenario = SCENARIOS["deleting"]
    assert scenario.deleted_at is not None
    deleted = scenario.deleted_at / HOUR
    life = told(Course("x", scenario, scenario, delete_fails=True))
    assert status(life, deleted + 0.01) == "Deleting"
    assert status(life, deleted + DELETE_FAILS_AFTER / HOUR) == "DeleteFailed"
    assert life.at(CREATED + 90 * HOUR)["LastModifiedTime"] == CREATED + scenario.deleted_at + DELETE_FAILS_AFTER
    assert [span.state.status for span in life.spans()][-2:] == ["Deleting", "DeleteFailed"]


def test_limits_that_are_asked_for_and_not_kept() -> None:
    course = as_asked("x", SCENARIOS["healthy"], parallel=20, target=0.6)
    answer = told(course).at(CREATED + HOUR)
    config = answer["HyperParameterTuningJobConfig"]
    assert config["ResourceLimits"]["MaxParallelTrainingJobs"] == 20
    assert config["TuningJobCompletionCriteria"] == {"TargetObjectiveMetricValue": 0.6}
    assert answer["TrainingJobStatusCounters"]["InProgress"] <= SCENARIOS["healthy"].parallel


def test_counters_that_stand_still() -> None:
    scenario = SCENARIOS["healthy"]
    life = told(Course("x", scenario, scenario, frozen_after=HOUR, leaves_after=9 * HOUR))
    before, after = (life.at(CREATED + hours * HOUR) for hours in (1, 9.9))
    assert before["TrainingJobStatusCounters"]["InProgress"] > 0
    assert after["TrainingJobStatusCounters"] == before["TrainingJobStatusCounters"]
    assert (after["HyperParameterTuningJobStatus"], life.ended, life.frozen) == ("InProgress", None, CREATED + HOUR)
    assert after["LastModifiedTime"] > before["LastModifiedTime"]
    assert not life.exists(CREATED + 10 * HOUR)


def test_training_jobs_stand_still_with_the_counters() -> None:
    scenario = SCENARIOS["converged-running"]
    life = told(Course("x", scenario, scenario, frozen_after=2 * HOUR))
    for hours in (0.5, 1, 1.9, 2, 5, 90):
        counters = life.at(CREATED + hours * HOUR)["TrainingJobStatusCounters"]
        jobs = life.truth(CREATED + hours * HOUR)
        assert len(jobs) == sum(counters.values()) > 0
        assert sum(job.status == "InProgress" for job in jobs) == counters["InProgress"] > 0
        assert sum(job.status == "Completed" for job in jobs) == counters["Completed"]
    now, later = ([job.at(CREATED + hours * HOUR) for job in life.training_jobs] for hours in (2, 90))
    assert now == later


def test_an_objective_that_stays_pending_and_a_best_value_that_is_none() -> None:
    scenario = SCENARIOS["stuck"]
    answer = told(Course("x", scenario, scenario, pending=True, nan=True)).at(CREATED + 90 * HOUR)
    assert answer["TrainingJobStatusCounters"]["InProgress"] == 0
    assert answer["ObjectiveStatusCounters"]["Pending"] == 1
    assert math.isnan(answer["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])


def test_somebody_has_it_deleted() -> None:
    scenario = SCENARIOS["stuck"]
    life = told(Course("x", scenario, scenario, leaves_after=HOUR))
    assert life.stalled is not None
    assert life.exists(life.stalled + HOUR - 1)
    assert not life.exists(life.stalled + HOUR)


def test_aws_touches_it_all_the_time_until_it_ends() -> None:
    scenario = SCENARIOS["healthy"]
    life = told(Course("x", scenario, scenario))
    assert life.ended is not None

    def modified(after: float) -> float:
        return float(life.at(CREATED + after)["LastModifiedTime"]) - CREATED

    times = [modified(HOUR + 10.0 * number) for number in range(60)]
    assert all(0 < after - before < 20 for before, after in pairwise(times))
    end = life.ended - CREATED
    assert modified(end + HOUR) == pytest.approx(end)
