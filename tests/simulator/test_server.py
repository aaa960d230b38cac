"""What boto3 and bare HTTP clients get over the wire."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError
from support.clock import ManualClock
from support.processes import PATIENCE

from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

NOW = 1_764_000_000.25
OTHER_ACCOUNT = "210987654321"

MakeClient = Callable[..., Any]


@pytest.fixture
def server(simulator) -> Iterator[Server]:
    with Server(simulator) as server:
        yield server


@pytest.fixture(scope="module")
def session():
    return boto3.Session()


@pytest.fixture
def client(server, session) -> Iterator[MakeClient]:
    """Return a function that makes a client of the server; all are closed afterwards."""
    made = []

    def make(service="sagemaker", *, region="us-east-1", key="AKIDANY", signed=True, token=None, url=None):
        config = Config(
            proxies={},
            retries={"total_max_attempts": 1},
            connect_timeout=PATIENCE,
            read_timeout=PATIENCE,
            signature_version=None if signed else UNSIGNED,
        )
        made.append(
            session.client(
                service,
                region_name=region,
                endpoint_url=url or server.url,
                aws_access_key_id=key,
                aws_secret_access_key="secret",
                aws_session_token=token,
                config=config,
            )
        )
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def post(server) -> Iterator[Callable[..., tuple[http.client.HTTPResponse, bytes]]]:
    """Return a function that posts raw requests over one kept-alive connection."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=PATIENCE)

    def send(body, *, target="SageMaker.DescribeHyperParameterTuningJob", **headers):
        given = {"Content-Type": "application/x-amz-json-1.1", **({"X-Amz-Target": target} if target else {})}
        connection.request("POST", "/", body, given | headers)
        response = connection.getresponse()
        return response, response.read()

    yield send
    connection.close()


def wire_form(answer):
    """Turn what boto3 parsed back into the form of the wire."""
    if isinstance(answer, dict):
        return {key: wire_form(value) for key, value in answer.items() if key != "ResponseMetadata"}
    if isinstance(answer, list):
        return [wire_form(item) for item in answer]
    return answer.timestamp() if isinstance(answer, datetime) else answer


def error_of(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    response = refused.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_boto3_reads_every_scenario_as_it_is_in_process(simulator, clock, client):
    for i, scenario in enumerate(SCENARIOS):
        simulator.create(scenario, f"job-{i}", created=NOW - 7500)
    sagemaker = client()
    for i, _ in enumerate(SCENARIOS):
        parsed = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=f"job-{i}")
        assert wire_form(parsed) == simulator.describe(f"job-{i}")


def test_boto3_reads_training_jobs_as_they_are_in_process(simulator, clock, client):
    simulator.list_lag = 0.0
    simulator.create("several-definitions", "churn", created=NOW - 7500)
    sagemaker = client()
    pages = sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    found = [
        summary
        for page in pages.paginate(HyperParameterTuningJobName="churn", PaginationConfig={"PageSize": 7})
        for summary in page["TrainingJobSummaries"]
    ]
    assert len(found) > 14
    assert wire_form(found) == simulator.list_training_jobs("churn", MaxResults=100)["TrainingJobSummaries"]
    names = [summary["TrainingJobName"] for summary in found]
    described = sagemaker.describe_training_job(TrainingJobName=names[0])
    assert wire_form(described) == simulator.describe_training_job(names[0])
    expression = {"Filters": [{"Name": "TrainingJobName", "Operator": "In", "Value": ",".join(names)}]}
    answer = sagemaker.search(Resource="TrainingJob", SearchExpression=expression, MaxResults=100)
    records = {result["TrainingJob"]["TrainingJobName"]: result["TrainingJob"] for result in answer["Results"]}
    assert records.keys() == set(names)
    assert wire_form(records[names[0]]) == wire_form(described)
    for call, arguments, code in (
        (sagemaker.describe_training_job, {"TrainingJobName": "churn-001"}, "ValidationException"),
        (
            sagemaker.list_training_jobs_for_hyper_parameter_tuning_job,
            {"HyperParameterTuningJobName": "other"},
            "ResourceNotFound",
        ),
    ):
        assert error_of(call, **arguments) == (code, 400)


