"""The rules can be adapted where they say so, and stay the same where nothing is asked."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from render_rules import RULES, Override, alerts, divide, dump, load, main, render, thresholds
from support.processes import PATIENCE
from support.promql import labels_of, mistakes, vocabulary

DOCUMENT = load()
METRICS = vocabulary()


def alert(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(rule for rule in alerts(document) if rule["alert"] == name)


def test_without_a_wish_nothing_changes() -> None:
    assert render(DOCUMENT) == DOCUMENT
    assert yaml.safe_load(dump(render(DOCUMENT))) == DOCUMENT


def test_every_threshold_that_is_marked_can_be_set() -> None:
    marked = {
        (rule["alert"], name) for rule in alerts(DOCUMENT) for name in re.findall(r"# threshold: (\w+)", rule["expr"])
    }
    assert marked == {(rule["alert"], name) for rule in alerts(DOCUMENT) for name in thresholds(rule)}
    values = {
        (rule["alert"], name): "7m" if one.range else "7"
        for rule in alerts(DOCUMENT)
        for name, one in thresholds(rule).items()
    }
    for rule in alerts(render(DOCUMENT, values=values)):
        assert {one.value for one in thresholds(rule).values()} <= {"7", "7m"}
        assert mistakes(rule["expr"], METRICS) == []


def test_a_threshold_has_one_value_however_often_it_stands() -> None:
    for rule in alerts(DOCUMENT):
        lines = re.findall(r"([\d.]+[a-z]*)[\])\s]*# threshold: (\w+)", rule["expr"])
        assert len(set(lines)) == len({name for _, name in lines}), rule["alert"]


def test_a_range_is_a_threshold_unless_it_is_how_far_back_the_last_sample_may_be() -> None:
    for rule in alerts(DOCUMENT):
        without_lookback = re.sub(r"\[10m\]|last_over_time\([^()\[\]]+\[1h\]", "", rule["expr"])
        lines = [line for line in without_lookback.splitlines() if re.search(r"\[\w+\]", line)]
        assert all("# threshold: " in line for line in lines), rule["alert"]


def test_speed_divides_every_duration() -> None:
    fast = render(DOCUMENT, speed=60)
    stuck = alert(fast, "SageMakerTuningJobStuck")
    assert (stuck["for"], stuck["keep_firing_for"]) == ("10000ms", "30000ms")
    assert {name: one.value for name, one in thresholds(stuck).items()} == {
        "age": "60",
        "window": "2880000ms",
        "still": "30",
    }
    assert alert(fast, "SageMakerTuningJobFailed")["for"] == "0s"
    near = alert(fast, "SageMakerTuningJobNearTimeLimit")
    numbers = {name: one.value for name, one in thresholds(near).items()}
    assert numbers == {"endedRatio": "0.88", "budgetRatio": "0.45", "runtimeRatio": "0.8"}
    record = {"record": "a:up:rate", "expr": "rate(up[5m] offset 1h)"}
    slow = {"groups": [{"name": "slow", "interval": "1m", "rules": [record]}]}
    assert render(slow, speed=4) == {
        "groups": [
            {"name": "slow", "interval": "15000ms", "rules": [{**record, "expr": "rate(up[75000ms] offset 900000ms)"}]}
        ]
    }


@pytest.mark.parametrize("speed", [60, 600, 3600.5])
def test_promtool_accepts_rules_at_speed(promtool: Path, tmp_path: Path, speed: float) -> None:
    (tmp_path / "rules.yaml").write_text(dump(render(DOCUMENT, speed=speed)))
    subprocess.run(
        [promtool, "check", "rules", tmp_path / "rules.yaml"], check=True, capture_output=True, timeout=PATIENCE
    )


@pytest.mark.parametrize(
    ("duration", "speed", "divided"),
    [("45m", 1, "45m"), ("45m", 600, "4500ms"), ("1h30m", 90, "60000ms"), ("1s", 1_000_000, "1ms"), ("0s", 60, "0s")],
)
def test_divides(duration: str, speed: float, divided: str) -> None:
    assert divide(duration, speed) == divided


@pytest.mark.parametrize("text", ["", "5", "m", "5m ", "1.5h", "5x"])
def test_refuses_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        divide(text, 1)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (("SageMakerTuningJobStuck", "window"), "5", "is not a duration"),
        (("SageMakerTuningJobStuck", "age"), "5m", "is not a number"),
        (("SageMakerTuningJobStuck", "window"), "0s", "is no time to look back on"),
        (("SageMakerTuningJobStuck", "share"), "5", "there is only age, window, still"),
        (("SageMakerTuningJobLost", "age"), "5", "no such threshold"),
    ],
)
def test_refuses_thresholds_that_are_wrong(name: tuple[str, str], value: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        render(DOCUMENT, values={name: value})


@pytest.mark.parametrize("labels", [[], ["tag_team"], ["label_team", "tag_cost_center"]])
def test_other_labels_are_taken_over(labels: list[str]) -> None:
    document = render(DOCUMENT, team_labels=labels)
    metrics = vocabulary(document)
    for rule in alerts(document):
        assert mistakes(rule["expr"], metrics) == []
        taken = {label for label in labels_of(rule["expr"], metrics) if label.startswith(("label_", "tag_"))}
        joined = "sagemaker_tuning_job_labels" in rule["expr"]
        assert taken == (set(labels) if joined else set()), rule["alert"]


def test_no_alert_depends_on_a_replica_and_each_of_a_job_has_its_team() -> None:
    for rule in alerts(DOCUMENT):
        labels = labels_of(rule["expr"], METRICS)
        if rule["alert"].removeprefix("SageMakerTuningExporter") not in {
            "ConfigReloadFailed",
            "Down",
            "ReplicaBlind",
            "Restarting",
        }:
            assert not labels & {"job", "instance"}, rule["alert"]
        if "tuning_job" in labels:
            assert {"aws_account_id", "aws_region", "label_team"} <= labels, rule["alert"]
        if rule["alert"].startswith("SageMakerTuningJob"):
            assert "tuning_job" in labels, rule["alert"]


def test_every_alert_says_what_people_need() -> None:
    names = [rule["alert"] for rule in alerts(DOCUMENT)]
    assert len(set(names)) == len(names)
    for rule in alerts(DOCUMENT):
        assert rule["labels"].keys() == {"severity"}
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule.keys() == {"alert", "expr", "for", "keep_firing_for", "labels", "annotations"}
        assert {"summary", "description", "runbook_url"} <= rule["annotations"].keys()


def test_queries_in_annotations_can_be_answered() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in RULES.glob("*.yaml"))
    formats = re.findall(r'printf\s+"([^\n]*)"', text)
    queries = [each for each in formats if not re.match(r"%\.\df\b", each)]
    assert queries
    for query in queries:
        assert mistakes(query.replace("%q", '"x"'), METRICS) == []


def test_the_script_prints_one_file(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--threshold", "SageMakerTuningJobStuck.window=2h", "--runbook-url", "https://wiki/x", "--team-labels", ""]
    assert main(asked) == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    stuck = alert(printed, "SageMakerTuningJobStuck")
    assert thresholds(stuck)["window"].value == "2h"
    assert stuck["annotations"]["runbook_url"] == "https://wiki/x#sagemakertuningjobstuck"
    assert "label_team" not in str(printed)


def test_the_script_sets_thresholds_of_a_team(capsys: pytest.CaptureFixture[str]) -> None:
    stuck = "SageMakerTuningJobStuck"
    asked = [
        f"{stuck}.age=60",
        f'{stuck}.age{{label_team="my team"}}=7200',
        f'{stuck}.still{{label_team="my team"}}=60',
    ]
    assert main([word for each in asked for word in ("--threshold", each)]) == 0
    override = Override(stuck, {"label_team": "my team"}, {"age": "7200", "still": "60"})
    expected = render(DOCUMENT, values={(stuck, "age"): "60"}, overrides=[override])
    assert yaml.safe_load(capsys.readouterr().out) == expected


@pytest.mark.parametrize("label", ["", "a-b", "job", "status", "code", "severity", "alertname", "__name__", "tag_team"])
def test_only_a_label_of_others_tells_exporters_apart(label: str) -> None:
    with pytest.raises(ValueError, match="tells no exporters apart"):
        render(DOCUMENT, aggregation_labels=["cluster", label])


def test_labels_of_teams_are_those_of_tuning_jobs_and_each_is_named_once() -> None:
    with pytest.raises(ValueError, match="is no label of tuning jobs"):
        render(DOCUMENT, team_labels=["team"])
    with pytest.raises(ValueError, match="is there twice"):
        render(DOCUMENT, team_labels=["tag_a", "tag_a"])
    with pytest.raises(ValueError, match="is there twice"):
        render(DOCUMENT, aggregation_labels=["cluster", "cluster"])


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("SageMakerTuningJobStuck.window", "is not ALERT.NAME=VALUE"),
        ("SageMakerTuningJobStuck.windows=2h", "there is only"),
        ("SageMakerTuningJobStuck.age{label_team=search}=2", "is not ALERT.NAME=VALUE"),
        ('SageMakerTuningJobStuck.age{label_cost="a"}=2', "carries no labels label_cost"),
    ],
)
def test_the_script_refuses_mistakes(capsys: pytest.CaptureFixture[str], asked: str, message: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--threshold", asked])
    assert message in capsys.readouterr().err
