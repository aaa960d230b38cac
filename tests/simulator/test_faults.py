"""Every fault as boto3 meets it, and what faults leave alone."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from contextlib import contextmanager

import boto3
import pytest
import trustme
from botocore import exceptions as sdk
from botocore.config import Config
from support.processes import PATIENCE, wait_until

from exporter.simulator.errors import ApiError
from exporter.simulator.faults import Fault, Faults, Kind
from exporter.simulator.server import Server
from exporter.simulator.service import Request

ROLE = "arn:aws:iam::210987654321:role/tuning-metrics"
REFUSALS = {
    Kind.THROTTLED: ("ThrottlingException", 400),
    Kind.SERVER_ERROR: ("InternalFailure", 500),
    Kind.ACCESS_DENIED: ("AccessDeniedException", 400),
    Kind.EXPIRED_TOKEN: ("ExpiredTokenException", 400),
    Kind.CLOCK_SKEW: ("InvalidSignatureException", 400),
    Kind.NOT_FOUND: ("ResourceNotFound", 400),
    Kind.NOT_FOUND_BY_VALIDATION: ("ValidationException", 400),
    Kind.BARE_429: ("429", 429),
    Kind.HTML_503: ("503", 503),
}
REFUSALS_OF_STS = {
    Kind.THROTTLED: ("Throttling", 400),
    Kind.SERVER_ERROR: ("InternalFailure", 500),
    Kind.ACCESS_DENIED: ("AccessDenied", 403),
    Kind.EXPIRED_TOKEN: ("ExpiredToken", 403),
    Kind.CLOCK_SKEW: ("SignatureDoesNotMatch", 403),
}
ON_THE_WIRE = [*list(Kind)[list(Kind).index(Kind.BARE_429) :]]


@pytest.fixture(autouse=True)
def jobs(simulator):
    for name in ("Churn", "ranker"):
        simulator.create("healthy", name, created=simulator.clock.time() - 600)


@pytest.fixture
def server(simulator):
    with Server(simulator) as server:
        yield server


@pytest.fixture(scope="module")
def session():
    return boto3.Session()


@pytest.fixture
def client(server, session):
    """Return a function that makes a client of one attempt."""
    made = []

    def make(service="sagemaker", *, region="us-east-1", key="AKIDANY", read_timeout=PATIENCE, **options):
        retries = {"total_max_attempts": 1}
        config = Config(proxies={}, retries=retries, connect_timeout=PATIENCE, read_timeout=read_timeout)
        keys = {"aws_access_key_id": key, "aws_secret_access_key": "secret"}
        options = {"endpoint_url": server.url, "config": config} | options
        made.append(session.client(service, region_name=region, **keys, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def describe(client):
    return describes(client())


def describes(sagemaker):
    return lambda name="Churn": sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


@contextmanager
def struck(simulator, kind, **scope):
    fault = simulator.faults.add(Fault(kind, **scope))
    yield fault
    simulator.faults.remove(fault)


def refused(call, *arguments, **named):
    with pytest.raises(sdk.ClientError) as caught:
        call(*arguments, **named)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.long
@pytest.mark.parametrize("kind", REFUSALS)
def test_refusals(simulator, describe, kind):
    with struck(simulator, kind):
        assert refused(describe) == REFUSALS[kind]
    assert describe()["HyperParameterTuningJobName"] == "Churn"


@pytest.mark.parametrize("kind", REFUSALS_OF_STS)
def test_refusals_of_sts(simulator, client, kind):
    simulator.roles[ROLE] = None
    sts = client("sts")
    call = {"RoleArn": ROLE, "RoleSessionName": "test"}
    with struck(simulator, kind, operation="AssumeRole", name="tuning-metrics"):
        assert refused(sts.assume_role, **call) == REFUSALS_OF_STS[kind]
        assert sts.get_caller_identity()["Account"] == "123456789012"
    assert sts.assume_role(**call)["Credentials"]["AccessKeyId"].startswith("ASIA")


def test_messages(simulator, describe):
    messages = {}
    for kind in (Kind.SERVER_ERROR, Kind.CLOCK_SKEW, Kind.NOT_FOUND, Kind.NOT_FOUND_BY_VALIDATION):
        with struck(simulator, kind), pytest.raises(sdk.ClientError) as caught:
            describe()
        messages[kind] = caught.value.response["Error"]["Message"]
    assert messages[Kind.SERVER_ERROR] == ""
    assert messages[Kind.CLOCK_SKEW].startswith("Signature expired: 20251124T150000Z is now earlier than 20251124T1555")
    assert "Churn" in messages[Kind.NOT_FOUND]
    assert messages[Kind.NOT_FOUND_BY_VALIDATION] == "Requested resource not found."


def test_the_arn_of_another_account(simulator, describe):
    right = describe()["HyperParameterTuningJobArn"]
    with struck(simulator, Kind.WRONG_ACCOUNT):
        wrong = describe()["HyperParameterTuningJobArn"]
    assert wrong == right.replace("123456789012", "876543210987")
    assert describe()["HyperParameterTuningJobArn"] == right


def test_malformed_counters(simulator, describe):
    with struck(simulator, Kind.MALFORMED):
        with pytest.raises(AttributeError):  # what botocore's parser makes of a list in a structure's place
            describe()
        answer = simulator.describe("Churn")
        assert answer["TrainingJobStatusCounters"] == answer["ObjectiveStatusCounters"] == [1]
        assert answer["HyperParameterTuningJobName"] == "Churn"
        assert simulator.list()["HyperParameterTuningJobSummaries"][0]["TrainingJobStatusCounters"]["Completed"] >= 0


def test_training_jobs_are_struck_as_well(simulator):
    now = simulator.clock.time()
    life = simulator.create("healthy", "Other", created=now - 9000)
    name = life.truth(now)[0].name

    def code_of(call, *args):
        with pytest.raises(ApiError) as refused:
            call(*args)
        return refused.value.code

    with struck(simulator, Kind.WRONG_ACCOUNT):
        assert ":876543210987:" in simulator.describe_training_job(name)["TrainingJobArn"]
    with struck(simulator, Kind.MALFORMED):
        assert simulator.list_training_jobs("Other")["TrainingJobSummaries"] == [1]
    with struck(simulator, Kind.ACCESS_DENIED, operation="ListTrainingJobsForHyperParameterTuningJob", name="other"):
        assert code_of(simulator.list_training_jobs, "Other") == "AccessDeniedException"
        assert code_of(simulator.list_training_jobs, "none") == "ResourceNotFound"
        assert simulator.describe("Other")
    with struck(simulator, Kind.SERVER_ERROR, name=name):
        assert code_of(simulator.describe_training_job, name) == "InternalFailure"
        assert simulator.list_training_jobs("Other")["TrainingJobSummaries"]
    simulator.requests_per_second = 1
    simulator.clock.advance(10)
    assert simulator.list_training_jobs("Other")
    assert code_of(simulator.describe_training_job, name) == "ThrottlingException"


@pytest.mark.parametrize("kind", [Kind.EMPTY, Kind.GARBAGE])
def test_a_body_that_is_none(simulator, describe, kind):
    with struck(simulator, kind):
        answer = describe()
        assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 200
        assert answer == {}


def test_truncated(simulator, describe):
    with struck(simulator, Kind.TRUNCATED):
        answer = describe()  # botocore takes half a body for one without members
        headers = answer.pop("ResponseMetadata")["HTTPHeaders"]
        assert answer == {}
        assert int(headers["content-length"]) > 1000
    assert describe()["HyperParameterTuningJobName"] == "Churn"


def test_reset(simulator, server):
    """Over bare HTTP, as the error is to be a reset and no mere end."""
    with struck(simulator, Kind.RESET):
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=PATIENCE)
        connection.request("POST", "/", *_describe_request())
        response = connection.getresponse()
        with pytest.raises(ConnectionResetError):
            response.read()
        connection.close()


def test_reset_through_boto3(simulator, describe):
    with struck(simulator, Kind.RESET), pytest.raises((sdk.HTTPClientError, sdk.ResponseStreamingError)):
        describe()
    assert describe()["HyperParameterTuningJobName"] == "Churn"


def test_hang(simulator, client, describe):
    with struck(simulator, Kind.HANG), pytest.raises(sdk.ReadTimeoutError):
        describes(client(read_timeout=0.2))()
    assert describe()["HyperParameterTuningJobName"] == "Churn"


def test_slow_longer_than_the_client_waits(simulator, client):
    with struck(simulator, Kind.SLOW, seconds=10), pytest.raises(sdk.ReadTimeoutError):
        describes(client(read_timeout=0.2))()


def test_slow_but_in_time(simulator, describe):
    with struck(simulator, Kind.SLOW, seconds=0.08):
        before = time.monotonic()
        assert describe()["HyperParameterTuningJobName"] == "Churn"
        assert time.monotonic() - before >= 0.08


@pytest.mark.long
def test_dripping_outlasts_the_time_out_of_a_read(simulator, client):
    """Of a short body: a refusal's."""
    time_out = 1.0  # fifty times the pause between two bytes, which a busy machine makes longer
    with struck(simulator, Kind.DRIPPING, seconds=time_out / 50):
        before = time.monotonic()
        assert refused(describes(client(read_timeout=time_out)), "missing") == REFUSALS[Kind.NOT_FOUND]
        assert time.monotonic() - before > time_out


