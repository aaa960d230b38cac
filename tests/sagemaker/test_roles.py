"""Assuming roles with the credentials of a source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sagemaker.conftest import ACCESS_KEY, MakeApi, Own, failing, write_keys
from sagemaker.wire import ACCOUNT, Request, Wire, http, sts_credentials, sts_error, tuning_job
from support.processes import PATIENCE

from exporter.config.specs import Connection, Credentials
from exporter.errors import CallFailed, ErrorCode

if TYPE_CHECKING:
    from pathlib import Path

ROLE = Credentials(role_arn=f"arn:aws:iam::{ACCOUNT}:role/tuning-metrics", external_id="ext-7")


@pytest.fixture(autouse=True)
def answering(wire: Wire) -> None:
    wire.answer = tuning_job()


def test_a_role_is_assumed_once_with_the_source_s_key_and_used_from_then_on(
    wire: Wire, sts: Wire, make_api: MakeApi, telemetry: Own
) -> None:
    sts.answer = sts_credentials("ASIAROLE", token="the-token")
    api = make_api(wire.url, credentials=ROLE)
    api.describe("churn")
    api.describe("churn")
    (asked,) = sts.requests
    assert asked.access_key == ACCESS_KEY
    assert asked.form["Action"] == "AssumeRole"
    assert asked.form["RoleArn"] == ROLE.role_arn
    assert asked.form["ExternalId"] == "ext-7"
    assert asked.form["RoleSessionName"] == "sagemaker-tuning-exporter"
    assert [request.access_key for request in wire.requests] == ["ASIAROLE"] * 2
    assert wire.requests[0].headers["x-amz-security-token"] == "the-token"
    assert telemetry.value("api_requests_total", target="eu", operation="AssumeRole") == 1
    assert telemetry.value("api_errors_total", target="eu", operation="AssumeRole", code="assume_role_denied") is None
    assert telemetry.value("api_request_duration_seconds_count", operation="AssumeRole") == 1


def test_without_an_external_id_none_is_sent(wire: Wire, sts: Wire, make_api: MakeApi) -> None:
    sts.answer = sts_credentials("ASIAROLE")
    make_api(wire.url, credentials=Credentials(role_arn=ROLE.role_arn)).describe("churn")
    assert "ExternalId" not in sts.requests[0].form


def test_the_configured_sts_endpoint_is_called(wire: Wire, make_api: MakeApi) -> None:
    with Wire(sts_credentials("ASIAROLE")) as sts:
        connection = Connection(sts_endpoint_url=sts.url, connect_timeout=PATIENCE, read_timeout=PATIENCE)
        make_api(wire.url, credentials=ROLE, connection=connection).describe("churn")
        assert len(sts.requests) == 1


def test_a_role_s_credentials_are_renewed_before_they_expire(wire: Wire, sts: Wire, make_api: MakeApi) -> None:
    api = make_api(wire.url, credentials=ROLE)
    for key, lifetime in (("ASIA1", 300.0), ("ASIA2", 3_600.0), ("ASIA3", 3_600.0)):
        sts.answer = sts_credentials(key, lifetime)
        api.describe("churn")
    assert [request.access_key for request in wire.requests] == ["ASIA1", "ASIA2", "ASIA2"]


def test_a_refused_role_is_told_apart_counted_and_asked_for_again(
    wire: Wire, sts: Wire, make_api: MakeApi, telemetry: Own
) -> None:
    api = make_api(wire.url, credentials=ROLE)
    sts.answer = sts_error("AccessDenied", "User is not authorized to perform: sts:AssumeRole")
    for _ in range(2):
        assert failing(lambda: api.describe("churn")) is ErrorCode.ASSUME_ROLE_DENIED
    assert wire.requests == []
    assert telemetry.value("api_requests_total", target="eu", operation="AssumeRole") == 2
    assert telemetry.value("api_errors_total", target="eu", operation="AssumeRole", code="assume_role_denied") == 2
    sts.answer = sts_credentials("ASIAROLE")
    api.describe("churn")
    assert wire.requests[0].access_key == "ASIAROLE"
    assert len(sts.requests) == 3


def test_a_refused_role_is_no_traceback_in_the_log_and_no_secret(
    wire: Wire, sts: Wire, make_api: MakeApi, caplog: pytest.LogCaptureFixture
) -> None:
    sts.answer = sts_error("SignatureDoesNotMatch", "The Canonical String is x-amz-security-token:the-token")
    with pytest.raises(CallFailed) as raised:
        make_api(wire.url, credentials=ROLE).describe("churn")
    assert raised.value.code is ErrorCode.NO_CREDENTIALS
    assert "the-token" not in raised.value.message
    assert caplog.records == []


def test_source_credentials_that_expired_are_looked_for_anew(
    wire: Wire, sts: Wire, make_api: MakeApi, aws: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")

    def answer(request: Request) -> bytes:
        fresh = request.access_key == "AKIDNEW"
        return sts_credentials("ASIAROLE") if fresh else sts_error("ExpiredToken", "The token is expired")

    sts.answer = answer
    write_keys(aws, "default", "AKIDOLD")
    api = make_api(wire.url, credentials=ROLE)
    assert failing(lambda: api.describe("churn")) is ErrorCode.EXPIRED_CREDENTIALS
    write_keys(aws, "default", "AKIDNEW")
    api.describe("churn")
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        http("<html>Please log in", content_type="text/html"),
        http("<AssumeRoleResponse><AssumeRoleResult/></AssumeRoleResponse>", content_type="text/xml"),
        sts_credentials("ASIAROLE", operation="SomethingElse"),
    ],
    ids=["page", "empty result", "other operation"],  # an answer holds the time
)
def test_an_answer_without_credentials_is_malformed(
    wire: Wire, sts: Wire, make_api: MakeApi, telemetry: Own, answer: bytes
) -> None:
    sts.answer = answer
    assert failing(lambda: make_api(wire.url, credentials=ROLE).describe("churn")) is ErrorCode.MALFORMED_ANSWER
    assert telemetry.value("api_errors_total", target="eu", operation="AssumeRole", code="malformed_answer") == 1
    assert wire.requests == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, ErrorCode.MALFORMED_ANSWER),
        (403, ErrorCode.ACCESS_DENIED),
        (429, ErrorCode.THROTTLED),
        (503, ErrorCode.SERVER_ERROR),
    ],
)
def test_a_refusal_of_sts_without_a_code_is_told_by_its_status(
    wire: Wire, sts: Wire, make_api: MakeApi, status: int, code: ErrorCode
) -> None:
    sts.answer = http("<ErrorResponse><Error><Odd>x</Odd></Error></ErrorResponse>", status, content_type="text/xml")
    assert failing(lambda: make_api(wire.url, credentials=ROLE).describe("churn")) is code


def test_each_region_assumes_a_role_through_its_own_sts(wire: Wire, sts: Wire, make_api: MakeApi) -> None:
    """One whose STS does not answer is no matter to the others."""
    sts.answer = sts_credentials("ASIAROLE")
    for region in ("us-east-1", "eu-west-1", "us-east-1"):
        make_api(wire.url, credentials=ROLE, region=region).describe("churn")
    scopes = [request.headers["authorization"].split("/sts/")[0].rpartition("/")[2] for request in sts.requests]
    assert scopes == ["us-east-1", "eu-west-1"]


def test_an_assumed_role_is_counted_for_the_target_that_needed_it(
    wire: Wire, sts: Wire, make_api: MakeApi, telemetry: Own
) -> None:
    sts.answer = sts_credentials("ASIAROLE", lifetime=300.0)  # to be renewed by each call
    first = make_api(wire.url, name="first", credentials=ROLE)
    second = make_api(wire.url, name="second", credentials=ROLE)
    first.describe("churn")
    second.describe("churn")
    second.describe("churn")
    assert telemetry.value("api_requests_total", target="first", operation="AssumeRole") == 1
    assert telemetry.value("api_requests_total", target="second", operation="AssumeRole") == 2