def test_boto3_pages_and_filters(simulator, clock, client):
    simulator.list_lag = 0.0
    for i in range(23):
        simulator.create("stopped" if i % 2 else "failed-at-once", f"job-{i:02d}", created=NOW - 100 * i)
    pages = client().get_paginator("list_hyper_parameter_tuning_jobs")
    everything = [
        summary
        for page in pages.paginate(SortBy="CreationTime", SortOrder="Ascending", PaginationConfig={"PageSize": 7})
        for summary in page["HyperParameterTuningJobSummaries"]
    ]
    assert [summary["HyperParameterTuningJobName"] for summary in everything] == [
        f"job-{i:02d}" for i in reversed(range(23))
    ]
    assert (
        wire_form(everything)
        == simulator.list(SortBy="CreationTime", MaxResults=100)["HyperParameterTuningJobSummaries"]
    )

    def moment(seconds):
        return datetime.fromtimestamp(int(NOW) - seconds, UTC)

    found = client().list_hyper_parameter_tuning_jobs(
        NameContains="job-",
        StatusEquals="InProgress",
        CreationTimeAfter=moment(1050),
        CreationTimeBefore=moment(250),
        LastModifiedTimeAfter=moment(1000),
        LastModifiedTimeBefore=moment(-10),
        SortBy="Name",
        SortOrder="Descending",
    )
    names = [summary["HyperParameterTuningJobName"] for summary in found["HyperParameterTuningJobSummaries"]]
    assert names == ["job-09", "job-07", "job-05", "job-03"]
    assert "NextToken" not in found


def test_tags_over_the_wire(simulator, client):
    life = simulator.create("healthy", "churn", tags={"team": "growth"})
    assert client().list_tags(ResourceArn=life.arn)["Tags"] == [{"Key": "team", "Value": "growth"}]


def test_boto3_searches_by_tag_and_time(simulator, clock, client):
    for i in range(23):
        simulator.create("healthy", f"job-{i:02d}", created=NOW - 100 * i, tags={"env": "prod" if i % 2 else "test"})
    simulator.search_lag = 1.0
    clock.advance(60)
    since = datetime.fromtimestamp(NOW - 1950, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    pages = (
        client()
        .get_paginator("search")
        .paginate(
            Resource="HyperParameterTuningJob",
            SearchExpression={
                "Filters": [
                    {"Name": "Tags.env", "Operator": "Equals", "Value": "prod"},
                    {"Name": "CreationTime", "Operator": "GreaterThanOrEqualTo", "Value": since},
                ]
            },
            SortBy="CreationTime",
            PaginationConfig={"PageSize": 4},
        )
    )
    found = [result["HyperParameterTuningJob"] for page in pages for result in page["Results"]]
    assert [job["HyperParameterTuningJobName"] for job in found] == [f"job-{i:02d}" for i in range(1, 20, 2)]
    assert found[0]["Tags"] == [{"Key": "env", "Value": "prod"}]
    assert found[0]["CreationTime"].timestamp() == NOW - 100
    assert simulator.requests["Search", "us-east-1"] == 3


def test_the_signature_decides_region_and_account(simulator, client):
    simulator.add_credentials("AKIDOTHER", OTHER_ACCOUNT)
    lives = [
        simulator.create("healthy", "churn"),
        simulator.create("healthy", "churn", region="eu-west-1"),
        simulator.create("healthy", "churn", account_id=OTHER_ACCOUNT),
    ]
    clients = [client(), client(region="eu-west-1"), client(key="AKIDOTHER")]
    arns = [
        each.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="churn")["HyperParameterTuningJobArn"]
        for each in clients
    ]
    assert arns == [life.arn for life in lives]
    assert simulator.requests == {
        ("DescribeHyperParameterTuningJob", "us-east-1"): 2,
        ("DescribeHyperParameterTuningJob", "eu-west-1"): 1,
    }


def test_unsigned_requests_speak_for_the_default_unless_refused(simulator, client):
    simulator.create("healthy", "churn")
    unsigned = client(signed=False, region="eu-west-1")
    assert unsigned.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="churn")
    simulator.require_signature = True
    call = unsigned.describe_hyper_parameter_tuning_job
    assert error_of(call, HyperParameterTuningJobName="churn") == ("MissingAuthenticationToken", 403)


