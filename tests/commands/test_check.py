from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from exporter.cli import main

if TYPE_CHECKING:
    from pathlib import Path

CONFIG_FILE_VARIABLE = "SAGEMAKER_TUNING_EXPORTER_CONFIG_FILE"
WEB_CONFIG_FILE_VARIABLE = "SAGEMAKER_TUNING_EXPORTER_WEB_CONFIG_FILE"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (CONFIG_FILE_VARIABLE, WEB_CONFIG_FILE_VARIABLE, "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("tuning_jobs: [a, {name: b, region: us-east-1}]\ndiscover: [{}]\n")
    return path


def test_a_good_file_is_counted(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert main(["check", "--config.file", str(file)]) == 0
    assert capsys.readouterr() == (f"{file}: ok, 2 tuning jobs and 1 discover rule in 2 targets\n", "")


def test_the_file_may_be_named_alone(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv(CONFIG_FILE_VARIABLE, "another.yaml")
    assert main(["check", str(file)]) == 0
    assert capsys.readouterr().out.startswith(f"{file}: ok, ")


@pytest.mark.parametrize(
    ("content", "code", "out", "err"),
    [
        (b"tuning_jobs: [a]\n", 0, "standard input: ok, 1 tuning job and 0 discover rules in 1 target\n", ""),
        (
            b"aws: {regions: [eu-west-1, us-east-1], organization: {role_name: r}}\ndiscover: [{}]\n",
            0,
            "standard input: ok, 0 tuning jobs and 1 discover rule in 0 targets, and in the accounts of 1 organization, read when the exporter runs\n",
            "",
        ),
        (b"\xffa\n", 1, "", "standard input:1: the byte 0xff is not UTF-8: save the file as UTF-8\nstandard input: 1 mistake\n"),
        (b"x" * (16 << 20 | 1), 1, "", "standard input: it has more than 16 MiB\nstandard input: 1 mistake\n"),
    ],
    ids=["good", "organization", "not text", "too long"],
)  # fmt: skip
def test_standard_input_is_a_file_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes, code: int, out: str, err: str
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert main(["check", "-"]) == code
    assert capsys.readouterr() == (out, err)


def test_one_file_is_enough(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["check", str(file), f"--config.file={file}"])
    assert refused.value.code == 2
    assert "FILE and --config.file are the same: give one of them" in capsys.readouterr().err


def test_as_json_all_of_it_is_on_standard_output(
    file: Path, web: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    file.write_text("tuning_jobs: [{name: a, budget: 5}]\n")
    assert main(["check", str(file), "--web.config.file", str(web), "--format=json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    warning = "no cost is calculated to compare this with: add training_jobs to collect"
    assert json.loads(out) == {
        "ok": True,
        "file": str(file),
        "web_config_file": str(web),
        "errors": [],
        "warnings": [{"file": str(file), "line": 1, "path": "tuning_jobs[0].budget", "message": warning}],
        "tuning_jobs": 1,
        "rules": 0,
        "targets": 1,
        "organizations": None,
        "online": None,
    }
    web.write_text("nonsense: 1\n")
    file.write_text("nonsense: 1\n")
    assert main(["check", str(file), "--web.config.file", str(web), "--format=json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["targets"]) == (False, None)
    assert {each["file"] for each in told["errors"]} == {str(file), str(web)}


def test_the_environment_may_name_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv(CONFIG_FILE_VARIABLE, str(file))
    assert main(["check"]) == 0
    assert capsys.readouterr().out.startswith(f"{file}: ok, ")


def test_every_problem_goes_to_stderr(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("aws: {region: eu-west-1}\ntuning_jobs: [a_, b_]\n")
    assert main(["check", "--config.file", str(file)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split(": ")[:2] for line in err.splitlines()] == [
        *([f"{file}:2", f"tuning_jobs[{n}]"] for n in (0, 1)),
        [str(file), "2 mistakes"],
    ]


def test_without_a_file_the_default_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["check"]) == 1
    assert capsys.readouterr().err.startswith("config.yaml: cannot be read")


@pytest.fixture
def web(tmp_path: Path) -> Path:
    path = tmp_path / "web.yaml"
    path.write_text("rate_limit: {interval: 1s, burst: 20}\n")
    return path


def test_a_web_configuration_is_checked_alone(
    web: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # where there is no config.yaml
    assert main(["check", "--web.config.file", str(web)]) == 0
    assert capsys.readouterr() == (f"{web}: ok, http, no passwords, a request each 1s, 20 at once\n", "")


def test_or_beside_the_configuration(
    file: Path, web: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv(WEB_CONFIG_FILE_VARIABLE, str(web))
    assert main(["check", "--config.file", str(file)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.partition(": ok, ")[0] for line in told] == [str(file), str(web)]


def test_mistakes_in_both_are_told_at_once(file: Path, web: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("aws: {region: eu-west-1}\ntuning_jobs: [a_]\n")
    web.write_text("basic_auth_users:\n  alice: secret\n")
    assert main(["check", "--config.file", str(file), "--web.config.file", str(web)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split(": ")[:2] for line in err.splitlines()] == [
        [f"{file}:2", "tuning_jobs[0]"],
        [str(file), "1 mistake"],
        [f"{web}:2", "basic_auth_users.alice"],
        [str(web), "1 mistake"],
    ]
    assert "secret" not in err


@pytest.mark.parametrize("wrong", ["file", "web"])
def test_one_that_is_good_does_not_hide_one_that_is_not(
    file: Path, web: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    {"file": file, "web": web}[wrong].write_text("nonsense: {}\n")
    assert main(["check", "--config.file", str(file), "--web.config.file", str(web)]) == 1
    out, err = capsys.readouterr()
    assert ": ok, " in out
    assert "nonsense" in err


def test_neither_the_sdk_nor_the_web_server_nor_the_log_is_loaded(file: Path) -> None:
    code = f"import sys; from exporter.cli import main; main(['check', '--config.file', {str(file)!r}]); print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "AWS_REGION": "eu-west-1"},
    )
    told, *loaded = ended.stdout.replace("\n", " \n ").split()
    assert told == f"{file}:"
    assert "exporter.config" in loaded
    heavy = {
        "boto3",
        "botocore",
        "uvicorn",
        "starlette",
        "jinja2",
        "bcrypt",
        "structlog",
        "rich",
        "exporter.web.webconfig",
    }
    assert heavy.isdisjoint(loaded)


def test_what_has_no_effect_is_a_warning_and_the_file_good(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("aws: {region: eu-west-1}\ntuning_jobs:\n- {name: a, budget: 5}\n")
    assert main(["check", "--config.file", str(file)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{file}: ok, 1 tuning job and 0 discover rules in 1 target\n"
    assert err == (
        f"warning: {file}:3: tuning_jobs[0].budget: no cost is calculated to compare this with: add training_jobs to"
        " collect\n"
    )
