"""The daemon as one piece, in process: real sockets and threads, an API of our own."""

from __future__ import annotations

import gc
import math
import re
import sys
import threading
from contextlib import suppress

import httpx
import pytest
import structlog
from support.api import RefusingApi
from support.pace import within
from support.processes import PATIENCE, free_port, wait_until
from support.web import client as client_of

from exporter.clock import SystemClock
from exporter.config import ConfigError, Problem, parse
from exporter.daemon import Daemon
from exporter.errors import CallFailed, ErrorCode
from exporter.switch_interval import ORDINARY_SECONDS, SHORT_SECONDS
from exporter.web.listen import open_socket, parse_address
from exporter.web.webconfig.file import WebConfigFile

ARN = "arn:aws:sagemaker:{region}:123456789012:hyper-parameter-tuning-job/{name}"


class Api(RefusingApi):
    """Answers for any name, or does what ``behave`` does."""

    def __init__(self, region, behave):
        self.region, self.behave = region, behave

    def describe(self, name):
        self.behave(self.region, name)
        return {
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobArn": ARN.format(region=self.region, name=name),
            "HyperParameterTuningJobStatus": "InProgress",
        }


@pytest.fixture
def start():
    """Return a function that starts a daemon on a configuration and returns it with an HTTP client."""
    running = []

    def start(configuration, behave=lambda region, name: None, **options):
        listener = open_socket(parse_address(f"127.0.0.1:{free_port()}"))  # no other server's once it is closed
        host, port = listener.getsockname()
        daemon = Daemon(
            lambda: parse(configuration, "test.yaml"),
            parse(configuration, "test.yaml"),
            [listener],
            SystemClock(),
            make_api=lambda spec: Api(spec.key.region, behave),
            **options,
        )
        daemon.start()
        client = client_of(f"http://{host}:{port}")
        running.append((daemon, client))
        return daemon, client

    yield start
    for daemon, client in running:
        client.close()
        daemon.stop()


def up(client):
    lines = client.get("/metrics").text.splitlines()
    return {
        line.split('tuning_job="')[1].split('"')[0]: line[-1]
        for line in lines
        if line.startswith("sagemaker_tuning_job_up{")
    }


TWO_TARGETS = """
tuning_jobs:
  - {name: good, region: eu-west-1}
  - {name: bad, region: us-east-1}
"""


def test_one_target_hanging_hides_nothing_of_the_others(start, monkeypatch):
    monkeypatch.setattr("exporter.site._READY_ANYWAY_SECONDS", math.inf)
    released = threading.Event()

    def hang(region, name):
        if region == "us-east-1":
            released.wait(PATIENCE)

    daemon, client = start(TWO_TARGETS, hang)
    try:
        wait_until(lambda: up(client) == {"good": "1"}, what="the other target's job")
        assert client.get("/-/healthy").status_code == 200
        waiting = client.get("/-/ready")
        assert (waiting.status_code, waiting.text) == (503, "waiting for a first answer: us-east-1\n")
    finally:
        released.set()
    wait_until(lambda: client.get("/-/ready").status_code == 200, what="readiness")
    assert up(client) == {"good": "1", "bad": "1"}


def test_ready_and_healthy_when_every_call_fails(start):
    def fail(region, name):
        raise CallFailed(ErrorCode.CONNECTION, "no network")

    daemon, client = start(TWO_TARGETS, fail)
    wait_until(lambda: client.get("/-/ready").status_code == 200, what="readiness")
    assert client.get("/-/healthy").text == "healthy\n"
    assert up(client) == {"good": "0", "bad": "0"}
    assert 'code="connection"} 1' in client.get("/metrics").text


def test_who_never_got_an_answer_is_told_of_until_one_comes(start):
    answers = threading.Event()

    def behave(region, name):
        if region == "us-east-1" and not answers.is_set():
            raise CallFailed(ErrorCode.TIMEOUT, "nobody there")

    daemon, client = start("interval: 1s\n" + TWO_TARGETS, behave)

    def answered():
        return set(
            re.findall(r'_target_last_success_timestamp_seconds\{.*,target="(.+)"\}', client.get("/metrics").text)
        )

    wait_until(lambda: up(client) == {"good": "1", "bad": "0"}, what="both answers")
    page = client.get("/").text
    assert "AWS has never answered for 1 target" in page
    assert 'class="reach">target us-east-1<' in page
    assert "target eu-west-1" not in page
    assert ErrorCode.TIMEOUT.remedy("DescribeHyperParameterTuningJob") in page
    assert answered() == {"eu-west-1"}
    answers.set()
    wait_until(lambda: up(client) == {"good": "1", "bad": "1"}, what="the late answer")
    assert "AWS has never answered" not in client.get("/").text
    assert answered() == {"eu-west-1", "us-east-1"}


