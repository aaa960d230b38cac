"""Discovery all the way: accounts and regions of a simulated AWS, the AWS SDK, and the text of scrapes."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from functools import partial

import pytest
from support.daemons import daemons
from support.processes import wait_until

from exporter.clock import SystemClock
from exporter.config import parse
from exporter.config.shard import Shard
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

ACCOUNTS = ("111111111111", "222222222222", "333333333333")
DENIED = "444444444444"
REGIONS = ("eu-west-1", "us-east-1")


def role(account):
    return f"arn:aws:iam::{account}:role/tuning-metrics"


@pytest.fixture
def simulator():
    simulator = Simulator(SystemClock())
    for account in ACCOUNTS:
        simulator.roles[role(account)] = f"for-{account}"
        for region in REGIONS:
            create = partial(simulator.create, region=region, account_id=account)
            for i in range(3):
                tags = {"env": "prod" if i < 2 else "dev"}
                create("stuck", f"search-{i}", created=time.time() - 99 - i, tags=tags)
            create("failed-at-once", "search-ended", created=time.time() - 3600, tags={"env": "prod"})
            create("stuck", "other", created=time.time() - 50)
    return simulator


@pytest.fixture
def configuration(simulator):
    with Server(simulator) as server:
        rules = [
            {
                "region": region,
                "role_arn": role(account),
                "external_id": f"for-{account}",
                "name_contains": "search-",
                "tags": {"env": "prod"},
                "tag_labels": ["env"],
                "labels": {"team": f"team-{account[0]}"},
            }
            for account in (*ACCOUNTS, DENIED)
            for region in REGIONS
        ]
        yield {
            "interval": "1s",
            "aws": {"endpoint_url": server.url, "sts_endpoint_url": server.url, "requests_per_second": 50},
            "discover": rules,
        }


@pytest.fixture
def start(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXPORTER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with daemons() as run:
        yield lambda configuration, shard=Shard(): run(shard.part(parse(json.dumps(configuration), "test.yaml")))  # noqa: B008 - immutable


def series(client, name):
    """Return the labels of a family's series, their value among them."""
    text = client.get("/metrics").text
    lines = re.findall(rf"^{name}\{{(.*)\}} (.*)$", text, re.MULTILINE)
    return [dict(re.findall(r'(\w+)="([^"]*)"', labels)) | {"value": value} for labels, value in lines]


def up(client):
    return sorted(
        (each["aws_account_id"], each["aws_region"], each["tuning_job"])
        for each in series(client, "sagemaker_tuning_job_up")
        if each["value"] == "1"
    )


WANTED = sorted(
    (account, region, name)
    for account in ACCOUNTS
    for region in REGIONS
    for name in ("search-0", "search-1", "search-ended")
)


def test_each_account_and_region_is_searched_and_a_denied_one_shows_itself(start, configuration):
    client = start(configuration)
    wait_until(lambda: up(client) == WANTED, what="all that the rules want")
    labels = {
        (each["aws_account_id"], each["label_team"], each["tag_env"])
        for each in series(client, "sagemaker_tuning_job_labels")
    }
    assert labels == {(account, f"team-{account[0]}", "prod") for account in ACCOUNTS}

    def errors():
        return series(client, "sagemaker_tuning_exporter_target_error_info")

    denied = ("ListHyperParameterTuningJobs", "assume_role_denied")
    wait_until(lambda: denied in {(each["operation"], each["code"]) for each in errors()}, what="the denied account")
    assert all(DENIED in each["target"] or "444444" in each["target"] for each in errors())
    wait_until(
        lambda: (
            [each["value"] for each in series(client, "sagemaker_tuning_exporter_untracked_running_jobs")]
            == ["2.0"] * 6
        ),
        what="two running jobs of each that no rule wants: one by its name, one by its tag",
    )


def test_accounts_and_regions_are_multiplied_out_with_the_names_of_the_accounts(start, configuration, simulator):
    for account in ACCOUNTS:
        simulator.roles[role(account)] = "shared"
    configuration["aws"] |= {"regions": [*REGIONS], "accounts": [*ACCOUNTS, DENIED], "role_name": "tuning-metrics"}
    configuration["aws"]["external_id"] = "shared"
    configuration["account_names"] = {ACCOUNTS[0]: "research", DENIED: "closed"}
    configuration["discover"] = [{"name_contains": "search-", "tags": {"env": ["prod"]}}]
    client = start(configuration)
    wait_until(lambda: up(client) == WANTED, what="all that the rule wants, though one account denies")
    names = {
        (each["aws_account_id"], each.get("aws_account_name")) for each in series(client, "sagemaker_tuning_job_labels")
    }
    assert names == {(ACCOUNTS[0], "research"), (ACCOUNTS[1], None), (ACCOUNTS[2], None)}
    targets = {each["target"] for each in series(client, "sagemaker_tuning_exporter_target_info")}
    assert targets == {f"{region}/{account}/tuning-metrics" for account in (*ACCOUNTS, DENIED) for region in REGIONS}


def test_jobs_that_appear_and_go_are_seen_within_rounds(start, configuration, simulator):
    client = start(configuration)
    wait_until(lambda: up(client) == WANTED, what="all that the rules want")
    place = {"region": REGIONS[1], "account_id": ACCOUNTS[2]}
    simulator.create("healthy", "search-new", tags={"env": "prod"}, **place)
    wait_until(lambda: (ACCOUNTS[2], REGIONS[1], "search-new") in up(client), what="the new job")
    simulator.delete("search-new", **place)
    wait_until(lambda: "search-new" not in client.get("/metrics").text, what="its end")
    assert up(client) == WANTED


def test_shards_watch_each_job_once_and_ask_nothing_twice(start, configuration, simulator):
    clients = [start(configuration, Shard(index, 3)) for index in range(3)]
    wait_until(lambda: sorted(job for client in clients for job in up(client)) == WANTED, what="all jobs, once")
    targets = Counter(
        each["target"] for client in clients for each in series(client, "sagemaker_tuning_exporter_target_info")
    )
    assert len(targets) == 8
    assert set(targets.values()) == {1}


def test_unchanged_jobs_cost_no_describes_over_http_either(start, configuration, simulator):
    [*account, _] = configuration["discover"][:2]
    configuration["discover"] = [account[0] | {"tags": {}}]
    client = start(configuration)
    wait_until(lambda: len(up(client)) == 4, what="the jobs of one account")
    listed = simulator.requests["ListHyperParameterTuningJobs", REGIONS[0]]
    wait_until(lambda: simulator.requests["ListHyperParameterTuningJobs", REGIONS[0]] >= listed + 6, what="rounds")
    described = simulator.requests["DescribeHyperParameterTuningJob", REGIONS[0]]
    assert described <= 3 * 2 + 4, "three running jobs at most twice, a finished one four times"
    assert len(up(client)) == 4
