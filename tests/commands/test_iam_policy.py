from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import hcl2
import pytest
import yaml

from exporter.cli import main
from exporter.cli.iam_policy import TRUSTS
from exporter.permissions import Trust

if TYPE_CHECKING:
    from pathlib import Path

ROLE = "arn:aws:iam::222222222222:role/metrics"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("aws: {region: eu-west-1}\ntuning_jobs: [Churn-V3]\n")
    return path


@pytest.fixture
def roles(file: Path) -> Path:
    file.write_text(f"aws: {{region: eu-west-1, role_arn: '{ROLE}', external_id: shared-secret}}\ntuning_jobs: [a]\n")
    return file


def test_the_policy_can_be_given_to_the_aws_cli_as_it_is(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["iam-policy", "--config.file", str(file)]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out).keys() == {"Version", "Statement"}
    assert err == ""


def test_the_environment_may_name_the_file_and_the_region(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("tuning_jobs: [Churn-V3]\n")
    monkeypatch.setenv("AWS_REGION", "us-gov-west-1")
    monkeypatch.setenv("SAGEMAKER_TUNING_EXPORTER_CONFIG_FILE", str(file))
    assert main(["iam-policy"]) == 0
    assert '"arn:aws-us-gov:sagemaker:us-gov-west-1:*:hyper-parameter-tuning-job/churn-v3"' in capsys.readouterr().out


def test_what_to_fill_in_is_told_beside_the_json(roles: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["iam-policy", "--config.file", str(roles), "--trust=irsa"]) == 0
    out, err = capsys.readouterr()
    assert list(json.loads(out)) == ["exporter", ROLE]
    assert "shared-secret" not in out + err
    assert [line.partition(": ")[0] for line in err.splitlines()] == [
        f"replace {name}"
        for name in (
            *("EXPORTER_ACCOUNT_ID", "OIDC_PROVIDER", "NAMESPACE", "SERVICE_ACCOUNT", "EXPORTER_ROLE_NAME"),
            "EXTERNAL_ID",
        )
    ]


@pytest.mark.parametrize(("form", "read"), [("terraform", hcl2.loads), ("cloudformation", yaml.safe_load)])
def test_the_other_formats_have_a_place_for_that(
    form: str, read: object, roles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(read)
    assert main(["iam-policy", "--config.file", str(roles), "--format", form, "--trust", "pod-identity"]) == 0
    out, err = capsys.readouterr()
    assert {each.lower() for each in read(out)} & {"variable", "parameters"}
    assert err == ""
    assert "shared-secret" not in out


@pytest.mark.parametrize(
    ("external_id", "message"),
    [
        ("", "CloudFormation takes 500 resources in a template, and this has 522: use --format=terraform"),
        (
            ", external_id: x-{}",
            "CloudFormation takes 200 parameters in a template, and this has 222: use --format=terraform",
        ),
    ],
)
def test_a_template_that_is_too_large_is_refused(
    external_id: str, message: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    count = 220 if external_id else 260
    role = "arn:aws:iam::{:012}:role/metrics".format
    jobs = ", ".join(f"{{name: a, role_arn: '{role(number)}'{external_id.format(number)}}}" for number in range(count))
    file.write_text(f"aws: {{region: eu-west-1}}\ntuning_jobs: [{jobs}]\n")
    assert main(["iam-policy", "--config.file", str(file), "--format=cloudformation"]) == 1
    assert capsys.readouterr() == ("", f"{file}: {message}\n")


def test_what_is_wider_than_need_be_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ", ".join(f"job-of-quite-some-length-{number:05}" for number in range(700))
    file.write_text(f"aws: {{region: eu-west-1}}\ntuning_jobs: [{names}]\n")
    assert main(["iam-policy", "--config.file", str(file)]) == 0
    assert capsys.readouterr().err.startswith(
        "warning: exporter: naming every tuning job takes more than the 10 policies"
    )


@pytest.mark.parametrize(
    ("content", "flags", "message"),
    [
        (None, [], "{file}: cannot be read"),
        ("aws: {region: eu-west-1}\ntuning_jobs: [a_]\n", [], "{file}:2: tuning_jobs[0]: "),
        (
            "aws: {region: eu-west-1}\ndiscover: [{organization: {role_name: metrics}}]\n",
            ["--format=terraform"],
            "{file}: Terraform has to be given the accounts, and only AWS knows those of an organization",
        ),
        ("tuning_jobs: []\n", [], "{file}: it watches nothing, so there is nothing to allow: add tuning_jobs or"),
        (
            "aws: {region: eu-west-1, sign_requests: false}\ntuning_jobs: [a]\n",
            [],
            "{file}: no request is signed, so there is no identity to give policies to: remove sign_requests: false",
        ),
        (
            "aws: {region: eu-west-1, profile: team}\ntuning_jobs: [a]\n",
            ["--trust=irsa"],
            "{file}: every entry has a profile, so the pod's own role is never used: remove --trust=irsa, or a profile",
        ),
    ],
)
def test_says_why_there_is_none(
    content: str | None, flags: list[str], message: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.unlink()
    if content is not None:
        file.write_text(content)
    assert main(["iam-policy", "--config.file", str(file), *flags]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(message.format(file=file))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--format", "yaml"], "--format: invalid choice: 'yaml' (choose from"),
        (["--trust", "ec2"], "--trust: invalid choice: 'ec2' (choose from"),
        (["--role", "x"], "unknown argument --role"),
    ],
)
def test_refuses_other_flags(flags: list[str], message: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["iam-policy", "--config.file", str(file), *flags])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_help_tells_every_flag_and_that_aws_is_not_called(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["iam-policy", "--help"])
    assert ended.value.code == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "without calling AWS" in told
    assert all(flag in told for flag in ("--config.file", "--format {json,terraform,cloudformation}", "--trust"))


def test_a_terminal_gets_the_same_and_neither_the_sdk_nor_the_fleet_is_loaded(
    file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["iam-policy", "--config.file", str(file)]) == 0
    printed = capfd.readouterr().out
    code = (
        f"import sys; from exporter.cli import main; main(['iam-policy', '--config.file', {str(file)!r}]);"
        " print(*sys.modules, file=sys.stderr)"
    )
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", closefd=True) as terminal, os.fdopen(theirs, "wb") as out:
        done = subprocess.run([sys.executable, "-c", code], stdout=out, stderr=subprocess.PIPE, text=True, check=True)
        assert terminal.read1().decode().replace("\r\n", "\n") == printed
    loaded = done.stderr.split()
    assert "exporter.permissions" in loaded
    unwanted = {"boto3", "botocore", "uvicorn", "starlette", "exporter.fleet", "exporter.permissions.terraform"}
    assert unwanted.isdisjoint(loaded)


def test_every_way_to_give_a_pod_a_role_can_be_chosen() -> None:
    assert sorted(TRUSTS) == sorted(Trust)
