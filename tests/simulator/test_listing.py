"""Lists filter, sort and page as the API's documentation says, and paging is steady while jobs come and go."""

from __future__ import annotations

import base64
import json
import time

import pytest

from exporter.simulator.errors import ApiError

NOW = 1_764_000_000.25
AGES = {"alpha-1": 9000.0, "beta-2": 60.0, "Gamma-3": 30_000.0, "delta-4": 7300.0, "alpha-5": 20.0}


@pytest.fixture
def jobs(simulator):
    """Five jobs: one in progress, one Stopping, two Stopped and one Failed."""
    scenarios = ["stopped", "failed-at-once", "stopped", "stopped", "stopped"]
    for (name, age), scenario in zip(AGES.items(), scenarios, strict=True):
        simulator.create(scenario, name, created=NOW - age)
    return simulator


def names(answer):
    return [summary["HyperParameterTuningJobName"] for summary in answer["HyperParameterTuningJobSummaries"]]


def all_pages(simulator, between=lambda: None, **query):
    seen, answer = [], simulator.list(**query)
    seen += names(answer)
    while "NextToken" in answer:
        between()
        answer = simulator.list(**query, NextToken=answer["NextToken"])
        seen += names(answer)
    return seen


def test_the_default_order_is_by_ascending_name(jobs):
    assert names(jobs.list()) == ["Gamma-3", "alpha-1", "alpha-5", "beta-2", "delta-4"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"SortOrder": "Descending"}, ["delta-4", "beta-2", "alpha-5", "alpha-1", "Gamma-3"]),
        ({"SortBy": "CreationTime"}, ["Gamma-3", "alpha-1", "delta-4", "beta-2", "alpha-5"]),
        (
            {"SortBy": "CreationTime", "SortOrder": "Descending"},
            ["alpha-5", "beta-2", "delta-4", "alpha-1", "Gamma-3"],
        ),
        ({"SortBy": "Status"}, ["beta-2", "alpha-5", "Gamma-3", "alpha-1", "delta-4"]),
        ({"NameContains": "alpha"}, ["alpha-1", "alpha-5"]),
        ({"NameContains": "ALPHA"}, []),
        ({"StatusEquals": "InProgress"}, ["alpha-5"]),
        ({"StatusEquals": "Stopping"}, ["delta-4"]),
        ({"StatusEquals": "DeleteFailed"}, []),
        ({"CreationTimeAfter": NOW - 8000}, ["alpha-5", "beta-2", "delta-4"]),
        ({"CreationTimeBefore": NOW - 8000}, ["Gamma-3", "alpha-1"]),
        ({"CreationTimeAfter": NOW - 60, "CreationTimeBefore": NOW - 20}, []),
        ({"LastModifiedTimeAfter": NOW - 60}, ["alpha-5", "beta-2"]),
        ({"LastModifiedTimeBefore": NOW - 15_000}, ["Gamma-3"]),
        ({"NoSuchMember": 1, "NameContains": "beta"}, ["beta-2"]),
    ],
)
def test_filters_and_orders(jobs, query, expected):
    assert names(jobs.list(**query)) == expected


@pytest.mark.parametrize("sort_by", ["Name", "CreationTime", "Status"])
@pytest.mark.parametrize("order", ["Ascending", "Descending"])
@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_pages_join_to_the_whole(jobs, sort_by, order, size):
    query = {"SortBy": sort_by, "SortOrder": order}
    assert all_pages(jobs, MaxResults=size, **query) == names(jobs.list(MaxResults=100, **query))


def test_a_page_holds_ten_by_default_and_the_last_has_no_token(simulator):
    for i in range(20):
        simulator.create("failed-at-once", f"job-{i:02d}")
    first = simulator.list()
    second = simulator.list(NextToken=first["NextToken"])
    assert names(first) + names(second) == [f"job-{i:02d}" for i in range(20)]
    assert "NextToken" not in second


@pytest.mark.parametrize("sort_by", ["Name", "CreationTime", "Status"])
@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_paging_is_steady_while_jobs_are_created_and_change(jobs, clock, sort_by, order):
    before = names(jobs.list(SortBy=sort_by, SortOrder=order))
    fresh = iter(range(100))

    def meanwhile():
        clock.advance(1500)
        jobs.create("healthy", f"a-{next(fresh)}")
        jobs.create("healthy", f"z-{next(fresh)}")

    assert all_pages(jobs, meanwhile, SortBy=sort_by, SortOrder=order, MaxResults=1) == before


def test_a_job_deleted_between_two_pages_is_left_out_and_hides_no_other(jobs):
    first = jobs.list(MaxResults=2)
    jobs.delete("alpha-1")
    jobs.delete("beta-2")
    assert names(jobs.list(NextToken=first["NextToken"])) == ["alpha-5", "delta-4"]


def test_later_pages_tell_of_now(jobs, clock):
    first = jobs.list(MaxResults=4)
    clock.advance(3000)
    [delta] = jobs.list(NextToken=first["NextToken"])["HyperParameterTuningJobSummaries"]
    assert delta["HyperParameterTuningJobStatus"] == "Stopped"


