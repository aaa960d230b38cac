"""Lists filter, sort and page as the API's documentation says, and paging is steady while jobs come and go."""

from __future__ import annotations

import base64
import json
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clock import ManualClock

from exporter.simulator.errors import ApiError
from exporter.simulator.service import Simulator

NOW = 1_764_000_000.25
AGES = {"alpha-1": 9000.0, "beta-2": 60.0, "Gamma-3": 30_000.0, "delta-4": 7300.0, "alpha-5": 20.0}


@pytest.fixture
def simulator(clock):
    """A simulator whose lists are of the moment, but where a test is about their lag."""
    simulator = Simulator(clock)
    simulator.list_lag = 0.0
    return simulator


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
        ({"LastModifiedTimeAfter": NOW - 60}, ["alpha-5", "beta-2", "delta-4"]),
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


@pytest.mark.long
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


def listed(simulator, **query):
    return simulator.list(MaxResults=100, **query)["HyperParameterTuningJobSummaries"]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 99), steps=st.lists(st.floats(0.01, 200), min_size=1, max_size=30))
def test_a_list_tells_of_up_to_five_seconds_ago_and_never_goes_back(seed, steps):
    clock = ManualClock(NOW)
    simulator = Simulator(clock, seed=seed)
    lives = {name: simulator.create("healthy", name, created=NOW - 90) for name in ("a", "b", "c")}
    before: dict[str, Any] = {}
    for step in steps:
        clock.advance(step)
        now = clock.time()
        found = listed(simulator)
        assert listed(simulator) == found
        for summary in found:
            life = lives[summary["HyperParameterTuningJobName"]]
            moments = {life.created, now - 5, *(life._since), *(now - 5 + tenth / 10 for tenth in range(51))}
            assert summary in [life.summary(t) for t in moments if now - 5 <= t <= now]
            assert summary["LastModifiedTime"] >= before.get(life.name, 0)
            before[life.name] = summary["LastModifiedTime"]


def test_each_job_is_taken_up_at_moments_of_its_own(clock):
    simulator = Simulator(clock)
    for number in range(60):
        simulator.create("healthy", f"job-{number}")
    seen = [len(listed(simulator))]
    for _ in range(50):
        clock.advance(0.1)
        seen.append(len(listed(simulator)))
    assert seen[0] == 0
    assert seen[-1] == 60
    assert all(0 <= after - before < 20 for before, after in pairwise(seen))


def test_a_list_is_older_than_the_describe_after_it(clock):
    simulator = Simulator(clock)
    life = simulator.create("healthy", "churn", created=NOW - 600)
    behind = 0
    for _ in range(600):
        clock.advance(0.1)
        [summary] = listed(simulator)
        described = simulator.describe("churn")
        assert summary["LastModifiedTime"] <= described["LastModifiedTime"]
        behind += summary["LastModifiedTime"] < described["LastModifiedTime"]
    assert behind > 60
    assert described == life.at(clock.time())


def test_a_deleted_job_stays_listed_for_the_lag_and_a_describe_knows_better(clock):
    simulator = Simulator(clock)
    simulator.create("completed", "churn", created=NOW - 86_400)
    simulator.delete("churn")
    assert [summary["HyperParameterTuningJobName"] for summary in listed(simulator)] == ["churn"]
    with pytest.raises(ApiError, match="ResourceNotFound"):
        simulator.describe("churn")
    clock.advance(5)
    assert listed(simulator) == []


def test_a_job_that_ended_is_listed_in_progress_until_it_is_taken_up(clock):
    simulator = Simulator(clock)
    life = simulator.create("failed-at-once", "churn", created=NOW - 3)
    clock.set_time(life.ended)
    assert [summary["HyperParameterTuningJobStatus"] for summary in listed(simulator, StatusEquals="InProgress")] == [
        "InProgress"
    ]
    clock.advance(5)
    assert listed(simulator, StatusEquals="InProgress") == []
    assert len(listed(simulator, StatusEquals="Failed")) == 1


@pytest.mark.long
@pytest.mark.parametrize("sort_by", ["Name", "CreationTime", "Status"])
@pytest.mark.parametrize("order", ["Ascending", "Descending"])
@pytest.mark.parametrize("late", [False, True])
def test_paging_is_steady_though_lists_lag(clock, sort_by, order, late):
    simulator = Simulator(clock)
    simulator.filters_after_paging = late
    for number in range(40):
        scenario = ("stopped", "failed-at-once", "healthy")[number % 3]
        simulator.create(scenario, f"{'abAB'[number % 4]}-{number}", created=NOW - 3.7 * number)
    query = {"SortBy": sort_by, "SortOrder": order, "StatusEquals": "InProgress"}
    whole = names(simulator.list(MaxResults=100, **query))

    def meanwhile():
        clock.advance(0.9)
        simulator.create("healthy", f"new-{clock.monotonic():.0f}-{len(fresh)}")
        fresh.append(1)

    fresh = []
    assert 20 < len(whole) < 40
    assert all_pages(simulator, meanwhile, MaxResults=3, **query) == whole


def test_the_filters_of_last_modified_go_by_what_is_told(clock):
    simulator = Simulator(clock)
    for number in range(30):
        simulator.create("stuck", f"job-{number}", created=NOW - 40_000)
    told = {each["HyperParameterTuningJobName"]: each["LastModifiedTime"] for each in listed(simulator)}
    assert len({*told.values()}) > 20
    middle = sorted(told.values())[15]
    after = {each["HyperParameterTuningJobName"] for each in listed(simulator, LastModifiedTimeAfter=middle)}
    before = {each["HyperParameterTuningJobName"] for each in listed(simulator, LastModifiedTimeBefore=middle)}
    assert after == {name for name, modified in told.items() if modified > middle}
    assert before == {name for name, modified in told.items() if modified < middle}


def test_filters_after_paging_make_pages_short_or_empty(jobs):
    jobs.filters_after_paging = True
    query = {"SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 2}
    pages = [jobs.list(**query, StatusEquals="InProgress")]
    while "NextToken" in pages[-1]:
        pages.append(jobs.list(**query, StatusEquals="InProgress", NextToken=pages[-1]["NextToken"]))
    assert [names(page) for page in pages] == [["alpha-5"], [], []]
    assert all_pages(jobs, **query, NameContains="alpha") == ["alpha-5", "alpha-1"]
    # Times of creation choose before: two jobs are one page, though none of them is in progress.
    old = jobs.list(**query, StatusEquals="InProgress", CreationTimeBefore=NOW - 8000)
    assert (names(old), "NextToken" in old) == ([], False)


@pytest.mark.long
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
