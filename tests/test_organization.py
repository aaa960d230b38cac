"""Accounts of an organization all the way: Organizations and STS of a simulated AWS, the AWS SDK, and the text of scrapes."""

from __future__ import annotations

import json
import math
import re
import threading
import time

import pytest
from support.processes import PATIENCE, wait_until
from support.web import client as client_of

from exporter.clock import SystemClock
from exporter.config import parse
from exporter.daemon import Daemon
from exporter.fleet import organizations
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator
from exporter.web.listen import open_socket, parse_address

ACCOUNTS = tuple(f"{number:012}" for number in range(1, 31))  # two pages
REGIONS = ("eu-west-1", "us-east-1")
NEW, DENIED = "999999999999", ACCOUNTS[3]
UNIT, BELOW = "ou-ab12-11111111", "ou-ab12-22222222"


def role(account):
    return f"arn:aws:iam::{account}:role/tuning-metrics"


def join(simulator, account, name, **where):
    simulator.organization.join(account, name, **where)
    if account != DENIED:
        simulator.roles[role(account)] = "shared"
    for region in REGIONS:
        simulator.create("stuck", "search", region=region, account_id=account, created=time.time() - 99)


@pytest.fixture
def simulator():
    simulator = Simulator(SystemClock())
    simulator.organization.add_unit(UNIT)
    simulator.organization.add_unit(BELOW, parent=UNIT)
    for account in ACCOUNTS[:2]:
        join(simulator, account, f"team-{account[-2:]}", parent=UNIT)
    join(simulator, ACCOUNTS[2], "team-03", parent=BELOW)
    for account in ACCOUNTS[3:]:
        join(simulator, account, f"team-{account[-2:]}")
    return simulator


@pytest.fixture
def start(simulator, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXPORTER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(organizations, "PERIOD", 0.2)
    monkeypatch.setattr(organizations, "RETRY", 0.1)
    running = []
    with Server(simulator) as server:

        def start(organization, aws=None, edit=str, **more):
            text = json.dumps(
                {
                    "interval": "1s",
                    "aws": {
                        "endpoint_url": server.url,
                        "sts_endpoint_url": server.url,
                        "requests_per_second": 20,
                        "regions": REGIONS,
                        "role_name": "tuning-metrics",
                        "external_id": "shared",
                        "organization": {"endpoint_url": server.url, **organization},
                        **(aws or {}),
                    },
                    "discover": [{"name_contains": "search"}],
                    **more,
                }
            )
            settings = parse(text, "test.yaml")
            listener = open_socket(parse_address("127.0.0.1:0"))
            daemon = Daemon(lambda: parse(edit(text), "test.yaml"), settings, [listener], SystemClock())
            host, port = listener.getsockname()
            client = client_of(f"http://{host}:{port}")
            daemon.start()
            thread = threading.Thread(target=daemon.run)
            thread.start()
            running.append((daemon, client, thread))
            return client, daemon

        yield start
        for daemon, client, thread in running:
            client.close()
            daemon.request_stop()
            thread.join()


def watched(client):
    """Return account and region of each tuning job that is described, with what its account is called."""
    lines = re.findall(r"^sagemaker_tuning_job_(up|labels)\{(.*)\} 1$", client.get("/metrics").text, re.MULTILINE)
    pairs = [(family, dict(re.findall(r'(\w+)="([^"]*)"', labels))) for family, labels in lines]
    up = {(each["aws_account_id"], each["aws_region"]) for family, each in pairs if family == "up"}
    names = {each["aws_account_id"]: each.get("aws_account_name") for family, each in pairs if family == "labels"}
    return up, names


def places(*accounts):
    return {(account, region) for account in accounts for region in REGIONS}


def own(client, name):
    found = re.search(
        rf"^sagemaker_tuning_exporter_{name}\{{.*organization=.*\}} (.*)$", client.get("/metrics").text, re.MULTILINE
    )
    return None if found is None else float(found[1])


@pytest.mark.long
def test_accounts_that_join_and_leave_are_followed_without_a_reload(start, simulator):
    client, daemon = start({"exclude_accounts": [ACCOUNTS[5]]}, account_names={ACCOUNTS[0]: "mine"})
    expected = {*ACCOUNTS} - {DENIED, ACCOUNTS[5]}
    wait_until(lambda: watched(client)[0] == places(*expected), what="all accounts but the one that denies")
    loaded = client.get("/api/v1/config").json()["applied"]
    names = watched(client)[1]
    calls = r'^sagemaker_tuning_exporter_api_requests_total\{.*operation="ListAccounts",target="organization"\} (.*)$'
    assert float(re.findall(calls, client.get("/metrics").text, re.MULTILINE)[0]) >= 2, "two pages"
    assert (names[ACCOUNTS[0]], names[ACCOUNTS[1]], names[ACCOUNTS[-1]]) == ("mine", "team-02", "team-30")
    assert own(client, "organization_accounts") == 30
    join(simulator, NEW, "brand new")
    simulator.organization.close(ACCOUNTS[6])
    simulator.organization.leave(ACCOUNTS[7])
    expected = expected - {ACCOUNTS[6], ACCOUNTS[7]} | {NEW}
    wait_until(lambda: watched(client)[0] == places(*expected), what="one that joined, without two that left")
    assert watched(client)[1][NEW] == "brand new"
    assert client.get("/api/v1/config").json()["applied"] == loaded, "nothing was loaded"
    denied = f'target="eu-west-1/{DENIED}/tuning-metrics"'
    wait_until(lambda: denied in client.get("/metrics").text, what="the account that denies")
    daemon.request_reload("test").result(30)
    assert watched(client)[0] == places(*expected), "a reload keeps the accounts that are known"


@pytest.mark.long
def test_units_are_read_with_those_below_and_refusals_keep_what_is_known(start, simulator):
    client, _ = start({"include_ous": [UNIT]})
    wait_until(lambda: watched(client)[0] == places(*ACCOUNTS[:3]), what="the accounts of the unit and of that below")
    assert simulator.requests["ListAccounts", "us-east-1"] == 0
    fault = simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation="ListAccountsForParent"))
    wait_until(lambda: own(client, "organization_errors_total"), what="a refusal")
    assert watched(client)[0] == places(*ACCOUNTS[:3])
    assert own(client, "organization_accounts") == 3
    simulator.faults.remove(fault)
    join(simulator, NEW, "new", parent=BELOW)
    wait_until(lambda: (NEW, REGIONS[0]) in watched(client)[0], what="an account that joined a unit below")


