"""Tuning jobs that boto3 creates, stops and deletes."""

from __future__ import annotations

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from exporter.simulator.faults import Fault, Kind
from exporter.simulator.server import Server

DEFINITION = {
    "StaticHyperParameters": {"num_round": "100"},
    "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
    "RoleArn": "arn:aws:iam::123456789012:role/service-role/training",
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/models/"},
    "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
}
CONFIG = {
    "Strategy": "Bayesian",
    "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:f1"},
    "ResourceLimits": {"MaxNumberOfTrainingJobs": 9, "MaxParallelTrainingJobs": 3},
    "ParameterRanges": {
        "ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.1", "MaxValue": "0.9", "ScalingType": "Linear"}]
    },
}


@pytest.fixture
def sagemaker(simulator):
    with Server(simulator) as server:
        client = boto3.client(
            "sagemaker",
            region_name="us-east-1",
            endpoint_url=server.url,
            aws_access_key_id="simulated",
            aws_secret_access_key="simulated",
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )
        yield client
        client.close()


def create(sagemaker, name="Churn-V3", **tags):
    return sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=name,
        HyperParameterTuningJobConfig=CONFIG,
        TrainingJobDefinition=DEFINITION,
        Tags=[{"Key": key.replace("_", ":"), "Value": value} for key, value in tags.items()],
    )["HyperParameterTuningJobArn"]


def describe(sagemaker, name="Churn-V3"):
    return sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


def stop(sagemaker, name="Churn-V3"):
    return sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


def delete(sagemaker, name="Churn-V3"):
    return sagemaker.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


def code_of(call, *arguments):
    with pytest.raises(ClientError) as refused:
        call(*arguments)
    return refused.value.response["Error"]["Code"]


def test_a_created_job_is_as_asked_for_and_runs_to_its_end(simulator, clock, sagemaker):
    arn = create(sagemaker, team="growth")
    assert arn == "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/churn-v3"
    told = describe(sagemaker)
    assert told["HyperParameterTuningJobConfig"] == CONFIG
    assert told["TrainingJobDefinition"] == DEFINITION
    assert told["CreationTime"].timestamp() == clock.time()
    assert {*told["TrainingJobStatusCounters"].values()} == {0}
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "growth"}]
    clock.advance(86_400)
    told = describe(sagemaker)
    assert told["HyperParameterTuningJobStatus"] == "Completed"
    assert sum(told["TrainingJobStatusCounters"].values()) == 9
    assert told["BestTrainingJob"]["TunedHyperParameters"].keys() == {"eta"}
    metric = told["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]
    assert metric["MetricName"] == "validation:f1"


def test_tags_decide_what_becomes_of_it(simulator, clock, sagemaker):
    create(sagemaker, simulator_scenario="failed-at-once", simulator_speed="60")
    clock.advance(1)
    assert describe(sagemaker)["HyperParameterTuningJobStatus"] == "Failed"
    assert code_of(lambda: create(sagemaker, "other", simulator_scenario="none")) == "ValidationException"


def test_without_a_tag_it_runs_at_the_simulators_speed(simulator, clock, sagemaker):
    simulator.speed = 3600.0
    create(sagemaker)
    clock.advance(20)
    assert describe(sagemaker)["HyperParameterTuningJobStatus"] == "Completed"


def test_names_have_no_case(simulator, clock, sagemaker):
    create(sagemaker)
    assert code_of(create, sagemaker, "CHURN-v3") == "ResourceInUse"
    assert describe(sagemaker, "churn-v3")["HyperParameterTuningJobName"] == "Churn-V3"
    stop(sagemaker, "CHURN-V3")
    clock.advance(60)
    assert describe(sagemaker)["HyperParameterTuningJobStatus"] == "Stopped"
    delete(sagemaker, "churn-V3")
    assert code_of(describe, sagemaker) == "ResourceNotFound"
    create(sagemaker, "CHURN-v3")
    assert describe(sagemaker)["HyperParameterTuningJobName"] == "CHURN-v3"


@pytest.mark.parametrize("seconds", [None, 60.0, 300.0])
def test_a_stop_takes_its_time(simulator, clock, sagemaker, seconds):
    simulator.stopping = seconds
    create(sagemaker, simulator_speed="1")
    clock.advance(1200)
    running = describe(sagemaker)["TrainingJobStatusCounters"]["InProgress"]
    asked = clock.time()
    stop(sagemaker)
    stopping = describe(sagemaker)
    assert stopping["HyperParameterTuningJobStatus"] == "Stopping"
    assert stopping["LastModifiedTime"].timestamp() == asked
    assert "HyperParameterTuningEndTime" not in stopping
    assert stop(sagemaker)["ResponseMetadata"]["HTTPStatusCode"] == 200
    clock.advance((seconds or 60) - 1)
    assert describe(sagemaker)["HyperParameterTuningJobStatus"] == "Stopping"
    clock.advance(2)
    stopped = describe(sagemaker)
    assert stopped["HyperParameterTuningJobStatus"] == "Stopped"
    assert stopped["HyperParameterTuningEndTime"].timestamp() == pytest.approx(asked + (seconds or 60), abs=0.01)
    assert stopped["TrainingJobStatusCounters"]["Stopped"] == running > 0
    assert code_of(stop, sagemaker) == "ValidationException"


def test_a_running_job_cannot_be_deleted_and_a_stopped_one_can(simulator, clock, sagemaker):
    create(sagemaker)
    assert code_of(delete, sagemaker) == "ResourceInUse"
    stop(sagemaker)
    assert code_of(delete, sagemaker) == "ResourceInUse"
    clock.advance(61)
    delete(sagemaker)
    assert code_of(delete, sagemaker) == "ResourceNotFound"
    assert code_of(stop, sagemaker) == "ResourceNotFound"
    listed = sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"]
    assert [job["HyperParameterTuningJobName"] for job in listed] == ["Churn-V3"], "lists lag"
    clock.advance(5)
    assert sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"] == []


def test_faults_strike_them_too(simulator, sagemaker):
    simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation="StopHyperParameterTuningJob"))
    create(sagemaker)
    assert code_of(stop, sagemaker) == "AccessDeniedException"
    assert describe(sagemaker)["HyperParameterTuningJobStatus"] == "InProgress"
