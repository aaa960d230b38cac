"""What is recorded is one series a tuning job, and right, whatever pods, replicas, teams and lost scrapes there were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from render_rules import alerts, load
from rules.cases_spend import USD, of_job, trained
from rules.rehearsal import records, rehearse
from rules.story import group
from rules.world import (
    NAME,
    PLACE,
    STEP,
    TEAM,
    Scraped,
    gone,
    job,
    lost_scrapes,
    merged,
    of_pod,
    only,
    outage_of_aws,
    own,
    rollouts,
    scrape,
    two_replicas,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

RECORDS = records(load())
FAILED = [each for each in alerts(load()) if each["alert"] == "SageMakerTuningJobFailed"]
ID = "aws_account_id, aws_region, tuning_job"
RUNNING = job(
    created=-60,
    training_jobs={"Completed": {0: 8, 30: 10}, "NonRetryableError": 2, "InProgress": {0: 4, 30: 3}},
    objectives={"Succeeded": 8, "Failed": 2, "Pending": 4},
    max_training_jobs=60,
    max_parallel_training_jobs=4,
    max_runtime_seconds=14_400,
    best_objective_value={0: 0.8, 30: 0.9},
    target_reached=1,
)
RUNNING |= merged(
    of_job("estimated_cost_total", {0: 10, 30: 40}, **USD, status="Completed"),
    of_job("estimated_cost_total", 10, **USD, status="Failed"),
    of_job("estimated_cost_since_best", {0: 9, 30: 5}, **USD),
    of_job("running_training_seconds", {0: 400, 30: 800}),
    trained({0: 4_800, 30: 6_000}, {0: 8, 30: 10}),
    trained(600, 2, "Failed"),
    of_job("training_seconds_since_best", {0: 5_000, 30: 3_700}),
    of_job("oldest_running_training_job_start_timestamp_seconds", {0: -3_600, 30: -1_800}),
    of_job("training_job_failures_total", {0: 1, 30: 2}, reason="capacity"),
    of_job("spend_incomplete", 0, reason="page_limit"),
    of_job("spend_incomplete", 1, reason="billable_unknown"),
)
ENDS = job(
    {0: "InProgress", 30: "Completed"},
    name="ends",
    training_jobs={"Completed": 8, "InProgress": 0},
    end_timestamp_seconds={30: 1800},
)


def asked(expr: str, minute: int, **values: float) -> dict[str, Any]:
    """Return the expectation that a question has these answers, by the label of their name."""
    samples = [{"labels": labels, "value": value} for labels, value in values.items()]
    return {"expr": expr, "eval_time": f"{minute}m", "exp_samples": samples}


def variants(scraped: Scraped) -> dict[str, Scraped]:
    return {
        "plain": scraped,
        "two replicas": two_replicas(scraped),
        "pods that move": rollouts(scraped, 3, 5, 7),
        "lost scrapes": lost_scrapes(scraped),
    }


@pytest.mark.parametrize(
    ("record", "value"),
    [
        ("training_jobs:sum", 15),
        ("training_jobs:ended", 12),
        ("training_jobs:progress", 0.167),
        ("training_jobs:sum_past_criterion", 15),
        ("max_training_jobs:last", 60),
        ("slots:used", 3),
        ("slots:allowed", 4),
        ("age_seconds:last", 7200),
        ("max_runtime_seconds:left", 7200),
        ("age_seconds:left_at_pace", 36_000),
        ("best_objective_value:last", 0.9),
        ("labels:agreed", 1),
        ("estimated_cost:sum", 50),
        ("estimated_cost:failed", 10),
        ("estimated_cost:since_best", 5),
        ("training_seconds:sum", 7_400),
        ("training_seconds:since_best_ratio", 0.5),
        ("training_job_duration_seconds:mean", 600),
        ("training_seconds:oldest", 5_400),
        ("training_seconds:oldest_ratio", 9),
        ("spend_incomplete:last", 0),
        ("training_job_failures:sum", 2),
        ("training_job_failures:shortage", 2),
        ("training_job_failures:excess", 0.2),
        ("training_jobs:listed", 12),
    ],
)
def test_there_is_one_value_of_each(promtools: Path, tmp_path: Path, record: str, value: float) -> None:
    name = f"tuning_job:sagemaker_tuning_job_{record}"
    tests = []
    for variant, scraped in variants(scrape(RUNNING, 60)).items():
        # At each evaluation, and of one tuning job; what is recorded later is there one later.
        steady = {
            "expr": f"min(count_over_time({name}[31m]))",
            "eval_time": "60m",
            "exp_samples": [{"labels": "{}", "value": 7}],
        }
        one = {"expr": f"count({name})", "eval_time": "60m", "exp_samples": [{"labels": "{}", "value": 1}]}
        right = {
            "expr": f"sum by ({ID}) (round({name}, 0.001))",
            "eval_time": "60m",
            "exp_samples": [
                {
                    "labels": '{aws_account_id="123456789012",aws_region="eu-west-1",tuning_job="churn-xgboost"}',
                    "value": value,
                }
            ],
        }
        tests.append(group(variant, scraped, [steady, one, right]))
    rehearse(promtools, tmp_path, RECORDS, tests)


def test_what_is_of_a_running_tuning_job_ends_with_it(promtool: Path, tmp_path: Path) -> None:
    names = "slots:used|age_seconds:last|age_seconds:moving|training_jobs:sum"
    there = f'count by (__name__) ({{__name__=~"tuning_job:sagemaker_tuning_job_({names})"}})'
    summed = '{__name__="tuning_job:sagemaker_tuning_job_training_jobs:sum"}'
    expected = {"expr": there, "eval_time": "35m", "exp_samples": [{"labels": summed, "value": 1}]}
    rehearse(promtool, tmp_path, RECORDS, [group("ended", scrape(ENDS, 40), [expected])])


def test_what_is_deleted_is_recorded_for_ten_minutes_more(promtool: Path, tmp_path: Path) -> None:
    deleted = gone(scrape(RUNNING, 60), 7, 12)
    there = "count(tuning_job:sagemaker_tuning_job_status:last) or vector(0)"
    expected = [
        {"expr": there, "eval_time": f"{minute}m", "exp_samples": [{"labels": "{}", "value": number}]}
        for minute, number in ((35, 1), (45, 0))
    ]
    rehearse(promtool, tmp_path, RECORDS, [group("deleted", deleted, expected)])


MOVING = "tuning_job:sagemaker_tuning_job_age_seconds:moving"


@pytest.mark.parametrize(
    ("why", "scraped", "age"),
    [
        # Something ended at 30, at an age of 90 minutes; it is seen until 40.
        ("as it is", scrape(RUNNING, 90), 100),
        ("lost scrapes", lost_scrapes(scrape(RUNNING, 90)), 100),
        ("an outage of AWS for an hour, in which nothing moved", outage_of_aws(scrape(RUNNING, 120), 10, 20), 100),
        ("seen from minute 60 on, which may be just after", only(scrape(RUNNING, 90), 12, 18), 130),
    ],
)
def test_it_is_told_since_when_nothing_moves(
    promtool: Path, tmp_path: Path, why: str, scraped: Scraped, age: int
) -> None:
    last = len(next(iter(scraped.values()))) * STEP - STEP
    expected = {
        "expr": f"max(max_over_time({MOVING}[2d])) / 60",
        "eval_time": f"{last}m",
        "exp_samples": [{"labels": "{}", "value": age}],
    }
    rehearse(promtool, tmp_path, RECORDS, [group(why, scraped, [expected])])


OUTCOMES = (
    f"count by (label_team, status) (topk by ({ID}) (1,"
    " max_over_time(tuning_job:sagemaker_tuning_job_status:outcome[6d])))"
)


def test_each_end_counts_once_for_its_team_over_pods_replicas_and_a_change_of_team(
    promtools: Path, tmp_path: Path
) -> None:
    failed = job({0: "InProgress", 20: "Failed"}, name="fails", team=None, end_timestamp_seconds={20: 1200})
    ended_before = job("Completed", name="old", end_timestamp_seconds=-2 * 86_400.0)
    plain = scrape(merged(ENDS, failed, ended_before), 180)
    renamed = scrape(merged(job("Completed", name="ends", team="pricing", end_timestamp_seconds=1800)), 180)
    others = {series: values for series, values in plain.items() if ("tuning_job", "ends") not in series.labels}
    team = f'{{label_team="{TEAM}",status="Completed"}}'
    pricing = '{label_team="pricing",status="Completed"}'
    nobody = '{status="Failed"}'
    changed = only(of_pod(plain, "a"), 0, 12) | only(of_pod(renamed | others, "b"), 11, 36)
    tests = [
        group(name, scraped, [asked(OUTCOMES, 180, **{whose: 1, nobody: 1})])
        for name, scraped, whose in (
            *((name, scraped, team) for name, scraped in variants(plain).items()),
            ("a changed team", changed, pricing),
        )
    ]
    rehearse(promtools, tmp_path, RECORDS, tests)


def test_while_exporters_disagree_about_a_team_it_is_the_one_of_an_hour_ago(promtools: Path, tmp_path: Path) -> None:
    one, other, nobody = (
        of_pod(scrape(job(team=team), 240), pod) for team, pod in (("search", "a"), ("pricing", "b"), (None, "c"))
    )
    one_restarted = only(one, 0, 11) | only(nobody, 12, 12) | only(of_pod(scrape(job(), 240), "d"), 13, 48)
    agreed = "count by (label_team) (tuning_job:sagemaker_tuning_job_labels:agreed)"
    search, pricing, none = ({f"{{{team}}}": 1} for team in ('label_team="search"', 'label_team="pricing"', ""))

    def told(name: str, scraped: Scraped, **teams: Mapping[str, float]) -> dict[str, Any]:
        return group(name, scraped, [asked(agreed, int(minute[3:]), **team) for minute, team in teams.items()])

    tests = [
        told("for a while", one | only(other, 13, 20), at_60=search, at_65=search, at_100=search, at_110=search),
        told(
            "for long", one | only(other, 13, 40), at_65=search, at_120=search, at_135=none, at_200=none, at_240=search
        ),
        told(
            "taken over",
            only(one, 0, 15) | only(other, 13, 48),
            at_65=search,
            at_75=search,
            at_80=pricing,
            at_200=pricing,
        ),
        # Where one knows none, there is nothing to disagree about.
        told("given a team", only(nobody, 0, 15) | only(other, 13, 48), at_60=none, at_65=pricing, at_80=pricing),
        told("without one any more", only(one, 0, 15) | only(nobody, 13, 48), at_75=search, at_80=search, at_95=none),
        told("known to one of two", one | nobody, at_5=search, at_240=search),
        told("restarted, and its tags are read later", one_restarted, at_60=search, at_65=search, at_70=search),
        # Nothing says which is right.
        told("from the start", one | only(other, 0, 10), at_5=none, at_50=none, at_60=search),
    ]
    rehearse(promtools, tmp_path, RECORDS, tests)


def test_an_alert_is_told_once_while_exporters_disagree_about_the_team(promtools: Path, tmp_path: Path) -> None:
    one, other = (
        of_pod(scrape(job("Failed", team=team, end_timestamp_seconds=0), 180), pod)
        for team, pod in (("search", "a"), ("pricing", "b"))
    )
    alert = 'count by (label_team) (ALERTS{alertname="SageMakerTuningJobFailed",alertstate="firing"})'
    told = [asked(alert, minute, **{'{label_team="search"}': 1}) for minute in range(5, 185, 5)]
    tests = [group("a second replica with another team", one | only(other, 14, 24), told)]
    rehearse(promtools, tmp_path, FAILED, tests)


@pytest.mark.parametrize(
    ("scale", "low", "best", "high", "place"),
    [
        ("Linear", 1e-6, 0.0005, 1, 0.0005),
        ("Linear", -4, 0, 4, 0.5),
        ("Logarithmic", 1e-6, 0.001, 1, 0.5),
        ("Logarithmic", 2, 2, 32, 0),
        ("ReverseLogarithmic", 0.8, 0.9985, 0.9999, 0.6437),
        ("ReverseLogarithmic", 0, 0.9, 0.99, 0.5),
        ("Auto", 1, 10, 100, 0.5),
        ("Auto", 1, 10, 99, 0.0918),
        ("Auto", 0, 25, 100, 0.25),
        ("", -1, 1, 1, 1),
    ],
)
def test_the_place_in_a_range_is_that_on_its_scale(
    promtool: Path, tmp_path: Path, scale: str, low: float, best: float, high: float, place: float
) -> None:
    world = job(hyperparameters={"h": (low, best, high)}, scale=scale)
    labels = (
        f'{{aws_account_id="{PLACE["aws_account_id"]}",aws_region="{PLACE["aws_region"]}",tuning_job="{NAME}",'
        'hyperparameter="h",definition="xgboost"' + (f',scale="{scale}"}}' if scale else "}")
    )
    expected = asked(
        "round(tuning_job:sagemaker_tuning_job_best_hyperparameter_value:place, 0.0001)",
        5,
        **{labels: place},
    )
    rehearse(promtool, tmp_path, RECORDS, [group("place", scrape(world, 5), [expected])])


def test_a_range_of_one_value_has_no_places(promtool: Path, tmp_path: Path) -> None:
    worlds = merged(
        *(
            job(name=scale, scale=scale, hyperparameters={"h": (0.5, 0.5, 0.5)})
            for scale in ("Linear", "Logarithmic", "ReverseLogarithmic", "Auto")
        )
    )
    nothing = asked("tuning_job:sagemaker_tuning_job_best_hyperparameter_value:place", 5)
    rehearse(promtool, tmp_path, RECORDS, [group("places", scrape(worlds, 5), [nothing])])


@pytest.mark.parametrize(
    ("why", "created", "first_seen", "costs", "minute", "expected"),
    [
        ("young, all of it", 0, 0, {0: 0, 30: 40}, 60, 40),
        ("an hour ago is known", -600, 0, {0: 100, 30: 140}, 80, 40),
        ("an hour ago is not known", -600, 30, {30: 140}, 60, None),
        ("a restart finds less than before", -600, 0, {0: 100, 70: 80}, 90, None),
        ("a restart adds up in another order", -600, 0, {0: 100, 70: 99.9999999}, 90, 0),
        ("nothing lately", -600, 0, {0: 100}, 80, 0),
        ("the first that ended", -600, 0, {30: 40}, 60, 40),
    ],
)
def test_what_was_spent_in_an_hour(
    promtool: Path,
    tmp_path: Path,
    why: str,
    created: int,
    first_seen: int,
    costs: dict[int, float],
    minute: int,
    expected: float | None,
) -> None:
    world = merged(
        job(
            {0: None, first_seen: "InProgress"},
            created=created,
            training_jobs={"Completed": {0: None, first_seen: 0 if min(costs) > first_seen else 10, 30: 10}},
        ),
        of_job("estimated_cost_total", costs, **USD, status="Completed"),
    )
    series = "tuning_job:sagemaker_tuning_job_estimated_cost:increase1h"
    labels = '{aws_account_id="123456789012",aws_region="eu-west-1",currency="USD",tuning_job="churn-xgboost"}'
    tests = [
        group(
            told,
            scraped,
            [
                asked(
                    f"sum by ({ID}, currency) ({series})",
                    minute,
                    **({labels: expected} if expected is not None else {}),
                )
            ],
        )
        for told, scraped in {"plain": scrape(world, 100), "two replicas": two_replicas(scrape(world, 100))}.items()
    ]
    rehearse(promtool, tmp_path, RECORDS, tests)


def test_a_change_of_currency_leaves_one_cost_since_the_best(promtool: Path, tmp_path: Path) -> None:
    world = merged(
        job(),
        of_job("estimated_cost_since_best", {0: 140, 30: None}, currency="EUR"),
        of_job("estimated_cost_since_best", {0: None, 30: 150}, **USD),
    )
    counted = "count by (currency) (tuning_job:sagemaker_tuning_job_estimated_cost:since_best)"
    tests = [
        asked(counted, minute, **{f'{{currency="{currency}"}}': 1}) for minute, currency in ((25, "EUR"), (35, "USD"))
    ]
    rehearse(promtool, tmp_path, RECORDS, [group("currency", scrape(world, 40), tests)])


THERE = '{aws_account_id="123456789012",aws_region="eu-west-1",tuning_job="churn-xgboost"}'


def test_what_another_of_its_name_cost_is_not_counted(promtool: Path, tmp_path: Path) -> None:
    # One that cost 100 is deleted at minute 165, and another of its name is created at 170, and costs 5 each five minutes from 185 on.
    def cost(minute: float) -> float | None:
        return 100.0 if minute < 165 else None if minute < 185 else minute - 185

    world = merged(
        job(training_jobs={"Completed": {0: 100, 165: None, 170: 0, 185: 1}, "InProgress": {0: 4, 165: None, 170: 4}}),
        of_job("created_timestamp_seconds", {0: -36_000, 165: None, 170: 10_200}),
        of_job("estimated_cost_total", cost, **USD, status="Completed"),
        of_job("estimated_cost_total", {0: 7, 165: None, 200: 1}, **USD, status="Failed"),
        of_job("training_job_failures_total", {0: 50, 165: None, 185: 2}, reason="data"),
    )

    def told(record: str, minute: int, value: float | None) -> dict[str, Any]:
        expr = f"sum by ({ID}) (tuning_job:sagemaker_tuning_job_{record})"
        return asked(expr, minute, **({} if value is None else {THERE: value}))

    tests = [
        told("estimated_cost:sum", 160, 107),
        told("estimated_cost:failed", 160, 7),
        told("estimated_cost:increase1h", 160, 0),
        *(
            told(record, 170, None)
            for record in ("estimated_cost:sum", "estimated_cost:failed", "estimated_cost:increase1h")
        ),
        told("training_job_failures:sum", 170, None),
        told("training_job_failures:sum", 185, 2),
        told("estimated_cost:failed", 185, None),
        *(told("estimated_cost:increase1h", minute, minute - 185) for minute in (185, 195)),
        *(told("estimated_cost:increase1h", minute, minute - 184) for minute in (200, 225, 235, 240, 245)),
        *(told("estimated_cost:increase1h", minute, 61 if minute < 260 else 60) for minute in (250, 255, 260, 275)),
    ]
    rehearse(promtool, tmp_path, RECORDS, [group("another", scrape(world, 280), tests)])


def test_a_restart_with_other_classes_counts_no_failure_twice(promtools: Path, tmp_path: Path) -> None:
    world = merged(
        job(training_jobs={"Completed": 80, "NonRetryableError": 20}),
        trained(800, 80),
        of_job("training_job_failures_total", {0: 8, 30: 7}, reason="out_of_memory"),
        of_job("training_job_failures_total", {0: 12, 30: None}, reason="algorithm_error"),
        of_job("training_job_failures_total", {30: 13}, reason="bad_batch"),
    )
    failures = "sum by (reason) (tuning_job:sagemaker_tuning_job_training_job_failures:sum)"
    listed = f"sum by ({ID}) (tuning_job:sagemaker_tuning_job_training_jobs:listed)"
    anew = f"sum by ({ID}) (tuning_job:sagemaker_tuning_job_training_job_failures:anew)"
    before = {'{reason="out_of_memory"}': 8.0, '{reason="algorithm_error"}': 12.0}
    after = {'{reason="out_of_memory"}': 7.0, '{reason="bad_batch"}': 13.0}
    tests = [
        asked(failures, 25, **before),
        asked(listed, 25, **{THERE: 100}),
        asked(anew, 25),
        asked(failures, 30, **after),
        asked(anew, 30, **{THERE: 1}),
        *(asked(listed, minute, **{THERE: 100}) for minute in (30, 35, 60)),
        asked(anew, 110),
    ]
    rehearse(promtools, tmp_path, RECORDS, [group("other classes", scrape(world, 110), tests)])


@pytest.mark.parametrize("told", [lost_scrapes, two_replicas, lambda scraped: rollouts(scraped, 3, 5, 7)])
def test_what_goes_on_is_compared_with_what_was_before(
    promtool: Path, tmp_path: Path, told: Callable[[Scraped], Scraped]
) -> None:
    """Of two replicas one is behind, and each scrape of one in turn is lost."""
    growing = merged(job(), of_job("training_job_failures_total", lambda minute: 3 + minute // 5, reason="data"))
    behind = merged(job(), of_job("training_job_failures_total", lambda minute: 1 + minute // 5, reason="data"))
    one, other = of_pod(scrape(growing, 120), "a"), of_pod(scrape(behind, 120), "b")
    expected = asked("count(count_over_time(tuning_job:sagemaker_tuning_job_training_job_failures:anew[2h]))", 120)
    tests = [
        group("one", told(scrape(growing, 120)), [expected]),
        group("one of two is behind", lost_scrapes(one) | other, [expected]),
    ]
    rehearse(promtool, tmp_path, RECORDS, tests)


@pytest.mark.parametrize("reason", ["page_limit", "records_missing"])
def test_there_is_no_share_and_no_excess_while_sums_are_short(promtool: Path, tmp_path: Path, reason: str) -> None:
    world = merged(RUNNING, of_job("spend_incomplete", {0: 0, 30: 1}, reason=reason))
    names = "training_seconds:since_best_ratio|training_job_failures:excess"
    there = f'count({{__name__=~"tuning_job:sagemaker_tuning_job_({names})"}})'
    tests = [asked(there, 25, **{"{}": 2}), asked(there, 30)]
    rehearse(promtool, tmp_path, RECORDS, [group("short", scrape(world, 40), tests)])


@pytest.mark.parametrize(("listed", "allowed"), [(None, 100), (50, 50)])
def test_the_tuning_jobs_that_may_run_are_those_that_aws_lists_else_documents(
    promtool: Path, tmp_path: Path, listed: int | None, allowed: float
) -> None:
    world = merged(
        own("tracked_jobs", 3, **PLACE, target="prod", state="running"),
        own("untracked_running_jobs", 1, **PLACE, target="prod"),
        own("quota_tuning_jobs", {0: listed}, **PLACE),
    )
    place = '{aws_account_id="123456789012",aws_region="eu-west-1"}'
    tests = [
        asked("account:sagemaker_tuning_jobs:running * 1", 60, **{place: 4}),
        asked("account:sagemaker_tuning_jobs:quota * 1", 60, **{place: allowed}),
    ]
    groups = [group(variant, scraped, tests) for variant, scraped in variants(scrape(world, 60)).items()]
    rehearse(promtool, tmp_path, RECORDS, groups)


def test_without_a_list_of_what_runs_and_without_quotas_nothing_is_said(promtool: Path, tmp_path: Path) -> None:
    world = merged(
        own("tracked_jobs", 3, **PLACE, target="prod", state="running"),
        own("quota_training_instances", 0, **PLACE, instance_type="ml.m5.xlarge", spot="true"),
        of_job("running_instances", 3, instance_type="ml.m5.xlarge", spot="true"),
    )
    names = ("sagemaker_tuning_jobs:running", "sagemaker_tuning_jobs:quota", "sagemaker_training_instances:quota")
    tests = [asked(f"account:{name}", 60) for name in names]
    rehearse(promtool, tmp_path, RECORDS, [group("nothing", scrape(world, 60), tests)])
