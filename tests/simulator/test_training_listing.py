"""The training jobs of a tuning job are listed as the API's documentation says, and pages shift when others are launched."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.clock import ManualClock

from exporter.simulator.errors import ApiError
from exporter.simulator.life import Life
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.service import Simulator

NOW = 1_764_000_000.25
SORTS = ("Name", "CreationTime", "Status", "FinalObjectiveMetricValue")


def simulator_of(scenario, age, *, seed=0, **changes):
    """Return a simulator without lag that has one tuning job, called churn, and the life of that."""
    simulator = Simulator(ManualClock(NOW))
    simulator.list_lag = 0.0
    where: dict[str, Any] = {"region": "us-east-1", "account_id": "123456789012"}
    kind = replace(SCENARIOS[scenario], **changes)
    life = Life("churn", kind, **where, created=NOW - age, speed=1.0, seed=seed, tags={})
    simulator.add(life)
    return simulator, life


def names(answer):
    return [summary["TrainingJobName"] for summary in answer["TrainingJobSummaries"]]


def pages(simulator, between=lambda: None, **query):
    answer = simulator.list_training_jobs("churn", **query)
    yield answer
    while "NextToken" in answer:
        between()
        answer = simulator.list_training_jobs("churn", **query, NextToken=answer["NextToken"])
        yield answer


def all_pages(simulator, between=lambda: None, **query):
    return [name for answer in pages(simulator, between, **query) for name in names(answer)]


def failure_of(simulator, **query):
    with pytest.raises(ApiError) as refused:
        simulator.list_training_jobs("churn", **query)
    return refused.value


def test_the_default_is_ten_by_ascending_name():
    simulator, life = simulator_of("healthy", 9000)
    launched = [job.name for job in life.training_jobs if job.trial.created <= NOW]
    assert len(launched) > 20
    assert names(simulator.list_training_jobs("churn")) == launched[:10]
    assert all_pages(simulator) == launched


def test_nothing_is_listed_before_the_first_is_launched():
    simulator, _ = simulator_of("healthy", 1)
    assert simulator.list_training_jobs("churn") == {"TrainingJobSummaries": []}


@settings(deadline=None, max_examples=60)
@given(
    scenario=st.sampled_from(sorted(SCENARIOS)),
    age=st.floats(0, 30_000),
    sort_by=st.sampled_from(SORTS),
    order=st.sampled_from(["Ascending", "Descending"]),
    status=st.sampled_from([None, "InProgress", "Completed", "Failed", "Stopped"]),
    size=st.integers(1, 100),
    late=st.booleans(),
)
def test_pages_join_to_the_whole_each_once(scenario, age, sort_by, order, status, size, late):
    simulator, life = simulator_of(scenario, age)
    if not life.exists(NOW):
        return
    simulator.filters_after_paging = late
    query = {"SortBy": sort_by, "SortOrder": order, **({} if status is None else {"StatusEquals": status})}
    found = all_pages(simulator, MaxResults=size, **query)
    expected = [job for job in life.truth(NOW) if status in (None, job.status)]
    if sort_by == "FinalObjectiveMetricValue":
        expected = [job for job in expected if job.objective is not None]
    assert sorted(found) == sorted(job.name for job in expected)
    keys = {
        job.name: {
            "Name": job.name,
            "CreationTime": job.created,
            "Status": job.status,
            "FinalObjectiveMetricValue": job.objective,
        }[sort_by]
        for job in expected
    }
    ordered = [keys[name] for name in found]
    assert ordered == sorted(ordered, reverse=order == "Descending")


@settings(deadline=None, max_examples=80)
@given(scenario=st.sampled_from(sorted(SCENARIOS)), age=st.floats(0, 40_000), seed=st.integers(0, 1000))
def test_the_list_says_what_the_counters_say_at_every_moment(scenario, age, seed):
    simulator, life = simulator_of(scenario, age, seed=seed)
    if not life.exists(NOW):
        return
    listed = [summary for answer in pages(simulator, MaxResults=100) for summary in answer["TrainingJobSummaries"]]
    statuses = Counter(summary["TrainingJobStatus"] for summary in listed)
    objectives = Counter(summary["ObjectiveStatus"] for summary in listed)
    described = simulator.describe("churn")
    counters = described["TrainingJobStatusCounters"]
    assert sum(counters.values()) == len(listed)
    assert counters["Completed"] == statuses["Completed"]
    assert counters["InProgress"] == statuses["InProgress"] + statuses["Stopping"]
    assert counters["RetryableError"] + counters["NonRetryableError"] == statuses["Failed"]
    assert counters["Stopped"] == statuses["Stopped"]
    assert described["ObjectiveStatusCounters"] == {
        status: objectives[status] for status in ("Succeeded", "Pending", "Failed")
    }


@pytest.mark.parametrize(
    "scenario", ["healthy", "failing-training-jobs", "several-definitions", "hyperband", "stopped"]
)
def test_the_best_training_job_is_that_of_the_list(scenario):
    simulator, _ = simulator_of(scenario, 9000)
    best = simulator.describe("churn")["BestTrainingJob"]
    listed = [summary for answer in pages(simulator, MaxResults=100) for summary in answer["TrainingJobSummaries"]]
    assert best in listed


def test_a_list_lags_as_the_list_of_tuning_jobs_does():
    simulator, life = simulator_of("healthy", 0)
    simulator.list_lag = 5.0
    stale = fresh = 0
    for i in range(600):
        simulator.clock.set_time(NOW + 60 + 2.3 * i)
        now = simulator.clock.time()
        told = simulator.list_training_jobs("churn", MaxResults=100)["TrainingJobSummaries"]
        [summary] = simulator.list()["HyperParameterTuningJobSummaries"]
        counters = summary["TrainingJobStatusCounters"]
        assert len(told) == sum(counters.values()), "both lists are of one moment"
        assert sum(job["TrainingJobStatus"] == "Completed" for job in told) == counters["Completed"]
        up_to_date = [(job.name, job.status) for job in life.truth(now)]
        old = [(job["TrainingJobName"], job["TrainingJobStatus"]) for job in told]
        fresh += old == up_to_date
        stale += old != up_to_date
    assert fresh > 300
    assert stale > 5


@pytest.mark.parametrize(
    ("query", "repeats", "misses"),
    [
        ({"SortBy": "CreationTime", "SortOrder": "Descending"}, True, True),
        ({"SortBy": "CreationTime", "SortOrder": "Ascending"}, False, False),
        ({"SortBy": "Status", "SortOrder": "Descending"}, True, True),
    ],
)
def test_pages_shift_when_others_are_launched_meanwhile(query, repeats, misses):
    simulator, life = simulator_of("healthy", 6000, parallel=10, max_jobs=200)
    found = all_pages(simulator, lambda: simulator.clock.advance(1200), MaxResults=7, **query)
    there = {job.name for job in life.truth(simulator.clock.time())}
    assert (len(found) > len(set(found))) is repeats
    assert bool(there - set(found)) is misses


def test_a_filter_may_come_after_paging():
    simulator, life = simulator_of("healthy", 9000)
    running = [job.name for job in life.truth(NOW) if job.status == "InProgress"]
    query = {"StatusEquals": "InProgress", "MaxResults": 5}
    [page] = pages(simulator, **query)
    assert names(page) == running
    simulator.filters_after_paging = True
    sizes = [len(page["TrainingJobSummaries"]) for page in pages(simulator, **query)]
    assert 0 in sizes
    assert sum(sizes) == len(running)


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"MaxResults": 0}, "MaxResults"),
        ({"MaxResults": 101}, "MaxResults"),
        ({"SortBy": "Age"}, "SortBy"),
        ({"SortBy": "LastModifiedTime"}, "SortBy"),
        ({"SortOrder": "Up"}, "SortOrder"),
        ({"StatusEquals": "DeleteFailed"}, "StatusEquals"),
        ({"NextToken": ""}, "NextToken"),
        ({"NextToken": "no token"}, "NextToken"),
    ],
)
def test_wrong_values_are_validation_errors(query, problem):
    simulator, _ = simulator_of("healthy", 9000)
    refused = failure_of(simulator, **query)
    assert refused.code == "ValidationException"
    assert problem in refused.message


@pytest.mark.parametrize("query", [{"MaxResults": "10"}, {"SortBy": 1}, {"StatusEquals": ["Failed"]}])
def test_wrong_types_cannot_be_read(query):
    simulator, _ = simulator_of("healthy", 9000)
    assert failure_of(simulator, **query).code == "SerializationException"


def test_a_token_continues_its_own_query_only():
    simulator, _ = simulator_of("healthy", 9000)
    simulator.create("healthy", "other", created=NOW - 9000)
    token = simulator.list_training_jobs("churn", MaxResults=1)["NextToken"]
    assert len(names(simulator.list_training_jobs("churn", MaxResults=3, NextToken=token))) == 3
    for change in ({"SortOrder": "Descending"}, {"StatusEquals": "Failed"}):
        assert "NextToken" in failure_of(simulator, NextToken=token, **change).message
    with pytest.raises(ApiError, match="NextToken"):
        simulator.list_training_jobs("other", NextToken=token)
    with pytest.raises(ApiError, match="NextToken"):
        simulator.list(NextToken=token)


def test_a_tuning_job_that_is_not_there_has_no_list():
    simulator, _ = simulator_of("healthy", 9000)
    simulator.create("healthy", "later", created=NOW + 1)
    for name, where in (
        ("none", {}),
        ("later", {}),
        ("churn", {"region": "eu-west-1"}),
        ("churn", {"account_id": "1" * 12}),
    ):
        with pytest.raises(ApiError) as refused:
            simulator.list_training_jobs(name, **where)
        assert (refused.value.code, refused.value.http_status) == ("ResourceNotFound", 400)
    simulator.delete("churn")
    assert failure_of(simulator).code == "ResourceNotFound"


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("age", [80.0, 3000.0, 11_000.0])
def test_answers_fit_the_model_and_tell_nothing_of_the_future(validate, scenario, age):
    simulator, life = simulator_of(scenario, age)
    if not life.exists(NOW):
        return
    for answer in pages(simulator, MaxResults=100):
        assert validate("ListTrainingJobsForHyperParameterTuningJob", answer) == []
        for summary in answer["TrainingJobSummaries"]:
            times = [value for member, value in summary.items() if member.endswith("Time")]
            assert max(times) <= NOW
            assert all(time.is_integer() for time in times)
            assert ("FailureReason" in summary) <= (summary["TrainingJobStatus"] == "Failed")
