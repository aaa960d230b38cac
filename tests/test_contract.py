"""Whatever the project says in PromQL can be asked of what the exporter exposes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from support.promql import mistakes, vocabulary
from support.text import found
from support.tools import ROOT

from exporter.exposition.families import FAMILIES
from exporter.exposition.family import Family

METRICS = vocabulary()
J = "sagemaker_tuning_job"
E = "sagemaker_tuning_exporter"
ON = "on (aws_account_id, aws_region, tuning_job)"


@dataclass(frozen=True)
class Question:
    """An expression and the place where it stands."""

    file: str
    line: int
    text: str


def fenced(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of each expression in the promql blocks of a Markdown page; empty lines part them."""
    for block in re.finditer(r"^ *```promql\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
        for part in re.finditer(r"\S.*?(?=\n\s*\n|\s*\Z)", block[1], re.DOTALL):
            comments = found(r"\A(?:\s*#.*\n)*", part[0])[0]
            yield text.count("\n", 0, block.start(1) + part.start() + len(comments)) + 1, part[0]


def rules(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of whatever stands under ``expr`` in YAML."""
    pending = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    while pending:
        node = pending.pop()
        if isinstance(node, yaml.SequenceNode):
            pending += node.value
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value == "expr" and isinstance(value, yaml.ScalarNode):
                    yield value.start_mark.line + 1, value.value
                pending.append(value)


def panels(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of the expressions of a dashboard, with some length for the intervals that Grafana fills in."""
    # JSON is YAML.
    for line, expression in rules(text):
        yield line, re.sub(r"\$__\w+|\$\{__\w+\}", "5m", expression)


Reader = Callable[[str], Iterator[tuple[int, str]]]
SOURCES: dict[str, Reader] = {
    "README.md": fenced,
    "docs/*.md": fenced,
    "helm/sagemaker-tuning-exporter/rules/*.yaml": rules,
    "helm/sagemaker-tuning-exporter/dashboards/*.json": panels,
}
"""Where questions are asked, and how to find them there."""


def questions(root: Path, pattern: str, read: Reader) -> list[Question]:
    """Return what is asked in the files that a pattern names."""
    return [
        Question(str(path.relative_to(root)), line, text)
        for path in sorted(root.glob(pattern))
        for line, text in read(path.read_text(encoding="utf-8"))
    ]


def complaints(asked: list[Question]) -> list[str]:
    """Return what is wrong with each question, and where."""
    return [
        f"{question.file}:{question.line}: {mistake}"
        for question in asked
        for mistake in mistakes(question.text, METRICS)
    ]


@pytest.mark.parametrize(("pattern", "read"), SOURCES.items(), ids=SOURCES)
def test_what_is_asked_can_be_answered(pattern: str, read: Reader) -> None:
    asked = questions(ROOT, pattern, read)
    assert asked
    assert complaints(asked) == []


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_example_of_a_family_asks_it(family: Family) -> None:
    assert mistakes(family.example, METRICS) == []
    assert {*family.series_names} <= {*re.findall(r"\w+", family.example)}


@pytest.mark.parametrize(
    "right",
    [
        f'{J}_status{{status=~"InProgress|Stop.*"}}',
        f'{J}_status{{status=~"(Completed|Failed)",status!="",instance=~".*:10980",job="x"}} == 1',
        f'{J}_status{{status="$status"}}',
        f'{J}_status{{status=~"${{status:regex}}"}}',
        f'{J}_info{{objective_type=""}}',
        f'{J}_up * {ON} group_left (label_team, tag_cost_center) {J}_labels{{label_team="a",tag_env=~".+"}}',
        f"{J}_labels * {ON} group_right (label_team) {J}_training_jobs",
        f"sum without (status) ({J}_training_jobs) / {J}_max_training_jobs",
        f"{J}_training_jobs / ignoring (status) group_left () {J}_max_training_jobs",
        f"histogram_quantile(0.9, sum by (le) (rate({E}_api_request_duration_seconds_bucket[5m])))",
        f"rate({E}_api_request_duration_seconds_sum[5m]) / rate({E}_api_request_duration_seconds_count[5m])",
        f'increase({E}_api_errors_total{{code!~"throttled|timeout",operation="ListTags"}}[1h:5m] offset 1d) > 0',
        f'{E}_tracked_jobs{{state="failing"}}',
        'count by (severity, tuning_job, label_team) (ALERTS{alertstate="firing",alertname=~"SageMakerTuning.+"})',
        "tuning_job:sagemaker_tuning_job_training_jobs:sum / on (tuning_job) sagemaker_tuning_job_max_training_jobs",
        "up == 0 or absent(process_resident_memory_bytes) or vector(1)",
        f'{{__name__=~"{J}_(best|overall_best)_objective_value",objective_type="Minimize"}}',
        f'{{__name__="{J}_up"}} == on (aws_region) group_left () count by (aws_region) ({J}_up)',
        f'count by (place) (label_replace({J}_up, "place", "$1", "aws_region", "(..).*"))',
        f'count_values("version", {J}_warm_start_parents) == on (version) count_values("version", {J}_warm_start_parents)',
        f"-topk(3, {J}_runtime_seconds) < on (tuning_job) {J}_max_runtime_seconds",
        f"time() - ({J}_created_timestamp_seconds) unless {ON} {J}_end_timestamp_seconds",
    ],
)
def test_accepts(right: str) -> None:
    assert mistakes(right, METRICS) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("sum(", "not PromQL"),
        (f"{J}_training_job", f"no metric {J}_training_job; the nearest is '{J}_training_jobs'"),
        (f"rate({E}_api_errors[5m])", f"nearest is '{E}_api_errors_total'"),
        (f"{E}_api_request_duration_seconds", f"nearest is '{E}_api_request_duration_seconds_"),
        (f"{J}_runtime_seconds_total", f"nearest is '{J}_runtime_seconds'"),
        ("process_resident_memory", "nearest is 'process_resident_memory_bytes'"),
        ("sum(1 + (max_over_time(upp[1h:1m])))", "no metric upp; the nearest is 'up'"),
        (f'{{__name__="{J}_u"}}', f"nearest is '{J}_up'"),
        (f'{{__name__=~"{J}_state.*"}}', "no __name__ matches"),
        ('{job="x"}', "names no metric"),
        (f'{J}_up{{region="x"}}', f"no label region on {J}_up; the nearest is 'aws_region'"),
        (f'{J}_up{{label_team="x"}}', "no label label_team"),
        (f'{J}_labels{{team="x"}}', "no label team"),
        (f'{J}_labels{{label_="x"}}', "no label label_"),
        ('up{tuning_job="x"}', "no label tuning_job on up"),
        (f'{E}_tracked_jobs{{status="failing"}}', "the nearest is 'state'"),
        (f'{J}_status{{status="InProgres"}}', "no status 'InProgres'; the nearest is 'InProgress'"),
        (f'{J}_status{{status="IN_PROGRESS"}}', "no status 'IN_PROGRESS'"),
        (f'{J}_status{{status=""}}', "no status ''"),
        (f'{J}_status{{status!="Complete"}}', "the nearest is 'Completed'"),
        (f'{J}_status{{status=~"Completed|Fail"}}', "no status matches 'Fail'; the nearest is 'Failed'"),
        (f'{J}_status{{status!~"(Completed|Stoped)"}}', "no status matches 'Stoped'"),
        (f'{J}_training_jobs{{status="Failed"}}', "no status 'Failed'"),
        (f'{J}_objectives{{status="Completed"}}', "no status 'Completed'"),
        ('ALERTS{alertname="SageMakerTuningJobFail"}', "the nearest is 'SageMakerTuningJobFailed'"),
        ("max by (status) (tuning_job:sagemaker_tuning_job_training_jobs:sum)", "no label status to group by"),
        (f'{J}_info{{objective_type="minimize"}}', "the nearest is 'Minimize'"),
        (f'{J}_error_info{{code="NotFound"}}', "no code 'NotFound'"),
        (f'{E}_api_errors_total{{operation="Describe"}}', "no operation 'Describe'"),
        (f'{E}_series_capped_total{{family="parent_info"}}', f"nearest is '{J}_parent_info'"),
        (f"sum by (job_name) ({J}_up)", "no label job_name to group by"),
        (f"sum without (state) ({J}_status)", "the nearest is 'status'"),
        (f"topk by (status) (3, {J}_up)", "no label status to group by under topk"),
        (f"sum by (code) (sum by (target) ({E}_api_errors_total))", "no label code to group by"),
        (
            f"histogram_quantile(0.9, sum by (operation) (rate({E}_api_request_duration_seconds_bucket[5m])))",
            "label le",
        ),
        (f'label_replace({J}_up, "a", "$1", "region", "(.*)")', "no label region for label_replace to read"),
        (f'label_join({J}_up, "a", "-", "tuning_job", "region")', "no label region for label_join to read"),
        (f"{J}_up and on (name) {J}_status", "no label name to match by on each side of and"),
        (f"{J}_up and on (status) {J}_status", "no label status to match by"),
        (f"sum by (aws_region) ({J}_up) / on (tuning_job) {J}_warm_start_parents", "no label tuning_job to match by"),
        (f"{J}_training_jobs / ignoring (state) {J}_max_training_jobs", "no label state to ignore"),
        (f"{J}_training_jobs / {J}_max_training_jobs", "status is on one side of / only"),
        (f"{J}_max_training_jobs / {J}_training_jobs", "status is on one side of / only"),
        (f"{J}_up * {ON} group_left (team) {J}_labels", "no label team to take over from the one side"),
        (f"{J}_labels * {ON} group_left (label_team) {J}_up", "no label label_team to take over"),
        (f"{J}_up * {ON} group_right (label_team) {J}_labels", "no label label_team to take over"),
        (f"sum by (instance) ({J}_up / {ON} {J}_warm_start_parents)", "no label instance to group by"),
    ],
)
def test_refuses(wrong: str, message: str) -> None:
    found = mistakes(wrong, METRICS)
    assert len(found) >= 1
    assert message in " ".join(found)


