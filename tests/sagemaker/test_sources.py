"""Credentials that are of no use, whatever their source: the code, the source's name, one line and no secret."""

from __future__ import annotations

import getpass
import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from sagemaker.conftest import MakeApi, Own
from sagemaker.wire import ACCOUNT, Wire, error, http, sts_credentials, tuning_job

from exporter.config.specs import Connection, Credentials
from exporter.errors import CallFailed, ErrorCode
from exporter.fleet import perform
from exporter.fleet.describes import Describe

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "CaNaRy0/9+x="
"""Part of every secret here: of few letters, so that no rule for what looks like a token helps."""

ROLE = Credentials(role_arn=f"arn:aws:iam::{ACCOUNT}:role/tuning-metrics")
TEAM = Credentials(profile="team")


@pytest.fixture(autouse=True)
def answering(wire: Wire) -> None:
    wire.answer = tuning_job()


@pytest.fixture(autouse=True)
def everything_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Note what libraries log where the exporter logs, at its own level for them."""
    caplog.set_level(logging.WARNING)


@pytest.fixture
def fails(caplog: pytest.LogCaptureFixture) -> Callable[[Any], CallFailed]:
    """Return a function that calls an API, and returns how that failed: in one short line, and with no canary."""

    def fails(api: Any) -> CallFailed:
        with pytest.raises(CallFailed) as raised:
            api.describe("churn")
        for text in (raised.value.message, caplog.text):
            assert not leaked(text), text
        assert caplog.records == []
        assert raised.value.message.isprintable()
        assert len(raised.value.message) <= 500
        return raised.value

    return fails


Fails = Callable[[Any], CallFailed]


def leaked(text: str) -> bool:
    return "canary" in text.lower()


# White space


VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("{}\n", ("ends in white space", "newline", "remove it")),
        ("{}\r\n", ("ends in white space", "newline")),
        ("{} ", ("ends in white space",)),
        ("{}\t", ("ends in white space",)),
        ("\n{}", ("begins with white space", "newline")),
        ("\u00a0{}", ("begins with white space",)),
        ("a\n{}", ("has characters",)),
        ("\u00e9{}", ("has characters",)),
        ("\u20ac{}", ("has characters",)),
    ],
)
def test_a_key_with_white_space_is_no_credentials(
    wire: Wire,
    make_api: MakeApi,
    monkeypatch: pytest.MonkeyPatch,
    fails: Fails,
    variable: str,
    written: str,
    words: tuple[str, ...],
) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, CANARY)
    monkeypatch.setenv(variable, written.format(CANARY))
    failed = fails(make_api(wire.url))
    assert failed.code is ErrorCode.NO_CREDENTIALS
    assert "the environment" in failed.message
    assert variable in failed.message
    assert all(word in failed.message for word in words)
    assert wire.requests == []
    monkeypatch.setenv(variable, CANARY)
    assert make_api(wire.url).describe("churn")


def test_keys_of_a_role_s_source_are_looked_at_too(
    wire: Wire, sts: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, fails: Fails, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", f"{CANARY}\n")
    (tmp_path / "config").write_text(f"[profile team]\nrole_arn = {ROLE.role_arn}\ncredential_source = Environment\n")
    for credentials in (ROLE, TEAM):
        failed = fails(make_api(wire.url, credentials=credentials))
        assert failed.code is ErrorCode.NO_CREDENTIALS
        assert "ends in white space (a newline)" in failed.message
    assert sts.requests == wire.requests == []


def test_a_role_s_own_keys_are_looked_at_too(wire: Wire, sts: Wire, make_api: MakeApi, fails: Fails) -> None:
    sts.answer = sts_credentials("ASIAROLE", token=f"{CANARY}&#10;{CANARY}")
    failed = fails(make_api(wire.url, credentials=ROLE))
    assert failed.code is ErrorCode.NO_CREDENTIALS
    assert str(ROLE.role_arn) in failed.message


# STS


def web_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{CANARY}.b.c")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", str(ROLE.role_arn))


WHOLE = sts_credentials(f"ASIA{CANARY}", operation="{}", token=CANARY).partition(b"\r\n\r\n")[2].decode()
BROKEN = {
    "cut": WHOLE[: WHOLE.index("</SessionToken>") + 3],
    "cut in the token": WHOLE[: WHOLE.index("</SessionToken>")],
    "not closed": WHOLE.replace("</SessionToken>", ""),
    "an unknown entity": WHOLE.replace(CANARY, f"{CANARY}&canary;"),
    "no Expiration": WHOLE.replace("Expiration>", f"{CANARY.replace('/', '').replace('+', '').replace('=', '')}>"),
    "an odd Expiration": WHOLE.replace("<Expiration>", f"<Expiration>{CANARY}"),
    "no credentials": WHOLE.replace("Credentials>", "Canary>"),
    "JSON": json.dumps({"Credentials": {"SessionToken": CANARY}}),
    "nothing": "",
    "zero bytes": f"\0{CANARY}",
}


@pytest.mark.parametrize("way", ["role", "web identity", "profile"])
@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_an_answer_of_sts_that_is_broken_is_malformed(
    wire: Wire,
    sts: Wire,
    make_api: MakeApi,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    fails: Fails,
    way: str,
    content: str,
) -> None:
    credentials = {"role": ROLE, "web identity": Credentials(), "profile": TEAM}[way]
    if way == "web identity":
        web_identity(monkeypatch, tmp_path)
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    (tmp_path / "config").write_text(f"[profile team]\nrole_arn = {ROLE.role_arn}\ncredential_source = Environment\n")
    operation = "AssumeRoleWithWebIdentity" if way == "web identity" else "AssumeRole"
    sts.answer = http(content.replace("{}", operation), content_type="text/xml")
    failed = fails(make_api(wire.url, credentials=credentials))
    assert failed.code is ErrorCode.MALFORMED_ANSWER
    assert wire.requests == []


def test_a_web_identity_on_a_machine_whose_clock_is_ahead(
    wire: Wire, sts: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fails: Fails
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    web_identity(monkeypatch, tmp_path)
    sts.answer = sts_credentials("ASIAPOD", operation="AssumeRoleWithWebIdentity", lifetime=-3_600.0, token=CANARY)
    for _ in range(2):
        failed = fails(make_api(wire.url))
        assert failed.code is ErrorCode.EXPIRED_CREDENTIALS
        assert "web identity token" in failed.message
        assert "clock" in failed.message
    assert wire.requests == []


# What is echoed


@pytest.mark.parametrize(
    "echo",
    [
        lambda secret: error("ValidationException", f"no token {secret} here"),
        lambda secret: error("ValidationException", f"no token {secret[:12]}"),
        lambda secret: error("AccessDeniedException", f'{{"token":"{secret}"}}', 403),
        lambda secret: error(secret, "x"),
        lambda secret: http('{"message": "x"}', 400, {"x-amzn-ErrorType": secret}),
        lambda secret: http("{}", 302, {"Location": f"http://{secret}/"}),
        lambda secret: http(f"<html>{secret}", 200, content_type="text/html"),
        lambda secret: http(f"<html>{secret}", 503, content_type="text/html"),
        lambda secret: http(f'{{"HyperParameterTuningJobName": "{secret}', 200),
        lambda secret: http("{}", 200, {f"X {secret}": "no header", "X-Y": secret}),
        lambda secret: b"HTTP/1.1 200 OK\r\n" + secret.encode() + b"\r\nX: y\r\n\r\n{}",
        lambda secret: f"HTTP/1.1 {secret} OK\r\n\r\n".encode(),
        lambda secret: f"{secret}\r\n\r\n".encode(),
        lambda secret: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + secret.encode() + b"\r\n",
        lambda secret: b"HTTP/1.1 200 OK\r\nContent-Length: " + secret.encode() + b"\r\n\r\n{}",
    ],
)
def test_what_was_sent_is_not_repeated(
    wire: Wire,
    make_api: MakeApi,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    echo: Callable[[str], bytes],
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", CANARY)
    wire.answer = lambda request: echo(request.headers["x-amz-security-token"])
    outcome = perform(make_api(wire.url), Describe(0, 0.0, "churn", "eu-west-1", None))
    assert not leaked(str(outcome)), outcome
    assert not leaked(caplog.text), caplog.text
    assert len(wire.requests) == 1


def test_a_web_identity_token_is_not_repeated(
    wire: Wire, sts: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fails: Fails
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    web_identity(monkeypatch, tmp_path)

    def refuse(request: Any) -> bytes:
        token = request.form["WebIdentityToken"]
        text = f"<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>bad {token}</Message></Error></ErrorResponse>"
        return http(text, 400, content_type="text/xml")

    sts.answer = refuse
    failed = fails(make_api(wire.url))
    assert failed.code is ErrorCode.ASSUME_ROLE_DENIED
    assert "web identity token" in failed.message


# URLs


PASSWORDS = [
    "canary/x",
    "canary#x",
    "canary?x",
    "c@nary/canary",
    "12/canary",
    "canary%2",
    "[canary",
    "can\u00e4ry canary",
    "canary",
]


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"])
def test_a_password_in_a_url_is_not_repeated(
    wire: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, fails: Fails, variable: str, password: str
) -> None:
    with Wire() as gone:
        pass
    monkeypatch.setenv(variable, f"http://canary:{password}@127.0.0.1:{gone.port}")
    scheme = "https" if variable == "HTTPS_PROXY" else "http"
    url = None if variable == "AWS_ENDPOINT_URL" else f"{scheme}://api.sagemaker.invalid"
    credentials = ROLE if variable.endswith("STS") else Credentials()
    failed = fails(make_api(url, credentials=credentials, connection=Connection(connect_timeout=0.5, read_timeout=0.5)))
    assert failed.code in {ErrorCode.CONNECTION, ErrorCode.TIMEOUT}


# A process that gives credentials


def process(tmp_path: Path, *, stdout: str = "", stderr: str = "", code: int = 0) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"import sys\nsys.stdout.write({stdout!r})\nsys.stderr.write({stderr!r})\nsys.exit({code})\n")
    (tmp_path / "config").write_text(f"[profile team]\ncredential_process = {sys.executable} {script}\n")


def keys(**members: object) -> str:
    return json.dumps({"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": CANARY} | members)


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"code": 1, "stderr": f"no {CANARY}\n" * 1_000}, ErrorCode.NO_CREDENTIALS),
        ({"code": 1, "stderr": "\udce9"}, ErrorCode.NO_CREDENTIALS),
        ({"stdout": f"hello {CANARY}"}, ErrorCode.NO_CREDENTIALS),
        ({"stdout": ""}, ErrorCode.NO_CREDENTIALS),
        ({"stdout": "[" * 100_000}, ErrorCode.NO_CREDENTIALS),
        ({"stdout": f'["{CANARY}"]'}, ErrorCode.NO_CREDENTIALS),
        ({"stdout": json.dumps({"Version": CANARY})}, ErrorCode.NO_CREDENTIALS),
        ({"stdout": json.dumps({"Version": 1, "SessionToken": CANARY})}, ErrorCode.NO_CREDENTIALS),
        ({"stdout": keys(AccessKeyId=7)}, ErrorCode.NO_CREDENTIALS),
        ({"stdout": keys(AccessKeyId=None)}, ErrorCode.NO_CREDENTIALS),
        ({"stdout": keys(SessionToken=[CANARY])}, ErrorCode.NO_CREDENTIALS),
        ({"stdout": keys(SessionToken=f"{CANARY}\n")}, ErrorCode.NO_CREDENTIALS),
        ({"stdout": keys(Expiration=CANARY)}, ErrorCode.NO_CREDENTIALS),
        ({"stdout": keys(Expiration=7)}, ErrorCode.NO_CREDENTIALS),
        ({"stdout": keys(Expiration=ago(hours=1))}, ErrorCode.EXPIRED_CREDENTIALS),
    ],
)
def test_a_process_that_gives_none(
    wire: Wire, make_api: MakeApi, tmp_path: Path, fails: Fails, options: dict[str, Any], code: ErrorCode
) -> None:
    process(tmp_path, **options)
    failed = fails(make_api(wire.url, credentials=TEAM))
    assert failed.code is code
    assert "credential_process" in failed.message
    assert wire.requests == []


def test_a_process_that_is_not_there(wire: Wire, make_api: MakeApi, tmp_path: Path, fails: Fails) -> None:
    (tmp_path / "config").write_text(f"[profile team]\ncredential_process = {tmp_path}/nowhere --secret {CANARY}\n")
    failed = fails(make_api(wire.url, credentials=TEAM))
    assert failed.code is ErrorCode.NO_CREDENTIALS
    assert "credential_process" in failed.message
    assert "No such file" in failed.message


PASTED = "eyJCaNaRy0" * 30
"""A secret where a name is expected: longer than a file's name may be."""


