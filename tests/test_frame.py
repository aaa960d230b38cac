"""The promises made round the code: locks, version, README, and the real programs that tests stand on."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import tomllib
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import boto3
import pytest
from support import browser
from support.isolation import OutsideLoopbackError
from support.peers import AwsCliError, MotoServer, aws_cli
from support.processes import Child, wait_until
from support.prometheus import Prometheus, PrometheusError, scrape_job
from support.text import found
from support.tools import ROOT, make_would_run, require

import exporter
from exporter.config import parse
from exporter.exposition.families import FAMILIES
from exporter.exposition.publish import EMPTY
from exporter.exposition.targets import TargetCollector
from exporter.fleet import TargetView
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DISTRIBUTION = "sagemaker-tuning-exporter"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
README = (ROOT / "README.md").read_text()
LOCKS = sorted((ROOT / "locks").glob("*.txt"))


def pins(lock: Path) -> dict[str, str]:
    """Return the version of each package; fail on a line that is neither a pin nor a hash."""
    versions = {}
    for requirement in re.split(r"\n(?! )", lock.read_text().strip()):
        pin, *hashes = requirement.split(" \\\n    ")
        name, version = found(r"^([a-z0-9._-]+)==([^ ;]+)(?: ; .+)?\Z", pin).groups()
        assert hashes, f"{name} has no hash"
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line) for line in hashes), name
        versions[name] = version
    return versions


class TestLocks:
    def test_there_is_one_for_each_environment(self) -> None:
        assert [lock.stem for lock in LOCKS] == ["build", "dev", "fuzz", "peers", "runtime", "site"]

    @pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
    def test_holds_only_pins_with_hashes(self, lock: Path) -> None:
        assert pins(lock)
        assert "://" not in lock.read_text()

    def test_development_runs_what_is_shipped(self) -> None:
        assert pins(ROOT / "locks/runtime.txt").items() <= pins(ROOT / "locks/dev.txt").items()

    @pytest.mark.parametrize(
        ("lock", "wanted"),
        [
            ("build", PROJECT["build-system"]["requires"]),
            ("runtime", PROJECT["project"]["dependencies"]),
            ("dev", PROJECT["dependency-groups"]["dev"]),
            ("peers", PROJECT["dependency-groups"]["peers"]),
            ("site", PROJECT["dependency-groups"]["site"]),
            ("fuzz", PROJECT["dependency-groups"]["fuzz"]),
        ],
    )
    def test_covers_what_the_project_asks_for(self, lock: str, wanted: list[str]) -> None:
        names = {found(r"^[a-z0-9._-]+", requirement)[0] for requirement in wanted}
        assert names <= pins(ROOT / f"locks/{lock}.txt").keys()


class TestDistribution:
    def test_has_the_version_of_the_package(self) -> None:
        assert importlib.metadata.version(DISTRIBUTION) == exporter.__version__

    def test_installs_the_command(self) -> None:
        scripts = importlib.metadata.distribution(DISTRIBUTION).entry_points.select(group="console_scripts")
        assert [(script.name, script.value) for script in scripts] == [(DISTRIBUTION, "exporter.cli:main")]

    def test_is_licensed_as_it_says(self) -> None:
        assert PROJECT["project"]["license"] == "Apache-2.0"
        assert "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text()


def own_metrics() -> set[str]:
    """Return the names under which the exporter's own metrics are found in Prometheus, all but histogram parts."""
    telemetry = Telemetry()
    telemetry.show_web_config(lambda: True, lambda: 0.0)
    watched = TargetView("t", "eu-west-1", "", attempted=True, jobs=(), changes_at=None)
    shown = replace(watched, untracked_running_jobs=0, errors=(("Search", "other"),), matched=(("rule", 0),))
    telemetry.show(TargetCollector(lambda: replace(EMPTY, targets=(shown,))))
    return set(re.findall(r"^# TYPE (sagemaker_tuning_exporter_\S+)", telemetry.render_text().decode(), re.MULTILINE))


