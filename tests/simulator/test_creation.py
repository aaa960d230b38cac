"""What an input asks for is what its job is, and what the service would refuse is refused."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from exporter.simulator.creation import SCENARIO_TAG, SPEED_TAG, read
from exporter.simulator.errors import ApiError
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.surface import Categorical, Continuous, Integer

RANGES = {
    "ContinuousParameterRanges": [
        {"Name": "eta", "MinValue": "0.01", "MaxValue": "0.3", "ScalingType": "Logarithmic"},
        {"Name": "gamma", "MinValue": "-1", "MaxValue": "1"},
    ],
    "IntegerParameterRanges": [{"Name": "depth", "MinValue": "2", "MaxValue": "9"}],
    "CategoricalParameterRanges": [{"Name": "booster", "Values": ["tree"]}],
}
INPUT: dict[str, Any] = {
    "HyperParameterTuningJobConfig": {
        "Strategy": "Random",
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:rmse"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 7, "MaxParallelTrainingJobs": 2, "MaxRuntimeInSeconds": 7200},
        "ParameterRanges": RANGES,
        "TrainingJobEarlyStoppingType": "Auto",
        "TuningJobCompletionCriteria": {
            "TargetObjectiveMetricValue": 0.25,
            "BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 5},
            "ConvergenceDetected": {"CompleteOnConvergence": "Enabled"},
        },
    },
    "TrainingJobDefinition": {"RoleArn": "arn:aws:iam::123456789012:role/x"},
    "WarmStartConfig": {"ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "parent"}]},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the input with another value at a path, or without it when the value is None."""
    content = deepcopy(INPUT)
    *parents, last = path.split(".")
    at = content
    for parent in parents:
        at = at[parent]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return content


def tagged(**tags: str) -> dict[str, Any]:
    names = {"scenario": SCENARIO_TAG, "speed": SPEED_TAG}
    return INPUT | {"Tags": [{"Key": names.get(key, key), "Value": value} for key, value in tags.items()]}


def test_limits_criteria_and_ranges_are_those_of_the_input():
    asked = read(INPUT, speed=60.0)
    scenario = asked.scenario
    assert scenario.strategy == "Random"
    assert (scenario.max_jobs, scenario.parallel, scenario.max_runtime) == (7, 2, 7200 * 60)
    assert (scenario.early_stopping, scenario.on_convergence) == ("Auto", "Enabled")
    assert (scenario.target, scenario.max_not_improving, scenario.parents) == (0.25, 5, ("parent",))
    [definition] = scenario.definitions
    assert (definition.surface.metric, definition.surface.direction) == ("validation:rmse", "Minimize")
    assert {*definition.surface.ranges} == {
        Continuous("eta", 0.01, 0.3, logarithmic=True),
        Continuous("gamma", -1.0, 1.0),
        Integer("depth", 2, 9),
        Categorical("booster", ("tree",)),
    }
    assert asked.constant == INPUT


def test_tags_choose_scenario_and_speed():
    asked = read(tagged(scenario="stuck", speed="5", team="growth"), speed=60.0)
    assert asked.scenario.stalls_after == SCENARIOS["stuck"].stalls_after
    assert asked.speed == 5.0
    assert asked.tags == {SCENARIO_TAG: "stuck", SPEED_TAG: "5", "team": "growth"}
    usual = read(INPUT, speed=60.0)
    assert (usual.speed, usual.scenario) == (60.0, read(tagged(scenario="healthy"), speed=60.0).scenario)
    assert usual.scenario != asked.scenario


