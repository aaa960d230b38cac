"""Filters compare as the documentation of Search says, and what they cannot compare is told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from exporter.simulator.errors import ApiError
from exporter.simulator.expression import read
from exporter.simulator.search import RESOURCES

NOW = 1_764_000_000.25
PROPERTIES = RESOURCES["HyperParameterTuningJob"].properties


def iso(moment):
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@pytest.fixture(scope="module")
def job(make_life):
    """A job and when it is looked at: stopped by then, and with tags."""
    life = make_life("stopped", name="Churn-V3", created=NOW - 9000, tags={"env": "prod", "owner:team": "a, b"})
    return life, NOW


def one(name, operator=None, value=None):
    given = {"Name": name, "Operator": operator, "Value": value}
    return {"Filters": [{member: text for member, text in given.items() if text is not None}]}


def meets(job, expression):
    problems: list[str] = []
    matches = read(expression, problems, PROPERTIES)
    assert problems == []
    return matches(*job)


NAME, STATUS, CREATED, ENDED = (
    "HyperParameterTuningJobName",
    "HyperParameterTuningJobStatus",
    "CreationTime",
    "HyperParameterTuningEndTime",
)
EARLIER, LATER = iso(NOW - 9001), iso(NOW - 8999)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ((NAME, "Equals", "Churn-V3"), True),
        ((NAME, None, "Churn-V3"), True),
        ((NAME, "Equals", "churn-v3"), True),
        ((NAME, "Equals", "churn-v"), False),
        ((NAME, "NotEquals", "Churn-V3"), False),
        ((NAME, "NotEquals", "CHURN-V3"), False),
        ((NAME, "Contains", "URN-"), True),
        ((NAME, "In", "ranker,cHURN-v3"), True),
        (("HyperParameterTuningJobArn", "Contains", "/Churn-V3"), True),
        ((NAME, "NotEquals", "Churn"), True),
        ((NAME, "Contains", "urn-"), True),
        ((NAME, "Contains", "ranker"), False),
        ((NAME, "In", "ranker,Churn-V3"), True),
        ((NAME, "In", "ranker,Churn-V"), False),
        (("HyperParameterTuningJobArn", "Contains", "/churn-v3"), True),
        ((STATUS, "In", "Stopped,Failed"), True),
        ((STATUS, "Equals", "InProgress"), False),
        (("Tags.env", "Equals", "prod"), True),
        (("Tags.env", None, "test"), False),
        (("Tags.env", None, None), True),
        (("Tags.env", "Exists", None), True),
        (("Tags.env", "NotExists", None), False),
        (("Tags.stage", "Exists", None), False),
        (("Tags.stage", "NotExists", None), True),
        (("Tags.stage", "Equals", "prod"), False),
        (("Tags.stage", "NotEquals", "prod"), True),
        (("Tags.stage", "Contains", "prod"), False),
        (("Tags.Env", "Exists", None), False),
        (("Tags.owner:team", "Equals", "a, b"), True),
        (("FailureReason", "Exists", None), False),
        ((CREATED, "GreaterThan", EARLIER), True),
        ((CREATED, "GreaterThan", LATER), False),
        ((CREATED, "GreaterThanOrEqualTo", EARLIER), True),
        ((CREATED, "GreaterThanOrEqualTo", LATER), False),
        ((CREATED, "LessThan", LATER), True),
        ((CREATED, "LessThan", EARLIER), False),
        ((CREATED, "LessThanOrEqualTo", LATER), True),
        ((CREATED, "Equals", EARLIER), False),
        ((CREATED, "NotEquals", EARLIER), True),
        (("LastModifiedTime", "GreaterThan", LATER), True),
        ((ENDED, "Exists", None), True),
    ],
)
def test_filters(job, condition, expected):
    assert meets(job, one(*condition)) is expected


@pytest.mark.parametrize(
    ("created", "text"),
    [
        (1_764_000_000.0, "2025-11-24T16:00:00"),
        (1_764_000_000.0, "2025-11-24T16:00:00Z"),
        (1_764_000_000.25, "2025-11-24T16:00:00.250000Z"),
    ],
)
def test_a_moment_is_equal_to_itself(make_life, created, text):
    life = make_life("stopped", created=created)
    for operator in ("Equals", "GreaterThanOrEqualTo", "LessThanOrEqualTo"):
        assert meets((life, life.state(created)), one(CREATED, operator, text))


def test_what_a_job_has_not_is_neither_before_nor_after(make_life):
    life = make_life("healthy")
    running = life, NOW
    for operator, expected in [("LessThan", False), ("GreaterThan", False), ("NotEquals", True), ("NotExists", True)]:
        assert meets(running, one(ENDED, operator, None if operator == "NotExists" else LATER)) is expected


TRUE, FALSE = one("Tags.env"), one("Tags.stage")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"Filters": TRUE["Filters"] + FALSE["Filters"]}, False),
        ({"Filters": TRUE["Filters"] + FALSE["Filters"], "Operator": "And"}, False),
        ({"Filters": TRUE["Filters"] + FALSE["Filters"], "Operator": "Or"}, True),
        ({"SubExpressions": [TRUE, FALSE]}, False),
        ({"SubExpressions": [TRUE, FALSE], "Operator": "Or"}, True),
        ({"Filters": FALSE["Filters"], "SubExpressions": [TRUE], "Operator": "Or"}, True),
        ({"Filters": TRUE["Filters"], "SubExpressions": [FALSE]}, False),
        ({"SubExpressions": [{"SubExpressions": [FALSE, TRUE], "Operator": "Or"}, TRUE]}, True),
    ],
)
def test_conditions_are_joined(job, expression, expected):
    assert meets(job, expression) is expected


def nested(depth):
    return TRUE if depth == 0 else {"SubExpressions": [nested(depth - 1)]}


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ({}, "at least one"),
        ({"Operator": "And"}, "at least one"),
        ({"Filters": []}, "'Filters' must hold 1 to 20"),
        ({"Filters": TRUE["Filters"] * 21}, "'Filters' must hold 1 to 20"),
        ({"SubExpressions": [{"Filters": TRUE["Filters"] * 20}] * 3}, "at most 50 items"),
        (nested(50), "at most 50 items"),
        ({"NestedFilters": [{"NestedPropertyName": "X", "Filters": TRUE["Filters"]}]}, "'NestedFilters'"),
        ({**TRUE, "Operator": "Xor"}, "'Operator' is none of"),
        (one("TrainingJobName"), "'Name'"),
        (one("Tags."), "'Name'"),
        (one(NAME, "Like", "x"), "'Operator' is not for"),
        (one(NAME, "GreaterThan", "x"), "'Operator' is not for"),
        (one("Tags.env", "LessThanOrEqualTo", "x"), "'Operator' is not for"),
        (one(CREATED, "Contains", "2025"), "'Operator' is not for"),
        (one(CREATED, "In", EARLIER), "'Operator' is not for"),
        (one(CREATED, "Equals"), "'Value'"),
        (one(NAME, "Equals", ""), "'Value'"),
        (one(CREATED, "GreaterThan", "1764000000"), "'Value'"),
        (one(CREATED, "GreaterThan", EARLIER + "+01:00"), "'Value'"),
        (one(CREATED, "GreaterThan", EARLIER[:10]), "'Value'"),
        (one(CREATED, "GreaterThan", "2025-02-30T00:00:00"), "'Value'"),
    ],
)
def test_wrong_values_are_told(job, expression, problem):
    problems: list[str] = []
    read(expression, problems, PROPERTIES)
    assert len(problems) == 1
    assert problem in problems[0]


@pytest.mark.parametrize(
    "expression",
    [
        {"Filters": TRUE["Filters"][0]},
        {"Filters": ["Tags.env"]},
        {"SubExpressions": [[]]},
        {"Filters": [{"Name": 7}]},
        {"Filters": [{"Name": CREATED, "Operator": "GreaterThan", "Value": NOW}]},
        {**TRUE, "Operator": True},
    ],
)
def test_wrong_types_cannot_be_read(expression):
    with pytest.raises(ApiError) as refused:
        read(expression, [], PROPERTIES)
    assert refused.value.code == "SerializationException"
