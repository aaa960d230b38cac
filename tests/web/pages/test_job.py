"""The page of one tuning job."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest
from support.snapshots import settings, snapshot, watched
from support.views import DESCRIBED_AT, SPEND, facts, view

from exporter.config.specs import Money
from exporter.errors import ErrorCode, Failure
from exporter.exposition import Format
from exporter.exposition.publish import publish
from exporter.fleet import JobView, Operation
from exporter.fleet.history import remembered
from exporter.tuning_job import CompletionCriteria, ResourceLimits, TrainingJob, TuningJob
from exporter.web.pages import html
from exporter.web.pages.as_json import plain
from exporter.web.pages.figures import iso, moment
from exporter.web.pages.job import Call, Job, find, job

FACTS = facts()
GOOD = view(FACTS)


def page(of: JobView, text: str = "aws: {region: eu-west-1}\ntuning_jobs: [a]\ncollect: [training_jobs]\n") -> Job:
    return job(snapshot([watched(of)], settings(text)), of)


def test_every_fact_of_the_answer_is_there() -> None:
    best = FACTS.best_training_job
    assert best is not None
    found = page(GOOD)
    assert found.facts is FACTS
    told = plain(found)["facts"]
    assert told.keys() == {field.name for field in fields(TuningJob)}
    for member, seconds in ((told, FACTS.end_time), (told["best_training_job"], best.end_time)):
        ended = moment(seconds)
        assert ended is not None
        assert member["end_time"] == iso(ended)
    assert told["limits"]["max_runtime_seconds"] == FACTS.limits.max_runtime_seconds
    assert told["definitions"][0]["instances"] == [
        {"instance_type": type_, "instance_count": count} for type_, count in FACTS.definitions[0].instances
    ]


@dataclass(frozen=True, slots=True)
class BestOfTomorrow(TrainingJob):
    start_time: float | None = None


@dataclass(frozen=True, slots=True)
class LimitsOfTomorrow(ResourceLimits):
    max_cost: float | None = None


@dataclass(frozen=True, slots=True)
class CriteriaOfTomorrow(CompletionCriteria):
    end_when_idle: bool | None = None


@dataclass(frozen=True, slots=True)
class FactsOfTomorrow(TuningJob):
    queued_time: float | None = None
    pause_seconds: float | None = None
    mood: str | None = None


def of_tomorrow(facts: TuningJob, **members: object) -> TuningJob:
    """Return facts that have members which no page has heard of."""

    def grown(before: Any, type_: type, **more: object) -> Any:
        return type_(**{field.name: getattr(before, field.name) for field in fields(before)} | more)

    return grown(
        facts,
        FactsOfTomorrow,
        best_training_job=grown(facts.best_training_job, BestOfTomorrow, start_time=86_400.0),
        limits=grown(facts.limits, LimitsOfTomorrow, max_cost=12_345.5),
        criteria=grown(facts.criteria, CriteriaOfTomorrow, end_when_idle=True),
        **members,
    )


def test_a_fact_that_is_new_is_on_the_page_and_in_the_json_by_itself() -> None:
    found = page(view(of_tomorrow(FACTS, queued_time=172_800.0, pause_seconds=90.0, mood="<b>glad")))
    text = html.page("job.html", root="./", here="", page=found, version="1").decode()
    for heading, name, value in (
        ("progress", "Max cost", "12345.5"),
        ("objective", "End when idle", "yes"),
        ("objective", "Start", "1970-01-02 00:00:00 UTC"),
        ("times", "Queued", "1970-01-03 00:00:00 UTC"),
        ("configured", "Pause", "1 min 30 s"),
        ("configured", "Mood", "&lt;b&gt;glad"),
    ):
        [section] = re.findall(rf'<h2 id="{heading}">.*?</section>', text, re.DOTALL)
        assert f"<dt>{name}</dt><dd>{value}</dd>" in section
    told = plain(found)["facts"]
    assert (told["queued_time"], told["mood"]) == ("1970-01-03T00:00:00.000Z", "<b>glad")
    unknown = page(view(of_tomorrow(FACTS)))
    assert "<dt>Queued</dt><dd>—</dd>" in html.page("job.html", root="./", here="", page=unknown, version="1").decode()


def test_each_fact_is_on_the_page_once() -> None:
    text = html.page("job.html", root="./", here="", page=page(GOOD), version="1").decode()
    for section in re.findall(r'<h2 id="(?:progress|objective|times|configured)">.*?</section>', text, re.DOTALL):
        names = re.findall(r"<dt>(.*?)</dt>", section)
        assert len(names) == len(set(names))
        assert not {"Name", "Arn", "Creation", "Runtime", "Objective value", "Max training jobs"} & set(names)


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
