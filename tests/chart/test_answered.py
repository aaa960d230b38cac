"""Helm's test, run as the chart renders it, against real exporters: it fails as long as AWS has not answered for a target."""

from __future__ import annotations

import json
import os
import re
import runpy
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from chart.guard import NAME, PASSWORD, Guard
from chart.rendering import helm_test
from environment.process import Exporter, command
from helm_chart.values import CHART
from support.processes import PATIENCE, free_port, wait_until
from support.web import get

from exporter.clock import SystemClock
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

LIST = "ListHyperParameterTuningJobs"


@pytest.fixture
def simulator() -> Iterator[tuple[Simulator, str]]:
    """Return a simulator with a tuning job in one region, and its URL."""
    simulator = Simulator(SystemClock())
    simulator.create("healthy", "one", region="eu-west-1", created=time.time() - 60)  # so that lists have it already
    with Server(simulator) as server:
        yield simulator, server.url


@pytest.fixture
def watch(simulator: tuple[Simulator, str], tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Return a function that starts an exporter on the rest of a configuration and returns the URL of its metrics."""
    with ExitStack() as running:

        def watch(configuration: dict[str, Any], flags: Sequence[str] = (), **environment: str | None) -> str:
            file = tmp_path / f"config-{len(flags)}.yaml"
            url = simulator[1]
            aws = {"endpoint_url": url, "sts_endpoint_url": url, "requests_per_second": 100}
            # JSON is YAML.
            file.write_text(json.dumps({"interval": "1s", "aws": aws, **configuration}), encoding="utf-8")
            exporter = Exporter(command(file, *flags), log=tmp_path / "log", environment=environment)
            running.enter_context(exporter)
            return f"http://127.0.0.1:{exporter.port}/metrics"

        yield watch


RULES_ONLY = {"discover": [{"region": "eu-west-1"}]}
LISTED_ONLY = {"tuning_jobs": [{"name": "one", "region": "eu-west-1"}]}


@pytest.mark.parametrize("configuration", [RULES_ONLY, LISTED_ONLY, RULES_ONLY | LISTED_ONLY, {"tuning_jobs": []}])
def test_helms_test_passes_once_aws_has_answered(watch: Any, configuration: dict[str, Any]) -> None:
    done = helm_test(watch(configuration))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == [
        "no sagemaker_tuning_exporter_target_error_info",
        "no sagemaker_tuning_job_error_info",
    ]


def test_helms_test_passes_where_there_are_no_tuning_jobs(watch: Any) -> None:
    done = helm_test(watch({"discover": [{"region": "eu-central-1"}]}))
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 tuning jobs, 0 of them described" in done.stdout


@pytest.mark.parametrize(
    ("configuration", "families"),
    [
        (RULES_ONLY, {"exporter_target_error_info"}),
        (LISTED_ONLY, {"exporter_target_error_info", "job_error_info"}),
        (RULES_ONLY | LISTED_ONLY, {"exporter_target_error_info", "job_error_info"}),
    ],
)
def test_helms_test_fails_where_all_is_denied_and_says_what(
    watch: Any, simulator: tuple[Simulator, str], configuration: dict[str, Any], families: set[str]
) -> None:
    simulator[0].faults.add(Fault(Kind.ACCESS_DENIED))
    url = watch(configuration)
    wait_until(lambda: shown(url, 'code="access_denied"') == families, what="the refusals")
    done = helm_test(url, 0)
    assert done.returncode == 1
    assert done.stderr == "AWS has not answered one call for target eu-west-1: nobody watches its tuning jobs\n"
    assert with_label(done.stdout, 'code="access_denied"') == families


def shown(url: str, label: str) -> set[str]:
    """Return the families of errors that have a series with a label in a scrape."""
    return {family for family in with_label(get(url).text, label) if family.endswith("_error_info")}


def with_label(text: str, label: str) -> set[str]:
    """Return the families that have a series with a label."""
    return {line.partition("{")[0].removeprefix("sagemaker_tuning_") for line in text.splitlines() if label in line}


def test_helms_test_fails_without_credentials(watch: Any, simulator: tuple[Simulator, str]) -> None:
    nothing: dict[str, str | None] = {name: None for name in os.environ if name.startswith("AWS_")} | {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    url = watch(RULES_ONLY, **nothing)
    wait_until(lambda: shown(url, 'code="no_credentials"'), what="the failure")
    done = helm_test(url, 0)
    assert done.returncode == 1
    [told] = [line for line in done.stdout.splitlines() if f'operation="{LIST}"' in line]
    assert 'code="no_credentials"' in told
    assert 'aws_region="eu-west-1"' in told


def test_helms_test_names_only_the_targets_that_were_not_answered(watch: Any, simulator: tuple[Simulator, str]) -> None:
    simulator[0].faults.add(Fault(Kind.ACCESS_DENIED, region="us-east-1"))
    url = watch({"discover": [{"region": region} for region in ("eu-west-1", "us-east-1")]})
    answered = "exporter_target_last_success_timestamp_seconds"
    wait_until(lambda: answered in with_label(get(url).text, 'target="eu-west-1"'), what="the other's answer")
    done = helm_test(url, 0)
    assert done.returncode == 1
    assert "for target us-east-1: " in done.stderr


def test_helms_test_waits_for_the_first_answer(watch: Any, simulator: tuple[Simulator, str]) -> None:
    fault = simulator[0].faults.add(Fault(Kind.ACCESS_DENIED))
    url = watch(RULES_ONLY)
    with ThreadPoolExecutor() as pool:
        done = pool.submit(helm_test, url)
        wait_until(lambda: simulator[0].requests[LIST, "eu-west-1"] >= 2, what="a second try")
        simulator[0].faults.remove(fault)
        assert done.result().returncode == 0


def test_helms_test_waits_for_a_pod_that_has_only_started(watch: Any, simulator: tuple[Simulator, str]) -> None:
    """Before its first calls have come back, its metrics say nothing of its targets."""
    fault = simulator[0].faults.add(Fault(Kind.HANG))
    url = watch(RULES_ONLY)
    wait_until(lambda: "\nsagemaker_tuning_exporter_build_info{" in get(url).text, what="metrics")
    done = helm_test(url, 0)
    assert done.returncode == 1
    assert "503 Service Unavailable: waiting for a first answer: eu-west-1" in done.stderr
    simulator[0].faults.remove(fault)


def test_helms_test_asks_each_shard(
    watch: Any, simulator: tuple[Simulator, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A headless service leads to the pods of all shards, and a script that asked one of them would miss the others."""
    simulator[0].faults.add(Fault(Kind.ACCESS_DENIED, region="us-east-1"))
    url = watch(RULES_ONLY)
    wait_until(lambda: "sagemaker_tuning_job_up{" in get(url).text, what="the first shard's tuning job")
    port = urlsplit(url).port
    watch({"discover": [{"region": "us-east-1"}]}, flags=[f"--web.listen-address=127.0.0.2:{port}"])
    second = f"http://127.0.0.2:{port}/metrics"
    wait_until(lambda: shown(second, 'code="access_denied"'), what="the second shard's refusal")
    look_up = socket.getaddrinfo

    def headless(host: str, *more: Any, **named: Any) -> list[Any]:
        hosts = ("127.0.0.1", "127.0.0.2") if host == "pods.example" else (host,)
        return [found for each in hosts for found in look_up(each, *more, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", headless)
    monkeypatch.setattr(sys, "argv", ["-c", f"http://pods.example:{port}/metrics", "0"])
    with pytest.raises(SystemExit, match="for target us-east-1: "):
        runpy.run_path(str(CHART / "files" / "answered.py"))
    assert "1 tuning jobs, 1 of them described" in capsys.readouterr().out


def test_helms_test_fails_when_nothing_answers() -> None:
    done = helm_test(f"http://127.0.0.1:{free_port()}/metrics", 0)
    assert done.returncode == 1
    assert "does not answer" in done.stderr


@pytest.fixture
def guard(watch: Any) -> Iterator[Callable[..., Guard]]:
    """Return a function that puts HTTPS in front of an exporter, which may then demand certificates or passwords."""
    with ExitStack() as running:
        exporter = watch(RULES_ONLY).removesuffix("/metrics")
        wait_until(lambda: "sagemaker_tuning_job_up{" in get(f"{exporter}/metrics").text, what="the tuning job")
        yield lambda **options: running.enter_context(Guard(exporter, **options))


NAMED = f"--server-name={NAME}"
ONE = "1 tuning jobs, 1 of them described"


def test_helms_test_checks_the_certificate(guard: Any, tmp_path: Path) -> None:
    running = guard()
    credentials = f"--credentials={running.write(tmp_path / 'given')}"
    done = helm_test(running.url, 0, NAMED, credentials)
    assert (done.returncode, done.stderr) == (0, "")
    assert ONE in done.stdout
    for flags, why in {
        (credentials,): "doesn't match|mismatch|not valid for",
        (NAMED,): "unable to get|self.signed",
    }.items():
        done = helm_test(running.url, 0, *flags)
        assert done.returncode == 1
        assert "does not answer: [SSL: CERTIFICATE_VERIFY_FAILED]" in done.stderr
        assert re.search(why, done.stderr)
    done = helm_test(running.url, 0, "--insecure")
    assert (done.returncode, done.stderr) == (0, "")


def test_helms_test_gives_the_password_that_it_is_given(guard: Any, tmp_path: Path) -> None:
    running = guard(password=True)
    right = running.write(tmp_path / "right", password=PASSWORD)
    done = helm_test(running.url, 0, NAMED, f"--credentials={right}")
    assert (done.returncode, done.stderr) == (0, "")
    assert ONE in done.stdout
    wrong = running.write(tmp_path / "wrong", password="hunter2")
    done = helm_test(running.url, PATIENCE, NAMED, f"--credentials={wrong}")
    assert done.returncode == 1
    assert "refuses the user name and password in the Secret of scrape.basicAuth" in done.stderr
    assert "hunter2" not in done.stderr + done.stdout


def test_helms_test_without_a_password_sees_that_the_exporter_is_ready_and_says_what_it_does_not_see(
    guard: Any, tmp_path: Path
) -> None:
    running = guard(password=True)
    credentials = f"--credentials={running.write(tmp_path / 'given')}"
    done = helm_test(running.url, 0, NAMED, credentials)
    assert (done.returncode, done.stderr) == (0, "")
    assert "asks for a password and this test has none" in done.stdout
    assert "set scrape.basicAuth.secretName" in done.stdout
    running.exporter = f"http://127.0.0.1:{free_port()}"
    assert helm_test(running.url, 0, NAMED, credentials).returncode == 1


def test_helms_test_shows_the_certificate_that_it_is_given(guard: Any, tmp_path: Path) -> None:
    running = guard(certificates=True)
    given = running.write(tmp_path / "given", certificate=True)
    done = helm_test(running.url, 0, NAMED, "--client-certificates", f"--credentials={given}")
    assert (done.returncode, done.stderr) == (0, "")
    assert ONE in done.stdout


def test_helms_test_without_a_certificate_checks_the_exporters_and_says_what_it_does_not_see(
    guard: Any, tmp_path: Path
) -> None:
    running = guard(certificates=True)
    credentials = f"--credentials={running.write(tmp_path / 'given')}"
    done = helm_test(running.url, 0, NAMED, "--client-certificates", credentials)
    assert (done.returncode, done.stderr) == (0, "")
    assert "demands client certificates and this test has none" in done.stdout
    assert "set scrape.tls.certSecretName" in done.stdout
    for flags in ((NAMED, "--client-certificates"), (NAMED, credentials)):  # of an unknown authority; not told of it
        done = helm_test(running.url, 0, *flags)
        assert done.returncode == 1
        assert "does not answer: " in done.stderr
    url = f"https://127.0.0.1:{free_port()}/metrics"
    assert helm_test(url, 0, NAMED, "--client-certificates", credentials).returncode == 1
