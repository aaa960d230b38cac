from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.tuning_job import MalformedAnswer, Quotas, reduce_quotas

ARN = "arn:aws-cn:servicequotas:cn-north-1:123456789012:sagemaker/L-611FA074"


def quota(name: object, value: object = 8.0, **members: object) -> dict[str, object]:
    return {"QuotaName": name, "Value": value, "QuotaArn": ARN, **members}


def told(*entries: dict[str, object]) -> Quotas:
    return reduce_quotas({"Quotas": list(entries)}).quotas


def test_instances_of_training_jobs_are_told_by_type_and_spot() -> None:
    found = told(
        quota("ml.m5.xlarge for training job usage", 15),
        quota("ml.m5.xlarge for spot training job usage", 0.0),
        quota("ml.p6-b200.48xlarge for training job usage", 2.0),
    )
    assert found == Quotas(
        {("ml.m5.xlarge", "false"): 15, ("ml.m5.xlarge", "true"): 0, ("ml.p6-b200.48xlarge", "false"): 2}
    )


@pytest.mark.parametrize(
    "name",
    [
        "ml.m5.xlarge for training warm pool usage",
        "ml.m5.xlarge for processing job usage",
        "ml.m5.xlarge for endpoint usage",
        "my ml.m5.xlarge for training job usage",
        "ml.m5.xlarge for training job usage in reserve",
        "Number of instances across all training jobs",
        "Maximum number of instances per spot training job",
        "Maximum number of training jobs that each hyperparameter tuning job with Random search strategy can create",
        "Maximum number of parallel training jobs per hyperparameter tuning job",
        "",
        7,
        None,
    ],
)
def test_other_quotas_tell_nothing(name: object) -> None:
    assert told(quota(name)) == Quotas()


@pytest.mark.parametrize(
    "name",
    [
        "Number of parallel (concurrent) hyperparameter tuning jobs",
        "Number of concurrent hyperparameter tuning jobs",
        "Maximum number of parallel Hyperparameter Tuning Jobs per account",
    ],
)
def test_the_quota_of_tuning_jobs_is_known_by_its_words(name: str) -> None:
    assert told(quota(name, 100.0)) == Quotas(tuning_jobs=100)


@pytest.mark.parametrize("value", [None, "many", -1.0, float("nan"), float("inf"), True, []])
def test_a_quota_without_a_value_is_not_known(value: object) -> None:
    reason = {"ErrorCode": "DEPENDENCY_ACCESS_DENIED_ERROR"}
    name = "ml.m5.xlarge for training job usage"
    assert told(quota(name, value, ErrorReason=reason)) == Quotas()
    assert told({"QuotaName": name, "QuotaArn": ARN}) == Quotas()


def test_the_arns_tell_where_they_are() -> None:
    page = reduce_quotas({"Quotas": [quota("any"), {"QuotaName": "x"}, quota("y", QuotaArn="arn:x")], "NextToken": "t"})
    assert {*page.places} == {("cn-north-1", "123456789012")}
    assert page.next_token == "t"
    default = quota("z", QuotaArn="arn:aws:servicequotas:eu-west-1::sagemaker/L-1")
    assert reduce_quotas({"Quotas": [default]}).places == frozenset()


@pytest.mark.parametrize(
    "answer", [{}, {"Quotas": None}, {"Quotas": {}}, {"Quotas": [1]}, {"Quotas": [], "NextToken": 7}]
)
def test_what_is_no_page_of_quotas_is_malformed(answer: dict[str, Any]) -> None:
    with pytest.raises(MalformedAnswer):
        reduce_quotas(answer)


def test_both_are_what_either_tells() -> None:
    one, other = Quotas({("a", "true"): 1, ("b", "true"): 2}, 100), Quotas({("b", "true"): 3})
    assert one | other == Quotas({("a", "true"): 1, ("b", "true"): 3}, 100)
    assert (one | Quotas(tuning_jobs=50)).tuning_jobs == 50
    assert one.of_types({"b"}) == Quotas({("b", "true"): 2}, 100)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=9), inside, max_size=3),
    max_leaves=9,
)
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "QuotaName": VALUES | st.sampled_from(["ml.m5.large for training job usage"]),
        "Value": VALUES,
        "QuotaArn": VALUES,
    },
)


@given(st.fixed_dictionaries({}, optional={"Quotas": st.lists(ENTRIES, max_size=3) | VALUES, "NextToken": VALUES}))
def test_whatever_comes_is_read_or_malformed(answer: dict[str, Any]) -> None:
    try:
        page = reduce_quotas(answer)
    except MalformedAnswer:
        return
    assert all(most >= 0 for most in page.quotas.instances.values())
    json.dumps([*page.quotas.instances.values(), page.quotas.tuning_jobs], allow_nan=False)
