"""The command ``once`` as cron runs it, against a simulator on a wire."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.cli import main
from exporter.clock import SystemClock
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JOBS = ("search-1", "search-2")


@pytest.fixture(scope="module")
def simulator() -> Iterator[tuple[Simulator, str]]:
    simulator = Simulator(SystemClock())
    for name in JOBS:
        simulator.create("healthy", name, created=time.time() - 4_000, tags={"env": "prod"})
    with Server(simulator) as server:
        yield simulator, server.url


@pytest.fixture
def config(tmp_path: Path, simulator: tuple[Simulator, str]) -> Path:
    """Return a configuration that lists one tuning job and finds another."""
    url = simulator[1]
    file = tmp_path / "config.yaml"
    file.write_text(
        yaml.safe_dump(
            {
                "aws": {
                    "region": "us-east-1",
                    "endpoint_url": url,
                    "sts_endpoint_url": url,
                    "requests_per_second": 1000,
                },
                "tuning_jobs": [JOBS[0]],
                "discover": [{"name_contains": "search-"}],
                "tag_labels": ["env"],
                "collect": ["training_jobs"],
            }
        )
    )
    return file


def samples(text: str) -> dict[str, list[str]]:
    """Return by family the tuning jobs of its series; raise ValueError for what no parser takes."""
    return {
        family.name: [sample.labels.get("tuning_job", "") for sample in family.samples] for family in parse_text(text)
    }


def test_all_is_printed_as_the_textfile_collector_takes_it(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["once", "--config.file", str(config)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.endswith("\n")
    found = samples(out)
    assert found["sagemaker_tuning_job_up"] == [*JOBS]
    assert found["sagemaker_tuning_job_training_job_duration_seconds"]
    assert 'tag_env="prod"' in out
    assert "sagemaker_tuning_exporter_config_last_reload_successful 1.0\n" in out
    # node_exporter has metrics of its own process, and refuses a file that has them too.
    assert all(name.startswith("sagemaker_tuning_") for name in found)
    assert "sagemaker_tuning_job_next_describe_timestamp_seconds" not in found
    assert "sagemaker_tuning_exporter_render_duration_seconds" not in found
    # It also refuses whole files for a single time stamp.
    assert all(sample.timestamp is None for family in parse_text(out) for sample in family.samples)


def test_openmetrics_ends_as_it_must(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["once", "--config.file", str(config), "--format=openmetrics"]) == 0
    out = capsys.readouterr().out
    assert out.endswith("# EOF\n")
    assert "sagemaker_tuning_job_up" in {family.name for family in parse_openmetrics(out)}


def test_json_is_that_of_the_api(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["once", "--config.file", str(config), "--format=json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["watched"], told["total"], told["page"], told["pages"]) == (2, 2, 1, 1)
    assert {job["name"]: (job["status"], job["tags"], job["next_describe"]) for job in told["jobs"]} == {
        name: ("InProgress", {"env": "prod"}, None) for name in JOBS
    }


def test_a_file_is_replaced_as_a_whole_and_for_everybody_to_read(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = tmp_path / "textfile"
    directory.mkdir()
    file = directory / "tuning.prom"
    file.write_text("old")
    seen: list[list[str]] = []
    fsync = os.fsync

    def looked_at(descriptor: int) -> None:
        assert file.read_text() == "old"
        seen.append([name for name in os.listdir(directory) if name.endswith(".prom")])
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", looked_at)
    assert main(["once", "--config.file", str(config), "--output", str(file)]) == 0
    assert capsys.readouterr() == ("", "")
    assert seen == [["tuning.prom"]]
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert os.listdir(directory) == ["tuning.prom"]
    assert samples(file.read_text())["sagemaker_tuning_job_up"] == [*JOBS]


def test_a_symbolic_link_stays_one(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link, there = tmp_path / "link.prom", tmp_path / "there"
    there.mkdir()
    link.symlink_to(there / "tuning.prom")
    assert main(["once", "--config.file", str(config), "--output", str(link)]) == 0
    assert capsys.readouterr() == ("", "")
    assert link.is_symlink()
    assert [each.name for each in there.iterdir()] == ["tuning.prom"]
    assert samples(link.read_text())["sagemaker_tuning_job_up"] == [*JOBS]


def test_what_was_had_is_printed_though_something_failed(
    config: Path, simulator: tuple[Simulator, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tuning.prom"
    faults = simulator[0].faults
    faults.add(Fault(Kind.ACCESS_DENIED, "DescribeHyperParameterTuningJob", name=JOBS[0]))
    try:
        assert main(["once", "--config.file", str(config), "--output", str(file)]) == 1
    finally:
        faults.clear()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(
        "error: DescribeHyperParameterTuningJob fails with access_denied for 1 tuning job (search-1) in us-east-1: "
    )
    assert err.count("\n") == 1
    text = file.read_text()
    assert "sagemaker_tuning_job_error_info" in samples(text)
    assert samples(text)["sagemaker_tuning_job_status"].count(JOBS[1]) > 0


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--config.file={directory}/none.yaml"], 1, "none.yaml: cannot be read (No such file or directory)"),
        (["--config.file={config}", "--output={directory}"], 2, "is not a file: write the path of one, or leave --output out"),
        (["--config.file={config}", "--output={directory}/none/a.prom"], 1, "cannot be written (No such file or directory): name a file"),
        (["--timeout=soon"], 2, '"soon" is not a duration: write for example 30s'),
        (["--timeout=100h"], 2, "'100h' is not from 1s to 12h"),
        (["--format=xml"], 2, "argument --format: invalid choice: 'xml'"),
    ],
)  # fmt: skip
def test_bad_input_is_told_in_a_sentence(
    config: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    given = [each.format(directory=config.parent, config=config) for each in arguments]
    try:
        ended = main(["once", *given])
    except SystemExit as usage:
        ended = int(str(usage.code))
    assert ended == code
    assert says in capsys.readouterr().err


def test_a_file_with_mistakes_is_refused_with_all_of_them(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("tuning_jobs: [a_]\ninterval: never\n")
    assert main(["once", "--config.file", str(config)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert {f"{config}:1", f"{config}:2"} <= {line.split(": ")[0] for line in err.splitlines()}


def test_nothing_to_watch_is_a_warning(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("tuning_jobs: []\n")
    assert main(["once", "--config.file", str(config)]) == 0
    out, err = capsys.readouterr()
    assert err == f"warning: {config} watches nothing: add tuning_jobs or discover rules\n"
    assert samples(out)["sagemaker_tuning_exporter_build_info"] == [""]


def test_help_says_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["once", "--help"])
    assert ended.value.code == 0
    assert "textfile collector" in " ".join(capsys.readouterr().out.split())


@pytest.mark.long
def test_a_terminal_sees_progress_and_a_pipe_nothing_of_it(config: Path, simulator: tuple[Simulator, str]) -> None:
    slow = simulator[0].faults.add(Fault(Kind.SLOW, "DescribeHyperParameterTuningJob", seconds=1.0))
    ours, theirs = os.openpty()
    try:
        command = [sys.executable, "-m", "exporter", "once", "--config.file", str(config)]
        environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=environment, text=True)
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:  # the program has ended
            pass
        out, _ = process.communicate()
    finally:
        simulator[0].faults.remove(slow)
        os.close(ours)
    assert process.returncode == 0
    assert b"Calling AWS" in shown
    assert "\x1b" not in out
    assert samples(out)["sagemaker_tuning_job_up"] == [*JOBS]
