"""The command ``plan``."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
import time
from pathlib import Path

import pytest
import yaml
from support.terminal import Terminal

from exporter.cli import main, progress
from exporter.cli.cost import Cost, TargetCost
from exporter.clock import SystemClock
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text("aws: {region: us-east-1}\ninterval: 30m\ndiscover: [{max_jobs: 20}]\n")
    return file


def test_what_it_costs_is_told_for_people(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["plan", "--config.file", str(config), "--jobs=10", "--running=4", "--changes-per-minute=0.5"]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert lines[0] == f"{config}: 10 tuning jobs in 1 target, of which 4 run"
    assert re.fullmatch(r"series: [\d,]+ of tuning jobs, \d+ of the exporter itself", lines[1])
    assert re.fullmatch(r"memory: about \d+ MB", lines[2])
    assert lines[3] == "us-east-1: region us-east-1, 10 tuning jobs, 4 run, 0.5 changes a minute"
    assert re.fullmatch(r"  DescribeHyperParameterTuningJob +[\d.]+ an hour", lines[4])
    assert re.fullmatch(r"  all calls +[\d.]+ an hour", lines[6])
    assert re.fullmatch(r"  used of the budget \(requests_per_second 5\): [\d.]+%, [\d.]+% at most", lines[9])
    assert max(map(len, lines[1:])) <= 80
    assert "\x1b" not in out


def test_where_nobody_says_how_many_it_tells_what_was_taken(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("aws: {region: us-east-1}\ninterval: 12h\ndiscover: [{max_jobs: 2}]\ntag_labels: [team]\n")
    assert main(["plan", str(config)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].startswith(
        "This assumes as many tuning jobs as max_jobs allows. Give your own numbers with --jobs "
    )
    assert any(re.fullmatch(r"  \w+ +<0\.1 an hour", line) for line in lines)


def test_as_json_it_has_the_members_of_the_page(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--config.file", str(config), "--running=0", "--format=json"]) == 0
    told = json.loads(capsys.readouterr().out)
    page = Path(__file__, "../../../docs/checking.md").resolve().read_text(encoding="utf-8")
    for model, shown in ((Cost, told), (TargetCost, told["targets"][0])):
        rows = re.search(rf"^\| member of `{model.__name__}` \|.*?(?=\n\n|\Z)", page, re.MULTILINE | re.DOTALL)
        assert rows is not None, model.__name__
        members = re.findall(r"^\| `(\w+)`", rows[0], re.MULTILINE)
        assert members == [each.name for each in dataclasses.fields(model)] == [*shown]
    assert (told["tuning_jobs"], told["running"]) == (20, 0)


def test_a_terminal_changes_nothing_of_what_is_printed(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["plan", "--config.file", str(config), "--jobs=4"]
    assert main(arguments) == 0
    in_a_pipe = capsys.readouterr().out
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "SHOWN_AFTER", 0.0)
    with Terminal() as terminal, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", terminal.file)
        assert main(arguments) == 0
        patch.undo()
    assert capsys.readouterr().out == in_a_pipe
    assert "Planning a day" in terminal.text


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--jobs=many"], 2, "'many' is not a whole number from 0 to 10,000"),
        (["--running=101"], 2, "'101' is not a whole number from 0 to 100"),
        (["--jobs=3", "--running=4"], 2, "argument --running: 4 is more than --jobs 3: write at most that"),
        (["--changes-per-minute=nan"], 2, "'nan' is not a number from 0 to 10,000: write for example 2.5"),
        (["--online", "--jobs=3"], 2, "argument --online: AWS tells how many accounts and tuning jobs there are"),
        (["--config.file=none.yaml"], 1, "none.yaml: cannot be read"),
    ],
)
def test_bad_input_is_told_in_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    try:
        ended = main(["plan", *arguments])
    except SystemExit as usage:
        ended = int(str(usage.code))
    assert ended == code
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("within", ["7d", "1h", "1m"])
def test_max_jobs_leaves_out_the_ones_that_have_ended(
    config: Path, capsys: pytest.CaptureFixture[str], within: str
) -> None:
    config.write_text(f"aws: {{region: us-east-1}}\ninterval: 30m\ndiscover: [{{created_within: {within}}}]\n")
    assert main(["plan", str(config), "--jobs=500", "--running=80"]) == 0
    assert capsys.readouterr().out.startswith(f"{config}: 200 tuning jobs in 1 target, of which 80 run\n")


def test_none_is_too_old_by_the_time_that_its_page_is_read(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("aws: {region: us-east-1}\ninterval: 12h\ndiscover: [{created_within: 5m, max_jobs: 5000}]\n")
    assert main(["plan", str(config), "--jobs=5000", "--running=0"]) == 0
    assert capsys.readouterr().out.startswith(f"{config}: 5,000 tuning jobs in 1 target, of which 0 run\n")


def test_jobs_of_rules_are_refused_where_there_are_none(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("aws: {region: us-east-1}\ntuning_jobs: [a]\n")
    with pytest.raises(SystemExit):
        main(["plan", str(config), "--jobs=3"])
    assert (
        "argument --jobs: the configuration has no discover rules, which would find these tuning jobs: leave it out"
        in capsys.readouterr().err
    )


def test_nothing_to_watch_costs_nothing(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("tuning_jobs: []\n")
    assert main(["plan", "--config.file", str(config)]) == 0
    assert capsys.readouterr().out.startswith(
        f"{config}: 0 tuning jobs in 0 targets, of which 0 run\nseries: 0 of tuning jobs, "
    )


def test_help_says_how_it_knows(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["plan", "--help"])
    assert ended.value.code == 0
    assert "a day of the exporter in a few seconds" in " ".join(capsys.readouterr().out.split())


def test_online_it_counts_the_series_that_there_are(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulator = Simulator(SystemClock())
    for name, scenario in (
        ("search-1", "several-definitions"),
        ("search-2", "healthy"),
        ("search-3", "failed-at-once"),
    ):
        simulator.create(scenario, name, created=time.time() - 4_000)
    with Server(simulator) as server:
        aws = {"region": "us-east-1", "endpoint_url": server.url, "sts_endpoint_url": server.url}
        settings = {
            "aws": aws | {"requests_per_second": 1000},
            "discover": [{}],
            "collect": ["training_jobs", "definitions"],
        }
        config.write_text(yaml.safe_dump({"interval": "30m"} | settings))
        assert main(["once", "--config.file", str(config)]) == 0
        scraped = [line for line in capsys.readouterr().out.splitlines() if line.startswith("sagemaker_tuning_job_")]
        assert main(["plan", "--config.file", str(config), "--online", "--format=json"]) == 0
        told = json.loads(capsys.readouterr().out)
        # Only an exporter that goes on tells when it describes each next.
        assert told["series"] == len(scraped) + 3
        assert (told["tuning_jobs"], told["running"]) == (3, 2)
        simulator.faults.add(Fault(Kind.ACCESS_DENIED, "ListHyperParameterTuningJobs"))
        assert main(["plan", "--config.file", str(config), "--online"]) == 1
        out, err = capsys.readouterr()
        assert out.startswith(f"{config}: 0 tuning jobs ")
        assert "ListHyperParameterTuningJobs fails with access_denied" in err