def test_hung_and_dripping_connections_end_with_the_server(simulator):
    simulator.faults.add(Fault(Kind.HANG, name="Churn"))
    simulator.faults.add(Fault(Kind.DRIPPING, name="ranker", seconds=60))
    connections = []
    before = set(threading.enumerate())
    with Server(simulator) as server:
        for name in ("Churn", "ranker"):
            connections.append(http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=PATIENCE))
            connections[-1].request("POST", "/", *_describe_request(name))
        wait_until(lambda: sum(simulator.requests.values()) == 2, what="both requests")
        serving = set(threading.enumerate()) - before
        assert len(serving) == 3
    wait_until(lambda: not any(thread.is_alive() for thread in serving), what="the server's threads to end")
    for connection in connections:
        connection.close()


def test_a_dripping_answer_flows_once_the_fault_is_lifted(simulator, server):
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=PATIENCE)
    with struck(simulator, Kind.DRIPPING, seconds=0.05):
        connection.request("POST", "/", *_describe_request())
        response = connection.getresponse()
        assert response.read(2) == b'{"'
    assert json.loads(b'{"' + response.read())["HyperParameterTuningJobName"] == "Churn"
    connection.close()


def test_refused_and_open_again_on_the_same_port(simulator, server, describe):
    assert describe()["HyperParameterTuningJobName"] == "Churn"
    with server.refusing(), pytest.raises(sdk.EndpointConnectionError):
        describe()
    assert describe()["HyperParameterTuningJobName"] == "Churn"


