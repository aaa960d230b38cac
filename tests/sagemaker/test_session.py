from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import botocore.credentials
import pytest
import trustme
from sagemaker.conftest import ACCESS_KEY, MakeApi, Own
from sagemaker.wire import (
    ACCOUNT,
    SILENCE,
    Request,
    Wire,
    error,
    http,
    sts_credentials,
    sts_error,
    sts_identity,
    target_spec,
    tuning_job,
)

from exporter.config.specs import Connection, Credentials
from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker import SageMakerApi, Sessions
from exporter.sagemaker.session import _unix_seconds

ROLE = Credentials(role_arn=f"arn:aws:iam::{ACCOUNT}:role/tuning-metrics", external_id="ext-7")
PROFILE = Credentials(profile="team")


def failing(call: Callable[[], object]) -> ErrorCode:
    with pytest.raises(CallFailed) as raised:
        call()
    return raised.value.code


@pytest.fixture(autouse=True)
def answering(wire: Wire) -> None:
    wire.answer = tuning_job()


# Sharing


def test_targets_share_a_session_if_credentials_and_connection_are_the_same(sessions: Sessions) -> None:
    first = sessions.get(target_spec(None, region="eu-west-1"))
    assert sessions.get(target_spec("http://localhost", region="us-east-1")) is first
    for other in (
        target_spec(None, credentials=PROFILE),
        target_spec(None, credentials=ROLE),
        target_spec(None, connection=Connection(read_timeout=1.0)),
        target_spec(None, use_fips=True),
    ):
        assert sessions.get(other) is not first


def test_all_sessions_share_one_loader_of_service_models() -> None:
    sessions = Sessions()
    loaders = {
        id(session._bare_session(spec).get_component("data_loader"))
        for spec in (target_spec(None), target_spec(None, credentials=ROLE))
        for session in (sessions.get(spec),)
    }
    assert loaders == {id(sessions._loader)}


def test_sessions_that_no_target_uses_are_forgotten() -> None:
    sessions = Sessions()
    kept, left = target_spec(None), target_spec(None, credentials=ROLE)
    session = sessions.get(kept)
    sessions.get(left)
    sessions.keep_only([kept])
    assert list(sessions._sessions.values()) == [session]
    assert sessions.get(kept) is session


def test_the_loader_heeds_the_data_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_DATA_PATH", f"{tmp_path}{os.pathsep}~/models")
    assert Sessions()._loader.search_paths[:2] == [str(tmp_path), str(Path("~/models").expanduser())]


def test_only_the_session_that_failed_is_discarded(sessions: Sessions) -> None:
    spec = target_spec(None)
    old = sessions.get(spec)
    sessions.discard(spec, old)
    new = sessions.get(spec)
    assert new is not old
    sessions.discard(spec, old)
    assert sessions.get(spec) is new


# Finding credentials


def test_a_request_is_signed_for_the_region_that_is_asked(wire: Wire, make_api: MakeApi) -> None:
    for region in ("eu-west-1", "us-east-1"):
        make_api(wire.url, region=region).describe("churn")
        assert f"/{region}/sagemaker/aws4_request" in wire.requests[-1].headers["authorization"]
        assert wire.requests[-1].access_key == ACCESS_KEY


def test_the_user_agent_names_the_exporter(wire: Wire, make_api: MakeApi) -> None:
    make_api(wire.url).describe("churn")
    assert "sagemaker-tuning-exporter/" in wire.requests[0].headers["user-agent"]


