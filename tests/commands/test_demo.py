"""The demo as a newcomer sees it."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
from contextlib import ExitStack, contextmanager, suppress

import pytest
from support.processes import Child
from support.text import found
from support.tls import Authority, tls_section
from support.web import get

from exporter.cli import main
from exporter.exposition.families import FAMILIES


@contextmanager
def taken(port):
    """Let a port be in use, by us if it is not yet."""
    with ExitStack() as stack:
        with suppress(OSError):
            stack.enter_context(socket.create_server(("127.0.0.1", port)))
        yield


def test_shows_every_family_of_the_table_and_ends_on_ctrl_c(tmp_path):
    arguments = [sys.executable, "-m", "exporter", "demo"]
    environment = {**os.environ, "AWS_PROFILE": "of-somebody", "AWS_REGION": "eu-north-1"}
    with taken(10980), Child(arguments, log=tmp_path / "log", environment=environment) as child:
        child.wait_until(lambda: "Press Ctrl-C" in child.output())
        shown = set(re.findall(r"^  (sagemaker_tuning_job_\w+)\{", child.output(), re.MULTILINE))
        always = {family.full_name for family in FAMILIES if family.collect is None}
        assert always <= shown
        assert len(shown - always) >= 8  # of the opt-ins, what the fleet has
        url = found(r"Metrics: +(\S+)", child.output())[1]
        port = found(r"^Port 10980 is in use, so the demo serves on (\d+)", child.output())[1]
        assert url == f"http://127.0.0.1:{port}/metrics"
        text = get(url).text
        scenarios = set(re.findall(r'label_scenario="([^"]+)"', text))
        assert len(scenarios) >= 17
        child.send(signal.SIGINT)
        assert child.wait() == 0
        assert "Traceback" not in child.output()


def test_refuses_a_speed_of_nothing(capsys):
    with pytest.raises(SystemExit) as refused:
        main(["demo", "--speed=0"])
    assert refused.value.code == 2
    assert "write a number above 0" in capsys.readouterr().err


def test_serves_under_a_path(tmp_path):
    arguments = [
        sys.executable,
        "-m",
        "exporter",
        "demo",
        "--web.listen-address=127.0.0.1:0",
        "--web.route-prefix=tour",
    ]
    with Child(arguments, log=tmp_path / "log") as child:
        child.wait_until(lambda: "Status page:" in child.output())
        for title in ("Metrics", "Status page"):
            url = found(rf"{title}: +(\S+)", child.output())[1]
            assert "/tour/" in url
            assert get(url).status_code == 200
        child.send(signal.SIGINT)
        assert child.wait() == 0


def test_serves_over_tls_too(tmp_path):
    authority = Authority(tmp_path)
    web = tmp_path / "web.yaml"
    web.write_text(tls_section(authority.issue()))
    arguments = [
        sys.executable,
        "-m",
        "exporter",
        "demo",
        "--web.listen-address=127.0.0.1:0",
        f"--web.config.file={web}",
    ]
    with Child(arguments, log=tmp_path / "log") as child:
        url = child.wait_until(lambda: re.search(r"Metrics: +(https://\S+)", child.output()))[1]
        assert get(url, verify=authority.context()).status_code == 200


def test_refuses_a_web_configuration_with_mistakes(tmp_path, capsys):
    web = tmp_path / "web.yaml"
    web.write_text("basic_auth_users: {alice: secret}\n")
    assert main(["demo", f"--web.config.file={web}"]) == 1
    assert capsys.readouterr().err.startswith(f"{web}:1: basic_auth_users.alice: ")
