"""The daemon as a process: flags, environment, signals, exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sys
import time
from pathlib import Path

import bcrypt
import pytest
from support.processes import Child, wait_until
from support.tls import Authority, tls_section
from support.web import client, get

from exporter import __version__
from exporter.cli import run as daemon
from exporter.clock import SystemClock
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

PREFIX = "SAGEMAKER_TUNING_EXPORTER_"


@pytest.fixture
def endpoint():
    simulator = Simulator(SystemClock())
    simulator.create("healthy", "night-search", region="eu-west-1", created=time.time() - 7200)
    with Server(simulator) as server:
        yield server.url


@pytest.fixture
def config(tmp_path):
    def write(endpoint_url, name="night-search"):
        file = tmp_path / "config.yaml"
        file.write_text(
            f"aws: {{region: eu-west-1, endpoint_url: '{endpoint_url}', sts_endpoint_url: '{endpoint_url}'}}\n"
            f"tuning_jobs: [{name}]\n"
        )
        return file

    return write


@pytest.fixture
def run(tmp_path):
    children: list[Child] = []

    def run(*arguments, **environment):
        child = Child(
            [sys.executable, "-m", "exporter", *map(str, arguments)],
            log=tmp_path / f"log{len(children)}",
            environment={**os.environ, **environment},
        )
        children.append(child)
        return child

    yield run
    for child in children:
        child.terminate()


def port_of(child):
    """Return the port that the log names: the tests let the system choose it."""
    found = child.wait_until(lambda: re.search(r'msg=serving addresses="?[^ "]*:(\d+)', child.output()))
    return int(found.group(1))


def test_serves_until_told_to_stop(run, config, endpoint):
    child = run("--config.file", config(endpoint), "--web.listen-address", "127.0.0.1:0")
    url = f"http://127.0.0.1:{port_of(child)}"
    wait_until(lambda: "tuning_job_up{" in get(f"{url}/metrics").text, what="the job's series")
    child.send(signal.SIGTERM)
    assert child.wait() == 0
    output = child.output()
    assert 'msg="tuning job found"' in output
    assert output.splitlines()[-1].endswith("msg=stopped")
    assert "not-a-secret" not in output
    assert "Traceback" not in output


def test_serves_under_the_path_of_the_external_url(run, config, endpoint):
    arguments = ["--web.external-url=https://example.com/ml/tuning/", "--web.disable-pages"]
    child = run("--config.file", config(endpoint), "--web.listen-address=127.0.0.1:0", *arguments)
    url = f"http://127.0.0.1:{port_of(child)}"
    assert " prefix=/ml/tuning external_url=https://example.com/ml/tuning " in child.output()
    assert get(f"{url}/ml/tuning/-/healthy").status_code == 200
    assert get(f"{url}/-/healthy").status_code == 404
    page = get(url, follow_redirects=True)
    assert (page.url.path, page.headers["content-type"]) == ("/ml/tuning/", "text/plain; charset=utf-8")
    child.send(signal.SIGTERM)
    assert child.wait() == 0


def test_the_environment_sets_every_option(run, config, endpoint):
    child = run(
        **{
            f"{PREFIX}CONFIG_FILE": str(config(endpoint)),
            f"{PREFIX}WEB_LISTEN_ADDRESS": "127.0.0.1:0, [::1]:0",
            f"{PREFIX}LOG_LEVEL": "warning",
            f"{PREFIX}LOG_FORMAT": "json",
        }
    )
    wait_until(lambda: len(listening_ports(child.pid)) == 2, what="both addresses")
    for host, port in listening_ports(child.pid):
        assert get(f"http://{host}:{port}/-/healthy").status_code == 200
    child.send(signal.SIGTERM)
    assert child.wait() == 0
    assert [json.loads(line)["level"] for line in child.output().splitlines()] == []


def listening_ports(pid):
    """Return (host, port) of each socket a process listens on, read from the kernel: at warning level no log tells."""
    inodes = set()
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        try:
            link = os.readlink(f"/proc/{pid}/fd/{descriptor}")
        except OSError:
            continue
        if link.startswith("socket:["):
            inodes.add(link[8:-1])
    found = []
    for file, host in (("tcp", "127.0.0.1"), ("tcp6", "[::1]")):
        with open(f"/proc/{pid}/net/{file}") as table:
            rows = [line.split() for line in table][1:]
        found += [(host, int(row[1].split(":")[1], 16)) for row in rows if row[3] == "0A" and row[9] in inodes]
    return found


def test_the_command_line_wins_over_the_environment(run, config, endpoint):
    child = run(
        "--config.file",
        config(endpoint),
        "--web.listen-address=127.0.0.1:0",
        "--log.format=logfmt",
        **{f"{PREFIX}CONFIG_FILE": "/nowhere.yaml", f"{PREFIX}LOG_FORMAT": "json"},
    )
    assert port_of(child)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--config.file", "/nowhere/config.yaml"], 1, "/nowhere/config.yaml"),
        (["explain"], 2, "usage:"),
    ],
)
def test_bad_input_ends_the_process(run, arguments, code, says):
    child = run(*arguments)
    assert child.wait() == code
    assert says in child.output()
    assert "Traceback" not in child.output()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--log.level", "loud"], "'loud' is not one of debug, info, warning, error"),
        (["--web.listen-address", "10980"], "write ':10980'"),
        (["--config", "x"], "usage:"),
    ],
)
def test_a_bad_option_is_told_with_what_to_write_instead(capsys, arguments, says):
    with pytest.raises(SystemExit) as refused:
        daemon.run(arguments)
    assert refused.value.code == 2
    assert says in capsys.readouterr().err


def test_an_invalid_configuration_is_told_with_file_and_line(run, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("aws: {region: eu-west-1}\ntuning_jobs:\n  - bad_name\n  - name: ok\n    lables: {}\n")
    child = run("--config.file", file)
    assert child.wait() == 1
    assert f"{file}:3: tuning_jobs[0]" in child.output()
    assert f"{file}:5: tuning_jobs[1].lables" in child.output()


def test_serves_by_a_web_configuration_file(run, config, endpoint, tmp_path):
    authority = Authority(tmp_path)
    hashed = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
    web = tmp_path / "web.yaml"
    web.write_text(f"{tls_section(authority.issue())}basic_auth_users: {{alice: {hashed}}}\n")
    child = run(
        "--config.file",
        config(endpoint),
        "--web.listen-address=127.0.0.1:0",
        SAGEMAKER_TUNING_EXPORTER_WEB_CONFIG_FILE=str(web),
    )
    url = f"https://127.0.0.1:{port_of(child)}"
    assert " scheme=https " in child.output()
    with client(url, verify=authority.context(), auth=("alice", "right")) as scraper:
        text = scraper.get("/metrics").text
    assert "sagemaker_tuning_exporter_web_config_last_reload_successful 1.0\n" in text
    assert re.search(
        r"^sagemaker_tuning_exporter_web_config_last_reload_success_timestamp_seconds 1\.", text, re.MULTILINE
    )
    assert get(f"{url}/metrics").status_code == 401
    assert get(f"{url}/-/healthy").status_code == 200
    child.send(signal.SIGTERM)
    assert child.wait() == 0
    assert "Traceback" not in child.output()


def test_without_one_it_says_http_and_has_no_metrics_of_it(run, config, endpoint):
    child = run("--config.file", config(endpoint), "--web.listen-address=127.0.0.1:0")
    text = get(f"http://127.0.0.1:{port_of(child)}/metrics").text
    assert " scheme=http " in child.output()
    assert "config_last_reload_successful" in text
    assert "web_config" not in text
    assert "_bcrypt" not in Path(f"/proc/{child.pid}/maps").read_text()


def test_an_invalid_web_configuration_is_told_with_file_and_line(run, config, endpoint, tmp_path):
    web = tmp_path / "web.yaml"
    web.write_text("tls_server_config: {cert_file: none.pem, key_file: none.pem}\n")
    child = run("--config.file", config(endpoint), "--web.config.file", web)
    assert child.wait() == 1
    assert f"{web}:1: tls_server_config.cert_file: {tmp_path}/none.pem cannot be read" in child.output()
    assert "Traceback" not in child.output()


def test_a_used_address_is_told(run, config, endpoint):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        child = run("--config.file", config(endpoint), "--web.listen-address", f"127.0.0.1:{taken.getsockname()[1]}")
        assert child.wait() == 1
    assert "address already in use: choose another one with --web.listen-address" in child.output()
    assert "Traceback" not in child.output()


def test_version(run):
    child = run("--version")
    assert child.wait() == 0
    assert child.output() == f"sagemaker-tuning-exporter {__version__}\n"