@pytest.mark.usefixtures("no_keys")
def test_unsigned_requests_need_and_carry_no_credentials(
    wire: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(botocore.credentials.CredentialResolver, "load_credentials", lambda _: pytest.fail("looked"))
    make_api(wire.url, credentials=Credentials(sign_requests=False)).describe("churn")
    assert "authorization" not in wire.requests[0].headers
    assert "x-amz-security-token" not in wire.requests[0].headers


@pytest.mark.usefixtures("no_keys")
def test_credentials_that_appear_are_found(wire: Wire, make_api: MakeApi, aws: Path) -> None:
    api = make_api(wire.url)
    assert failing(lambda: api.describe("churn")) is ErrorCode.NO_CREDENTIALS
    assert wire.requests == []
    write_keys(aws, "default", "AKIDLATE")
    api.describe("churn")
    assert wire.requests[0].access_key == "AKIDLATE"


def write_keys(file: Path, profile: str, access_key: str) -> None:
    file.write_text(f"[{profile}]\naws_access_key_id = {access_key}\naws_secret_access_key = hidden\n")


@pytest.mark.usefixtures("no_keys")
@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException"])
def test_credentials_of_no_use_are_looked_for_anew(wire: Wire, make_api: MakeApi, aws: Path, code: str) -> None:
    def answer(request: Request) -> bytes:
        return tuning_job() if request.access_key == "AKIDNEW" else error(code, "no more")

    wire.answer = answer
    write_keys(aws, "default", "AKIDOLD")
    api, sharing = make_api(wire.url), make_api(wire.url)
    for user in (api, sharing):
        failing(lambda user=user: user.describe("churn"))  # type: ignore[misc]
    write_keys(aws, "default", "AKIDNEW")
    for user in (api, sharing):
        assert user.describe("churn")
    assert [request.access_key for request in wire.requests] == ["AKIDOLD", "AKIDOLD", "AKIDNEW", "AKIDNEW"]


def test_other_failures_keep_the_session(wire: Wire, make_api: MakeApi, sessions: Sessions) -> None:
    api = make_api(wire.url)
    session = sessions.get(target_spec(wire.url))
    for code in ("AccessDeniedException", "ThrottlingException", "ResourceNotFound"):
        wire.answer = error(code, "no")
        failing(lambda: api.describe("churn"))
    assert sessions.get(target_spec(wire.url)) is session


def test_a_profile_is_used_over_the_environment(wire: Wire, make_api: MakeApi, aws: Path) -> None:
    api = make_api(wire.url, credentials=PROFILE)
    assert failing(lambda: api.describe("churn")) is ErrorCode.NO_CREDENTIALS
    write_keys(aws, "team", "AKIDTEAM")
    api.describe("churn")
    assert [request.access_key for request in wire.requests] == ["AKIDTEAM"]


def test_a_missing_default_profile_fails_calls_and_not_the_start(
    wire: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, telemetry: Own
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    api = SageMakerApi(target_spec(wire.url), Sessions(), telemetry)
    assert failing(lambda: api.describe("churn")) is ErrorCode.NO_CREDENTIALS


# Assuming a role


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
        connection = Connection(sts_endpoint_url=sts.url, connect_timeout=2.0, read_timeout=2.0)
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


def test_an_assumed_role_is_counted_for_the_target_that_needed_it(
    wire: Wire, sts: Wire, make_api: MakeApi, telemetry: Own
) -> None:
    sts.answer = sts_credentials("ASIAROLE", lifetime=300.0)  # to be renewed by each call
    first = make_api(wire.url, name="first", credentials=ROLE)
    second = make_api(wire.url, name="second", credentials=ROLE, region="us-east-1")
    first.describe("churn")
    second.describe("churn")
    second.describe("churn")
    assert telemetry.value("api_requests_total", target="first", operation="AssumeRole") == 1
    assert telemetry.value("api_requests_total", target="second", operation="AssumeRole") == 2


# Web identity: the SDK's own provider chain


@pytest.fixture
def web_identity(no_keys: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("a.b.c")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/pod")


@pytest.mark.usefixtures("web_identity")
def test_a_web_identity_token_buys_credentials(wire: Wire, sts: Wire, make_api: MakeApi) -> None:
    sts.answer = sts_credentials("ASIAPOD", operation="AssumeRoleWithWebIdentity")
    make_api(wire.url).describe("churn")
    (asked,) = sts.requests
    assert asked.form["WebIdentityToken"] == "a.b.c"
    assert asked.form["RoleArn"] == "arn:aws:iam::111122223333:role/pod"
    assert asked.access_key is None
    assert wire.requests[0].access_key == "ASIAPOD"


@pytest.mark.usefixtures("web_identity")
def test_a_web_identity_is_shown_to_the_configured_sts(wire: Wire, make_api: MakeApi) -> None:
    with Wire() as sts:
        sts.answer = sts_credentials("ASIAPOD", operation="AssumeRoleWithWebIdentity")
        connection = Connection(sts_endpoint_url=sts.url, connect_timeout=2.0, read_timeout=2.0)
        make_api(wire.url, connection=connection).describe("churn")
        assert len(sts.requests) == 1
    assert wire.requests[0].access_key == "ASIAPOD"


@pytest.mark.usefixtures("web_identity")
def test_a_web_identity_token_that_is_not_there_is_no_credentials(
    wire: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "nowhere"))
    with pytest.raises(CallFailed) as caught:
        make_api(wire.url).describe("churn")
    assert caught.value.code is ErrorCode.NO_CREDENTIALS


@pytest.mark.usefixtures("web_identity")
def test_a_role_is_assumed_with_a_web_identity(wire: Wire, sts: Wire, make_api: MakeApi) -> None:
    def answer(request: Request) -> bytes:
        if request.form["Action"] == "AssumeRole":
            return sts_credentials("ASIAROLE")
        return sts_credentials("ASIAPOD", operation="AssumeRoleWithWebIdentity")

    sts.answer = answer
    make_api(wire.url, credentials=ROLE).describe("churn")
    assert [request.access_key for request in sts.requests] == [None, "ASIAPOD"]
    assert wire.requests[0].access_key == "ASIAROLE"


@pytest.mark.usefixtures("web_identity")
def test_a_refused_web_identity_is_a_refused_role(wire: Wire, sts: Wire, make_api: MakeApi) -> None:
    sts.answer = sts_error("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    assert failing(lambda: make_api(wire.url).describe("churn")) is ErrorCode.ASSUME_ROLE_DENIED


@pytest.mark.usefixtures("web_identity")
def test_a_silent_sts_costs_one_of_our_read_timeouts(wire: Wire, sts: Wire, make_api: MakeApi) -> None:
    sts.answer = SILENCE
    started = time.monotonic()
    api = make_api(wire.url, connection=Connection(connect_timeout=1.0, read_timeout=0.3))
    assert failing(lambda: api.describe("churn")) is ErrorCode.TIMEOUT
    assert len(sts.requests) == 1
    assert time.monotonic() - started < 3


@pytest.fixture
def secure_sts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Put an STS with a private authority's certificate in place; return the authority's file."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    with Wire(sts_credentials("ASIAPOD", operation="AssumeRoleWithWebIdentity"), context) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        yield str(bundle)


@pytest.mark.usefixtures("web_identity")
def test_the_chain_s_own_calls_trust_the_configured_bundle(wire: Wire, secure_sts: str, make_api: MakeApi) -> None:
    assert failing(lambda: make_api(wire.url).describe("churn")) is ErrorCode.TLS
    assert make_api(wire.url, connection=Connection(ca_bundle=secure_sts)).describe("churn")


@pytest.mark.usefixtures("web_identity", "secure_sts")
@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_the_chain_s_own_calls_verify_nothing_if_told_so(wire: Wire, make_api: MakeApi) -> None:
    assert make_api(wire.url, connection=Connection(verify_ssl=False)).describe("churn")


@pytest.mark.usefixtures("web_identity")
@pytest.mark.parametrize(("own", "expected"), [(None, "eu-west-1"), ("us-west-2", "us-west-2")])
def test_the_chain_calls_sts_in_a_region(
    make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, own: str | None, expected: str
) -> None:
    if own:
        monkeypatch.setenv("AWS_DEFAULT_REGION", own)
    with Wire(http("no way", 407)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        failing(lambda: make_api("https://sagemaker.invalid").describe("churn"))
        (request,) = proxy.requests
        assert request.line.startswith(f"CONNECT sts.{expected}.amazonaws.com:443")


# Time


@pytest.fixture(params=["UTC", "Asia/Kathmandu", "America/St_Johns"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the machine elsewhere."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("zone")
def test_times_arrive_as_unix_seconds_wherever_the_machine_stands(wire: Wire, make_api: MakeApi) -> None:
    wire.answer = tuning_job(CreationTime=1_700_000_000.25, LastModifiedTime="2023-11-14T22:13:20Z")
    answer = make_api(wire.url).describe("churn")
    assert answer["CreationTime"] == 1_700_000_000.25
    assert answer["LastModifiedTime"] == 1_700_000_000


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (1_700_000_000, 1_700_000_000),
        ("1700000000.25", 1_700_000_000.25),
        ("2023-11-14T22:13:20", 1_700_000_000),
        ("2023-11-15T03:58:20+05:45", 1_700_000_000),
        ("soon", "soon"),
        ("1e300", "1e300"),
        ("inf", "inf"),
        ("10000-01-01", "10000-01-01"),
        ("Tue, 14 Nov 2023 22:13:20 GMT", "Tue, 14 Nov 2023 22:13:20 GMT"),
        ("2023", 2023),
        ("jan", "jan"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ([1], [1]),
        ({}, {}),
        (None, None),
    ],
)
def test_odd_times_are_read_or_handed_on(sent: object, expected: object) -> None:
    assert _unix_seconds(sent) == expected


@pytest.mark.parametrize("piece", ["1.2.", "1", "jan ", "1:", " ", "T1", "2020-01-01 "])
def test_a_long_text_is_no_time_and_is_not_read(
    wire: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, piece: str
) -> None:
    monkeypatch.setattr("dateutil.parser.parse", lambda *_, **__: pytest.fail("read"))
    text = piece * 10_000
    assert _unix_seconds(text) is text
    wire.answer = tuning_job(CreationTime=text)
    assert make_api(wire.url).describe("churn")["CreationTime"] == text


@pytest.mark.parametrize("way", ["role", "web identity"])
@pytest.mark.parametrize(
    "expiration", ["1.2." * 10_000, "soon", "1e300", "", "9999-12-31T23:59:59-14:00", "12 Nov 2030"]
)
def test_an_expiration_of_sts_that_is_no_time_is_malformed(
    wire: Wire,
    sts: Wire,
    make_api: MakeApi,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    way: str,
    expiration: str,
) -> None:
    monkeypatch.setattr("dateutil.parser.parse", lambda *_, **__: pytest.fail("read"))
    operation, credentials = "AssumeRole", ROLE
    if way == "web identity":
        request.getfixturevalue("web_identity")
        operation, credentials = "AssumeRoleWithWebIdentity", Credentials()
    good = sts_credentials("ASIA", operation=operation).partition(b"\r\n\r\n")[2].decode()
    before, _, rest = good.partition("<Expiration>")
    after = rest.partition("</Expiration>")[2]
    sts.answer = http(f"{before}<Expiration>{expiration}</Expiration>{after}", content_type="text/xml")
    assert failing(lambda: make_api(wire.url, credentials=credentials).describe("churn")) is ErrorCode.MALFORMED_ANSWER
    assert wire.requests == []


def test_identity_is_asked_of_sts(sts: Wire, make_api: MakeApi) -> None:
    sts.answer = sts_identity("444455556666")
    assert make_api(None).caller_account() == "444455556666"
    assert sts.requests[0].access_key == ACCESS_KEY
