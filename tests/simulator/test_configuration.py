"""The constant part of an answer says what was asked for, durations compressed."""

from __future__ import annotations

import pytest

from exporter.simulator.configuration import arn, configuration
from exporter.simulator.scenario import SCENARIOS


def described(scenario, speed=1.0):
    return configuration(SCENARIOS[scenario], region="eu-west-1", account_id="123456789012", speed=speed)


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
def test_an_arn_has_its_regions_partition_and_no_capitals(region, partition):
    made = arn("hyper-parameter-tuning-job", "My-Job", region=region, account_id="123456789012")
    assert made == f"arn:{partition}:sagemaker:{region}:123456789012:hyper-parameter-tuning-job/my-job"


def test_the_objective_stands_in_one_place_only():
    for name, scenario in SCENARIOS.items():
        answer = described(name)
        in_config = "HyperParameterTuningJobObjective" in answer["HyperParameterTuningJobConfig"]
        definitions = answer.get("TrainingJobDefinitions", [answer.get("TrainingJobDefinition")])
        assert in_config == scenario.in_config == ("TrainingJobDefinition" in answer)
        assert all(("TuningObjective" in definition) != in_config for definition in definitions)
    assert {scenario.in_config for scenario in SCENARIOS.values()} == {True, False}


@pytest.mark.parametrize(("speed", "limit"), [(1, 14400), (60, 240), (120, 120), (1000, 120)])
def test_time_limits_are_compressed_down_to_the_least_the_api_knows(speed, limit):
    limits = described("near-time-limit", speed)["HyperParameterTuningJobConfig"]["ResourceLimits"]
    assert limits["MaxRuntimeInSeconds"] == limit


def test_the_limits_of_a_training_job_are_compressed_too():
    stopping = described("converged-running", 60)["TrainingJobDefinition"]["StoppingCondition"]
    assert stopping == {"MaxRuntimeInSeconds": 1440, "MaxWaitTimeInSeconds": 2160}


def test_instances_come_in_each_of_the_three_layouts():
    plain = described("healthy")["TrainingJobDefinition"]["ResourceConfig"]
    groups, configs = described("several-definitions")["TrainingJobDefinitions"]
    assert plain["InstanceType"] == "ml.m5.xlarge"
    assert [group["InstanceCount"] for group in groups["ResourceConfig"]["InstanceGroups"]] == [1, 2]
    assert len(configs["HyperParameterTuningResourceConfig"]["InstanceConfigs"]) == 2