def test_several_definitions_have_objectives_and_ranges_of_their_own():
    content = changed("TrainingJobDefinition", None) | {
        "TrainingJobDefinitions": [
            {
                "DefinitionName": name,
                "TuningObjective": {"Type": kind, "MetricName": name},
                "HyperParameterRanges": {"IntegerParameterRanges": RANGES["IntegerParameterRanges"]},
            }
            for name, kind in (("a", "Minimize"), ("b", "Maximize"))
        ]
    }
    definitions = read(content, speed=1.0).scenario.definitions
    assert [(d.name, d.surface.metric, d.surface.direction) for d in definitions] == [
        ("a", "a", "Minimize"),
        ("b", "b", "Maximize"),
    ]
    assert all(d.surface.ranges == (Integer("depth", 2, 9),) for d in definitions)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({}, "'TrainingJobDefinition' must be given"),
        (changed("HyperParameterTuningJobConfig.Strategy", None), "'Strategy' must be given"),
        (changed("HyperParameterTuningJobConfig.Strategy", "Guess"), "Guess"),
        (changed("HyperParameterTuningJobConfig.Strategy", "Grid"), "categorical ranges only"),
        (
            changed("HyperParameterTuningJobConfig.ResourceLimits.MaxParallelTrainingJobs", None),
            "'MaxParallelTrainingJobs' must be given",
        ),
        (changed("HyperParameterTuningJobConfig.ResourceLimits.MaxNumberOfTrainingJobs", 0), "at least 1"),
        (
            changed(
                "HyperParameterTuningJobConfig.ParameterRanges",
                {"IntegerParameterRanges": [{"Name": "x", "MinValue": "5", "MaxValue": "5"}]},
            ),
            "'IntegerParameterRanges' is no range from less to more",
        ),
        (
            changed(
                "HyperParameterTuningJobConfig.ParameterRanges",
                {"ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "nan"}]},
            ),
            "'ContinuousParameterRanges' is no range",
        ),
        (
            changed(
                "HyperParameterTuningJobConfig.ParameterRanges",
                {"CategoricalParameterRanges": [{"Name": "x", "Values": []}]},
            ),
            "'CategoricalParameterRanges' is no range",
        ),
        (tagged(scenario="no-such"), r"simulator:scenario is none of \[healthy"),
        (tagged(speed="0"), "simulator:speed must be a number above 0"),
        (tagged(speed="fast"), "simulator:speed must be a number above 0"),
    ],
)
def test_wrong_values_are_validation_errors(content, problem):
    with pytest.raises(ApiError, match=f"ValidationException: .*{problem}"):
        read(content, speed=1.0)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("HyperParameterTuningJobConfig", []),
        ("HyperParameterTuningJobConfig.ResourceLimits.MaxParallelTrainingJobs", "2"),
        ("TrainingJobDefinition", "x"),
        ("Tags", {}),
    ],
)
def test_wrong_types_cannot_be_read(path, value):
    with pytest.raises(ApiError, match="SerializationException"):
        read(changed(path, value), speed=1.0)


@pytest.mark.parametrize(
    ("strategy", "jobs", "allowed"),
    [("Random", 10_000, True), ("Random", 10_001, False), ("Bayesian", 750, True), ("Bayesian", 751, False)],
)
def test_the_limits_of_the_service_hold(strategy, jobs, allowed):
    content = changed("HyperParameterTuningJobConfig.Strategy", strategy)
    content["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"] = jobs
    if allowed:
        assert read(content, speed=1.0).scenario.max_jobs == jobs
    else:
        with pytest.raises(ApiError, match=r"ResourceLimitExceeded: .* is (750|10000),"):
            read(content, speed=1.0)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_any_scenario_takes_any_input(make_life, validate, scenario):
    asked = read(tagged(scenario=scenario), speed=60.0)
    life = make_life(scenario, speed=60.0, created=1_764_000_000.0)
    created = type(life)(
        "churn",
        asked.scenario,
        region="us-east-1",
        account_id="123456789012",
        created=1_764_000_000.0,
        speed=60.0,
        seed=0,
        tags=asked.tags,
        constant=asked.constant,
    )
    for minutes in (0, 1, 10, 60, 600):
        t = 1_764_000_000.0 + minutes * 60
        if created.exists(t):
            answer = created.at(t)
            assert answer["HyperParameterTuningJobConfig"] is INPUT["HyperParameterTuningJobConfig"]
            if "BestTrainingJob" in answer:
                best = answer["BestTrainingJob"]
                assert best["TunedHyperParameters"].keys() == {"eta", "gamma", "depth", "booster"}
                assert best["FinalHyperParameterTuningJobObjectiveMetric"]["MetricName"] == "validation:rmse"
