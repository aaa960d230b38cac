"""One describe by itself."""

from __future__ import annotations

import io
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from sagemaker.wire import CHAIN, PATIENT, REGION, Wire, error, http, sts_error, tuning_job

from exporter.config.specs import Credentials, Endpoint, TargetKey
from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker import single
from exporter.sagemaker.debug import debugging, log
from exporter.sagemaker.times import as_sent, local_time
from exporter.tuning_job import reduce

if TYPE_CHECKING:
    from pathlib import Path

HIDDEN = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLEtokenThatNobodyMayRead1234567890"


def key(url: str, credentials: Credentials = CHAIN) -> TargetKey:
    return TargetKey("aws", REGION, credentials, Endpoint(url))


def test_the_answer_comes_as_it_is_but_for_times(wire: Wire) -> None:
    wire.answer = tuning_job(CreationTime=1_700_000_000.25, FailureReason="Übung")
    assert single.describe("churn", key(wire.url), PATIENT, as_sent)["CreationTime"] == 1_700_000_000.25
    answer = single.describe("churn", key(wire.url), PATIENT, local_time)
    assert datetime.fromisoformat(answer["CreationTime"]).timestamp() == 1_700_000_000.25
    assert answer["FailureReason"] == "Übung"
    assert "ResponseMetadata" not in answer


def test_a_refusal_is_told_from_other_failures(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    wire.answer = error("ResourceNotFound", "no such job")
    with pytest.raises(single.ServiceError, match="ResourceNotFound") as refused:
        single.describe("churn", key(wire.url), PATIENT, as_sent)
    assert refused.value.code is ErrorCode.NOT_FOUND
    asked = len(wire.requests)
    wire.answer = http("not JSON")
    with pytest.raises(CallFailed, match="cannot be read") as failed:
        single.describe("churn", key(wire.url), PATIENT, as_sent)
    assert not isinstance(failed.value, single.ServiceError)
    assert len(wire.requests) == asked + 1  # one attempt
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(CallFailed, match="no AWS credentials"):
        single.describe("churn", key(wire.url), PATIENT, as_sent)


def test_defaults_are_those_of_the_profile(aws: Path) -> None:
    assert single.defaults(None) == (None, None, None)
    aws.with_name("config").write_text("[profile a]\nregion = eu-west-1\noutput = text\ncli_timestamp_format = wire\n")
    assert single.defaults("a") == ("eu-west-1", "text", "wire")
    sections = "".join(f"{key} =\n  a = b\n" for key in ("region", "output", "cli_timestamp_format"))
    aws.with_name("config").write_text(f"[profile a]\n{sections}")
    assert single.defaults("a") == (None, None, None)
    with pytest.raises(CallFailed, match="have no such profile"):
        single.defaults("b")


def test_a_sample_has_what_an_answer_may_have() -> None:
    sample = single.sample_answer()
    assert sample["BestTrainingJob"]["TrainingJobName"] == "TrainingJobName"
    assert sample["ConsumedResources"] == {"RuntimeInSeconds": 0}
    assert len(sample) > 15


def test_debugging_shows_what_is_sent_and_masks_what_lets_in(
    wire: Wire, aws: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    aws.with_name("config").write_text(
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\n"
        f"[profile base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = base{HIDDEN}\naws_session_token = {TOKEN}base\n"
    )
    of_sts = (
        '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
        f"<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>{HIDDEN}</SecretAccessKey><SessionToken>{TOKEN}</SessionToken>"
        "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )
    wire.answer = lambda request: (
        http(of_sts, content_type="text/xml") if b"AssumeRole" in request.body else tuning_job()
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", wire.url)
    stream = io.StringIO()
    with debugging(stream):
        answer = single.describe("churn", key(wire.url, Credentials("role")), PATIENT, as_sent)
        try:
            raise ValueError(f"password={HIDDEN}")
        except ValueError:
            log.debug("a failure", exc_info=True)
    told = stream.getvalue()
    assert reduce(answer).name == "churn"
    assert [request.access_key for request in wire.requests] == ["AKIDBASE", "ASIAROLE"]
    assert "botocore.endpoint" in told
    assert "AssumeRole" in told
    assert "Traceback" in told
    assert HIDDEN not in told
    assert TOKEN not in told
    assert not any(signature in told for signature in signatures(wire))
    log.debug("nobody asked for this")
    assert "nobody asked for this" not in stream.getvalue()


def signatures(wire: Wire) -> list[str]:
    return [request.headers["authorization"].partition("Signature=")[2] for request in wire.requests]


def test_a_person_may_be_asked_for_a_code(wire: Wire, aws: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.with_name("config").write_text(
        "[profile mfa]\nrole_arn = arn:aws:iam::123456789012:role/r\nmfa_serial = arn:aws:iam::123456789012:mfa/me\n"
        "source_profile = base\n[profile base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = hidden\n"
    )
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(CallFailed, match="mfa_serial"):
        single.describe("churn", key(wire.url, Credentials("mfa")), PATIENT, as_sent)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr(single, "getpass", lambda prompt: "123456")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", wire.url)
    wire.answer = sts_error("AccessDenied", "no")
    with pytest.raises(single.ServiceError, match="AccessDenied"):
        single.describe("churn", key(wire.url, Credentials("mfa")), PATIENT, as_sent)
    assert wire.requests[-1].form["TokenCode"] == "123456"
