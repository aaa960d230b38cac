from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sagemaker.conftest import MakeApi, Own
from sagemaker.wire import ACCOUNT, Wire, error, http, sts_credentials, sts_error, sts_identity, tuning_job
from support.processes import PATIENCE

from exporter.config.specs import Connection, Credentials
from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker.sdk import SdkSession

THREADS = 8
ROLE = Credentials(role_arn=f"arn:aws:iam::{ACCOUNT}:role/tuning-metrics")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note every client that is made."""
    clients: list[str] = []
    make = SdkSession.create_client

    def noting(self: SdkSession, service: str, **options: Any) -> Any:
        clients.append(service)
        return make(self, service, **options)

    monkeypatch.setattr(SdkSession, "create_client", noting)
    return clients


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Note every search for credentials."""
    made: list[Any] = []
    find = SdkSession.find_credentials

    def noting(self: SdkSession) -> Any:
        made.append(self)
        return find(self)

    monkeypatch.setattr(SdkSession, "find_credentials", noting)
    return made


def together(call: Callable[[], Any]) -> list[Any]:
    """Make a call in eight threads at once; return what came of each."""
    barrier = threading.Barrier(THREADS)

    def run() -> Any:
        barrier.wait(PATIENCE)
        try:
            return call()
        except CallFailed as failed:
            return failed.code

    with ThreadPoolExecutor(THREADS) as pool:
        return [future.result(PATIENCE) for future in [pool.submit(run) for _ in range(THREADS)]]


def test_describe_sends_the_name_and_returns_the_answer(wire: Wire, make_api: MakeApi) -> None:
    wire.answer = tuning_job("churn", HyperParameterTuningJobStatus="Stopped")
    answer = make_api(wire.url).describe("churn")
    assert answer["HyperParameterTuningJobStatus"] == "Stopped"
    assert wire.requests[0].body == b'{"HyperParameterTuningJobName": "churn"}'
    assert wire.requests[0].headers["x-amz-target"] == "SageMaker.DescribeHyperParameterTuningJob"


def test_the_list_of_training_jobs_is_asked_for_as_given_and_its_times_are_unix_seconds(
    wire: Wire, make_api: MakeApi
) -> None:
    entry = {"TrainingJobName": "churn-001", "TrainingJobStatus": "InProgress", "TrainingStartTime": 1_700_000_000.5}
    wire.answer = http(json.dumps({"TrainingJobSummaries": [entry], "NextToken": "more"}))
    request = {"HyperParameterTuningJobName": "churn", "SortBy": "CreationTime", "MaxResults": 100}
    answer = make_api(wire.url).list_training_jobs(request)
    assert (answer["TrainingJobSummaries"], answer["NextToken"]) == ([entry], "more")
    assert json.loads(wire.requests[0].body) == request
    target = "SageMaker.ListTrainingJobsForHyperParameterTuningJob"
    assert wire.requests[0].headers["x-amz-target"] == target


def test_names_that_the_sdk_would_refuse_are_left_to_the_service(wire: Wire, make_api: MakeApi) -> None:
    wire.answer = error("ValidationException", "1 validation error detected")
    with pytest.raises(CallFailed, match="1 validation error"):
        make_api(wire.url).describe("")
    assert len(wire.requests) == 1


def test_the_identity_is_that_of_the_credentials(sts: Wire, make_api: MakeApi) -> None:
    sts.answer = sts_identity()
    assert make_api(None).caller_account() == ACCOUNT
    assert sts.requests[0].form["Action"] == "GetCallerIdentity"
    assert len(sts.requests) == 1


def test_the_identity_under_a_role_is_the_role_s(sts: Wire, make_api: MakeApi, telemetry: Own) -> None:
    sts.answer = lambda request: (
        sts_credentials("ASIAROLE") if request.form["Action"] == "AssumeRole" else sts_identity()
    )
    assert make_api(None, credentials=ROLE).caller_account() == ACCOUNT
    assert sts.requests[-1].access_key == "ASIAROLE"
    assert telemetry.value("api_requests_total", target="eu", operation="AssumeRole") == 1
    assert telemetry.value("api_requests_total", target="eu", operation="GetCallerIdentity") is None, (
        "the target counts it"
    )


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (sts_identity(""), ErrorCode.MALFORMED_ANSWER),
        (http("<GetCallerIdentityResponse/>", content_type="text/xml"), ErrorCode.MALFORMED_ANSWER),
        (http("<html>", content_type="text/html"), ErrorCode.MALFORMED_ANSWER),
        (sts_error("AccessDenied", "explicit deny"), ErrorCode.ACCESS_DENIED),
        (sts_error("InvalidClientTokenId", "no such key"), ErrorCode.NO_CREDENTIALS),
    ],
)
def test_an_identity_that_is_none_is_a_failure(sts: Wire, make_api: MakeApi, answer: bytes, code: ErrorCode) -> None:
    sts.answer = answer
    with pytest.raises(CallFailed) as raised:
        make_api(None).caller_account()
    assert raised.value.code is code
    assert len(sts.requests) == 1


