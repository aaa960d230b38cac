from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import botocore.credentials
import pytest
import trustme
from sagemaker.conftest import ACCESS_KEY, MakeApi, Own, failing, write_keys
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
from support.pace import within
from support.processes import PATIENCE

from exporter.config.specs import Connection, Credentials
from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker import SageMakerApi, Sessions

ROLE = Credentials(role_arn=f"arn:aws:iam::{ACCOUNT}:role/tuning-metrics", external_id="ext-7")
PROFILE = Credentials(profile="team")


@pytest.fixture(autouse=True)
def answering(wire: Wire) -> None:
    wire.answer = tuning_job()


# Sharing


def test_targets_share_a_session_if_source_and_connection_are_the_same(sessions: Sessions) -> None:
    first = sessions.get(target_spec(None, region="eu-west-1"))
    assert sessions.get(target_spec("http://localhost", region="us-east-1")) is first
    assert sessions.get(target_spec(None, credentials=ROLE)) is first
    assert sessions.get(target_spec(None, credentials=Credentials(role_arn=f"{ROLE.role_arn}-2"))) is first
    for other in (
        target_spec(None, credentials=PROFILE),
        target_spec(None, credentials=Credentials(sign_requests=False)),
        target_spec(None, connection=Connection(read_timeout=1.0)),
        target_spec(None, use_fips=True),
        target_spec(None, partition="aws-cn"),
    ):
        assert sessions.get(other) is not first


def test_sessions_that_no_target_uses_are_forgotten() -> None:
    sessions = Sessions()
    kept, left = target_spec(None), target_spec(None, credentials=PROFILE)
    session = sessions.get(kept)
    forgotten = sessions.get(left)
    sessions.keep_only([kept])
    assert sessions.get(kept) is session
    assert sessions.get(left) is not forgotten


def test_the_loader_heeds_the_data_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_DATA_PATH", f"{tmp_path}{os.pathsep}~/models")
    paths = Sessions()._common.loader.search_paths
    assert paths[:2] == [str(tmp_path), str(Path("~/models").expanduser())]


# Finding credentials


def test_it_tells_where_credentials_come_from_once_they_are_found(
    wire: Wire, make_api: MakeApi, sessions: Sessions, aws: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = target_spec(wire.url)
    assert sessions.source(spec) is None
    api = make_api(wire.url)
    assert sessions.source(spec) is None, "opening it looks for none"
    api.describe("churn")
    assert sessions.source(spec) == "the environment"
    assert sessions.source(target_spec(wire.url, credentials=ROLE)) == "the environment", "which assumes the role"
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    wire.answer = error("ExpiredTokenException", "no more")
    failing(lambda: api.describe("churn"))
    assert sessions.source(spec) is None, "those are of no use any more"
    write_keys(aws, "default", "AKIDNEW")
    wire.answer = tuning_job()
    api.describe("churn")
    assert sessions.source(spec) == "the AWS credentials file (AWS_SHARED_CREDENTIALS_FILE)"


@pytest.mark.usefixtures("no_keys")
def test_it_tells_of_no_source_where_none_has_credentials(wire: Wire, make_api: MakeApi, sessions: Sessions) -> None:
    failing(lambda: make_api(wire.url).describe("churn"))
    assert sessions.source(target_spec(wire.url)) is None


def test_a_request_is_signed_for_the_region_that_is_asked(wire: Wire, make_api: MakeApi) -> None:
    for region in ("eu-west-1", "us-east-1"):
        make_api(wire.url, region=region).describe("churn")
        assert f"/{region}/sagemaker/aws4_request" in wire.requests[-1].headers["authorization"]
        assert wire.requests[-1].access_key == ACCESS_KEY


def test_the_user_agent_names_the_exporter(wire: Wire, make_api: MakeApi) -> None:
    make_api(wire.url).describe("churn")
    user_agent = wire.requests[0].headers["user-agent"]
    assert "sagemaker-tuning-exporter/" in user_agent
    assert user_agent.startswith("Boto3/")


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


@pytest.mark.usefixtures("no_keys")
def test_other_failures_keep_the_credentials(wire: Wire, make_api: MakeApi, aws: Path) -> None:
    write_keys(aws, "default", "AKIDOLD")
    api = make_api(wire.url)
    for code in ("AccessDeniedException", "ThrottlingException", "ResourceNotFound"):
        wire.answer = error(code, "no")
        failing(lambda: api.describe("churn"))
        write_keys(aws, "default", "AKIDNEW")
    assert {request.access_key for request in wire.requests} == {"AKIDOLD"}


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
        connection = Connection(sts_endpoint_url=sts.url, connect_timeout=PATIENCE, read_timeout=PATIENCE)
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
    api = make_api(wire.url, connection=Connection(connect_timeout=1.0, read_timeout=0.3))
    with within(3):
        assert failing(lambda: api.describe("churn")) is ErrorCode.TIMEOUT
    assert len(sts.requests) == 1


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
