"""The schema for editors never refuses what check accepts, whatever is written for a value."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft7Validator
from support.tools import ROOT

from exporter.cli.schema import run
from exporter.config import ConfigError, parse
from exporter.config.schema import editor_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = Draft7Validator(json.loads(editor_schema()))
EVERYTHING = yaml.safe_load((ROOT / "tests/chart/cases/everything.yaml").read_text(encoding="utf-8"))["config"]
MARK = "MARK"

# As people write them: what YAML reads as a number, a flag, a date or nothing, and what AWS would call by these names.
VALUES = (
    *("5", '"5"', "0.5", "012345678901", "0x10", "true", '"true"', "yes", "~", '""', "2026-01-01", "1:30"),
    *("5m", "24h", "prod", "eu-west-1", "ml.m5.large", "InProgress", "arn:aws:iam::123456789012:role/a"),
    *("http://127.0.0.1:1/a", "[prod]", "[]", "{}", "{regex: ^a}", "{exists: true}"),
)


def read(text: str) -> Any:
    """Return what an editor reads: keys and dates are text to it."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(key): plain(each) for key, each in value.items()}
        if isinstance(value, list):
            return [plain(each) for each in value]
        return str(value) if isinstance(value, date) else value

    return plain(yaml.safe_load(text))


def accepted(text: str) -> bool:
    try:
        parse(text, "config.yaml", "eu-west-1")
    except ConfigError:
        return False
    return True


def complaints(text: str) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in SCHEMA.iter_errors(read(text))]


def with_marks(value: Any) -> Iterator[Any]:
    """Yield copies of a configuration, each with a mark in place of another one of its values."""
    yield MARK
    if isinstance(value, dict):
        for key, inside in value.items():
            for marked in with_marks(inside):
                yield {**value, key: marked}
    if isinstance(value, list):
        for i, inside in enumerate(value):
            for marked in with_marks(inside):
                yield [*value[:i], marked, *value[i + 1 :]]


MARKED = [yaml.safe_dump(each, sort_keys=False) for each in with_marks(EVERYTHING) if each != MARK]


@pytest.mark.long
@pytest.mark.parametrize("value", VALUES)
def test_what_check_accepts_fits(value: str) -> None:
    texts = [text.replace(MARK, value) for text in MARKED]
    good = [text for text in texts if accepted(text)]
    assert {text: told for text in good if (told := complaints(text))} == {}


def test_enough_of_that_is_accepted() -> None:
    assert sum(accepted(text.replace(MARK, value)) for value in VALUES for text in MARKED) > 200


@pytest.mark.parametrize(
    "text",
    [
        (ROOT / "config.example.yaml").read_text(encoding="utf-8"),
        yaml.safe_dump(EVERYTHING),
        "aws: {endpoint_url: HTTPS://proxy.example}\ntuning_jobs: [a]",
        "account_names: {012345678901: a}\ntuning_jobs: [a]",
    ],
)
def test_what_is_documented_fits(text: str) -> None:
    assert accepted(text)
    assert complaints(text) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("tuning_job: [a]", "$"),
        ("tuning_jobs: a", "$.tuning_jobs"),
        ("tuning_jobs: [a_b]", "$.tuning_jobs[0]"),
        ("tuning_jobs: [{name: a, regoin: eu-west-1}]", "$.tuning_jobs[0]"),
        ("interval: 5 minutes", "$.interval"),
        ("aws: {region: Ireland}", "$.aws.region"),
        ("aws: {verify_ssl: yess}", "$.aws.verify_ssl"),
        ("collect: [spend]", "$.collect[0]"),
        ("discover: [{statuses: [Running]}]", "$.discover[0].statuses[0]"),
        ("discover: [{max_jobs: 20000}]", "$.discover[0].max_jobs"),
        ("discover: [{max_jobs: many}]", "$.discover[0].max_jobs"),
        ("discover: [{exclude: {}}]", "$.discover[0].exclude"),
        ("tuning_jobs: [{region: eu-west-1}]", "$.tuning_jobs[0]"),
        ("tuning_jobs: [{name: a, labels: {cost-center: a}}]", "$.tuning_jobs[0]"),
        ("tuning_jobs: [a]\nspend: {prices: {m5.xlarge: 1}}", "$.spend.prices"),
        ("tuning_jobs: [a]\nfailures: {classes: [{reason: a}]}", "$.failures.classes[0]"),
    ],
)
def test_tells_where_a_mistake_is(text: str, place: str) -> None:
    assert not accepted(text)
    assert [told.partition(": ")[0] for told in complaints(text)] == [place]


# The examples of docs/configuration.md, and what makes a whole configuration of each.
ONLY_CHECK = {
    "account_id: 1": "tuning_jobs: [{name: a, account_id: 1}]",
    "interval: 2d": "tuning_jobs: [a]\ninterval: 2d",
    'name_regex: "(?=prod)"': 'discover: [{name_regex: "(?=prod)"}]',
    "tags: {'': prod}": "discover: [{tags: {'': prod}}]",
    "accounts": "discover: [{accounts: [123456789012]}]",
    "regions": "discover: [{regions: [eu-west-1], region: eu-west-1}]",
    "tuning_jobs: [a, A]": "tuning_jobs: [a, A]",
    "tag_labels:": "tuning_jobs: [a]\nx-a:\ntag_labels:",
    "interval: 60s": "interval: 60s",
}


def test_only_check_sees_what_the_page_says() -> None:
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8").partition("\n## In your editor\n")[2]
    told = re.findall(r"^\| [^|]+ \| `([^`]+)`", page, re.MULTILINE)
    assert told == [*ONLY_CHECK]


@pytest.mark.parametrize("text", [text for text in ONLY_CHECK.values() if "tag_labels" not in text])
def test_an_editor_does_not_see_it(text: str) -> None:
    assert not accepted(text)
    assert complaints(text) == []


def test_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    assert capsys.readouterr().out == editor_schema()
