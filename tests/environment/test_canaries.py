"""Secrets that are put in the exporter's way, looked for in everything that comes out of it."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from environment.echo import CANARY, KEYS, PATHS, refusal
from environment.process import configuration
from support.processes import wait_until

NO_KEYS = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_SESSION_TOKEN": None}
ROLE = {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/tuning-metrics"}


def configured(directory, line):
    """Return the environment of a default profile with this line."""
    (directory / "aws").write_text(f"[default]\n{line}\n")
    return {"AWS_CONFIG_FILE": str(directory / "aws")}


def process(directory, script):
    """Return the environment of a profile whose credential_process is this Python script."""
    (directory / "script.py").write_text(script)
    return NO_KEYS | configured(directory, f"credential_process = {sys.executable} {directory}/script.py")


def token(directory):
    (directory / "token").write_text(CANARY)
    return NO_KEYS | ROLE | {"AWS_WEB_IDENTITY_TOKEN_FILE": str(directory / "token")}


def cut(sent):
    del sent
    return f"<AssumeRoleWithWebIdentityResponse><SessionToken>{CANARY}", 200, {"Content-Type": "text/xml"}


Environment = Callable[[Path], Mapping[str, str | None]]
Answer = Callable[[str], tuple[str, int, dict[str, str]]]
WAYS: dict[str, tuple[Environment, Answer | None, str]] = {
    "a key with a newline": (lambda _: KEYS | {"AWS_SECRET_ACCESS_KEY": f"{CANARY}\n"}, None, "no_credentials"),
    "a token with a newline": (lambda _: KEYS | {"AWS_SESSION_TOKEN": f"{CANARY}\n"}, None, "no_credentials"),
    "a token that is echoed": (lambda _: KEYS, refusal, "other"),
    "a token that is echoed in hex": (
        lambda _: KEYS,
        lambda sent: (
            json.dumps({"__type": "Odd", "message": CANARY.encode().hex(" ").upper() * sent.count(CANARY)}),
            400,
            {},
        ),
        "other",
    ),
    "a token instead of its file": (
        lambda _: NO_KEYS | ROLE | {"AWS_WEB_IDENTITY_TOKEN_FILE": f"eyJ{CANARY}"},
        None,
        "no_credentials",
    ),
    "a token instead of a profile": (lambda _: NO_KEYS | {"AWS_PROFILE": CANARY}, None, "no_credentials"),
    "a token instead of a proxy": (
        lambda _: KEYS | {"HTTP_PROXY": "http://canary.invalid:9", "NO_PROXY": ""},
        None,
        "connection",
    ),
    "a process with a token before it": (
        lambda directory: NO_KEYS | configured(directory, f"credential_process = TOKEN={CANARY} helper"),
        None,
        "no_credentials",
    ),
    "an STS that cuts": (token, cut, "malformed_answer"),
    "a web identity that is echoed": (token, lambda sent: (f"<a>{sent}", 403, {}), "malformed_answer"),
    "a proxy": (lambda _: KEYS | {"HTTP_PROXY": f"http://u:{CANARY}@127.0.0.1:1", "NO_PROXY": ""}, None, "connection"),
    "a process that complains": (
        lambda directory: process(directory, f"raise SystemExit('{CANARY}')"),
        None,
        "no_credentials",
    ),
    "a process that chats": (lambda directory: process(directory, f"print('{CANARY}')"), None, "no_credentials"),
    "a process that is late": (
        lambda directory: process(
            directory,
            "import json; print(json.dumps({'Version': 1, 'AccessKeyId': 'A', 'Expiration': '2020-01-01T00:00:00Z',"
            f" 'SecretAccessKey': '{CANARY}', 'SessionToken': '{CANARY}'}}))",
        ),
        None,
        "expired_credentials",
    ),
}


@pytest.mark.parametrize(("environment", "answer", "code"), WAYS.values(), ids=WAYS)
def test_no_secret_comes_out(run, echo, tmp_path, environment, answer, code):
    echo.answer = answer or echo.answer
    file = tmp_path / "config.yaml"
    file.write_text(configuration(echo.url, "one"))
    exporter = run(
        file,
        "--log.level=debug",
        "--web.enable-lifecycle",
        environment={"AWS_ENDPOINT_URL_STS": echo.url, "AWS_REGION": "eu-west-1"} | environment(tmp_path),
    )
    exporter.wait_for_code(code)
    wait_until(lambda: f"code={code}" in exporter.output(), what="a line that tells why")
    pages = [exporter.get(path).text for path in PATHS]
    rounds = exporter.rounds()
    wait_until(lambda: exporter.rounds() > rounds, what="a further round")
    exporter.send(signal.SIGTERM)
    assert exporter.wait() == 0
    for text in (*pages, exporter.output()):
        assert "canary" not in text.lower()
        assert CANARY.encode().hex(" ") not in text.lower()
        assert "Traceback" not in text
    assert max(map(len, exporter.output().splitlines())) < 1_500


def test_a_profile_with_mfa_is_refused_without_a_question(run, file, tmp_path):
    (tmp_path / "aws").write_text(
        "[default]\nrole_arn = arn:aws:iam::123456789012:role/tuning-metrics\nsource_profile = keys\n"
        "mfa_serial = arn:aws:iam::123456789012:mfa/me\n"
        f"[profile keys]\naws_access_key_id = AKIDTEST\naws_secret_access_key = {CANARY}\n"
    )
    reading, writing = os.pipe()  # somebody who could answer, and does not
    try:
        exporter = run(file, environment=NO_KEYS | {"AWS_CONFIG_FILE": str(tmp_path / "aws")}, stdin=reading)
        exporter.wait_for_code("no_credentials")
        wait_until(lambda: "mfa_serial" in exporter.output(), what="a line that tells why")
        assert "Enter MFA code" not in exporter.output()
    finally:
        os.close(reading)
        os.close(writing)