def test_an_empty_list_is_served_and_ready(start):
    daemon, client = start("tuning_jobs: []\n")
    wait_until(lambda: client.get("/-/ready").status_code == 200, what="readiness")
    assert up(client) == {}
    assert "sagemaker_tuning_exporter_build_info" in client.get("/metrics").text


WITHOUT_EFFECT = "a part of the configuration has no effect"


def test_what_has_no_effect_is_told_once_each_time_a_configuration_is_applied(start):
    configuration = "aws: {region: eu-west-1}\ntuning_jobs:\n- {name: good, budget: 5}\n- {name: better, budget: 5}\n"
    part = (
        "test.yaml:3: tuning_jobs[0].budget: no cost is calculated to compare this and 1 more with: add training_jobs"
        " to collect"
    )
    with structlog.testing.capture_logs() as lines:
        daemon, client = start(configuration)
        wait_until(lambda: up(client) == {"good": "1", "better": "1"}, what="both jobs")
        told = [line for line in lines if line["event"] == WITHOUT_EFFECT]
        assert told == [{"event": WITHOUT_EFFECT, "log_level": "warning", "part": part}]
        done = daemon.request_reload("test")
        threading.Thread(target=daemon.run, daemon=True).start()
        done.result(PATIENCE)
        assert [line["part"] for line in lines if line["event"] == WITHOUT_EFFECT] == [part, part]
        daemon.request_stop()


def test_stops_within_its_time_in_the_middle_of_calls(start):
    forever, entered = threading.Event(), threading.Event()

    def hang(region, name):
        entered.set()
        forever.wait(PATIENCE)

    daemon, client = start(TWO_TARGETS, hang)
    assert entered.wait(PATIENCE)
    runner = threading.Thread(target=daemon.run)
    runner.start()
    with within(5):
        daemon.request_stop()
        runner.join(PATIENCE)
    assert not runner.is_alive()
    forever.set()
    with pytest.raises(httpx.TransportError):
        client.get("/-/healthy")


def test_a_dead_publisher_is_unhealthy(start, monkeypatch):
    daemon, client = start(TWO_TARGETS)
    monkeypatch.setattr("exporter.site._PUBLISHER_SILENCE_SECONDS", -1.0)
    answer = client.get("/-/healthy")
    assert answer.status_code == 503
    assert "publisher" in answer.text


def test_a_dead_thread_is_unhealthy_and_the_targets_are_named(start, monkeypatch):
    daemon, client = start(TWO_TARGETS)
    monkeypatch.setattr(threading.Thread, "is_alive", lambda thread: thread.name != "watch")
    answer = client.get("/-/healthy")
    assert answer.status_code == 503
    assert "us-east-1" in answer.text
    assert "eu-west-1" in answer.text, "one thread watches the time for all"
    monkeypatch.undo()


def test_the_pages_show_what_is_published_and_how_calls_go(start):
    def behave(region, name):
        if region == "us-east-1":
            raise CallFailed(ErrorCode.ACCESS_DENIED, "not authorized")

    daemon, client = start(TWO_TARGETS, behave)
    wait_until(lambda: client.get("/-/ready").status_code == 200, what="readiness")
    wait_until(lambda: client.get("/api/v1/status").json()["verdict"] == "wrong", what="the failure")
    [good] = client.get("/api/v1/jobs?state=running").json()["jobs"]
    page = client.get(f"/jobs/{good['account_id']}/{good['region']}/{good['name']}")
    assert page.status_code == 200
    assert good["name"] in page.text
    told = client.get(f"/api/v1/jobs/-/{good['region']}/{good['name']}").json()
    assert [(call["operation"], call["code"]) for call in told["calls"]][-1] == (
        "DescribeHyperParameterTuningJob",
        None,
    )
    assert f'tuning_job="{good["name"]}"' in told["series"]
    denied, answering = client.get("/api/v1/targets").json()["targets"]
    assert denied["last_error"]["code"] == "access_denied", "of a describe, or of asking for the account after it"
    [failing] = client.get("/api/v1/jobs?state=failing").json()["jobs"]
    assert failing["failing"]["message"] == "not authorized"
    assert denied["operations"][0]["errors"] == {"access_denied": denied["operations"][0]["calls"]}
    assert answering["last_error"] is None or answering["last_error"]["operation"] != "DescribeHyperParameterTuningJob"
    assert client.get("/").status_code == client.get("/targets").status_code == client.get("/config").status_code == 200