class TestReadme:
    @pytest.mark.parametrize(
        "promise",
        [
            "make demo",
            "make test",
            "make unit",
            "--config.file",
            "/metrics",
            "10980",
            "iam-policy",
            "sagemaker:DescribeHyperParameterTuningJob",
            "sts:AssumeRole",
        ],
    )
    def test_tells(self, promise: str) -> None:
        assert promise in README

    def test_is_short_enough_to_be_read(self) -> None:
        assert README.count("\n") < 150

    def test_shows_ten_metrics_that_exist(self) -> None:
        rows = re.findall(r"^\| `([a-z_]+)` \|", README, re.MULTILINE)
        assert len(rows) == 10
        assert set(rows) <= {family.name for family in FAMILIES if family.collect is None}

    def test_names_no_metric_that_does_not_exist(self) -> None:
        names = set(re.findall(r"sagemaker_tuning_(?:job|exporter)_[a-z_]*[a-z]", README))
        assert names
        assert names <= {family.full_name for family in FAMILIES} | own_metrics()

    def test_shows_a_configuration_that_is_accepted(self) -> None:
        [text] = re.findall(r"```yaml\n(interval:.+?)```", README, re.DOTALL)
        assert [len(target.jobs) for target in parse(text, "README.md").targets] == [1, 1, 1]

    def test_asks_questions_that_prometheus_understands(self, promtool: Path, tmp_path: Path) -> None:
        [text] = re.findall(r"```promql\n(.+?)```", README, re.DOTALL)
        rules = [{"record": f"question_{n}", "expr": expr} for n, expr in enumerate(text.split("\n\n"))]
        (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "questions", "rules": rules}]}))
        subprocess.run([promtool, "check", "rules", tmp_path / "rules.yml"], check=True, capture_output=True)


class TestMake:
    def test_shows_its_goals_by_default(self) -> None:
        shown = subprocess.run(["make", "-C", ROOT], capture_output=True, text=True, check=True).stdout
        for goal in ("demo", "test", "unit", "coverage", "lint", "format", "lock", "clean"):
            assert re.search(rf"^  make {goal} +\w", shown, re.MULTILINE)

    @pytest.mark.parametrize("goal", ["test", "unit"])
    def test_runs_the_tests_that_it_is_told_to(self, goal: str) -> None:
        *_, tests = make_would_run(goal, "TESTS=tests/fleet tests/web", "ARGS=-k 'delta or head' -x")
        assert tests.endswith(" tests/fleet tests/web -k 'delta or head' -x")

    @pytest.mark.parametrize("given", [[], ["SEEDS=5"], ["ARGS=--jobs 6"], ["TRACES=a"], ["RECORDINGS=a.rec"]])
    def test_only_the_report_of_its_own_seeds_goes_into_the_documentation(self, given: list[str]) -> None:
        *_, replays = make_would_run("alerts-report", *given)
        assert ("--docs" in replays.split()) is (not given)
        assert all(word in replays.split() for words in given for word in words.partition("=")[2].split())

    def test_the_quick_tests_are_there_and_need_nothing_but_the_environment(self) -> None:
        [tests] = make_would_run("unit")
        folders = re.findall(r"tests/\w+", tests)
        assert len(folders) >= 5
        assert all((ROOT / folder).is_dir() for folder in folders)
        assert any("install-debian" in command for command in make_would_run("test"))

    @pytest.mark.parametrize(
        ("missing", "message"),
        [
            ("sys.version_info = (3, 10)", "is not Python 3.11 or newer"),
            ("sys.modules['ensurepip'] = None", "apt-get install python3-venv"),
        ],
    )
    def test_says_what_the_given_python_lacks(self, tmp_path: Path, missing: str, message: str) -> None:
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "import sys; {missing}; exec(sys.argv[2])" "$@"\n')
        python.chmod(0o755)
        (tmp_path / "Makefile").symlink_to(ROOT / "Makefile")
        done = subprocess.run(
            ["make", "-C", tmp_path, ".venv/bin/pip", f"PYTHON={python}"], capture_output=True, text=True, check=False
        )
        assert done.returncode != 0
        assert message in done.stderr
        assert not (tmp_path / ".venv").exists()

    @pytest.mark.parametrize("script", [".ci/run", "tools/install-debian"])
    def test_scripts_are_executable(self, script: str) -> None:
        assert os.access(ROOT / script, os.X_OK)


