"""The simulator as a program of its own."""

from __future__ import annotations

import signal
import socket
import sys
from contextlib import contextmanager

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from support.processes import Child, wait_until
from support.text import found

from exporter.cli import simulate
from exporter.config import parse
from exporter.simulator.scenario import SCENARIOS

SIMULATE = [sys.executable, "-m", "exporter", "simulate"]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_serves_a_fleet_and_prints_the_configuration_for_it(tmp_path, end):
    with Child([*SIMULATE, "--web.listen-address=127.0.0.1:0", "--seed=7"], log=tmp_path / "log") as child:
        child.wait_until(lambda: child.output().count("scenario:") >= len(SCENARIOS))
        settings = parse(child.output(), "printed")
        listed = {(target.key.region, job.name) for target in settings.targets for job in target.jobs}
        url = found(r"endpoint: (\S+)", child.output())[1]
        served = set()
        for region in {region for region, _ in listed}:
            client = boto3.client(
                "sagemaker",
                region_name=region,
                endpoint_url=url,
                aws_access_key_id="simulated",
                aws_secret_access_key="simulated",
                config=Config(proxies={}),
            )
            answer = client.list_hyper_parameter_tuning_jobs(MaxResults=100)
            client.close()
            served |= {
                (region, job["HyperParameterTuningJobName"]) for job in answer["HyperParameterTuningJobSummaries"]
            }
        assert served == listed
        child.send(end)
        assert child.wait() == 0
        assert "Traceback" not in child.output()


@contextmanager
def simulated(tmp_path, *switches):
    """Run the program with switches and yield a client of it."""
    with Child([*SIMULATE, "--web.listen-address=127.0.0.1:0", *switches], log=tmp_path / "log") as child:
        child.wait_until(lambda: child.output().count("scenario:") >= len(SCENARIOS))
        client = boto3.client(
            "sagemaker",
            region_name="us-east-1",
            endpoint_url=found(r"endpoint: (\S+)", child.output())[1],
            aws_access_key_id="simulated",
            aws_secret_access_key="simulated",
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )
        yield client
        client.close()


def status_of(client, name):
    described = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    return described["HyperParameterTuningJobStatus"]


def code_of(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def test_faults_and_limits_are_taken(tmp_path):
    switches = (
        "--fault=throttled:0.5@ListTags",
        "--fault=access-denied@describehyperparametertuningjob/basket-embedding-251125",
        "--search-requests-per-second=0.001",
    )
    with simulated(tmp_path, *switches) as client:
        describe = client.describe_hyper_parameter_tuning_job
        assert code_of(describe, HyperParameterTuningJobName="Basket-embedding-251125") == "AccessDeniedException"
        arn = describe(HyperParameterTuningJobName="churn-xgboost-251125")["HyperParameterTuningJobArn"]
        codes = [code_of(client.list_tags, ResourceArn=arn) for _ in range(4)]
        assert codes == [None, "ThrottlingException"] * 2
        searches = [code_of(client.search, Resource="HyperParameterTuningJob") for _ in range(2)]
        assert searches == [None, "ThrottlingException"]


def test_old_jobs_and_late_filters_make_empty_pages(tmp_path):
    with simulated(tmp_path, "--old-jobs=250", "--filter-after-paging", "--list-lag=0") as client:
        query = {"SortBy": "CreationTime", "SortOrder": "Ascending", "MaxResults": 100}
        first = client.list_hyper_parameter_tuning_jobs(StatusEquals="InProgress", **query)
        assert first["HyperParameterTuningJobSummaries"] == []
        pages = client.get_paginator("list_hyper_parameter_tuning_jobs").paginate(StatusEquals="InProgress", **query)
        found = [each for page in pages for each in page["HyperParameterTuningJobSummaries"]]
        assert found
        assert {each["HyperParameterTuningJobStatus"] for each in found} == {"InProgress"}


def test_an_incident_is_rehearsed_through_the_api(tmp_path):
    with simulated(tmp_path, "--speed=600", "--stopping=0.2") as client:
        name = {"HyperParameterTuningJobName": "Rehearsal"}
        client.create_hyper_parameter_tuning_job(
            **name,
            HyperParameterTuningJobConfig={
                "Strategy": "Random",
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 500, "MaxParallelTrainingJobs": 1},
            },
            TrainingJobDefinition={
                "AlgorithmSpecification": {"TrainingInputMode": "File"},
                "RoleArn": "arn:aws:iam::123456789012:role/service-role/training",
                "OutputDataConfig": {"S3OutputPath": "s3://bucket/models/"},
                "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
            },
        )
        assert status_of(client, "Rehearsal") == "InProgress"
        assert code_of(client.delete_hyper_parameter_tuning_job, **name) == "ResourceInUse"
        client.stop_hyper_parameter_tuning_job(**name)
        wait_until(lambda: status_of(client, "Rehearsal") == "Stopped", what="the end of the job")
        client.delete_hyper_parameter_tuning_job(**name)
        assert code_of(client.describe_hyper_parameter_tuning_job, **name) == "ResourceNotFound"


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("--speed=0", "write a number above 0"),
        ("--web.listen-address=8080", "is not a listen address"),
        ("--seed=many", "invalid int value"),
        ("--speed=nan", "write a number above 0"),
        ("--fault=throttle", "'throttle' is not a kind of fault: write one of throttled, server-error,"),
        ("--fault=throttled:50", "'50' is not a rate: write a number above 0 up to 1"),
        ("--fault=throttled@List", "'List' is not a simulated operation: write one of Describe"),
        ("--list-lag=-1", "write a number of 0 or more"),
        ("--stopping=inf", "write a number of 0 or more"),
        ("--old-jobs=0.5", "write a number from 0 to 99999"),
        ("--search-requests-per-second=0", "write a number above 0"),
    ],
)
def test_refuses_what_makes_no_sense(capsys, option, complaint):
    with pytest.raises(SystemExit) as refused:
        simulate.run([option])
    assert refused.value.code == 2
    assert complaint in capsys.readouterr().err


def test_says_that_an_address_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with Child([*SIMULATE, f"--web.listen-address={address}"], log=tmp_path / "log") as child:
            assert child.wait() == 1
            assert (
                f"cannot listen on {address}: address already in use: choose another one with --web.listen-address"
                in child.output()
            )
