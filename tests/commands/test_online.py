"""``check --online`` against a simulated AWS on a wire."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support.terminal import Terminal

from exporter.cli import main, progress
from exporter.cli.findings import Report
from exporter.clock import SystemClock
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCOUNT, OTHER = "123456789012", "222222222222"
ROLE = f"arn:aws:iam::{OTHER}:role/tuning-metrics"
USER = f"arn:aws:iam::{ACCOUNT}:user/simulated"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Simulator, str]]:
    simulator = Simulator(SystemClock())
    simulator.roles[ROLE] = None
    for account in (ACCOUNT, OTHER):
        for name in ("search-1", "search-2", "search-3"):
            simulator.create("healthy", name, account_id=account, created=time.time() - 4_000, tags={"env": "prod"})
    with Server(simulator) as server:
        yield simulator, server.url


@pytest.fixture
def simulator(served: tuple[Simulator, str]) -> Iterator[Simulator]:
    yield served[0]
    served[0].faults.clear()


@pytest.fixture
def config(tmp_path: Path, served: tuple[Simulator, str]) -> Path:
    return written(tmp_path / "config.yaml", served[1], tuning_jobs=["search-1"])


def written(file: Path, url: str, **settings: Any) -> Path:
    urls = dict.fromkeys(("endpoint_url", "sts_endpoint_url", "quotas_endpoint_url"), url)
    aws = {"region": "us-east-1", **urls, "requests_per_second": 1000}
    file.write_text(yaml.safe_dump({"aws": aws} | settings))
    return file


def checked(file: Path, capsys: pytest.CaptureFixture[str], code: int) -> dict[str, Any]:
    assert main(["check", str(file), "--online", "--format=json"]) == code
    out, err = capsys.readouterr()
    assert err == ""
    told: dict[str, Any] = json.loads(out)
    return told


def test_all_that_works_is_told_by_account_and_region(
    config: Path, served: tuple[Simulator, str], capsys: pytest.CaptureFixture[str]
) -> None:
    written(
        config,
        served[1],
        tuning_jobs=["search-1", {"name": "search-2", "role_arn": ROLE}],
        discover=[{"name": "all", "name_contains": "search"}, {"name": "none", "name_contains": "nothing"}],
        tag_labels=["env"],
        collect=["training_jobs"],
    )
    assert main(["check", str(config), "--online"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == f"{config}: ok, 2 tuning jobs and 2 discover rules in 2 targets"
    assert lines[1:6] == [
        "",
        f"us-east-1: account {ACCOUNT}, region us-east-1",
        f"  called as {USER}",
        "  credentials from the environment",
        "  operations",
    ]
    role = next(place for place, line in enumerate(lines) if line.startswith(f"us-east-1/{OTHER}"))
    assert lines[role + 1].startswith(f"  called as arn:aws:sts::{OTHER}:assumed-role/tuning-metrics/")
    permitted = [line.split()[0] for line in lines[6:role] if "  permitted, " in line]
    assert permitted == [
        "ListHyperParameterTuningJobs",
        "DescribeHyperParameterTuningJob",
        "ListTags",
        "Search",
        "ListTrainingJobsForHyperParameterTuningJob",
    ]
    rules = lines.index("  rules")
    assert lines[rules + 1 : rules + 3] == [
        "    all   2 tuning jobs, not counting listed ones",
        "    none  0 tuning jobs, not counting listed ones",
    ]
    assert lines[rules + 3] == "  listed tuning jobs"
    assert re.fullmatch("    search-1  InProgress, [0-9]+ training jobs", lines[rules + 4])
    assert max(map(len, lines[1:rules])) <= 80
    assert err == (
        f"warning: {config}: us-east-1, rule none: finds no tuning job now, not counting listed ones: if you expect some, check"
        " its conditions, region and account\n"
    )


@pytest.mark.parametrize("denied", [False, True])
def test_quotas_are_tried_where_they_are_asked_for(
    config: Path, simulator: Simulator, served: tuple[Simulator, str], capsys: pytest.CaptureFixture[str], denied: bool
) -> None:
    written(config, served[1], tuning_jobs=["search-1"], collect=["quotas"])
    if denied:
        simulator.faults.add(Fault(Kind.ACCESS_DENIED, "ListServiceQuotas"))
    (target,) = checked(config, capsys, int(denied))["online"]
    [right] = [right for right in target["rights"] if right["operation"] == "ListServiceQuotas"]
    assert right["allowed"] is not denied
    remedy = right["error"] and right["error"]["remedy"]
    assert remedy == (f"Allow servicequotas:ListServiceQuotas on * to {USER}." if denied else None)


def test_what_is_denied_is_told_with_the_permission_and_the_arn(
    config: Path, simulator: Simulator, served: tuple[Simulator, str], capsys: pytest.CaptureFixture[str]
) -> None:
    written(config, served[1], tuning_jobs=["search-1", "search-2"], tag_labels=["env"], collect=["training_jobs"])
    for operation in ("DescribeHyperParameterTuningJob", "ListHyperParameterTuningJobs", "Search", "ListTags"):
        about = {"name": "search-1"} if operation.startswith("Describe") else {}
        simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation, **about))  # type: ignore[arg-type]
    told = checked(config, capsys, 1)
    assert (told["ok"], told["errors"], told["targets"]) == (False, [], 1)
    (target,) = told["online"]
    assert (target["account_id"], target["caller"], target["complete"]) == (ACCOUNT, USER, True)
    rights = {right["operation"]: right for right in target["rights"]}
    assert {name: right["allowed"] for name, right in rights.items()} == {
        "ListHyperParameterTuningJobs": False,
        "DescribeHyperParameterTuningJob": False,
        "ListTags": False,
        "Search": False,
        "ListTrainingJobsForHyperParameterTuningJob": True,
    }
    job = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:hyper-parameter-tuning-job/search"
    assert [right["error"] and right["error"]["remedy"] for right in rights.values()] == [
        f"Allow sagemaker:ListHyperParameterTuningJobs on * to {USER}.",
        f"Allow sagemaker:DescribeHyperParameterTuningJob on {job}-1 to {USER}.",
        f"Allow sagemaker:ListTags on {job}-2 to {USER}.",
        f"Allow sagemaker:Search on * to {USER}.",
        None,
    ]
    assert [job["error"] and job["error"]["code"] for job in target["tuning_jobs"]] == ["access_denied", None]


def test_a_role_that_may_not_be_assumed_is_told_with_what_to_allow(
    config: Path, served: tuple[Simulator, str], capsys: pytest.CaptureFixture[str]
) -> None:
    denied = f"arn:aws:iam::{OTHER}:role/other"
    written(config, served[1], tuning_jobs=[{"name": f"search-{n}", "role_arn": denied} for n in range(9)])
    (target,) = checked(config, capsys, 1)["online"]
    assert target["error"]["remedy"].startswith(f"Allow sts:AssumeRole on {denied} to the exporter's own identity")
    assert target["complete"] is False
    describes = next(right for right in target["rights"] if right["operation"].startswith("Describe"))
    assert (describes["calls"], describes["failed"], describes["allowed"]) == (3, 3, None)
    assert main(["check", str(config), "--online"]) == 1
    out = capsys.readouterr().out
    assert "not everything was tried" in out
    assert out.count("Allow sts:AssumeRole on ") == 1
    assert re.search("^    error: search-0: [a-z_]+, as above$", out, re.MULTILINE)
    assert "    search-8  not tried\n" in out


def test_a_job_that_is_not_there_is_an_error(
    config: Path, served: tuple[Simulator, str], capsys: pytest.CaptureFixture[str]
) -> None:
    written(config, served[1], tuning_jobs=["search-9"])
    assert main(["check", str(config), "--online"]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert "  error: search-9: not_found: " in out
    assert "DescribeHyperParameterTuningJob  permitted, 1 call\n" in out


def test_a_terminal_sees_progress_and_standard_output_nothing_of_it(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "SHOWN_AFTER", 0.0)
    with Terminal() as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal.file)
        assert main(["check", str(config), "--online"]) == 0
        patch.undo()
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "search-1  InProgress" in out
    assert "Calling AWS" in terminal.text


def test_help_says_what_online_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", "--help"])
    assert ended.value.code == 0
    assert "Also call AWS, once for each account and region" in " ".join(capsys.readouterr().out.split())


def test_nothing_is_called_where_the_file_has_mistakes(
    config: Path, simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    before = simulator.requests.total()
    config.write_text("tuning_jobs: [a_]\n")
    told = checked(config, capsys, 1)
    assert told["online"] is None
    assert told["targets"] is None
    assert [(each["line"], each["path"]) for each in told["errors"]] == [(1, "tuning_jobs[0]")]
    assert simulator.requests.total() == before


def test_the_page_has_every_member_of_the_report() -> None:
    import dataclasses
    from pathlib import Path as Place

    from exporter.cli import online

    page = Place(__file__, "../../../docs/checking.md").resolve().read_text(encoding="utf-8")
    models = (Report, online.Organization, online.Reached, online.Right, online.Matched, online.Listed, online.Trouble)
    for model in models:
        rows = re.search(rf"^\| member of `{model.__name__}` \|.*?(?=\n\n|\Z)", page, re.MULTILINE | re.DOTALL)
        assert rows is not None, model.__name__
        members = re.findall(r"^\| `(\w+)`", rows[0], re.MULTILINE)
        assert members == [each.name for each in dataclasses.fields(model)]


@pytest.mark.long
def test_nothing_more_is_tried_once_time_is_up(
    config: Path, simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    simulator.faults.add(Fault(Kind.SLOW, "GetCallerIdentity", seconds=1.2))
    asked = simulator.requests.copy()
    assert main(["check", str(config), "--online", "--format=json", "--timeout=1s"]) == 1
    (target,) = json.loads(capsys.readouterr().out)["online"]
    assert (target["account_id"], target["complete"]) == (ACCOUNT, False)
    assert {operation for operation, _ in simulator.requests - asked} == {"GetCallerIdentity"}