def test_jobs_of_the_future_and_of_elsewhere_are_not_listed(simulator):
    simulator.create("healthy", "later", created=NOW + 1)
    simulator.create("healthy", "far", region="eu-west-1")
    simulator.create("healthy", "foreign", account_id="210987654321")
    assert names(simulator.list()) == []
    assert names(simulator.list(region="eu-west-1")) == ["far"]
    assert names(simulator.list(account_id="210987654321")) == ["foreign"]


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"MaxResults": 0}, "MaxResults"),
        ({"MaxResults": 101}, "MaxResults"),
        ({"SortBy": "Age"}, "SortBy"),
        ({"SortOrder": "Up"}, "SortOrder"),
        ({"StatusEquals": "Running"}, "StatusEquals"),
        ({"NameContains": "under_score"}, "NameContains"),
        ({"NameContains": "x" * 64}, "NameContains"),
        ({"NextToken": ""}, "NextToken"),
        ({"NextToken": "no token"}, "NextToken"),
        ({"NextToken": "\N{SNOWMAN}"}, "NextToken"),
        ({"NextToken": base64.urlsafe_b64encode(b"7").decode()}, "NextToken"),
        ({"NextToken": base64.urlsafe_b64encode(json.dumps([NOW, ["a"], "0" * 24]).encode()).decode()}, "NextToken"),
    ],
)
def test_wrong_values_are_validation_errors(jobs, query, problem):
    with pytest.raises(ApiError) as refused:
        jobs.list(**query)
    assert (refused.value.code, refused.value.http_status) == ("ValidationException", 400)
    assert refused.value.message.startswith("1 validation error detected: ")
    assert problem in refused.value.message


def test_all_wrong_values_are_told_at_once(jobs):
    with pytest.raises(ApiError, match=r"3 validation errors detected: .*MaxResults.*; .*SortOrder.*; .*SortBy"):
        jobs.list(MaxResults=0, SortBy="Age", SortOrder="Up")


@pytest.mark.parametrize(
    "query",
    [
        {"MaxResults": "10"},
        {"MaxResults": True},
        {"SortBy": 1},
        {"NameContains": ["a"]},
        {"NextToken": 7},
        {"CreationTimeAfter": "2025-11-25T00:00:00Z"},
        {"LastModifiedTimeBefore": True},
    ],
)
def test_wrong_types_cannot_be_read(jobs, query):
    with pytest.raises(ApiError) as refused:
        jobs.list(**query)
    assert refused.value.code == "SerializationException"


@pytest.mark.parametrize(
    "change", [{"NameContains": "a"}, {"SortOrder": "Descending"}, {"StatusEquals": "Stopped"}, {"region": "eu-west-1"}]
)
def test_a_token_continues_its_own_query_only(jobs, change):
    token = jobs.list(MaxResults=1)["NextToken"]
    assert names(jobs.list(NextToken=token, MaxResults=100)) == ["alpha-1", "alpha-5", "beta-2", "delta-4"]
    with pytest.raises(ApiError, match="NextToken"):
        jobs.list(NextToken=token, **change)


@pytest.mark.parametrize("sort_by", ["Name", "CreationTime", "Status"])
@pytest.mark.parametrize("order", ["Ascending", "Descending"])
@pytest.mark.parametrize("status", [None, "InProgress", "Stopped"])
@pytest.mark.parametrize("window", [{}, {"CreationTimeAfter": NOW - 20_000, "CreationTimeBefore": NOW - 300}])
def test_pages_of_a_filtered_list_join_to_the_filtered_whole(simulator, sort_by, order, status, window):
    scenarios = ("stopped", "failed-at-once", "healthy", "stuck")
    for i in range(60):
        simulator.create(scenarios[i % 4], f"{'abAB'[i % 3]}-{i}", created=NOW - 37 * i * (i % 7))
    simulator.create("healthy", "later", created=NOW + 1)
    query = {"SortBy": sort_by, "SortOrder": order, **({"StatusEquals": status} if status else {}), **window}
    summaries = simulator.list(SortBy=sort_by, SortOrder=order, MaxResults=100)["HyperParameterTuningJobSummaries"]
    wanted = [
        summary["HyperParameterTuningJobName"]
        for summary in summaries
        if status in (None, summary["HyperParameterTuningJobStatus"])
        and window.get("CreationTimeAfter", 0) < summary["CreationTime"] < window.get("CreationTimeBefore", 1e12)
    ]
    assert len(summaries) == 60
    assert all_pages(simulator, MaxResults=7, **query) == wanted


def test_ties_in_the_time_of_creation_are_told_apart_by_name(simulator):
    for name in ("c", "a", "d", "b"):
        simulator.create("healthy", name)
    query = {"SortBy": "CreationTime", "MaxResults": 1}
    assert all_pages(simulator, **query) == ["a", "b", "c", "d"]
    assert all_pages(simulator, SortOrder="Descending", **query) == ["d", "c", "b", "a"]


def test_a_page_costs_little_however_long_the_history(simulator):
    for i in range(4000):
        simulator.create("failed-at-once", f"old-{i}", created=NOW - 86_400 - i)
    for i in range(100):
        simulator.create("healthy", f"new-{i}", created=NOW - 600 - i)

    def seconds(**query):
        def once():
            start = time.process_time()
            simulator.list(MaxResults=100, **query)
            return time.process_time() - start

        return min(once() for _ in range(10))

    # Each is about 0.3 ms on a free core, of which the summaries are most; going through all jobs takes ten times that.
    every = seconds(SortBy="Status")
    assert seconds(SortBy="CreationTime", SortOrder="Descending", CreationTimeAfter=NOW - 10**6) < every / 3
    assert seconds() < every / 3
    assert seconds(StatusEquals="InProgress", SortBy="CreationTime") < every / 3