def test_tls_and_a_certificate_that_nobody_trusts(simulator, client, tmp_path):
    trusted, stranger = trustme.CA(), trustme.CA()
    bundle = tmp_path / "ca.pem"
    trusted.cert_pem.write_to_path(bundle)
    with Server(simulator, tls=_context(trusted)) as server:
        assert server.url.startswith("https://")
        sagemaker = client(endpoint_url=server.url, verify=str(bundle))
        call = {"HyperParameterTuningJobName": "Churn"}
        assert sagemaker.describe_hyper_parameter_tuning_job(**call)["HyperParameterTuningJobName"] == "Churn"
        server.tls = _context(stranger)
        with pytest.raises(sdk.SSLError):
            sagemaker.describe_hyper_parameter_tuning_job(**call)
        server.tls = _context(trusted)
        hasty = client(endpoint_url=server.url, verify=str(bundle), read_timeout=0.2)
        with struck(simulator, Kind.HANG), pytest.raises(sdk.ReadTimeoutError):
            hasty.describe_hyper_parameter_tuning_job(**call)
        assert sagemaker.describe_hyper_parameter_tuning_job(**call)["HyperParameterTuningJobName"] == "Churn"


def test_the_service_limits_each_account_and_region(simulator, client, describe):
    simulator.create("healthy", "Churn", region="eu-west-1")
    simulator.requests_per_second = 2
    elsewhere = client(region="eu-west-1")
    assert describe()
    assert describe()
    assert refused(describe) == REFUSALS[Kind.THROTTLED]
    assert elsewhere.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="Churn")
    assert client("sts").get_caller_identity()
    with pytest.raises(ApiError, match="Rate exceeded"):
        simulator.describe("Churn")
    simulator.clock.advance(0.5)
    assert describe()
    assert refused(describe) == REFUSALS[Kind.THROTTLED]
    simulator.requests_per_second = None
    assert describe()


def test_the_lifetime_of_a_roles_credentials(simulator, client):
    simulator.roles[ROLE] = None
    simulator.credentials_lifetime = 30
    simulator.create("healthy", "churn", account_id="210987654321")
    key = client("sts").assume_role(RoleArn=ROLE, RoleSessionName="test")["Credentials"]
    assert key["Expiration"].timestamp() == int(simulator.clock.time() + 30)
    sagemaker = client(key=key["AccessKeyId"], aws_session_token=key["SessionToken"])
    call = {"HyperParameterTuningJobName": "churn"}
    simulator.clock.advance(29)
    assert sagemaker.describe_hyper_parameter_tuning_job(**call)
    simulator.clock.advance(1)
    assert refused(sagemaker.describe_hyper_parameter_tuning_job, **call) == REFUSALS[Kind.EXPIRED_TOKEN]


