"""Search finds, sorts and pages tuning jobs, tells all of them, and lags."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from exporter.simulator.errors import ApiError
from exporter.simulator.scenario import SCENARIOS

NOW = 1_764_000_000.25
AGES = {"alpha-1": 9000.0, "beta-2": 60.0, "Gamma-3": 30_000.0, "delta-4": 7300.0, "alpha-5": 20.0}


@pytest.fixture
def jobs(simulator):
    """Five jobs: one in progress, one Stopping, two Stopped and one Failed; the first three are tagged."""
    scenarios = ["stopped", "failed-at-once", "stopped", "stopped", "stopped"]
    tags = [{"env": "prod"}, {"env": "prod", "team": "x"}, {"env": "test"}, {}, {}]
    for (name, age), scenario, tagged in zip(AGES.items(), scenarios, tags, strict=True):
        simulator.create(scenario, name, created=NOW - age, tags=tagged)
    return simulator


def search(simulator, **wire_input):
    return simulator.search(Resource="HyperParameterTuningJob", **wire_input)


def filters(*filters, joined="And"):
    given = [dict(zip(("Name", "Operator", "Value"), each, strict=False)) for each in filters]
    return {"SearchExpression": {"Filters": given, "Operator": joined}}


def names(answer):
    return [result["HyperParameterTuningJob"]["HyperParameterTuningJobName"] for result in answer["Results"]]


def all_pages(simulator, between=lambda: None, **wire_input):
    seen, answer = [], search(simulator, **wire_input)
    seen += names(answer)
    while "NextToken" in answer:
        between()
        answer = search(simulator, **wire_input, NextToken=answer["NextToken"])
        seen += names(answer)
    return seen


def last_modified_first(simulator):
    return sorted(AGES, key=lambda name: -simulator.describe(name)["LastModifiedTime"])


def test_last_modified_is_that_of_describes(jobs):
    modified = jobs.describe("delta-4")["LastModifiedTime"]  # between whole seconds
    assert NOW - 11 < modified < NOW
    earlier, later = (
        datetime.fromtimestamp(math.floor(modified) + more, UTC).strftime("%Y-%m-%dT%H:%M:%S") for more in (0, 1)
    )
    between = filters(("LastModifiedTime", "GreaterThan", earlier), ("LastModifiedTime", "LessThan", later))
    assert "delta-4" in names(search(jobs, **between))


def test_everything_is_found_the_last_modified_first(jobs):
    assert names(search(jobs)) == last_modified_first(jobs)
    assert "NextToken" not in search(jobs)


@pytest.mark.parametrize(
    ("wire_input", "expected"),
    [
        ({"SortBy": "CreationTime", "SortOrder": "Ascending"}, ["Gamma-3", "alpha-1", "delta-4", "beta-2", "alpha-5"]),
        ({"SortBy": "CreationTime"}, ["alpha-5", "beta-2", "delta-4", "alpha-1", "Gamma-3"]),
        (
            {"SortBy": "HyperParameterTuningJobName", "SortOrder": "Ascending"},
            ["Gamma-3", "alpha-1", "alpha-5", "beta-2", "delta-4"],
        ),
        ({"SortBy": "Tags.env", "SortOrder": "Ascending"}, ["alpha-1", "beta-2", "Gamma-3", "alpha-5", "delta-4"]),
        ({"SortBy": "Tags.env"}, ["Gamma-3", "beta-2", "alpha-1", "delta-4", "alpha-5"]),
        (filters(("Tags.env", "Equals", "prod")), ["beta-2", "alpha-1"]),
        (filters(("Tags.env", "Equals", "prod"), ("Tags.team", "Exists")), ["beta-2"]),
        (
            filters(("HyperParameterTuningJobStatus", "In", "InProgress,Stopping")) | {"SortBy": "CreationTime"},
            ["alpha-5", "delta-4"],
        ),
        (filters(("HyperParameterTuningJobName", "Equals", "gamma-3")), ["Gamma-3"]),
        (filters(("CreationTime", "GreaterThan", "2025-11-24T15:00:00")), ["alpha-5", "beta-2"]),
        ({"NoSuchMember": 1, **filters(("Tags.env", "Equals", "test"))}, ["Gamma-3"]),
    ],
)
def test_expressions_and_orders(jobs, wire_input, expected):
    assert names(search(jobs, **wire_input)) == expected


@pytest.mark.parametrize("sort_by", ["CreationTime", "LastModifiedTime", "Tags.env", "HyperParameterTuningEndTime"])
@pytest.mark.parametrize("order", ["Ascending", "Descending"])
@pytest.mark.parametrize("size", [1, 2, 4])
def test_pages_join_to_the_whole_while_jobs_come_and_change(jobs, clock, sort_by, order, size):
    wire_input = {"SortBy": sort_by, "SortOrder": order}
    before = names(search(jobs, **wire_input))
    fresh = iter(range(100))

    def meanwhile():
        clock.advance(1500)
        jobs.create("healthy", f"a-{next(fresh)}")

    assert len(before) == 5
    assert all_pages(jobs, meanwhile, MaxResults=size, **wire_input) == before


def test_a_page_holds_ten_by_default(simulator):
    for i in range(11):
        simulator.create("healthy", f"job-{i}")
    first = search(simulator)
    assert len(first["Results"]) == 10
    assert len(search(simulator, NextToken=first["NextToken"])["Results"]) == 1


def test_jobs_of_the_future_and_of_elsewhere_are_not_found(simulator):
    simulator.create("healthy", "later", created=NOW + 1)
    simulator.create("healthy", "far", region="eu-west-1")
    simulator.create("healthy", "foreign", account_id="210987654321")
    assert names(search(simulator)) == []
    assert names(search(simulator, region="eu-west-1")) == ["far"]
    assert names(search(simulator, account_id="210987654321")) == ["foreign"]


def test_the_index_lags(simulator, clock):
    life = simulator.create("failed-at-once", "churn")
    simulator.search_lag = 15.0
    clock.advance(14.9)
    assert names(search(simulator)) == []
    clock.advance(0.2)
    assert names(search(simulator)) == ["churn"]
    clock.set_time(life.ended + 14.9)
    failed = filters(("HyperParameterTuningJobStatus", "Equals", "Failed"))
    assert names(search(simulator, **failed)) == []
    assert search(simulator)["Results"] == [{"HyperParameterTuningJob": life.at(clock.time() - 15)}]
    clock.advance(0.2)
    assert names(search(simulator, **failed)) == ["churn"]


@pytest.mark.parametrize("hours", [0.001, 0.7, 3, 9, 48])
def test_records_are_what_describe_says_with_tags_and_fit_the_model(simulator, validate, hours):
    for i, scenario in enumerate(SCENARIOS):
        simulator.create(scenario, f"job-{i}", created=NOW - hours * 3600, tags={"n": f"{i}", "all": "yes"})
    answer = search(simulator, MaxResults=100)
    assert validate("Search", answer) == []
    assert len(answer["Results"]) >= len(SCENARIOS) - 1
    for result in answer["Results"]:
        record = result["HyperParameterTuningJob"]
        described = simulator.describe(record["HyperParameterTuningJobName"])
        assert "Autotune" not in record
        assert record.pop("Tags") == simulator.list_tags(record["HyperParameterTuningJobArn"])["Tags"]
        described.pop("Autotune", None)
        assert record == described


def test_a_job_without_tags_has_no_such_member(simulator):
    simulator.create("healthy", "churn")
    [result] = search(simulator)["Results"]
    assert "Tags" not in result["HyperParameterTuningJob"]


@pytest.mark.parametrize(
    ("wire_input", "problem"),
    [
        ({"Resource": "Endpoint"}, "Resource"),
        ({}, "'Resource' must be given"),
        ({"Resource": "HyperParameterTuningJob", "MaxResults": 101}, "MaxResults"),
        ({"Resource": "HyperParameterTuningJob", "SortBy": "Age"}, "SortBy"),
        ({"Resource": "HyperParameterTuningJob", "SortOrder": "Up"}, "SortOrder"),
        ({"Resource": "HyperParameterTuningJob", "SearchExpression": {}}, "SearchExpression"),
        ({"Resource": "HyperParameterTuningJob", "NextToken": "none of ours"}, "NextToken"),
    ],
)
def test_wrong_values_are_validation_errors(jobs, wire_input, problem):
    with pytest.raises(ApiError) as refused:
        jobs.search(**wire_input)
    assert refused.value.code == "ValidationException"
    assert problem in refused.value.message


@pytest.mark.parametrize("wire_input", [{"SearchExpression": []}, {"SortBy": 1}, {"Resource": 1}])
def test_wrong_types_cannot_be_read(jobs, wire_input):
    with pytest.raises(ApiError) as refused:
        jobs.search(**({"Resource": "HyperParameterTuningJob"} | wire_input))
    assert refused.value.code == "SerializationException"


def test_a_token_continues_its_own_query_only(jobs):
    token = search(jobs, MaxResults=1)["NextToken"]
    assert names(search(jobs, MaxResults=100, NextToken=token)) == last_modified_first(jobs)[1:]
    for other in ({"SortOrder": "Ascending"}, filters(("Tags.env", "Exists")), {"region": "eu-west-1"}):
        with pytest.raises(ApiError, match="NextToken"):
            search(jobs, MaxResults=1, NextToken=token, **other)
    with pytest.raises(ApiError, match="NextToken"):
        jobs.list(MaxResults=1, NextToken=token)
