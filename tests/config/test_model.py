from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from exporter.config import parse
from exporter.config.model import (
    AWS_KEYS,
    AwsDefaults,
    Config,
    FailureClass,
    Failures,
    Organization,
    Rule,
    Spend,
    TuningJob,
    expand,
)
from exporter.statuses import TUNING_JOB_STATUSES

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
SETTABLE = re.compile(r"^( *)#(?=(- )?[a-z_]+: )", re.MULTILINE)
DEFAULT = re.compile(r"^( *)#(?=[a-z_]+: .*# \(default\)$)", re.MULTILINE)
NAME, ARN = "churn", "arn:aws:sagemaker:eu-west-1:123456789012:hyper-parameter-tuning-job/churn"


def test_the_example_is_valid_as_it_is() -> None:
    settings = parse(EXAMPLE.read_text(), "config.example.yaml")
    assert [target.name for target in settings.targets] == [
        "eu-west-1",
        "eu-central-1",
        "us-east-1/123456789012/tuning-metrics",
    ]


def test_the_example_names_every_key_and_is_valid_with_all_of_them() -> None:
    text = SETTABLE.sub(r"\1", EXAMPLE.read_text())
    assert len(parse(text, "config.example.yaml").targets) == 3
    keys = {key for section in (Config, AwsDefaults, TuningJob, Rule) for key in section.model_fields}
    keys -= {"organization"}  # not together with accounts
    assert "organization: {" in text
    assert keys - set(re.findall(r"^[ -]*([a-z_]+):", text, re.MULTILINE)) == set()
    inner = {key for section in (Spend, Failures, FailureClass) for key in section.model_fields}
    assert inner - set(re.findall(r"[{ ]([a-z_]+): ", text)) == set()


def test_the_defaults_that_the_example_states_are_the_defaults() -> None:
    text = EXAMPLE.read_text()
    assert len(DEFAULT.findall(text)) == 15
    assert parse(DEFAULT.sub(r"\1", text), "x") == parse(text, "x")


@pytest.mark.parametrize(
    ("item", "mapping"),
    [
        (NAME, {"name": NAME}),
        (ARN, {"arn": ARN}),
        ({"name": ARN, "region": "x"}, {"arn": ARN, "region": "x"}),
        ({"name": ARN, "arn": ARN}, {"name": ARN, "arn": ARN}),
        ({"name": NAME}, {"name": NAME}),
        (None, None),
        ([NAME], [NAME]),
    ],
)
def test_short_forms_become_mappings(item: object, mapping: object) -> None:
    assert expand(item) == mapping


def test_the_schema_describes_what_a_file_may_hold() -> None:
    schema: dict[str, Any] = Config.model_json_schema()
    assert schema["properties"]["interval"]["default"] == "60s"
    assert schema["properties"]["interval"]["type"] == "string"
    assert schema["properties"]["tuning_jobs"]["items"]["anyOf"] == [{"type": "string"}, {"$ref": "#/$defs/TuningJob"}]
    rule = schema["$defs"]["Rule"]
    assert rule["additionalProperties"] is False
    assert rule["properties"]["verify_ssl"]["type"] == "boolean"
    assert rule["properties"]["statuses"]["items"]["enum"] == list(TUNING_JOB_STATUSES)
    assert "null" not in str(schema)


def test_every_key_is_described() -> None:
    for section in (Config, AwsDefaults, TuningJob, Rule, Organization, Spend, Failures, FailureClass):
        for name, field in section.model_fields.items():
            assert field.description, name


def test_every_key_of_aws_can_be_set_in_jobs_and_rules() -> None:
    assert set(AWS_KEYS) <= set(TuningJob.model_fields) & set(Rule.model_fields)