WRONG = f'{J}_status{{status="InProgres"}}'
REFUSAL = "no status 'InProgres'; the nearest is 'InProgress'"


RULES = f"""\
spec:
  groups:
    - name: tuning
      rules:
        - alert: Up
          expr: up == 0
        - alert: Wrong
          expr: |
            {WRONG}
            == 1
"""
DASHBOARD = json.dumps(
    {"panels": [{"targets": [{"expr": f"rate({E}_polls_total[$__rate_interval])"}, {"expr": WRONG}]}]}, indent=1
)


@pytest.mark.parametrize(
    ("name", "read", "text", "line"),
    [
        ("README.md", fenced, f"# Title\n\n```promql\n# Why.\nup\n\n# And this.\n{WRONG}\n```\n", 8),
        ("README.md", fenced, f"- item\n\n  ```promql\n  up\n  ```\n  ```promql\n  {WRONG}\n  ```\n", 7),
        ("page.md", fenced, f"```sh\nsum(\n```\n```promql\n{WRONG}\n  or\nup\n```\n", 5),
        ("rules.yaml", rules, RULES, 8),
        ("fleet.json", panels, DASHBOARD, 9),
    ],
)
def test_says_where(tmp_path: Path, name: str, read: Reader, text: str, line: int) -> None:
    (tmp_path / name).write_text(text)
    found = complaints(questions(tmp_path, "*", read))
    assert found == [f"{name}:{line}: {REFUSAL}"]