def test_a_refused_reload_is_told_until_one_is_taken(start):
    daemon, client = start(TWO_TARGETS)
    runner = threading.Thread(target=daemon.run)
    runner.start()
    try:
        before = client.get("/api/v1/config").json()
        assert (before["trigger"], before["refused"]) == ("start", None)
        daemon._load = lambda: parse("tuning_jobs: 7", "test.yaml")
        with pytest.raises(ConfigError):
            daemon.request_reload("file").result(PATIENCE)
        refused = client.get("/api/v1/config").json()
        assert refused["refused"]["trigger"] == "file"
        assert refused["refused"]["mistakes"][0]["file"] == "test.yaml"
        assert refused["refused"]["mistakes"][0]["line"] == 1
        assert refused["targets"] == before["targets"], "the old one stays in force"
        daemon._load = lambda: 1 / 0
        with pytest.raises(ZeroDivisionError):
            daemon.request_reload("file").result(PATIENCE)
        assert "internal error" in client.get("/api/v1/config").json()["refused"]["mistakes"][0]["message"]
        daemon._load = lambda: parse(TWO_TARGETS, "test.yaml")
        daemon.request_reload("SIGHUP").result(PATIENCE)
        after = client.get("/api/v1/config").json()
        assert (after["trigger"], after["refused"]) == ("SIGHUP", None)
    finally:
        daemon.request_stop()
        runner.join(PATIENCE)


def test_a_stop_and_a_reload_wait_for_one_loading_however_many_were_asked_for(start):
    daemon, _ = start(TWO_TARGETS)
    begun, go_on = threading.Semaphore(0), threading.Semaphore(0)
    loads = []

    def load():
        loads.append(1)
        begun.release()
        assert go_on.acquire(timeout=PATIENCE)
        if len(loads) == 2:
            raise ConfigError([Problem("test.yaml", 1, "", "wrong")])
        return parse(TWO_TARGETS, "test.yaml")

    daemon._load = load
    runner = threading.Thread(target=daemon.run, daemon=True)
    runner.start()
    first = daemon.request_reload("request")
    assert begun.acquire(timeout=PATIENCE)
    gone, *others = [daemon.request_reload("request") for _ in range(100)]
    assert gone.cancel()
    others.append(daemon.request_reload("SIGHUP"))
    go_on.release()
    first.result(PATIENCE)
    assert begun.acquire(timeout=PATIENCE)
    last = [daemon.request_reload("request") for _ in range(100)]
    daemon.request_stop()
    go_on.release()
    for done in others:
        assert isinstance(done.exception(PATIENCE), ConfigError)
    runner.join(PATIENCE)
    assert not runner.is_alive()
    assert len(loads) == 2
    assert all(done.cancelled() for done in last)


def test_threads_that_compute_give_way_to_the_web_server_soon_and_sooner_while_a_configuration_is_loaded(start):
    before = sys.getswitchinterval()
    try:
        daemon, _ = start(TWO_TARGETS)
        assert sys.getswitchinterval() == pytest.approx(ORDINARY_SECONDS)
        seen = []

        def load():
            seen.append(sys.getswitchinterval())
            return parse(TWO_TARGETS, "test.yaml")

        daemon._load = load
        runner = threading.Thread(target=daemon.run)
        runner.start()
        daemon.request_reload("request").result(PATIENCE)
        daemon.request_stop()
        runner.join()
        assert seen == [pytest.approx(SHORT_SECONDS)]
        assert sys.getswitchinterval() == pytest.approx(ORDINARY_SECONDS)
    finally:
        sys.setswitchinterval(before)


def test_garbage_collections_leave_out_what_lives_as_long_as_the_process(start):
    daemon, _ = start(TWO_TARGETS)
    daemon.request_stop()
    try:
        daemon.run()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_health_is_no_lie_while_a_target_is_called_in_another_way(start):
    told = []

    def configuration(timeout):
        return f"aws: {{read_timeout: {timeout}s}}\n{TWO_TARGETS}"

    daemon, client = start(configuration(5))
    wait_until(lambda: len(up(client)) == 2, what="the first round")
    make = daemon._make_api

    def make_api(spec):
        with suppress(TimeoutError):
            wait_until(lambda: not daemon.site.healthy().ok, timeout=0.3)
        told.append(daemon.site.healthy())
        return make(spec)

    daemon._make_api = make_api
    daemon._load = lambda: parse(configuration(6), "test.yaml")
    runner = threading.Thread(target=daemon.run)
    runner.start()
    daemon.request_reload("test").result(PATIENCE)
    told.append(daemon.site.healthy())
    daemon.request_stop()
    runner.join(PATIENCE)
    assert [check.detail for check in told] == ["healthy"] * 3


