"""AWS tags all the way: from a simulated SageMaker through the AWS SDK to the text of a scrape."""

from __future__ import annotations

import re

import pytest
from support.daemons import daemons
from support.processes import wait_until

from exporter.clock import SystemClock
from exporter.config import parse
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator


@pytest.fixture
def simulator():
    simulator = Simulator(SystemClock())
    tags = {"team": "search", "cost-center": "4711", "owner": "nobody's business"}
    simulator.create("healthy", "Churn-V3", region="us-east-1", tags=tags)
    simulator.create("healthy", "plain", region="us-east-1")
    return simulator


@pytest.fixture
def endpoint(simulator):
    with Server(simulator) as server:
        yield server.url


@pytest.fixture
def start(endpoint):
    """Return a function that starts a daemon and returns a client of it."""
    with daemons() as run:

        def start(more):
            text = (
                f"aws: {{region: us-east-1, endpoint_url: '{endpoint}', sign_requests: false, requests_per_second: 50}}\n"
                f"tuning_jobs: [Churn-V3, plain]\ninterval: 1s\ndescribe_max_age: 0s\n{more}"
            )
            return run(parse(text, "test.yaml"))

        yield start


def labels(client):
    """Return the tag labels of each tuning job as scraped."""
    lines = re.findall(r"^sagemaker_tuning_job_labels\{(.*)\} 1$", client.get("/metrics").text, re.MULTILINE)
    pairs = [dict(re.findall(r'(\w+)="([^"]*)"', line)) for line in lines]
    return {pair["tuning_job"]: {key: pair[key] for key in pair if key.startswith("tag_")} for pair in pairs}


def up(client):
    """Return the values of the family up, as scraped."""
    return re.findall(r"^sagemaker_tuning_job_up\{.*\} (.*)$", client.get("/metrics").text, re.MULTILINE)


def own(client, name):
    """Return the sum over an own metric's series about ListTags."""
    text = client.get("/metrics").text
    found = re.findall(
        rf'^sagemaker_tuning_exporter_{name}\{{.*operation="(?:ListTags|Search)".*\}} (.*)$', text, re.MULTILINE
    )
    return sum(map(float, found))


def test_tags_become_labels(start, simulator):
    client = start("tag_labels: [cost-center, team, env]\n")
    wait_until(lambda: labels(client).get("Churn-V3") and len(up(client)) == 2, what="the tags")
    assert labels(client) == {"Churn-V3": {"tag_cost_center": "4711", "tag_team": "search"}, "plain": {}}
    asked = ("ListTags", "Search")
    wait_until(
        lambda: own(client, "api_requests_total") == sum(simulator.requests[each, "us-east-1"] for each in asked),
        what="the last call to be counted",
    )
    assert 1 <= own(client, "api_requests_total") <= 2
    assert own(client, "api_errors_total") == 0


def test_a_permission_that_is_missing_touches_nothing_else(start, simulator):
    for operation in ("ListTags", "Search"):
        simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation=operation))
    client = start("tag_labels: [team]\n")
    wait_until(lambda: own(client, "api_errors_total") >= 2, what="the refusals")
    described = simulator.requests["DescribeHyperParameterTuningJob", "us-east-1"]
    wait_until(
        lambda: simulator.requests["DescribeHyperParameterTuningJob", "us-east-1"] >= described + 4, what="two rounds"
    )
    wait_until(lambda: len(up(client)) == 2, what="both tuning jobs in a scrape")
    assert up(client) == ["1", "1"]
    assert "sagemaker_tuning_job_error_info{" not in client.get("/metrics").text
    assert labels(client) == {"Churn-V3": {}, "plain": {}}
    assert 1 <= simulator.requests["ListTags", "us-east-1"] <= 2


def test_without_a_list_no_tags_are_asked_for(start, simulator):
    client = start("")
    wait_until(lambda: simulator.requests["DescribeHyperParameterTuningJob", "us-east-1"] >= 4, what="two rounds")
    wait_until(lambda: len(up(client)) == 2, what="both tuning jobs in a scrape")
    assert labels(client) == {"Churn-V3": {}, "plain": {}}
    assert simulator.requests["ListTags", "us-east-1"] == 0
    assert "ListTags" not in client.get("/metrics").text