def test_threads_at_first_use_make_one_client(wire: Wire, make_api: MakeApi, made: list[str]) -> None:
    wire.answer = tuning_job()
    api = make_api(wire.url)
    answers = together(lambda: api.describe("churn")["HyperParameterTuningJobName"])
    assert answers == ["churn"] * THREADS
    assert made == ["sagemaker"]
    assert len(wire.requests) == THREADS


def test_each_region_has_a_client_and_each_service_one(
    wire: Wire, sts: Wire, make_api: MakeApi, made: list[str]
) -> None:
    wire.answer, sts.answer = tuning_job(), sts_identity()
    for api in (make_api(wire.url), make_api(wire.url, region="us-east-1")):
        for _ in range(2):
            api.describe("churn")
            api.caller_account()
    assert made == ["sagemaker", "sts"] * 2


def test_threads_with_a_refused_role_all_come_back_and_recover(
    wire: Wire, sts: Wire, make_api: MakeApi, telemetry: Own
) -> None:
    wire.answer, sts.answer = tuning_job(), sts_error("AccessDenied", "no")
    api = make_api(wire.url, credentials=ROLE)
    assert together(lambda: api.describe("churn")) == [ErrorCode.ASSUME_ROLE_DENIED] * THREADS
    assert telemetry.value("api_requests_total", target="eu", operation="AssumeRole") == len(sts.requests) == THREADS
    sts.answer = sts_credentials("ASIAROLE")
    assert together(lambda: api.describe("churn")["HyperParameterTuningJobName"]) == ["churn"] * THREADS
    assert len(sts.requests) == THREADS + 1, "one thread renews for all"


@pytest.mark.usefixtures("no_keys")
def test_threads_without_credentials_all_come_back(wire: Wire, make_api: MakeApi) -> None:
    api = make_api(wire.url)
    assert together(lambda: api.describe("churn")) == [ErrorCode.NO_CREDENTIALS] * THREADS


def test_threads_that_fail_with_the_same_credentials_replace_them_once(
    wire: Wire, make_api: MakeApi, searches: list[Any]
) -> None:
    arrived = threading.Barrier(THREADS)

    def answer(_: object) -> bytes:
        arrived.wait(PATIENCE)  # so that all of them fail with the same ones
        return error("ExpiredTokenException", "expired")

    wire.answer = answer
    api = make_api(wire.url)
    assert together(lambda: api.describe("churn")) == [ErrorCode.EXPIRED_CREDENTIALS] * THREADS
    wire.answer = tuning_job()
    assert together(lambda: api.describe("churn")["HyperParameterTuningJobName"]) == ["churn"] * THREADS
    assert len(searches) == 2


def test_a_late_failure_with_old_credentials_leaves_the_new_ones_alone(
    wire: Wire, make_api: MakeApi, searches: list[Any]
) -> None:
    asked, released = threading.Event(), threading.Event()

    def answer(_: object) -> bytes:
        if not asked.is_set():
            asked.set()
            released.wait(PATIENCE)
        return error("ExpiredTokenException", "expired")

    wire.answer = answer
    api = make_api(wire.url)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(api.describe, "churn")
        assert asked.wait(PATIENCE)
        with pytest.raises(CallFailed):
            api.describe("churn")
        wire.answer = tuning_job()
        api.describe("churn")
        released.set()
        assert isinstance(late.exception(PATIENCE), CallFailed)
    api.describe("churn")
    assert len(searches) == 2


ARN = f"arn:aws-cn:sagemaker:cn-north-1:{ACCOUNT}:hyper-parameter-tuning-job/churn"


def tags(*pairs: tuple[object, object], **members: object) -> bytes:
    """Return an answer of ListTags."""
    return http(json.dumps({"Tags": [{"Key": key, "Value": value} for key, value in pairs]} | members))


def test_tags_are_listed_by_the_arn(wire: Wire, make_api: MakeApi, telemetry: Own) -> None:
    wire.answer = tags(("team", "search"), ("aws:createdBy", "Jürgen"), ("empty", ""))
    assert make_api(wire.url).list_tags(ARN) == {"team": "search", "aws:createdBy": "Jürgen", "empty": ""}
    [request] = wire.requests
    assert request.headers["x-amz-target"] == "SageMaker.ListTags"
    assert json.loads(request.body) == {"ResourceArn": ARN}
    assert telemetry.value("api_requests_total", target="eu", operation="ListTags") is None, "the target counts it"


def test_no_tags_are_an_answer(wire: Wire, make_api: MakeApi) -> None:
    wire.answer = tags()
    assert make_api(wire.url).list_tags(ARN) == {}


def test_every_page_of_tags_is_read_and_every_further_one_counted(
    wire: Wire, make_api: MakeApi, telemetry: Own
) -> None:
    pages = {None: tags(("a", "1"), NextToken="t1"), "t1": tags(NextToken="t2"), "t2": tags(("b", "2"))}
    wire.answer = lambda request: pages[json.loads(request.body).get("NextToken")]
    assert make_api(wire.url).list_tags(ARN) == {"a": "1", "b": "2"}
    assert [json.loads(request.body)["ResourceArn"] for request in wire.requests] == [ARN] * 3
    assert telemetry.value("api_requests_total", target="eu", operation="ListTags") == 2


