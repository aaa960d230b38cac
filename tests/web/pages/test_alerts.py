"""The alerts of a tuning job's page: those that are shipped, about this one only."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import page_alerts
import promql_parser
import pytest
import yaml
from support.promql import mistakes, vocabulary

from exporter.web.pages.alerts import FILE, Question, questions, shipped

METRICS = vocabulary()
ALL = questions("123456789012", "eu-west-1", "churn", {"training_jobs"})


def test_the_file_of_the_package_is_up_to_date() -> None:
    text = files("exporter.web.pages").joinpath(FILE).read_text(encoding="utf-8")
    assert text == page_alerts.render(), "run `make docs`"


def test_it_has_every_alert_about_single_tuning_jobs() -> None:
    names = [
        rule["alert"]
        for path in page_alerts.RULES.glob("*.yaml")
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule and rule["alert"].startswith("SageMakerTuningJob")
    ]
    assert sorted(alert.name for alert in shipped()) == sorted(names)


@pytest.mark.parametrize("question", ALL, ids=lambda question: question.alert)
def test_each_can_be_asked(question: Question) -> None:
    assert mistakes(question.promql, METRICS) == []
    assert "#" not in question.promql
    assert "{{" not in question.summary
    parsed: Any = promql_parser.parse(question.promql)
    assert str(parsed.op) == "and"
    assert str(parsed.rhs) == (
        'sagemaker_tuning_job_up{aws_account_id="123456789012",aws_region="eu-west-1",tuning_job="churn"}'
    )


def test_those_that_need_training_jobs_are_asked_where_these_are_collected() -> None:
    without = {question.alert for question in questions("1", "r", "n", frozenset())}
    assert {question.alert for question in ALL} - without == {
        alert.name for alert in shipped() if alert.collect == "training_jobs"
    }
    assert without


def test_no_name_ends_its_text() -> None:
    name = 'a"} or vector(1) # \\\n'
    [first, *_] = questions("", "eu-west-1", name, frozenset())
    parsed: Any = promql_parser.parse(first.promql)
    assert [(each.name, each.value) for each in parsed.rhs.matchers.matchers] == [
        ("aws_account_id", ""),
        ("aws_region", "eu-west-1"),
        ("tuning_job", name),
    ]


def test_the_file_is_written_as_the_tool_writes_it() -> None:
    assert json.loads(page_alerts.render())[0].keys() == {"name", "severity", "summary", "collect", "expr"}
