"""The page of one tuning job."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from support.snapshots import settings, snapshot, watched
from support.views import DESCRIBED_AT, SPEND, facts, view

from exporter import tuning_job
from exporter.config.specs import Money
from exporter.errors import ErrorCode, Failure
from exporter.exposition import Format
from exporter.exposition.publish import publish
from exporter.fleet import JobView, Operation
from exporter.fleet.history import remembered
from exporter.tuning_job import TrainingJob, TuningJob
from exporter.web.pages.figures import moment
from exporter.web.pages.job import Call, Definition, Facts, Job, Training, find, job

FACTS = facts()
GOOD = view(FACTS)


def page(of: JobView, text: str = "aws: {region: eu-west-1}\ntuning_jobs: [a]\ncollect: [training_jobs]\n") -> Job:
    return job(snapshot([watched(of)], settings(text)), of)


def test_every_fact_of_the_answer_is_there() -> None:
    found = page(GOOD).facts
    assert found is not None
    for name in (
        *("arn", "status", "failure_reason", "strategy", "objective", "early_stopping", "autotune", "warm_start_type"),
        *("parents", "limits", "criteria", "training_jobs", "objectives", "training_jobs_not_improving"),
        "runtime_seconds",
    ):
        assert getattr(found, name) == getattr(FACTS, name), name
    assert found.created == moment(FACTS.creation_time)
    assert found.ended == moment(FACTS.end_time)
    assert found.last_modified == moment(FACTS.last_modified_time)
    assert found.convergence_detected == moment(FACTS.convergence_detected_time)
    best, overall = FACTS.best_training_job, FACTS.overall_best_training_job
    assert best is not None
    assert overall is not None
    assert found.best_training_job is not None
    assert (found.best_training_job.name, found.best_training_job.hyperparameters) == (best.name, best.hyperparameters)
    assert found.overall_best_training_job is not None
    assert found.overall_best_training_job.objective_value == overall.objective_value
    [definition] = found.definitions
    assert [(each.type, each.count) for each in definition.instances] == [*FACTS.definitions[0].instances]


def test_no_fact_is_forgotten() -> None:
    renamed = {
        "creation_time": "created",
        "last_modified_time": "last_modified",
        "end_time": "ended",
        "convergence_detected_time": "convergence_detected",
    }
    elsewhere = {"name", "region", "account_id", "ranges"}  # in the line of the table, and with the hyperparameters
    told = {field.name for field in fields(Facts)} | elsewhere
    assert {renamed.get(field.name, field.name) for field in fields(TuningJob)} == told
    renamed = {"definition_name": "definition", "end_time": "ended"}
    assert {renamed.get(field.name, field.name) for field in fields(TrainingJob)} == {
        field.name for field in fields(Training)
    }
    assert {field.name for field in fields(tuning_job.Definition)} == {field.name for field in fields(Definition)}


def test_its_series_are_those_of_metrics() -> None:
    seen = snapshot([watched(GOOD)])
    published = publish(1, seen.targets)
    text = b"".join(published.bodies[Format.TEXT].inflated()).decode()
    assert job(seen, GOOD).series == text
    assert "training_job_duration" not in text
    assert "training_job_duration" in page(GOOD).series, "which is collected there"


def test_its_spend_is_what_the_list_comes_to() -> None:
    found = page(GOOD).spend
    assert found is not None
    assert {each.status: (each.training_jobs, each.seconds, each.cost) for each in found.ended} == {
        "Completed": (2, 7_200.0, Money(36.0, "CNY")),
        "Failed": (1, 500.0, Money(2.5, "CNY")),
        "Stopped": (1, 1_200.0, Money(6.0, "CNY")),
    }
    assert found.cost == Money(44.5, "CNY")
    assert found.cost_since_best == Money(23.5, "CNY")
    assert found.failures == {"out_of_memory": 1, "quota": 1}
    instances = {
        (each.instance_type, each.spot, each.status): (each.seconds, each.billed_seconds) for each in found.instances
    }
    assert instances["ml.p3.2xlarge", True, "Completed"] == (36_000.0, 10_800.0)
    assert instances["ml.m5.large", True, "Failed"] == (500.0, None)
    assert found.incomplete == SPEND.incomplete


def test_without_prices_there_is_time_and_no_money() -> None:
    found = page(view(FACTS, spend=replace(SPEND, cost=(), cost_since_best=None))).spend
    assert found is not None
    assert (found.cost, found.cost_since_best) == (None, None)
    assert [each.cost for each in found.ended] == [None] * 3


def test_one_without_facts_has_no_more_than_what_is_known() -> None:
    found = page(view(None, attempted=True, failure=Failure(ErrorCode.TLS, "")))
    assert (found.facts, found.spend, found.hyperparameters) == (None, None, ())
    assert "sagemaker_tuning_job_up{" in found.series
    assert found.alerts


def test_its_last_calls_are_told_newest_first() -> None:
    history = remembered(b"", Operation.DESCRIBE, None, DESCRIBED_AT, 0.2)
    history = remembered(history, Operation.LIST_TAGS, ErrorCode.THROTTLED, DESCRIBED_AT + 5, 1.5)
    assert page(view(FACTS, history=history)).calls == (
        Call(moment(int(DESCRIBED_AT) + 5), "ListTags", "throttled", 1_500),
        Call(moment(int(DESCRIBED_AT)), "DescribeHyperParameterTuningJob", None, 200),
    )


@pytest.mark.parametrize(
    ("account", "region", "name", "found"),
    [
        ("1", "r", "churn", ["1"]),
        ("1", "r", "CHURN", ["1"]),
        ("-", "r", "churn", ["1", "2"]),
        ("-", "r", "alone", [""]),
        ("", "r", "alone", [""]),
        ("3", "r", "churn", []),
        ("1", "s", "churn", []),
        ("-", "r", "nobody", []),
    ],
)
def test_an_address_finds_a_name_in_either_case_and_a_dash_any_account(account, region, name, found) -> None:
    def of(account_id: str, name: str) -> JobView:
        return view(None, account_id=account_id, region="r", name=name)

    seen = snapshot([watched(of("1", "churn"), of("", "alone")), watched(of("2", "Churn"), name="other")])
    assert [each.account_id for each in find(seen, account, region, name)] == found


def test_it_tells_which_targets_watch_it() -> None:
    seen = snapshot([watched(GOOD, name="a"), watched(name="b"), watched(replace(GOOD, labels={"x": "y"}), name="c")])
    assert job(seen, GOOD).targets == ("a", "c")