@pytest.mark.usefixtures("no_keys")
@pytest.mark.parametrize("pasted", [CANARY, PASTED, f"/canary/{CANARY}"])
@pytest.mark.parametrize(
    ("variables", "profile", "named"),
    [
        (
            {"AWS_WEB_IDENTITY_TOKEN_FILE": "{}", "AWS_ROLE_ARN": str(ROLE.role_arn)},
            None,
            "AWS_WEB_IDENTITY_TOKEN_FILE",
        ),
        (
            {
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "{}",
            },
            None,
            "AWS_CONTAINER_",
        ),
        ({}, "credential_process = VAULT_TOKEN={} helper", "credential_process"),
        ({}, "credential_process = {}", "credential_process"),
        ({}, "role_arn = arn:aws:iam::111122223333:role/x\nweb_identity_token_file = {}", "web identity"),
        ({}, "role_arn = arn:aws:iam::111122223333:role/x\nsource_profile = {}", "source_profile"),
        ({}, "role_arn = arn:aws:iam::111122223333:role/x\ncredential_source = {}", "credential_source"),
        ({"AWS_PROFILE": "{}"}, None, "AWS_PROFILE"),
        ({"AWS_CONFIG_FILE": "{}", "AWS_PROFILE": "x"}, None, "AWS_PROFILE"),
    ],
)
def test_a_secret_where_a_name_is_expected_is_not_repeated(
    wire: Wire,
    make_api: MakeApi,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    fails: Fails,
    variables: dict[str, str],
    profile: str | None,
    named: str,
    pasted: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(pasted))
    if profile is not None:
        (tmp_path / "config").write_text(f"[profile team]\n{profile.format(pasted)}\n")
    failed = fails(make_api(wire.url, credentials=Credentials() if profile is None else TEAM))
    assert failed.code is ErrorCode.NO_CREDENTIALS
    assert named in failed.message
    assert wire.requests == []


