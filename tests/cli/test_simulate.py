"""The simulator as a program of its own."""

from __future__ import annotations

import re
import signal
import socket
import sys

import boto3
import pytest
from botocore.config import Config
from support.processes import Child

from exporter.config import parse
from exporter.simulator.scenario import SCENARIOS

SIMULATE = [sys.executable, "-m", "exporter", "simulate"]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_serves_a_fleet_and_prints_the_configuration_for_it(tmp_path, end):
    with Child([*SIMULATE, "--listen-address=127.0.0.1:0", "--seed=7"], log=tmp_path / "log") as child:
        child.wait_until(lambda: child.output().count("scenario:") >= len(SCENARIOS), timeout=30)
        settings = parse(child.output(), "printed")
        listed = {(target.key.region, job.name) for target in settings.targets for job in target.jobs}
        url = re.search(r"endpoint: (\S+)", child.output()).group(1)
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
        assert child.wait(5) == 0
        assert "Traceback" not in child.output()


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("--speed=0", "write a number above 0"),
        ("--listen-address=8080", "is not a listen address"),
        ("--seed=many", "invalid int value"),
    ],
)
def test_refuses_what_makes_no_sense(tmp_path, option, complaint):
    with Child([*SIMULATE, option], log=tmp_path / "log") as child:
        assert child.wait() == 2
        assert complaint in child.output()


def test_says_that_an_address_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with Child([*SIMULATE, f"--listen-address={address}"], log=tmp_path / "log") as child:
            assert child.wait() == 1
            assert f"cannot listen on {address}: Address already in use" in child.output()
