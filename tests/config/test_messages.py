"""Every key, given every wrong kind of value: the words are ours, with the file, the line and what to write."""

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from exporter.config import ConfigError, parse
from exporter.config.model import AwsDefaults, Config, Failures, Rule, Spend, TuningJob

HEADS: dict[str, type[BaseModel]] = {
    "": Config,
    "aws: ": AwsDefaults,
    "tuning_jobs: ": TuningJob,
    "discover: ": Rule,
    "spend: ": Spend,
    "failures: ": Failures,
}
KEYS = [(section, key) for section, model in HEADS.items() for key in model.model_fields]
THEIRS = re.compile(
    "Input|should|[Ff]ield required|Extra inputs|validation|[Vv]alue error|a valid|permitted|pydantic"
    "|Error|Traceback|<class|None|type=|input_value|dictionary|\\bint\\b|\\bstr\\b|string"
)
REMEDY = re.compile(r"write |take |remove|did you mean|keep one|set once|add |copy |check |save |give |name ")

WRONG: list[object] = [
    None, "", " ", "x y", "a*b", "é", "\n", "-1", "0", "1e400", "9" * 400, "x" * 5000, "true", "null", "~", "\U0001f600",
    [], {}, [None], [""], [[]], [{}], [[["a"]]], ["team", "team"], ["team", "a*b", "team"], ["a", "A", "a"], ["Failed", "Failed"],
    {"": ""}, {"a": None}, {"a": []}, {"a": {"b": "c"}}, {"a-b": "x", "a*b": "y"}, {"name": ["x"]}, {"arn": {}}, {"[key]": "x"},
    [{"name": None}, {"name": None}], [{"labels": {"a": ["b"]}}], [{"tags": []}], [{"tag_labels": ["t", "a*b", "t"]}], {"<<": {"a": "b"}},
    {"ml.m5.xlarge": "x"}, {"ml.m5.xlarge": "0"}, {"eu-west-1": {"ml.m5.xlarge": "1"}}, [{"reason": "a", "regex": "(?=a)"}], "1e16", "1e-400",
    [{"tags": {"a": {"regex": "("}}}], {"tags": {"a": {"b": "c"}}}, {"regex": "a"}, {"exists": "x", "name_regex": "("},
    ["eu-west-1", "eu-west-1"], ["123456789012"], {"123456789012": "a"},
    ["warm_start_parents", "x", "warm_start_parents"], 7, 1.5, True, [1, 2], {1: 2},
]  # fmt: skip
VALUES = st.recursive(
    st.sampled_from([value for value in WRONG if not isinstance(value, list | dict)]) | st.text(max_size=20),
    lambda each: (
        st.lists(each, max_size=3)
        | st.lists(st.sampled_from(["team", "a*b", "cost-center", "cost_center", ""]), max_size=4)
        | st.dictionaries(
            st.sampled_from(["name", "arn", "labels", "tags", "exclude", "regex", "exists", "a*b", ""]),
            each,
            max_size=3,
        )
    ),
)


def written(section: str, key: str, value: object) -> str:
    tree = {key: value}
    head = section.removesuffix(": ")
    whole = tree if not head else {head: tree if head in {"aws", "spend", "failures"} else [tree, {"name": "sound"}]}
    return yaml.safe_dump(whole, allow_unicode=True, sort_keys=False, width=1000)


def assert_ours(text: str) -> None:
    try:
        parse(text, "c.yaml", "eu-west-1")
    except ConfigError as error:
        for problem in error.problems:
            assert str(problem).startswith("c.yaml:")
            # What is missing altogether is on no line.
            assert problem.line is not None or problem.message.startswith("neither tuning_jobs nor discover is given")
            said = re.sub(r'"[^"]*"', '""', problem.message)
            assert not THEIRS.search(said), problem
            assert REMEDY.search(said), problem
            assert len(str(problem)) < 600


@pytest.mark.long
@pytest.mark.parametrize(("section", "key"), KEYS, ids=lambda value: value)
def test_each_key_with_each_wrong_kind(section: str, key: str) -> None:
    for value in WRONG:
        assert_ours(written(section, key, value))


@given(st.sampled_from(KEYS), VALUES)
def test_any_key_with_any_value(key: tuple[str, str], value: object) -> None:
    assert_ours(written(*key, value))