class TestIsolation:
    @pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "::ffff:192.0.2.1", "2001:db8::1"])
    def test_no_other_machine_is_reached(self, address: str) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as sock, pytest.raises(OutsideLoopbackError):
            sock.connect((address, 443))
        with socket.socket(family) as sock, pytest.raises(OutsideLoopbackError):
            sock.connect_ex((address, 443))

    @pytest.mark.parametrize("address", ["127.0.0.1", "localhost"])
    def test_loopback_is_reached(self, address: str) -> None:
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            socket.create_connection((address, server.getsockname()[1])) as client,
        ):
            assert client.getpeername() == server.getsockname()

    def test_no_other_name_is_resolved(self) -> None:
        with pytest.raises(socket.gaierror):
            socket.create_connection(("sagemaker.us-east-1.amazonaws.com", 443))

    def test_the_sdk_finds_nothing_but_test_credentials(self) -> None:
        session = boto3.Session()
        assert session.region_name is None
        assert session.available_profiles == []
        assert session.get_credentials().secret_key == "not-a-secret"


class TestProcesses:
    def test_a_program_that_dies_is_no_time_out(self, tmp_path: Path) -> None:
        with (
            Child([sys.executable, "-c", "print('why'); raise SystemExit(3)"], log=tmp_path / "log") as child,
            pytest.raises(ChildProcessError, match=r"(?s)exited with 3:.*why"),
        ):
            child.wait_until(lambda: False)

    def test_what_a_program_started_ends_with_it(self, tmp_path: Path) -> None:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        grandchild = f"import time; kept = open({str(fifo)!r}, 'w'); time.sleep(600)"
        program = (
            "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
            f"subprocess.Popen([sys.executable, '-c', {grandchild!r}]); time.sleep(600)"
        )
        with Child([sys.executable, "-c", program], log=tmp_path / "log") as child, fifo.open() as pipe:
            assert child.terminate(timeout=0.1) == -signal.SIGKILL
            # The end of the file comes when nobody holds the writing end any more.
            assert pipe.read() == ""

    def test_waiting_ends(self) -> None:
        with pytest.raises(TimeoutError, match=r"waited 0\.1 s for a miracle, last seen: 0"):
            wait_until(lambda: 0, timeout=0.1, what="a miracle")

    @pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
    def test_a_missing_program_skips_a_test_but_fails_ci(
        self, monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
    ) -> None:
        monkeypatch.setenv("CI", ci)
        with pytest.raises(outcome, match="no-such-program is not installed"):
            require("no-such-program")


