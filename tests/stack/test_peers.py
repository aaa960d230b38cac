"""Foreign ends: the real AWS command line reads the simulator, and the exporter reads moto's server."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import boto3
import pytest
from support.peers import AwsCliError, MotoServer, aws_cli
from support.processes import wait_until
from support.stack import JOBS, MISSING, Moment, Stack
from support.web import get

from exporter.clock import SystemClock
from exporter.config import parse
from exporter.daemon import Daemon
from exporter.web.listen import open_socket, parse_address

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.stack
@pytest.mark.xdist_group("stack")
class TestAwsCli:
    def test_describes_a_job_as_the_simulator_does(self, stack: Stack, moments: dict[str, Moment]) -> None:
        job = JOBS[0]
        seen = aws_cli(
            "sagemaker",
            "describe-hyper-parameter-tuning-job",
            f"--hyper-parameter-tuning-job-name={job.name}",
            endpoint_url=stack.server.url,
            region=job.region,
        )
        truth = stack.simulator.describe(job.name, region=job.region)
        assert seen.keys() == truth.keys()
        for member in ("HyperParameterTuningJobArn", "TrainingJobStatusCounters", "ConsumedResources"):
            assert seen[member] == truth[member]
        assert json.dumps(seen["HyperParameterTuningJobConfig"], sort_keys=True) == json.dumps(
            truth["HyperParameterTuningJobConfig"], sort_keys=True
        )

    def test_lists_all_pages(self, stack: Stack, moments: dict[str, Moment]) -> None:
        region = JOBS[1].region
        seen = aws_cli(
            "sagemaker",
            "list-hyper-parameter-tuning-jobs",
            "--page-size=3",
            endpoint_url=stack.server.url,
            region=region,
        )
        names = {summary["HyperParameterTuningJobName"] for summary in seen["HyperParameterTuningJobSummaries"]}
        here = {job.name for job in JOBS if job.region == region}
        gone = {job.name for job in JOBS if [*moments.values()][-1].answers[job.name] is None}
        assert names == here - gone

    def test_is_told_of_a_missing_job(self, stack: Stack, moments: dict[str, Moment]) -> None:
        with pytest.raises(AwsCliError, match="ResourceNotFound"):
            aws_cli(
                "sagemaker",
                "describe-hyper-parameter-tuning-job",
                f"--hyper-parameter-tuning-job-name={MISSING}",
                endpoint_url=stack.server.url,
            )


@pytest.fixture
def text_from_moto(moto: MotoServer) -> Iterator[str]:
    """Return what the exporter serves of one job that moto holds and one that it does not."""
    client = boto3.client("sagemaker", endpoint_url=moto.url, region_name="us-east-1")
    client.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="moto-search",
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 7, "MaxParallelTrainingJobs": 2},
        },
    )
    client.close()
    text = (
        f"aws: {{region: us-east-1, endpoint_url: '{moto.url}', sts_endpoint_url: '{moto.url}'}}\n"
        "tuning_jobs: [moto-search, moto-nowhere]\n"
    )
    listener = open_socket(parse_address("127.0.0.1:0"))
    daemon = Daemon(lambda: parse(text, "moto.yaml"), parse(text, "moto.yaml"), [listener], SystemClock())
    url = "http://{}:{}/metrics".format(*listener.getsockname())
    daemon.start()
    try:
        yield wait_until(
            lambda: (page := get(url).text).count("sagemaker_tuning_job_up{") == 2 and page,
            what="both jobs",
        )
    finally:
        daemon.stop()


@pytest.mark.xdist_group("moto")
def test_the_exporter_reads_a_foreign_endpoint(text_from_moto: str) -> None:
    def value(family: str, **labels: str) -> float | None:
        wanted = {"tuning_job": "moto-search", "aws_account_id": "123456789012", **labels}
        for line in text_from_moto.splitlines():
            if re.match(rf"sagemaker_tuning_job_{family}\{{", line) and all(
                f'{k}="{v}"' in line for k, v in wanted.items()
            ):
                return float(line.rsplit(" ", 1)[1])
        return None

    assert value("up") == 1
    assert value("status", status="Completed") == 1
    assert value("info", strategy="Random", objective_metric="loss", objective_type="Minimize") == 1
    assert value("max_training_jobs") == 7
    assert value("max_parallel_training_jobs") == 2
    # moto says the same of every job: the value and direction of its best training job are its own, not the config's.
    assert value("best_objective_value", objective_type="Maximize") is not None
    assert value("runtime_seconds") is not None
    assert value("up", tuning_job="moto-nowhere") == 0
    assert value("error_info", tuning_job="moto-nowhere", code="not_found") == 1
