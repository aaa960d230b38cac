"""Files with credentials that vanish, are empty or broken, and come back rotated."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta

import pytest
from environment.process import REGION, configuration
from support.processes import wait_until

from exporter.simulator.errors import ApiError
from exporter.simulator.server import Server


def keys(name):
    return f"[default]\naws_access_key_id = AKIA{name}\naws_secret_access_key = {name}-hidden\n"


def test_a_shared_credentials_file(run, file, simulator, tmp_path):
    credentials = tmp_path / "credentials"
    exporter = run(
        file,
        environment={
            "AWS_ACCESS_KEY_ID": None,
            "AWS_SECRET_ACCESS_KEY": None,
            "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
        },
    )
    exporter.wait_for_code("no_credentials")  # there is no file yet
    credentials.write_text("")
    after_next_round(exporter)
    assert exporter.codes() == {"no_credentials"}
    credentials.write_text(keys("OLD"))
    exporter.wait_for_up("one")

    credentials.unlink()  # what was read goes on to serve
    after_next_round(exporter)
    assert exporter.up() == {"one": 1}
    simulator.revoked.add("AKIAOLD")
    exporter.wait_for_code("no_credentials")
    for broken in ("", "[default]\naws_access_key_id = AKIANEW\n", "[default\n\x00"):
        credentials.write_text(broken)
        after_next_round(exporter)
        assert exporter.codes() == {"no_credentials"}, broken
    assert exporter.get("/-/healthy").status_code == 200

    credentials.write_text(keys("NEW"))
    exporter.wait_for_up("one")
    assert "hidden" not in exporter.output()
    assert "Traceback" not in exporter.output()


def after_next_round(exporter):
    """Return when a round that begins after this call has ended, and is published."""
    rounds = exporter.rounds()
    wait_until(lambda: exporter.rounds() >= rounds + 2, what="rounds")


@pytest.fixture
def identity_provider(simulator):
    """Let the simulator take web identity tokens; return the set of those that it takes."""
    accepted: set[str] = set()
    handle = simulator.handle

    def with_web_identity(request):
        if request.operation != "AssumeRoleWithWebIdentity":
            return handle(request)
        token = request.content.get("WebIdentityToken")
        if token not in accepted:
            raise ApiError("InvalidIdentityToken", "The token is none of ours.")
        # So near to its end that the SDK renews it before every call.
        expiration = (datetime.now(UTC) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
        key = {"AccessKeyId": f"ASIA{token}", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": expiration}
        return {"Credentials": key}

    simulator.handle = with_web_identity
    return accepted


def test_a_web_identity_token_file(run, simulator, identity_provider, tmp_path):
    token, file = tmp_path / "token", tmp_path / "config.yaml"
    with Server(simulator) as server:
        file.write_text(configuration(server.url, "one"))
        token.write_text("first")
        identity_provider.add("first")
        exporter = run(
            file,
            environment={
                "AWS_ACCESS_KEY_ID": None,
                "AWS_SECRET_ACCESS_KEY": None,
                "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
                "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/tuning-metrics",
                "AWS_ENDPOINT_URL_STS": server.url,
                "AWS_REGION": REGION,
            },
        )
        exporter.wait_for_up("one")
        token.unlink()
        wait_until(lambda: exporter.up() == {"one": 0}, what="the loss")
        wait_until(lambda: "AWS_WEB_IDENTITY_TOKEN_FILE" in exporter.output(), what="the name of the variable")
        token.write_text("")
        exporter.wait_for_code("assume_role_denied")
        identity_provider.clear()
        identity_provider.add("second")
        token.write_text("first")
        after_next_round(exporter)
        assert exporter.codes() == {"assume_role_denied"}
        token.write_text("second")
        exporter.wait_for_up("one")
        simulator.revoked.add("ASIAsecond")  # the role's keys are refused before their time
        exporter.wait_for_code("no_credentials")
        identity_provider.add("third")
        token.write_text("third")
        exporter.wait_for_up("one")
        assert "Traceback" not in exporter.output()


def test_a_search_that_hangs_holds_up_no_reload(run, file, endpoint, tmp_path):
    helper, started = tmp_path / "helper", tmp_path / "started"
    helper.write_text(f"#!/bin/sh\necho $$ > {started}\nexec sleep 600\n")
    helper.chmod(0o755)
    (tmp_path / "aws").write_text(f"[default]\ncredential_process = {helper}\n")
    exporter = run(
        file,
        "--no-config.auto-reload",
        environment={
            "AWS_CONFIG_FILE": str(tmp_path / "aws"),
            "AWS_ACCESS_KEY_ID": None,
            "AWS_SECRET_ACCESS_KEY": None,
        },
    )
    pid = int(wait_until(lambda: started.exists() and started.read_text().strip(), what="the search"))
    try:
        file.write_text(configuration(endpoint, "one").replace("eu-west-1", "us-east-1"))
        exporter.send(signal.SIGHUP)
        wait_until(lambda: "trigger=SIGHUP" in exporter.output(), what="the reload")
    finally:
        os.kill(pid, signal.SIGKILL)