def test_errors_reach_boto3(simulator, client):
    sagemaker = client()
    describe = sagemaker.describe_hyper_parameter_tuning_job
    assert error_of(describe, HyperParameterTuningJobName="none") == ("ResourceNotFound", 400)
    assert error_of(describe, HyperParameterTuningJobName="n" * 33) == ("ValidationException", 400)
    assert error_of(sagemaker.list_hyper_parameter_tuning_jobs, SortBy="Age") == ("ValidationException", 400)
    assert error_of(sagemaker.list_hyper_parameter_tuning_jobs, NextToken="x") == ("ValidationException", 400)
    assert error_of(sagemaker.list_models) == ("UnknownOperationException", 400)
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        describe(HyperParameterTuningJobName="none")
    assert sum(simulator.requests.values()) == 6


def test_the_envelope_of_answers_and_errors(simulator, post):
    simulator.create("healthy", "churn")
    good, body = post(json.dumps({"HyperParameterTuningJobName": "churn"}))
    assert (good.status, good.getheader("Content-Type")) == (200, "application/x-amz-json-1.1")
    assert json.loads(body) == simulator.describe("churn")
    bad, body = post(json.dumps({"HyperParameterTuningJobName": "other"}))
    assert bad.status == 400
    assert bad.getheader("x-amzn-errortype") == "ResourceNotFound"
    assert json.loads(body).keys() == {"__type", "message"}
    assert json.loads(body)["__type"] == "ResourceNotFound"
    assert len(good.getheader("x-amzn-requestid")) == 36
    assert good.getheader("x-amzn-requestid") != bad.getheader("x-amzn-requestid")


@pytest.mark.parametrize(
    ("body", "target", "code"),
    [
        ("{", "SageMaker.DescribeHyperParameterTuningJob", "SerializationException"),
        ("", "SageMaker.DescribeHyperParameterTuningJob", "SerializationException"),
        (b"\xff\xfe\x00", "SageMaker.DescribeHyperParameterTuningJob", "SerializationException"),
        ("[]", "SageMaker.DescribeHyperParameterTuningJob", "SerializationException"),
        ("{}", "SageMaker.DescribeHyperParameterTuningJob", "ValidationException"),
        ("{}", "SageMaker.CreateModel", "UnknownOperationException"),
        ("{}", "DescribeHyperParameterTuningJob", "UnknownOperationException"),
        ("{}", "", "UnknownOperationException"),
    ],
)
def test_odd_requests_are_refused_and_the_connection_lives_on(simulator, post, body, target, code):
    response, answer = post(body, target=target)
    assert (response.status, json.loads(answer)["__type"]) == (400, code)
    simulator.create("healthy", "churn")
    assert post(json.dumps({"HyperParameterTuningJobName": "churn"}))[0].status == 200


def test_an_authorization_of_another_kind_is_no_signature(simulator, post):
    simulator.require_signature = True
    response, answer = post("{}", Authorization="Basic eDp5")
    assert (response.status, json.loads(answer)["__type"]) == (403, "MissingAuthenticationToken")


def test_who_the_caller_is(simulator, client):
    simulator.add_credentials("AKIDOTHER", OTHER_ACCOUNT)
    assert client("sts").get_caller_identity()["Account"] == "123456789012"
    assert client("sts", key="AKIDOTHER").get_caller_identity()["Account"] == OTHER_ACCOUNT
    assert simulator.requests["GetCallerIdentity", "us-east-1"] == 2


def test_an_assumed_role_reaches_the_roles_account_until_it_expires(simulator, clock, client):
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/metrics"
    simulator.roles[role] = "shared secret"
    life = simulator.create("healthy", "churn", account_id=OTHER_ACCOUNT)
    answer = client("sts").assume_role(
        RoleArn=role, RoleSessionName="exporter", ExternalId="shared secret", DurationSeconds=900
    )
    credentials = answer["Credentials"]
    assert credentials["Expiration"].timestamp() == int(NOW) + 900
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{OTHER_ACCOUNT}:assumed-role/metrics/exporter"
    describe = client(
        key=credentials["AccessKeyId"], token=credentials["SessionToken"]
    ).describe_hyper_parameter_tuning_job
    assert describe(HyperParameterTuningJobName="churn")["HyperParameterTuningJobArn"] == life.arn
    clock.advance(900)
    assert error_of(describe, HyperParameterTuningJobName="churn") == ("ExpiredTokenException", 400)


