"""Quotas all the way: from a simulated Service Quotas through the AWS SDK to the text of a scrape."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import yaml
from support.daemons import daemons
from support.processes import wait_until

from exporter.clock import SystemClock
from exporter.config import parse
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.quotas import NAMES
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    class Start(Protocol):
        def __call__(self, entries: list[dict[str, Any]], collect: tuple[str, ...] = ...) -> httpx.Client: ...


REGION, ACCOUNT, OTHER = "us-east-1", "123456789012", "210987654321"
OPERATION = "ListServiceQuotas"
PAGES = -(-len(NAMES) // 100)
ROLES = {account: f"arn:aws:iam::{account}:role/metrics" for account in (ACCOUNT, OTHER)}
TYPE = "ml.m5.xlarge"


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Simulator:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "simulated")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "simulated")
    simulator = Simulator(SystemClock())
    simulator.roles |= dict.fromkeys(ROLES.values())
    for account in ROLES:
        simulator.create("healthy", "churn", region=REGION, account_id=account)
        simulator.create("healthy", "ranker", region=REGION, account_id=account)
    simulator.quotas.set(ACCOUNT, REGION, f"{TYPE} for spot training job usage", 4.0)
    simulator.quotas.set(OTHER, REGION, f"{TYPE} for spot training job usage", 7.0)
    return simulator


@pytest.fixture
def start(simulator: Simulator) -> Iterator[Start]:
    """Return a function that starts a daemon which watches entries, and returns a client of it."""
    with Server(simulator) as server, daemons() as run:

        def start(entries: list[dict[str, Any]], collect: tuple[str, ...] = ("quotas",)) -> httpx.Client:
            urls = dict.fromkeys(("endpoint_url", "sts_endpoint_url", "quotas_endpoint_url"), server.url)
            document = {
                "interval": "1s",
                "describe_max_age": "0s",
                "collect": list(collect),
                "aws": {"region": REGION, "requests_per_second": 50, **urls},
                "tuning_jobs": entries,
            }
            return run(parse(yaml.safe_dump(document), "test.yaml"))

        yield start


def samples(client: httpx.Client, name: str) -> list[tuple[dict[str, str], float]]:
    lines = re.findall(rf"^sagemaker_tuning_{name}\{{(.*)\}} (.*)$", client.get("/metrics").text, re.MULTILINE)
    return [(dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value)) for labels, value in lines]


def spot(client: httpx.Client) -> list[tuple[str, float]]:
    """Return the accounts and quotas of one type on spot, each series once more if it comes twice."""
    found = samples(client, "exporter_quota_training_instances")
    return [(labels["aws_account_id"], most) for labels, most in found if labels["spot"] == "true"]


def requests(client: httpx.Client) -> float:
    found = samples(client, "exporter_api_requests_total")
    return sum(count for labels, count in found if labels["operation"] == OPERATION)


def test_two_targets_in_one_account_show_its_quotas_once(start: Start, simulator: Simulator) -> None:
    client = start([{"name": "churn"}, {"name": "ranker", "role_arn": ROLES[ACCOUNT]}])
    wait_until(lambda: requests(client) == 2 * PAGES and spot(client), what="both targets' pages")
    assert len(samples(client, "exporter_target_info")) == 2
    assert spot(client) == [(ACCOUNT, 4.0)]
    assert simulator.requests[OPERATION, REGION] == 2 * PAGES
    shown = {labels["instance_type"] for labels, _ in samples(client, "exporter_quota_training_instances")}
    assert shown == {TYPE}
    assert samples(client, "exporter_quota_tuning_jobs") == [], "AWS did not list it"


def test_each_account_has_its_own(start: Start) -> None:
    client = start([{"name": "churn"}, {"name": "ranker", "role_arn": ROLES[OTHER]}])
    wait_until(lambda: len(spot(client)) == 2, what="both accounts' quotas")
    assert sorted(spot(client)) == [(ACCOUNT, 4.0), (OTHER, 7.0)]


def test_an_account_that_denies_has_none_and_hides_nothing(start: Start, simulator: Simulator) -> None:
    simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation=OPERATION, account_id=OTHER))
    client = start([{"name": "churn"}, {"name": "ranker", "role_arn": ROLES[OTHER]}])
    wait_until(
        lambda: spot(client) and samples(client, "exporter_target_error_info"), what="one answer and one refusal"
    )
    [(error, _)] = samples(client, "exporter_target_error_info")
    assert (error["aws_account_id"], error["operation"], error["code"]) == (OTHER, OPERATION, "access_denied")
    described = simulator.requests["DescribeHyperParameterTuningJob", REGION]
    wait_until(
        lambda: simulator.requests["DescribeHyperParameterTuningJob", REGION] >= described + 4, what="two more rounds"
    )
    assert [value for _, value in samples(client, "job_up")] == [1.0, 1.0]
    assert spot(client) == [(ACCOUNT, 4.0)]
    assert requests(client) == PAGES + 1, "a refusal is not tried again at once"


def test_without_the_opt_in_nobody_asks(start: Start, simulator: Simulator) -> None:
    client = start([{"name": "churn"}], collect=())
    wait_until(lambda: simulator.requests["DescribeHyperParameterTuningJob", REGION] >= 3, what="some rounds")
    assert simulator.requests[OPERATION, REGION] == 0
    text = client.get("/metrics").text
    assert "quota" not in text
    assert OPERATION not in text