def test_a_profile_of_the_configuration_that_is_a_secret_is_not_repeated(
    wire: Wire, make_api: MakeApi, fails: Fails
) -> None:
    failed = fails(make_api(wire.url, credentials=Credentials(profile=CANARY)))
    assert failed.code is ErrorCode.NO_CREDENTIALS
    assert "profile" in failed.message


@pytest.mark.parametrize("url", ["http://{}:9", "http://{}", "{}", "http://user:pass@{}:9", "socks5://{}"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_a_secret_is_not_repeated(
    make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, fails: Fails, scheme: str, url: str
) -> None:
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", url.format("hvs.CaNaRy0"))
    brief = Connection(connect_timeout=0.5, read_timeout=0.5)
    fails(make_api(f"{scheme}://api.sagemaker.invalid", connection=brief))


def test_a_process_that_gives_some(wire: Wire, make_api: MakeApi, tmp_path: Path) -> None:
    process(tmp_path, stdout=keys())
    assert make_api(wire.url, credentials=TEAM).describe("churn")
    assert wire.requests[0].access_key == "AKIDPROCESS"


# A container's agent and an instance's metadata


@pytest.mark.usefixtures("no_keys")
@pytest.mark.parametrize(
    "answer",
    [
        http(f"no {CANARY}", 403),
        http(f"no {CANARY}"),
        http("[" * 20_000),
        http("[" * 60_000 + CANARY),
        http(json.dumps({"Token": CANARY})),
        http(json.dumps([CANARY])),
        http(json.dumps({"AccessKeyId": CANARY, "SecretAccessKey": CANARY, "Token": CANARY, "Expiration": CANARY})),
        http(json.dumps({"AccessKeyId": "A", "SecretAccessKey": "B", "Token": CANARY + "\n", "Expiration": None})),
    ],
)
@pytest.mark.parametrize("source", ["container", "instance"])
def test_an_agent_that_gives_none(
    wire: Wire,
    make_api: MakeApi,
    monkeypatch: pytest.MonkeyPatch,
    fails: Fails,
    source: str,
    answer: bytes,
) -> None:
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
    if source == "container":
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{wire.url}/v1/credentials")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", CANARY)
        wire.answer = answer
    else:
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", wire.url)
        wire.answer = lambda request: answer if "credentials/" in request.line else http(CANARY)
    assert fails(make_api(None)).code is ErrorCode.NO_CREDENTIALS


@pytest.mark.usefixtures("no_keys")
def test_a_container_s_token_that_ends_in_a_newline(
    wire: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, fails: Fails
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{wire.url}/v1/credentials")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", f"{CANARY}\n")
    failed = fails(make_api(wire.url))
    assert failed.code is ErrorCode.NO_CREDENTIALS
    assert "container" in failed.message


# Files of the SDK


@pytest.mark.usefixtures("no_keys")
@pytest.mark.parametrize(
    "content",
    [
        f"[default]\naws_secret_access_key = {CANARY}\naws_session_token {CANARY}\n",
        f"aws_secret_access_key = {CANARY}\n",
        f"[default\naws_secret_access_key = {CANARY}\n",
        f"[default]\naws_access_key_id = {CANARY}\n",
        f"[default]\naws_access_key_id = A\naws_secret_access_key = {CANARY}\n  {CANARY}\n",
        f"[default]\naws_access_key_id = A\naws_secret_access_key = \u20ac{CANARY}\n",
    ],
)
def test_a_credentials_file_that_is_broken(
    wire: Wire, make_api: MakeApi, aws: Path, fails: Fails, content: str
) -> None:
    aws.write_text(content)
    assert fails(make_api(wire.url)).code is ErrorCode.NO_CREDENTIALS


# A person who types codes


def test_a_profile_with_mfa_is_refused_and_asks_nobody(
    wire: Wire, sts: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fails: Fails
) -> None:
    def prompt(*_: object) -> NoReturn:
        raise AssertionError("somebody was asked")

    monkeypatch.setattr(getpass, "getpass", prompt)
    monkeypatch.setattr(sys, "stdin", None)
    (tmp_path / "config").write_text(
        f"[profile team]\nrole_arn = {ROLE.role_arn}\nsource_profile = keys\n"
        f"mfa_serial = arn:aws:iam::{ACCOUNT}:mfa/me\n"
        f"[profile keys]\naws_access_key_id = AKID\naws_secret_access_key = {CANARY}\n"
    )
    failed = fails(make_api(wire.url, credentials=TEAM))
    assert failed.code is ErrorCode.NO_CREDENTIALS
    assert "mfa_serial" in failed.message
    assert sts.requests == wire.requests == []


# Trust


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize("value", ["", " "])
def test_a_trust_store_of_no_name_is_no_trust(
    make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, fails: Fails, telemetry: Own, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    failed = fails(make_api("https://127.0.0.1:1"))
    assert failed.code is ErrorCode.TLS
    assert variable in failed.message


def test_a_trust_store_of_the_configuration_comes_before_one_of_no_name(
    wire: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "")
    assert make_api(wire.url, connection=Connection(verify_ssl=False)).describe("churn")