def test_a_web_identity_reaches_its_roles_account_without_a_signature(simulator, client):
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/metrics"
    life = simulator.create("healthy", "churn", account_id=OTHER_ACCOUNT)
    simulator.require_signature = True
    assume = client("sts", signed=False).assume_role_with_web_identity
    call = {"RoleArn": role, "RoleSessionName": "pod", "WebIdentityToken": "a.b.c"}
    assert error_of(assume, **call) == ("InvalidIdentityToken", 400)
    simulator.web_identities["a.b.c"] = role
    answer = assume(**call)
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{OTHER_ACCOUNT}:assumed-role/metrics/pod"
    credentials = answer["Credentials"]
    sagemaker = client(key=credentials["AccessKeyId"], token=credentials["SessionToken"])
    found = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="churn")
    assert found["HyperParameterTuningJobArn"] == life.arn


@pytest.mark.parametrize("token", [None, "another"])
def test_a_key_that_does_not_last_needs_its_session_token(simulator, clock, client, token):
    simulator.add_credentials("ASIAOTHER", OTHER_ACCOUNT, session_token="its own", expires=NOW + 60)
    simulator.create("healthy", "churn", account_id=OTHER_ACCOUNT)
    call = {"HyperParameterTuningJobName": "churn"}
    describe = client(key="ASIAOTHER", token=token).describe_hyper_parameter_tuning_job
    assert error_of(describe, **call) == ("UnrecognizedClientException", 400)
    describe = client(key="ASIAOTHER", token="its own").describe_hyper_parameter_tuning_job
    assert describe(**call)
    clock.advance(60)
    assert error_of(describe, **call) == ("ExpiredTokenException", 400)


def test_sts_refuses(simulator, client, post):
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/metrics"
    assume = client("sts").assume_role
    assert error_of(assume, RoleArn=role, RoleSessionName="exporter") == ("AccessDenied", 403)
    simulator.roles[role] = "shared secret"
    assert error_of(assume, RoleArn=role, RoleSessionName="exporter", ExternalId="guess") == ("AccessDenied", 403)
    assert error_of(client("sts").get_session_token) == ("InvalidAction", 400)
    response, body = post("Version=2011-06-15", **{"Content-Type": "application/x-www-form-urlencoded"})
    assert (response.status, response.getheader("Content-Type")) == (400, "text/xml")
    assert b"<Code>InvalidAction</Code>" in body


def test_ipv6(simulator, client):
    simulator.create("healthy", "churn")
    with Server(simulator, "::1") as server:
        assert server.url.startswith("http://[::1]:")
        sagemaker = client(url=server.url)
        assert sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="churn")


def test_many_requests_share_one_connection(server, simulator, post):
    simulator.create("healthy", "churn")
    for _ in range(50):
        assert post(json.dumps({"HyperParameterTuningJobName": "churn"}))[0].status == 200
    assert len(server._listener._open) == 1


def test_stopping_closes_the_address_and_the_kept_connections(client):
    simulator = Simulator(ManualClock(NOW))
    simulator.create("healthy", "churn")
    server = Server(simulator)
    server.start()
    describe = client(url=server.url).describe_hyper_parameter_tuning_job
    assert describe(HyperParameterTuningJobName="churn")
    server.stop()
    with pytest.raises(EndpointConnectionError):
        describe(HyperParameterTuningJobName="churn")


def test_a_taken_port_is_told_at_once(server, simulator):
    port = int(server.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        Server(simulator, port=port)


def test_a_client_that_hangs_up_harms_nobody(server, simulator, post, capfd):
    simulator.create("healthy", "churn")
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as rude:
        rude.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    assert post(json.dumps({"HyperParameterTuningJobName": "churn"}))[0].status == 200
    assert capfd.readouterr() == ("", "")
