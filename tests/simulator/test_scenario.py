"""Every scenario shows, for every seed, what its name promises."""

from __future__ import annotations

import pytest

from exporter.simulator.errors import ApiError
from exporter.simulator.scenario import HOUR, SCENARIOS

SEEDS = range(12)


def lives(make_life, scenario):
    return [make_life(scenario, seed=seed) for seed in SEEDS]


@pytest.mark.parametrize(
    "scenario", ["healthy", "completed", "vintage-2020", "grid", "several-definitions", "warm-start"]
)
def test_good_searches_complete(make_life, scenario):
    for life in lives(make_life, scenario):
        assert life.at(life.ended)["HyperParameterTuningJobStatus"] == "Completed"


@pytest.mark.parametrize("scenario", ["healthy", "converged-running", "several-definitions", "grid", "warm-start"])
def test_typical_lives_take_hours(make_life, scenario):
    for life in lives(make_life, scenario):
        assert 1 * HOUR < life.ended - life.created < 12 * HOUR


def test_healthy_still_improves_after_its_first_hour(make_life):
    def best(life, t):
        return life.at(t)["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]

    improved = [best(life, life.ended) > best(life, life.created + HOUR) for life in lives(make_life, "healthy")]
    assert sum(improved) >= len(SEEDS) - 2


def test_converged_running_goes_on_for_long_after_convergence(make_life):
    for life in lives(make_life, "converged-running"):
        answer = life.at(life.ended - 1)
        criteria = answer["HyperParameterTuningJobConfig"]["TuningJobCompletionCriteria"]
        assert criteria == {"ConvergenceDetected": {"CompleteOnConvergence": "Disabled"}}
        assert answer["HyperParameterTuningJobStatus"] == "InProgress"
        assert life.ended - answer["TuningJobCompletionDetails"]["ConvergenceDetectedTime"] > HOUR


def test_failing_training_jobs_fail_more_often_than_not(make_life):
    for life in lives(make_life, "failing-training-jobs"):
        counters = life.at(life.ended)["TrainingJobStatusCounters"]
        assert counters["NonRetryableError"] > counters["Completed"] > 0


def test_failing_from_the_start_is_ended_by_the_service(make_life):
    scenario = "failing-from-the-start"
    for life in lives(make_life, scenario):
        answer = life.at(life.ended)
        assert answer["HyperParameterTuningJobStatus"] == "Failed"
        assert "all failed" in answer["FailureReason"]
        counters = answer["TrainingJobStatusCounters"]
        assert 5 <= counters["NonRetryableError"] <= sum(counters.values()) < 5 + SCENARIOS[scenario].parallel
        assert answer["ObjectiveStatusCounters"]["Failed"] == sum(counters.values())
        assert "BestTrainingJob" not in answer


def test_objective_never_emitted_completes_trials_for_nothing(make_life):
    for life in lives(make_life, "objective-never-emitted"):
        answer = life.at(life.created + 2 * HOUR)
        assert answer["HyperParameterTuningJobStatus"] == "InProgress"
        assert answer["TrainingJobStatusCounters"]["Completed"] > 10
        assert answer["ObjectiveStatusCounters"]["Succeeded"] == 0
        assert answer["ObjectiveStatusCounters"]["Failed"] >= answer["TrainingJobStatusCounters"]["Completed"]
        assert "BestTrainingJob" not in answer
        assert life.at(life.ended)["HyperParameterTuningJobStatus"] == "Failed"


def test_stuck_never_moves_again(make_life):
    for life in lives(make_life, "stuck"):
        assert life.ended is None
        answer, later = life.at(life.created + 10 * HOUR), life.at(life.created + 1000 * HOUR)
        assert answer["HyperParameterTuningJobStatus"] == "InProgress"
        assert answer["TrainingJobStatusCounters"]["InProgress"] == 0
        assert {member for member in answer if answer[member] != later[member]} == {
            "LastModifiedTime",
            "ConsumedResources",
        }


def test_near_time_limit_ends_by_its_limit_with_work_left(make_life):
    for life in lives(make_life, "near-time-limit"):
        limits = life.at(life.created)["HyperParameterTuningJobConfig"]["ResourceLimits"]
        assert limits["MaxRuntimeInSeconds"] == 4 * HOUR
        assert len(life.trials) < limits["MaxNumberOfTrainingJobs"] / 2
        assert 0 < life.ended - life.created - limits["MaxRuntimeInSeconds"] < 300
        assert life.at(life.created + 3.9 * HOUR)["TrainingJobStatusCounters"]["InProgress"] > 0
        assert life.at(life.ended)["HyperParameterTuningJobStatus"] == "Completed"


def test_failed_at_once_has_a_reason_that_is_hard_to_print(make_life):
    answer = make_life("failed-at-once").at(make_life("failed-at-once").created + 10)
    assert answer["HyperParameterTuningJobStatus"] == "Failed"
    assert set(answer["TrainingJobStatusCounters"].values()) == {0}
    assert all(odd in answer["FailureReason"] for odd in ('"', "\n", "\\", "\N{SNOWMAN}"))


def test_stopped_is_stopping_for_a_while(make_life):
    for life in lives(make_life, "stopped"):
        asked = life.created + 2 * HOUR
        assert life.at(asked - 1)["HyperParameterTuningJobStatus"] == "InProgress"
        stopping = life.at(asked)
        assert stopping["HyperParameterTuningJobStatus"] == "Stopping"
        assert "HyperParameterTuningEndTime" not in stopping
        assert life.ended > asked + 60
        stopped = life.at(life.ended)
        assert stopped["HyperParameterTuningJobStatus"] == "Stopped"
        assert stopped["TrainingJobStatusCounters"]["InProgress"] == 0
        assert all(trial.created < asked for trial in life.trials)


def test_deleting_is_stopped_then_deleting_then_gone(make_life):
    for life in lives(make_life, "deleting"):
        statuses = [life.at(life.created + hours * HOUR)["HyperParameterTuningJobStatus"] for hours in (1, 2, 3, 3.9)]
        assert statuses == ["InProgress", "Stopped", "Deleting", "Deleting"]
        with pytest.raises(ApiError) as refused:
            life.at(life.created + 4 * HOUR)
        assert refused.value.code == "ResourceNotFound"


def test_warm_start_is_beaten_by_a_parent_all_along(make_life):
    for life in lives(make_life, "warm-start"):
        for t in (life.created, life.created + HOUR, life.ended):
            answer = life.at(t)
            overall = answer["OverallBestTrainingJob"]
            parents = answer["WarmStartConfig"]["ParentHyperParameterTuningJobs"]
            assert {"HyperParameterTuningJobName": overall["TuningJobName"]} in parents
            assert overall["TrainingEndTime"] < life.created
            metric = "FinalHyperParameterTuningJobObjectiveMetric"
            if "BestTrainingJob" in answer:
                assert overall[metric]["Value"] > answer["BestTrainingJob"][metric]["Value"]


def test_several_definitions_have_objectives_of_different_directions_and_each_can_win(make_life):
    winners = set()
    for life in lives(make_life, "several-definitions"):
        answer = life.at(life.ended)
        objectives = {
            definition["DefinitionName"]: definition["TuningObjective"]
            for definition in answer["TrainingJobDefinitions"]
        }
        assert {objective["Type"] for objective in objectives.values()} == {"Maximize", "Minimize"}
        best = answer["BestTrainingJob"]
        winner = best["TrainingJobDefinitionName"]
        winners.add(winner)
        metric = best["FinalHyperParameterTuningJobObjectiveMetric"]
        assert metric["MetricName"] == objectives[winner]["MetricName"]
    assert winners == {"boosted-trees", "linear"}


def test_hyperband_sets_every_criterion(make_life):
    config = make_life("hyperband").at(make_life("hyperband").created)["HyperParameterTuningJobConfig"]
    assert config["StrategyConfig"]["HyperbandStrategyConfig"] == {"MinResource": 1, "MaxResource": 27}
    assert config["TuningJobCompletionCriteria"].keys() == {
        "TargetObjectiveMetricValue",
        "BestObjectiveNotImproving",
        "ConvergenceDetected",
    }


def test_grid_enumerates_all_without_a_limit(make_life):
    for life in lives(make_life, "grid"):
        limits = life.at(life.created)["HyperParameterTuningJobConfig"]["ResourceLimits"]
        assert "MaxNumberOfTrainingJobs" not in limits
        assert len({trial.hyperparameters for trial in life.trials}) == len(life.trials) == 24


def test_just_created_waits_before_its_first_trial(make_life):
    for life in lives(make_life, "just-created"):
        early = life.at(life.created + 19 * 60)
        assert set(early["TrainingJobStatusCounters"].values()) == {0}
        assert early["HyperParameterTuningJobStatus"] == "InProgress"
        assert life.at(life.created + 3 * HOUR)["TrainingJobStatusCounters"]["Completed"] > 0


def test_the_best_of_edge_of_range_sits_at_an_edge(make_life):
    for life in lives(make_life, "edge-of-range"):
        answer = life.at(life.ended)
        tuned = answer["BestTrainingJob"]["TunedHyperParameters"]
        ranges = answer["HyperParameterTuningJobConfig"]["ParameterRanges"]
        numeric = ranges["ContinuousParameterRanges"] + ranges["IntegerParameterRanges"]
        assert any(float(tuned[range_["Name"]]) == float(range_["MaxValue"]) for range_ in numeric)


def test_vintage_2020_lacks_what_came_later(make_life):
    life = make_life("vintage-2020")
    answer = life.at(life.ended)
    assert answer.keys().isdisjoint({"ConsumedResources", "TuningJobCompletionDetails"})
    assert "DefinitionName" not in answer["TrainingJobDefinition"]
    assert "TrainingJobDefinitionName" not in answer["BestTrainingJob"]
    assert answer["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["Type"] == "Minimize"