@pytest.fixture(scope="module")
def prometheus(prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    directory = tmp_path_factory.mktemp("prometheus")
    rules = directory / "rules.yml"
    rules.write_text("groups: [{name: g, rules: [{alert: Scraped, expr: up == 1}, {record: ups, expr: sum(up)}]}]")
    with Prometheus(prometheus_binary, directory, [], rule_files=[rules]) as prometheus:
        prometheus.reload([scrape_job("itself", prometheus.address)], [rules])
        yield prometheus


@pytest.mark.xdist_group("prometheus")
class TestPrometheus:
    def test_scrapes_and_answers(self, prometheus: Prometheus) -> None:
        [up] = prometheus.wait_until("up", lambda samples: [sample.value for sample in samples] == [1.0])
        assert up.labels == {"__name__": "up", "job": "itself", "instance": prometheus.address}
        wait_until(lambda: [target["health"] for target in prometheus.targets()] == ["up"], what="a good scrape")
        assert up.labels in prometheus.series('{job="itself"}')
        assert prometheus.query("vector(1) / 0")[0].value == float("inf")
        assert prometheus.query("2 * 3") == [({}, 6.0)]
        [when] = prometheus.wait_until("timestamp(up == 1)")
        [history] = prometheus.query_range("up", start=when.value, end=when.value + 1, step=1)
        assert history.points[0] == pytest.approx((when.value, 1.0))

    def test_evaluates_rules(self, prometheus: Prometheus) -> None:
        prometheus.wait_until("ups", lambda samples: samples == [({"__name__": "ups"}, 1.0)])
        prometheus.wait_until('ALERTS{alertstate="firing"}')
        wait_until(lambda: [each["labels"]["alertname"] for each in prometheus.alerts()] == ["Scraped"])
        assert {rule["health"] for rule in prometheus.rules()} == {"ok"}

    def test_passes_its_complaints_on(self, prometheus: Prometheus) -> None:
        with pytest.raises(PrometheusError, match="parse error"):
            prometheus.query("sum(")
        with pytest.raises(TimeoutError):
            prometheus.wait_until("absent_from_here", timeout=0.1)

    def test_promtool_is_at_hand(self, promtool: Path) -> None:
        lint = subprocess.run(
            [promtool, "check", "metrics"], input="a_total 1\n", capture_output=True, text=True, check=False
        )
        assert "a_total no help text" in lint.stdout + lint.stderr


@pytest.mark.xdist_group("moto")
class TestPeers:
    def test_the_command_line_reads_what_the_sdk_wrote(self, moto: MotoServer) -> None:
        sagemaker = boto3.client("sagemaker", region_name="eu-west-1", endpoint_url=moto.url)
        sagemaker.create_hyper_parameter_tuning_job(
            HyperParameterTuningJobName="churn-xgboost",
            HyperParameterTuningJobConfig={
                "Strategy": "Random",
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2},
            },
        )
        sagemaker.close()
        described = aws_cli(
            "sagemaker",
            "describe-hyper-parameter-tuning-job",
            "--hyper-parameter-tuning-job-name=churn-xgboost",
            endpoint_url=moto.url,
            region="eu-west-1",
        )
        assert described["HyperParameterTuningJobName"] == "churn-xgboost"
        assert described["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"] == 4

    def test_the_command_line_passes_its_complaints_on(self, moto: MotoServer) -> None:
        with pytest.raises(AwsCliError, match=r"(?i)could not find"):
            aws_cli(
                "sagemaker",
                "describe-hyper-parameter-tuning-job",
                "--hyper-parameter-tuning-job-name=absent",
                endpoint_url=moto.url,
            )


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            plain = self.path == "/plain"
            body = b"# a < b & c\n" if plain else b"<title>T</title><style>x</style><p id=p>shown"
            self.send_response(200)
            self.send_header("Content-Type", "text/plain" if plain else "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.xdist_group("browser")
class TestBrowser:
    def test_reads_a_page(self, url: str) -> None:
        assert '<p id="p">shown</p>' in browser.dump_dom(f"{url}/page")
        assert browser.text(f"{url}/page").strip() == "Tshown"

    def test_reads_plain_text_to_the_letter(self, url: str) -> None:
        assert browser.text(f"{url}/plain").rstrip("\n") == "# a < b & c"

    def test_takes_a_picture(self, url: str, tmp_path: Path) -> None:
        browser.screenshot(f"{url}/page", tmp_path / "page.png", width=300, height=200)
        assert (tmp_path / "page.png").read_bytes()[16:24] == (300).to_bytes(4) + (200).to_bytes(4)
