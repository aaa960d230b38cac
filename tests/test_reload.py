"""Reloading, by each trigger: all or nothing, values and places in the schedule kept."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.processes import Child, wait_until
from support.text import found
from support.web import client as client_of

from exporter.clock import SystemClock
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

RELOADS = 25
NAMES = ("keep", "drop", "add", *(f"job-{i}" for i in range(40)))


@pytest.fixture
def simulator():
    simulator = Simulator(SystemClock())
    for name in NAMES:
        simulator.create("healthy", name, region="eu-west-1", created=time.time() - 7200)
    return simulator


@pytest.fixture
def endpoint(simulator):
    with Server(simulator) as server:
        yield server.url


def configuration(endpoint, *names, label="a", interval="10m"):
    entries = "".join(f"\n  - {{name: {name}, labels: {{version: {label}}}}}" for name in names)
    return (
        f"interval: {interval}\nstale_after: 1h\n"
        f"aws: {{region: eu-west-1, endpoint_url: '{endpoint}', sts_endpoint_url: '{endpoint}', requests_per_second: 100}}\n"
        f"tuning_jobs:{entries or ' []'}\n"
    )


class Exporter:
    """A running exporter and what it serves."""

    def __init__(self, child):
        self.child = child
        found = child.wait_until(lambda: re.search(r'msg=serving addresses="?[^ "]*:(\d+)', child.output()))
        self.client = client_of(f"http://127.0.0.1:{found.group(1)}")

    def series(self, family):
        lines = self.client.get("/metrics").text.splitlines()
        return {
            line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if re.match(rf"{family}[ {{]", line)
        }

    def jobs(self):
        return {found('tuning_job="([^"]+)"', series)[1] for series in self.series("sagemaker_tuning_job_status")}

    def reload_successful(self):
        return self.series("sagemaker_tuning_exporter_config_last_reload_successful").popitem()[1]

    def successes(self):
        return self.series("sagemaker_tuning_job_last_success_timestamp_seconds")


@pytest.fixture
def start(tmp_path):
    logs: list[Path] = []

    def start(file, *flags):
        logs.append(tmp_path / f"log{len(logs)}")
        child = Child(
            [sys.executable, "-m", "exporter", "--config.file", file, "--web.listen-address=127.0.0.1:0", *flags],
            log=logs[-1],
            environment=os.environ,
        )
        running.enter_context(child)
        exporter = Exporter(child)
        running.enter_context(exporter.client)
        return exporter

    with ExitStack() as running:
        yield start


@pytest.fixture
def file(tmp_path, endpoint):
    file = tmp_path / "config.yaml"
    file.write_text(configuration(endpoint, "keep", "drop"))
    return file


def by_signal(exporter):
    exporter.child.send(signal.SIGHUP)


def by_request(exporter):
    exporter.client.post("/-/reload")


def by_itself(exporter):
    """The watcher looks every few seconds."""


TRIGGERS = pytest.mark.parametrize("trigger", [by_signal, by_request, by_itself], ids=lambda trigger: trigger.__name__)


def flags_for(trigger):
    return ("--web.enable-lifecycle", "--no-config.auto-reload") if trigger is not by_itself else ()


@TRIGGERS
def test_takes_the_new_jobs_and_keeps_what_stays(start, file, endpoint, simulator, trigger):
    exporter = start(file, *flags_for(trigger))
    wait_until(lambda: exporter.jobs() == {"keep", "drop"}, what="the first round")
    described = {series: value for series, value in exporter.successes().items() if '"keep"' in series}
    calls = simulator.requests["DescribeHyperParameterTuningJob", "eu-west-1"]

    file.write_text(configuration(endpoint, "add", "keep", label="b"))
    trigger(exporter)
    wait_until(lambda: exporter.jobs() == {"keep", "add"}, what="the new configuration")

    assert described.items() <= exporter.successes().items()  # not described again for it
    assert simulator.requests["DescribeHyperParameterTuningJob", "eu-west-1"] == calls + 1
    labels = exporter.series("sagemaker_tuning_job_labels")
    assert all('label_version="b"' in series for series in labels)
    assert [found('tuning_job="([^"]+)"', series)[1] for series in labels] == ["add", "keep"]
    assert "drop" not in exporter.client.get("/metrics").text


@TRIGGERS
def test_an_invalid_file_changes_nothing_and_is_told_everywhere(start, file, endpoint, trigger):
    exporter = start(file, *flags_for(trigger))
    wait_until(lambda: exporter.jobs() == {"keep", "drop"}, what="the first round")
    before = exporter.series("sagemaker_tuning_job_.*")
    file.write_text(configuration(endpoint, "keep") + "  - bad_name\n")
    trigger(exporter)
    wait_until(lambda: exporter.reload_successful() == 0, what="the refusal")
    assert exporter.series("sagemaker_tuning_job_.*") == before
    assert exporter.client.get("/-/healthy").status_code == 200
    assert f"{file}:6: tuning_jobs[1]" in exporter.child.output()

    file.write_text(configuration(endpoint, "keep"))
    trigger(exporter)
    wait_until(lambda: exporter.jobs() == {"keep"}, what="the repaired file")
    assert exporter.reload_successful() == 1


def test_a_request_is_answered_with_what_is_wrong(start, file, endpoint):
    exporter = start(file, "--web.enable-lifecycle")
    file.write_text("tuning_jobs: [under_score]\naws: {region: eu-west-1, speed: 3}\n")
    answer = exporter.client.post("/-/reload")
    assert answer.status_code == 500
    assert f"{file}:1: tuning_jobs[0]" in answer.text
    assert f"{file}:2: aws.speed" in answer.text
    file.write_text(configuration(endpoint, "keep"))
    assert exporter.client.post("/-/reload").status_code == 200
    assert exporter.client.get("/-/reload").status_code == 405


def test_requests_are_refused_unless_enabled(start, file):
    exporter = start(file)
    answer = exporter.client.post("/-/reload")
    assert answer.status_code == 403
    assert "--web.enable-lifecycle" in answer.text


def test_a_vanished_file_changes_nothing_until_it_returns(start, file, endpoint):
    exporter = start(file)
    wait_until(lambda: exporter.jobs() == {"keep", "drop"}, what="the first round")
    content = file.read_text()
    file.unlink()
    wait_until(lambda: exporter.reload_successful() == 0, what="the loss")
    assert exporter.jobs() == {"keep", "drop"}
    file.write_text(content)
    wait_until(lambda: exporter.reload_successful() == 1, what="the return")
    assert exporter.jobs() == {"keep", "drop"}


def test_a_config_map_that_is_swapped(start, tmp_path, endpoint):
    mount = tmp_path / "mount"
    mount.mkdir()

    def project(version, *names):
        (mount / f"..{version}").mkdir()
        (mount / f"..{version}" / "config.yaml").write_text(configuration(endpoint, *names))
        (mount / "..data_tmp").symlink_to(f"..{version}")
        (mount / "..data_tmp").rename(mount / "..data")

    project("1", "keep", "drop")
    (mount / "config.yaml").symlink_to("..data/config.yaml")
    exporter = start(mount / "config.yaml")
    wait_until(lambda: exporter.jobs() == {"keep", "drop"}, what="the first round")
    project("2", "keep", "add")
    wait_until(lambda: exporter.jobs() == {"keep", "add"}, what="the swap")


def test_a_storm_of_reloads_under_load(start, file, endpoint, simulator):
    """Many reloads while scrapes go on: every scrape whole, no job lost, none described more than it should be."""
    file.write_text(configuration(endpoint, *NAMES, interval="30m"))
    exporter = start(file, "--web.enable-lifecycle", "--no-config.auto-reload")
    wait_until(lambda: exporter.jobs() == set(NAMES), what="the first round")
    calls = simulator.requests["DescribeHyperParameterTuningJob", "eu-west-1"]
    seen, stopping = [], threading.Event()

    def scrape():
        with client_of(exporter.client.base_url) as client:
            while not stopping.is_set():
                text = client.get("/metrics").text
                seen.append(set(re.findall(r'^sagemaker_tuning_job_info\{.*tuning_job="([^"]+)"', text, re.MULTILINE)))

    def scraped_beyond(count):
        wait_until(lambda: len(seen) > count, what="a scrape meanwhile")

    scraper = threading.Thread(target=scrape)
    scraper.start()
    threads = len(os.listdir(f"/proc/{exporter.child.pid}/task"))
    for turn in range(RELOADS):
        file.write_text(configuration(endpoint, *NAMES, label=f"v{turn}", interval=f"{1800 + turn}s"))
        before = len(seen)
        assert exporter.client.post("/-/reload").status_code == 200
        scraped_beyond(before)
    stopping.set()
    scraper.join()
    last = f'label_version="v{RELOADS - 1}"'
    wait_until(lambda: last in exporter.client.get("/metrics").text, what="the last configuration")
    assert all(jobs == set(NAMES) for jobs in seen)
    assert simulator.requests["DescribeHyperParameterTuningJob", "eu-west-1"] == calls
    assert len(os.listdir(f"/proc/{exporter.child.pid}/task")) == threads


def test_a_target_that_another_one_renames_and_a_rule_that_goes_leave_no_series(start, file, endpoint, simulator):
    role = "arn:aws:iam::123456789012:role/tuning"
    simulator.roles[role] = None

    def entry(name, more=""):
        return f"\n  - {{name: {name}, role_arn: '{role}'{more}}}"

    head = configuration(endpoint, interval="1s").replace("stale_after: 1h", "stale_after: 10m")
    alone = (
        head.replace("tuning_jobs: []", "tuning_jobs:" + entry("keep"))
        + "discover:\n  - {name: gone, name_contains: job-}\n"
    )
    file.write_text(alone)
    exporter = start(file, "--web.enable-lifecycle", "--no-config.auto-reload")

    def targets(family):
        return {found('target="([^"]+)"', series)[1] for series in exporter.series(family)}

    wait_until(lambda: len(exporter.jobs()) == 41, what="all jobs")
    before = targets("sagemaker_tuning_exporter_target_info")
    both = head.replace("tuning_jobs: []", "tuning_jobs:" + entry("keep") + entry("add", ", external_id: other"))
    file.write_text(both)
    assert exporter.client.post("/-/reload").status_code == 200
    wait_until(lambda: exporter.jobs() == {"keep", "add"}, what="the new configuration")
    now = targets("sagemaker_tuning_exporter_target_info")
    assert len(now) == 2
    assert not before & now, "the one that stays has another name from now on"
    names = set(re.findall(r'[{,]target="([^"]+)"', exporter.client.get("/metrics").text))
    wait_until(
        lambda: len(targets("sagemaker_tuning_exporter_last_poll_timestamp_seconds")) == 2, what="a round of each"
    )
    assert names | set(re.findall(r'[{,]target="([^"]+)"', exporter.client.get("/metrics").text)) == now
    assert 'rule="gone"' not in exporter.client.get("/metrics").text
    polls = exporter.series("sagemaker_tuning_exporter_polls_total")
    wait_until(
        lambda: all(exporter.series("sagemaker_tuning_exporter_polls_total")[name] > polls[name] for name in polls),
        what="rounds that count under the new names",
    )