def test_it_is_ready_once_the_accounts_are_read_and_each_was_tried(start, simulator, monkeypatch):
    monkeypatch.setattr("exporter.site._READY_ANYWAY_SECONDS", math.inf)
    listed, answers = threading.Event(), threading.Event()
    handle = simulator.handle

    def late(request):
        if request.operation == "ListAccounts":
            listed.wait(PATIENCE)
        elif request.service == "sagemaker" and request.region == REGIONS[1]:
            answers.wait(PATIENCE)
        return handle(request)

    monkeypatch.setattr(simulator, "handle", late)
    client, _ = start({"exclude_accounts": ACCOUNTS[1:]}, aws={"read_timeout": "60s"})
    seen = set()

    def waits(*names):
        answer = client.get("/-/ready")
        seen.add(answer.status_code)
        return answer.text == f"waiting for a first answer: {', '.join(names)}\n"

    wait_until(lambda: waits("organization"), what="the organization")
    listed.set()
    wait_until(lambda: waits(f"{REGIONS[1]}/{ACCOUNTS[0]}/tuning-metrics"), what="one of two regions")
    assert seen == {503}
    wait_until(lambda: watched(client)[0] == {(ACCOUNTS[0], REGIONS[0])}, what="the other region")
    answers.set()
    wait_until(lambda: client.get("/-/ready").status_code == 200, what="readiness")


def test_an_organization_that_denies_from_the_start_hides_nothing_else(start, simulator):
    simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation="ListAccounts"))
    simulator.roles[role(NEW)] = "shared"
    simulator.create("stuck", "alone", region=REGIONS[0], account_id=NEW)
    client, _ = start({}, tuning_jobs=[{"name": "alone", "region": REGIONS[0], "role_arn": role(NEW)}])
    wait_until(lambda: own(client, "organization_errors_total"), what="refusals")
    wait_until(lambda: watched(client)[0] == {(NEW, REGIONS[0])}, what="the listed job")
    wait_until(lambda: client.get("/-/ready").text == "ready\n", what="readiness, though nothing was read")
    assert own(client, "organization_accounts") is None
    assert own(client, "organization_last_success_timestamp_seconds") is None


def test_a_reload_in_which_the_organization_is_read_in_another_way_loses_nothing(start, simulator):
    def edit(text):
        document = json.loads(text)
        document["aws"] |= {"regions": ["ap-south-1", *REGIONS], "read_timeout": "14s"}
        return json.dumps(document)

    client, daemon = start({"exclude_accounts": ACCOUNTS[3:]}, edit=edit)
    wait_until(lambda: watched(client)[0] == places(*ACCOUNTS[:3]), what="three accounts")
    counted = (
        r'^sagemaker_tuning_exporter_api_requests_total\{.*operation="Describe.*target="us-east-1/000000000001.* (.*)$'
    )
    before = float(re.findall(counted, client.get("/metrics").text, re.MULTILINE)[0])
    simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation="ListAccounts"))
    daemon.request_reload("test").result(30)
    wait_until(lambda: own(client, "organization_errors_total"), what="a refusal")
    assert watched(client)[0] == places(*ACCOUNTS[:3])
    assert own(client, "organization_accounts") == 30
    assert float(re.findall(counted, client.get("/metrics").text, re.MULTILINE)[0]) >= before
    wait_until(lambda: client.get("/-/ready").text == "ready\n", what="the new region too")
    assert "ap-south-1/000000000001/tuning-metrics" in client.get("/metrics").text
