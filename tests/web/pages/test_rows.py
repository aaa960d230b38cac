"""What the table tells of a tuning job."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from support.snapshots import NOW
from support.views import DESCRIBED_AT, SPEND, facts, target, view

from exporter.config.specs import Money
from exporter.errors import ErrorCode, Failure
from exporter.fleet import JobState
from exporter.web.pages.figures import moment
from exporter.web.pages.rows import row, told_apart


def test_the_fullest_answer() -> None:
    job = facts()
    best = job.best_training_job
    assert best is not None
    found = row(view(job, labels={"team": "search", "env": "prod"}), NOW)
    assert (found.name, found.region, found.account_id) == (job.name, job.region, job.account_id)
    assert (found.state, found.status, found.failing, found.team) == (found.state, job.status, None, "search")
    assert found.training_jobs == job.training_jobs
    assert found.best is not None
    assert (found.best.value, found.best.metric, found.best.type) == (
        best.objective_value,
        best.objective.metric_name,
        best.objective.type,
    )
    assert (found.best.target, found.best.target_reached) == (job.criteria.target_objective_value, job.target_reached)
    assert found.improved == moment(best.end_time)
    assert found.described == moment(DESCRIBED_AT)
    assert found.cost == Money(sum(amount for _, amount in SPEND.cost), "CNY")
    assert found.budget == Money(500.0, "CNY")
    assert found.console_url is not None


def test_what_is_not_known_is_none_and_never_zero() -> None:
    found = row(view(None), NOW)
    assert found.account_id is None
    assert found.state is JobState.PENDING
    for name in ("status", "failing", "team", "max_training_jobs", "progress", "best", "improved", "created"):
        assert getattr(found, name) is None
    for name in ("elapsed_seconds", "max_runtime_seconds", "described", "cost", "budget"):
        assert getattr(found, name) is None
    assert found.training_jobs == {}


def test_a_describe_that_fails_says_why_and_what_to_do() -> None:
    found = row(view(None, attempted=True, failure=Failure(ErrorCode.TLS, "not trusted")), NOW)
    assert found.failing is not None
    assert (found.failing.code, found.failing.message) == ("tls", "not trusted")
    assert "ca_bundle" in found.failing.remedy


def test_why_a_tuning_job_failed_is_told() -> None:
    assert row(view(replace(facts(), failure_reason="no data")), NOW).failure_reason == "no data"
    assert row(view(facts()), NOW).failure_reason is None


def test_values_that_have_gone_stale_take_the_cost_with_them() -> None:
    found = row(replace(view(facts()), facts=None), NOW)
    assert found.cost is None
    assert found.described == moment(DESCRIBED_AT)


def test_without_a_price_there_is_no_cost() -> None:
    assert row(view(facts(), spend=replace(SPEND, cost=())), NOW).cost is None


@pytest.mark.parametrize(
    ("counters", "most", "progress"),
    [
        ({"Completed": 20, "Stopped": 5, "InProgress": 3}, 100, 0.25),
        ({"InProgress": 3}, 100, None),
        ({"Completed": 0}, 100, 0.0),
        ({"Completed": 20}, None, None),
        ({"Completed": 20}, 0, None),
        ({}, 100, None),
    ],
)
def test_progress_is_what_is_done_of_what_may_be_launched(counters, most, progress) -> None:
    job = facts()
    job = replace(job, training_jobs=counters, limits=replace(job.limits, max_training_jobs=most))
    assert row(view(job), NOW).progress == progress


@pytest.mark.parametrize(
    ("status", "created", "told", "ended", "elapsed"),
    [
        ("InProgress", NOW - 500, 300, None, 500.0),
        ("InProgress", None, 300, None, 300),
        ("InProgress", NOW + 5, None, None, 0.0),
        ("InProgress", None, None, None, None),
        ("Completed", NOW - 500, 300, NOW - 100, 300),
        ("Completed", NOW - 500, None, NOW - 100, 400.0),
        ("Completed", NOW - 500, None, None, None),
    ],
)
def test_one_that_runs_is_as_old_as_its_creation(status, created, told, ended, elapsed) -> None:
    job = replace(
        facts(),
        status=status,
        creation_time=created,
        runtime_seconds=told,
        end_time=ended,
        last_modified_time=None,
    )
    found = row(view(job), NOW).elapsed_seconds
    assert found == (None if elapsed is None else pytest.approx(elapsed))


def test_the_team_is_a_label_before_it_is_a_tag() -> None:
    assert row(view(facts(), labels={"team": "a"}, tags={"team": "b"}), NOW).team == "a"
    assert row(view(facts(), tags={"team": "b"}), NOW).team == "b"


@pytest.mark.parametrize("value", [math.nan, math.inf, None])
def test_a_best_value_is_what_the_algorithm_printed(value: float | None) -> None:
    job = facts()
    assert job.best_training_job is not None
    job = replace(job, best_training_job=replace(job.best_training_job, objective_value=value))
    best = row(view(job), NOW).best
    assert best is not None
    assert best.value is value or best.value == value


def test_a_tuning_job_that_two_targets_watch_is_told_once() -> None:
    one, other = view(facts()), view(facts(), labels={"team": "late"})
    assert list(told_apart([target([one], name="a"), target([other], name="b")])) == [one]
