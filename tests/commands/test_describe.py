"""``describe`` as a person meets it; that it prints what the AWS CLI prints is in ``test_describe_as_aws``."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import trustme
import yaml
from support.clock import ManualClock
from support.processes import free_port
from support.terminal import terminal

from exporter import __version__
from exporter.cli import describe, main
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_764_000_000.25
ARN = "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/healthy"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLEtokenThatNobodyMayRead1234567890"
PROGRAM = [sys.executable, "-m", "exporter", "describe"]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    simulator = Simulator(ManualClock(NOW))
    for scenario in SCENARIOS:
        simulator.create(scenario, scenario, created=NOW - 10_800.0, speed=1.0)
    with Server(simulator) as server:
        yield server.url


@pytest.fixture(autouse=True)
def environment(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what a command that succeeds prints."""
    assert main(["describe", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def refused(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    """Return the one line that a command prints which ends with this exit code."""
    try:
        found = main(["describe", *arguments])
    except SystemExit as end:
        found = int(end.code or 0)
    out, err = capsys.readouterr()
    assert (found, out) == (code, "")
    [line] = err.splitlines()
    return line.removeprefix("sagemaker-tuning-exporter describe: ")


def test_all_formats_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    answer = json.loads(printed(capsys, "several-definitions"))
    assert answer["HyperParameterTuningJobName"] == "several-definitions"
    assert yaml.safe_load(printed(capsys, "several-definitions", "--output", "yaml")) == answer
    assert yaml.safe_load(printed(capsys, "several-definitions", "--output", "yaml-stream")) == [answer]
    for form in ("text", "table"):
        text = printed(capsys, "several-definitions", "--output", form)
        assert answer["CreationTime"] in text
        assert answer["BestTrainingJob"]["TrainingJobArn"] in text


def test_a_query_in_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    query = "{name: HyperParameterTuningJobName, early: 'Off', rate: '1e-3'}"
    assert printed(capsys, "healthy", "--output", "yaml", "--query", query) == (
        "early: 'Off'\nname: healthy\nrate: '1e-3'\n"
    )


def test_an_arn_tells_the_region(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert printed(capsys, ARN, "--query", "HyperParameterTuningJobArn") == f'"{ARN}"\n'
    other = ARN.replace("123456789012", "111122223333")
    assert "account 111122223333" in refused(capsys, 255, other)
    assert "--region eu-west-1" in refused(capsys, 252, ARN, "--region", "eu-west-1")


def test_metrics_are_those_of_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    answer = json.loads(printed(capsys, "healthy"))
    lines = printed(capsys, "healthy", "--metrics").splitlines()
    of_job = '{aws_account_id="123456789012",aws_region="us-east-1",tuning_job="healthy"'
    completed = answer["TrainingJobStatusCounters"]["Completed"]
    assert f'sagemaker_tuning_job_training_jobs{of_job},status="Completed"}} {completed}' in lines
    assert f"sagemaker_tuning_job_created_timestamp_seconds{of_job}}} {NOW - 10_800.0}" in lines
    assert not [line for line in lines if line.startswith(("sagemaker_tuning_job_up", "sagemaker_tuning_job_next"))]
    assert all(line.startswith(("# ", "sagemaker_tuning_job_")) for line in lines)
    assert "leave out --output" in refused(capsys, 252, "healthy", "--metrics", "--output", "json")


def test_options_without_effect_are_taken(capsys: pytest.CaptureFixture[str]) -> None:
    taken = ("--no-cli-pager", "--no-paginate", "--cli-binary-format", "base64", "--cli-auto-prompt", "--color", "off")
    timeouts = ("--cli-read-timeout", "5", "--cli-connect-timeout", "0")
    assert printed(capsys, "healthy", *taken, *timeouts) == printed(capsys, "healthy", "--no-cli-auto-prompt")


def test_parameters_come_from_files(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "input.yaml"
    file.write_text(printed(capsys, "--generate-cli-skeleton", "yaml-input").replace("''", "'stopped'"))
    name = ("--query", "HyperParameterTuningJobName")
    assert printed(capsys, "--cli-input-yaml", f"file://{file}", *name) == '"stopped"\n'
    assert printed(capsys, "--cli-input-yaml", f"file://{file}", "healthy", *name) == '"healthy"\n'
    file.write_text("HyperParameterTuningJobName: a\n  b: c\n")
    assert refused(capsys, 252, "--cli-input-yaml", f"file://{file}").startswith(f"{file}, line 2: this is not YAML")
    assert "not allowed with" in refused(capsys, 252, "a", "--cli-input-yaml", "{}", "--cli-input-json", "{}")
    missing = tmp_path / "missing"
    assert refused(capsys, 252, "--cli-input-json", f"file://{missing}") == (
        f"--cli-input-json: {missing} cannot be read: No such file or directory"
    )


def test_the_profile_decides_what_no_option_does(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_REGION")
    (tmp_path / "config").write_text(
        "[profile mine]\nregion = us-east-1\noutput = text\ncli_timestamp_format = wire\n"
        "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = not-a-secret\n[profile odd]\noutput = csv\n"
    )
    query = ("--query", "CreationTime")
    assert printed(capsys, "healthy", "--profile", "mine", *query) == f"{NOW - 10_800.0}\n"
    assert printed(capsys, "healthy", "--profile", "mine", "--output", "json", *query) == f"{NOW - 10_800.0}\n"
    assert "'csv'" in refused(capsys, 253, "healthy", "--profile", "odd")
    assert "no region" in refused(capsys, 253, "healthy", "--profile", "", "--region", "")
    monkeypatch.setenv("AWS_REGION", "no region!")
    assert "no region" in refused(capsys, 253, "healthy")
    assert "have no such profile" in refused(capsys, 253, "healthy", "--profile", "nowhere")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "which tuning job?"),
        (("a", "b"), "unknown argument b"),
        (("a", "--hyper-parameter-tuning-job-name", "b"), "name the tuning job once"),
        (("",), "the name is empty"),
        (("arn:aws:sagemaker:us-east-1:1:x/y",), "is not the ARN of a tuning job"),
        (("a", "--query", "a["), "--query is not JMESPath"),
        (("a", "--output", "xml"), "argument --output: invalid choice: 'xml'"),
        (("a", "--endpoint-url", "localhost:80"), "--endpoint-url is not a URL"),
        (("a", "--endpoint-url", "http://[::1"), "--endpoint-url is not a URL"),
        (("a", "--endpoint-url", "http://a b"), "--endpoint-url is not a URL"),
        (("a", "--endpoint-url", "http://localhost:http"), "--endpoint-url is not a URL"),
        (("a", "--region", "Ireland!"), "--region is not a region"),
        (("a", "--ca-bundle", "/nowhere"), "--ca-bundle: /nowhere cannot be read"),
        (("a", "--cli-read-timeout", "soon"), "argument --cli-read-timeout: write whole seconds"),
        (("--cli-input-json", "{\n[}"), "--cli-input-json, line 2: this is not JSON"),
        (("--cli-input-json", "[" * 100_000), "--cli-input-json: this is nested too deeply"),
        (("--cli-input-yaml", "[]"), "--cli-input-yaml: this is not an object with parameters"),
        (("--cli-input-yaml", "{HyperParameterTuningJobName: 12}"), "is not a text: write it in quotes"),
        (("--cli-input-yaml", "{JobName: a}"), 'the call has no parameter "JobName"'),
    ],
)
def test_wrong_arguments_are_told_in_one_line(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(capsys, describe.ExitCode.USAGE, *arguments)


def test_what_fails_later_has_exit_codes_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused(capsys, 254, "nowhere").startswith("An error occurred (ResourceNotFound) when calling the ")
    nobody = f"http://127.0.0.1:{free_port()}"
    assert refused(capsys, 255, "a", "--endpoint-url", nobody).endswith("Connection refused")
    uneven = "[HyperParameterTuningJobName, [['a', 'b'], ['c']]]"
    assert "a table cannot show" in refused(capsys, 255, "healthy", "--output", "table", "--query", uneven)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert "no AWS credentials" in refused(capsys, 253, "a")


def test_a_full_disk_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, open("/dev/full", "w", encoding="utf-8") as full:
        patch.setattr(sys, "stdout", full)
        assert main(["describe", "healthy"]) == 255
    assert capsys.readouterr().err.endswith("the output cannot be written: No space left on device\n")


def test_certificates_are_checked_as_the_options_say(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "bundle.pem"
    authority.cert_pem.write_to_path(str(bundle))
    simulator = Simulator(ManualClock(NOW))
    simulator.create("healthy", "secure", created=NOW - 10_800.0, speed=1.0)
    with Server(simulator, tls=context) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        query = ("--query", "HyperParameterTuningJobName")
        assert printed(capsys, "secure", *query, "--ca-bundle", str(bundle)) == '"secure"\n'
        assert printed(capsys, "secure", *query, "--no-verify-ssl") == '"secure"\n'
        assert refused(capsys, 255, "secure").startswith("TLS with 127.0.0.1")


def test_debug_tells_what_happens_but_no_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    assert main(["describe", "nowhere", "--debug"]) == 254
    err = capsys.readouterr().err
    assert "botocore.endpoint: Sending http request" in err
    assert "Traceback" in err
    assert TOKEN not in err
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in err
    assert "Signature=***" in err or "Signature=" not in err
    assert main(["describe", "nowhere"]) == 254
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("no_color", "color", "colored"), [("", "auto", True), ("1", "auto", False), ("1", "on", True)]
)
def test_colors_on_a_terminal(no_color: str, color: str, colored: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setenv("NO_COLOR", no_color)
    with monkeypatch.context() as patch, terminal(100, shown) as output:
        patch.setattr(sys, "stdout", output)
        assert main(["describe", "healthy", "--output", "table", "--color", color]) == 0
    assert ("\x1b[" in shown[0]) == colored
    assert "healthy" in shown[0]


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for argument, expected in (("--help", "--generate-cli-skeleton"), ("--version", __version__)):
        with pytest.raises(SystemExit) as end:
            main(["describe", argument])
        assert end.value.code == 0
        assert expected in capsys.readouterr().out


@pytest.mark.long
def test_a_pipe_that_is_closed_is_no_error() -> None:
    """Its reader takes a line and goes, before most of the answer is written."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*PROGRAM, "healthy"], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
    done = subprocess.run([*PROGRAM, "healthy", "--output", "table"], capture_output=True, check=False)
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout
    closed = ["sh", "-c", 'exec "$@" 2>&-', "sh", *PROGRAM, "nowhere"]  # what is said there is no answer
    done = subprocess.run(closed, stdout=subprocess.PIPE, check=False)
    assert (done.returncode, done.stdout) == (254, b"")