def test_pages_of_tags_that_never_end_are_a_failure(wire: Wire, make_api: MakeApi) -> None:
    wire.answer = tags(("a", "1"), NextToken="again")
    with pytest.raises(CallFailed, match="does not end") as raised:
        make_api(wire.url).list_tags(ARN)
    assert raised.value.code is ErrorCode.MALFORMED_ANSWER
    assert len(wire.requests) == 10


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (http("{}"), ErrorCode.MALFORMED_ANSWER),
        (http(""), ErrorCode.MALFORMED_ANSWER),
        (http('{"Tags": [{"Key": "a"}]}'), ErrorCode.MALFORMED_ANSWER),
        (http('{"Tags": ["a"]}'), ErrorCode.MALFORMED_ANSWER),
        (tags(("a", 7)), ErrorCode.MALFORMED_ANSWER),
        (tags((None, "x")), ErrorCode.MALFORMED_ANSWER),
        (tags(("a", "x" * 257)), ErrorCode.MALFORMED_ANSWER),
        (tags(("a", "1"), NextToken=7), ErrorCode.MALFORMED_ANSWER),
        (tags(("a", "1"), NextToken=0), ErrorCode.MALFORMED_ANSWER),
        (tags(("a", "1"), NextToken="x" * 8_193), ErrorCode.MALFORMED_ANSWER),
        (error("AccessDeniedException", "not authorized to perform: sagemaker:ListTags"), ErrorCode.ACCESS_DENIED),
        (error("ThrottlingException", "Rate exceeded"), ErrorCode.THROTTLED),
        (error("ResourceNotFound", "no such job"), ErrorCode.NOT_FOUND),
    ],
)
def test_tags_that_cannot_be_listed_are_a_failure(
    wire: Wire, make_api: MakeApi, answer: bytes, code: ErrorCode
) -> None:
    wire.answer = answer
    with pytest.raises(CallFailed) as raised:
        make_api(wire.url).list_tags(ARN)
    assert raised.value.code is code
    assert len(wire.requests) == 1


def test_quotas_are_asked_for_at_the_endpoint_of_their_service(wire: Wire, make_api: MakeApi, telemetry: Own) -> None:
    quota = {"QuotaName": "ml.m5.xlarge for training job usage", "Value": 15.0, "QuotaArn": "arn:x", "Adjustable": True}
    wire.answer = http(json.dumps({"Quotas": [quota], "NextToken": "t"}))
    connection = Connection(quotas_endpoint_url=wire.url, connect_timeout=PATIENCE, read_timeout=PATIENCE)
    api = make_api("http://127.0.0.1:1", connection=connection)
    told = api.list_service_quotas({"ServiceCode": "sagemaker", "MaxResults": 100})
    assert (told["Quotas"], told["NextToken"]) == ([quota], "t")
    [request] = wire.requests
    assert request.headers["x-amz-target"] == "ServiceQuotasV20190624.ListServiceQuotas"
    assert "/servicequotas/aws4_request" in request.headers["authorization"]
    assert json.loads(request.body) == {"ServiceCode": "sagemaker", "MaxResults": 100}
    assert telemetry.value("api_requests_total", target="eu", operation="ListServiceQuotas") is None, (
        "the target counts it"
    )


def test_a_page_of_quotas_with_all_that_aws_says_of_each_is_read(wire: Wire, make_api: MakeApi) -> None:
    quota = {"QuotaName": "ml.m5.xlarge for training job usage", "Value": 4.0, "Description": "x" * 1_000}
    wire.answer = http(json.dumps({"Quotas": [quota] * 100}))
    connection = Connection(quotas_endpoint_url=wire.url, connect_timeout=PATIENCE, read_timeout=PATIENCE)
    api = make_api("http://127.0.0.1:1", connection=connection)
    assert len(api.list_service_quotas({"ServiceCode": "sagemaker", "MaxResults": 100})["Quotas"]) == 100


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (
            error("AccessDeniedException", "not authorized to perform: servicequotas:ListServiceQuotas"),
            ErrorCode.ACCESS_DENIED,
        ),
        (error("TooManyRequestsException", "Rate exceeded"), ErrorCode.THROTTLED),
        (error("ServiceException", "", status=500), ErrorCode.SERVER_ERROR),
        (error("InvalidPaginationTokenException", "no"), ErrorCode.OTHER),
    ],
)
def test_quotas_may_be_refused(wire: Wire, make_api: MakeApi, answer: bytes, code: ErrorCode) -> None:
    wire.answer = answer
    connection = Connection(quotas_endpoint_url=wire.url, connect_timeout=PATIENCE, read_timeout=PATIENCE)
    with pytest.raises(CallFailed) as raised:
        make_api("http://127.0.0.1:1", connection=connection).list_service_quotas({"ServiceCode": "sagemaker"})
    assert raised.value.code is code