@pytest.mark.parametrize("kind", Kind)
def test_in_process_only_what_the_service_itself_does(simulator, kind):
    usual = simulator.describe("Churn")
    simulator.faults.add(Fault(kind))
    if kind in ON_THE_WIRE:
        assert simulator.describe("Churn") == usual
    elif kind in REFUSALS:
        with pytest.raises(ApiError) as caught:
            simulator.describe("Churn")
        assert (caught.value.code, caught.value.http_status) == REFUSALS[kind]
    else:
        assert simulator.describe("Churn") != usual


SCOPES = [
    ({"operation": "ListTags"}, "list_tags"),
    ({"name": "churn"}, "describe Churn, list_tags"),
    ({"name": "RANKER"}, "describe ranker"),
    ({"region": "eu-west-1"}, "abroad"),
    ({"account_id": "210987654321"}, "other account"),
    ({"operation": "ListTags", "region": "eu-west-1"}, ""),
    ({}, "describe Churn, describe ranker, list, list_tags, abroad, other account"),
]


@pytest.mark.parametrize(("scope", "expected"), SCOPES, ids=[str(scope) for scope, _ in SCOPES])
def test_scopes(simulator, scope, expected):
    simulator.create("healthy", "third", region="eu-west-1")
    simulator.create("healthy", "fourth", account_id="210987654321")
    arn = simulator.describe("Churn")["HyperParameterTuningJobArn"]
    calls = {
        "describe Churn": lambda: simulator.describe("Churn"),
        "describe ranker": lambda: simulator.describe("ranker"),
        "list": simulator.list,
        "list_tags": lambda: simulator.list_tags(arn),
        "abroad": lambda: simulator.describe("third", region="eu-west-1"),
        "other account": lambda: simulator.describe("fourth", account_id="210987654321"),
    }
    simulator.faults.add(Fault(Kind.THROTTLED, **scope))
    assert ", ".join(name for name, call in calls.items() if fails(call)) == expected


def fails(call):
    try:
        call()
    except ApiError:
        return True
    return False


@pytest.mark.parametrize("rate", [1.0, 0.75, 0.5, 0.25, 0.1, 0.0])
@pytest.mark.parametrize("every", [1, 2, 3, 7])
def test_rates_are_evenly_spread_whoever_asks_in_turn(rate, every):
    faults = Faults()
    fault = faults.add(Fault(Kind.HANG, rate=rate))
    struck = [faults.strike("Describe", "us-east-1", "123456789012", {}) is fault for _ in range(7 * 400)]
    for first in range(every):
        of_one = struck[first::every]
        assert sum(of_one) / len(of_one) == pytest.approx(rate, abs=0.02)
        assert all(any(of_one[i : i + 60]) for i in range(len(of_one) - 60)) or rate == 0


def test_the_first_fault_strikes_alone_and_what_it_spares_is_for_the_next():
    faults = Faults()
    half, rest = faults.add(Fault(Kind.HANG, rate=0.5)), faults.add(Fault(Kind.RESET))
    ask = lambda: faults.strike("Describe", "us-east-1", "123456789012", {})  # noqa: E731
    assert [ask(), ask(), ask()] == [rest, half, rest]
    faults.remove(half)
    assert ask() is rest
    faults.clear()
    assert ask() is None
    with pytest.raises(KeyError):
        faults.remove(rest)


def test_equal_faults_are_two():
    faults = Faults()
    first, second = faults.add(Fault(Kind.HANG)), faults.add(Fault(Kind.HANG))
    faults.remove(first)
    assert faults.strike("Describe", "us-east-1", "123456789012", {}) is second


def test_struck_requests_are_counted(simulator):
    simulator.faults.add(Fault(Kind.THROTTLED))
    with pytest.raises(ApiError):
        simulator.handle(Request("sagemaker", "ListTags", {}, "us-east-1", account_id="123456789012"))
    assert simulator.requests["ListTags", "us-east-1"] == 1


def _describe_request(name="Churn"):
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "SageMaker.DescribeHyperParameterTuningJob",
    }
    return json.dumps({"HyperParameterTuningJobName": name}), headers


def _context(ca):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return context