def test_a_target_by_another_way_counts_for_itself_under_the_same_name(start):
    def configuration(endpoint, rule):
        head = f"aws: {{region: eu-west-1, {endpoint}}}\n"
        return head + f"tuning_jobs: [job]\ndiscover: [{{name: {rule}, name_contains: x}}]\n"

    answers = True

    def behave(region, name):
        if not answers:
            raise CallFailed(ErrorCode.ACCESS_DENIED, "no")

    daemon, client = start(configuration("endpoint_url: http://one.test", "first"), behave)
    answered = "sagemaker_tuning_exporter_target_last_success_timestamp_seconds{"
    wait_until(lambda: answered in client.get("/metrics").text, what="an answer")
    (before,) = daemon._settings.targets
    answers = False
    daemon._load = lambda: parse(configuration("endpoint_url: http://two.test", "second"), "test.yaml")
    runner = threading.Thread(target=daemon.run)
    runner.start()
    daemon.request_reload("test").result(PATIENCE)
    wait_until(lambda: answered not in client.get("/metrics").text, what="the new target")
    text = client.get("/metrics").text
    daemon.request_stop()
    runner.join(PATIENCE)
    (target,) = daemon._in_force.targets.values()
    assert target.spec.key != before.key
    assert target.spec.name == before.name
    assert "rule_matched_jobs" not in text, "no list has told of the second rule"


@pytest.mark.parametrize("hold", [False, True], ids=["before the reload", "during the reload"])
def test_an_answer_to_a_target_that_is_renamed_does_not_count_for_a_new_one_with_its_old_name(start, hold):
    release = threading.Event()
    old, new = "{name: old, region: eu-west-1, endpoint_url: http://one.test}", "{name: new, region: eu-west-1}"

    def behave(region, name):
        if name == "new":
            raise CallFailed(ErrorCode.TIMEOUT, "nobody there")
        if hold:
            release.wait(PATIENCE)

    daemon, client = start(f"tuning_jobs: [{old}]", behave)
    if not hold:
        wait_until(lambda: up(client) == {"old": "1"}, what="an answer")
    (before,) = daemon._in_force.targets.values()
    assert before.spec.name == "eu-west-1"
    drive = daemon._pool.drive

    def drive_after_the_answer(target, api):
        if target is not before:
            release.set()
            wait_until(lambda: before._tally.attempted, what="the answer")
        drive(target, api)

    daemon._pool.drive = drive_after_the_answer
    daemon._load = lambda: parse(f"tuning_jobs: [{new}, {old}]", "test.yaml")
    runner = threading.Thread(target=daemon.run)
    runner.start()
    daemon.request_reload("test").result(PATIENCE)
    wait_until(lambda: up(client) == {"old": "1", "new": "0"}, what="both targets")
    text = client.get("/metrics").text
    names = [target.spec.name for target in daemon._in_force.targets.values()]
    daemon.request_stop()
    runner.join(PATIENCE)
    assert names == ["eu-west-1", "eu-west-1/one.test"]
    answered = re.findall(r'_target_last_success_timestamp_seconds\{.*,target="(.+)"\}', text)
    assert answered == ["eu-west-1/one.test"]
    requests = re.findall(r'_api_requests_total\{.*operation="DescribeH.*,target="eu-west-1"\} (.+)', text)
    assert requests == ["1.0"]


def test_mistakes_of_the_web_configuration_file_are_told_until_they_are_gone(start, tmp_path):
    path = tmp_path / "web.yaml"
    path.write_text("{}\n")
    _, client = start(TWO_TARGETS, web_config=WebConfigFile(path, SystemClock(), sleep=lambda _: None))
    before = client.get("/api/v1/config").json()["web"]
    assert (before["file"], before["serving"], before["refused"]) == (str(path), "http, no passwords", None)
    path.write_text("basic_auth_users: {alice: secret}\n")
    after = client.get("/api/v1/config").json()["web"]
    assert after["loaded"] == before["loaded"]
    [mistake] = after["refused"]["mistakes"]
    assert (mistake["file"], mistake["line"], mistake["key"]) == (str(path), 1, "basic_auth_users.alice")
    [cause] = [each for each in client.get("/api/v1/status").json()["causes"] if "web configuration" in each["what"]]
    assert f"{path}:1: basic_auth_users.alice" in cause["details"][0]
    for page in ("/", "/config"):
        text = client.get(page).text
        assert "is not a bcrypt hash" in text
        assert "secret" not in text
    path.write_text("rate_limit: {interval: 1ms, burst: 1000}\n")
    now = client.get("/api/v1/config").json()["web"]
    assert (now["refused"], now["serving"]) == (None, "http, no passwords, a request each 1ms, 1000 at once")
    assert now["loaded"] > before["loaded"]
