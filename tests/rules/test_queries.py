"""The short queries of docs/queries.md are right over pods that move, two replicas, lost scrapes and a team that changes."""

from __future__ import annotations

import re
from functools import partial
from operator import mul
from typing import TYPE_CHECKING, Any

import pytest
from render_rules import alerts, load
from rules.cases_spend import USD, of_job
from rules.rehearsal import rehearse
from rules.story import group
from rules.world import (
    ACCOUNT,
    NAME,
    PLACE,
    Scraped,
    Series,
    World,
    job,
    lost_scrapes,
    merged,
    of_pod,
    only,
    own,
    rollouts,
    scrape,
    two_replicas,
)
from support.tools import ROOT
from test_contract import fenced, questions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PAGE = (ROOT / "docs" / "queries.md").read_text(encoding="utf-8")
QUERIES = dict(re.findall(r"^## ([^\n]+)\n\n```promql\n(.+?)\n```", PAGE, re.MULTILINE | re.DOTALL))
RULES = [rule for each in reversed(load()["groups"]) for rule in each["rules"] if "record" in rule] + [
    rule
    for rule in alerts(load())
    if re.fullmatch("SageMakerTuningJob(Stuck|StuckStopping|TrainingJobsHanging|Straggler)", rule["alert"])
]
MINUTES = 175
LAST = MINUTES // 5
CHANGE = LAST // 3
PACES = {ACCOUNT: 2, "210987654321": 1}
"""Calls a minute for each account."""
QUOTAS = (("true", 20), ("false", 0))
AGE = (60 + MINUTES) * 60

Expected = dict[str, float]
"""Answers by their labels."""


def world(team: str) -> World:
    """Return what there is while a team is called so."""
    search = partial(job, max_training_jobs=60, max_parallel_training_jobs=4, created=-60)
    loss = search(
        name="loss",
        team=team,
        search=NAME,
        training_jobs={"Completed": lambda minute: 32 + minute // 20, "InProgress": 4},
        best_objective_value=0.3,
        target_objective_value=0.1,
        max_runtime_seconds=100_000,
    )
    return merged(
        search(
            team=team,
            search=NAME,
            training_jobs={"Completed": lambda minute: 1 + minute // 20, "NonRetryableError": 2, "InProgress": 3},
            best_objective_value=0.9,
            target_objective_value=0.95,
            max_runtime_seconds=28_800,
        ),
        {minimized(series): value for series, value in loss.items()},
        job(name="stuck", team=team, training_jobs={"Completed": 8, "InProgress": 0}, max_parallel_training_jobs=4),
        job(
            {0: "InProgress", 30: "Completed"},
            name="ends",
            team=team,
            search=NAME,
            end_timestamp_seconds={30: 1800},
            best_objective_value=0.5,
        ),
        job({0: "InProgress", 20: "Failed"}, name="fails", team=None, end_timestamp_seconds={20: 1200}),
        job("Completed", name="old", team=team, end_timestamp_seconds=-10 * 86_400.0),
        *(
            instances(name, spot, count)
            for name, spot, count in ((NAME, "true", 3), ("loss", "true", 4), ("loss", "false", 1))
        ),
        # Two targets are in the account and region, with different credentials: quotas stand there once.
        *(
            own("quota_training_instances", most, **PLACE, instance_type="ml.m5.xlarge", spot=spot)
            for spot, most in QUOTAS
        ),
        *(
            own(family, count, **PLACE, target=target, **more)
            for target, watched in (("prod", 3), ("test", 1))
            for family, count, more in (
                ("tracked_jobs", watched, {"state": "running"}),
                ("tracked_jobs", 9, {"state": "finished"}),
                ("untracked_running_jobs", 10 - watched, {}),
            )
        ),
        of_job("estimated_cost_total", lambda minute: 10.0 + minute // 20, **USD, status="Completed"),
        of_job("estimated_cost_total", 7, **USD, status="Failed"),
        of_job("training_job_failures_total", 2, reason="data"),
        *(
            own("api_requests_total", partial(mul, pace), aws_account_id=account, target="all")
            for account, pace in PACES.items()
        ),
    )


def instances(name: str, spot: str, count: int) -> World:
    """Return on how many instances the training jobs of a tuning job run."""
    labels = {**PLACE, "tuning_job": name, "instance_type": "ml.m5.xlarge", "spot": spot}
    return {Series("sagemaker_tuning_job_running_instances", tuple(labels.items())): count}


def minimized(series: Series) -> Series:
    labels = tuple((name, "Minimize" if value == "Maximize" else value) for name, value in series.labels)
    return series._replace(labels=labels)


def changed(before: Scraped, after: Scraped, index: int) -> Scraped:
    """Return the samples where some series give way to others at an index."""
    ending = {series: values for series, values in before.items() if series not in after}
    beginning = {series: values for series, values in after.items() if series not in before}
    return before | only(ending, 0, index - 1) | only(beginning, index, LAST)


PLAIN, RENAMED = (scrape(world(team), MINUTES) for team in ("search", "pricing"))
VARIANTS: dict[str, tuple[Scraped, str, int]] = {
    "plain": (PLAIN, "search", 1),
    "two replicas": (two_replicas(PLAIN), "search", 2),
    "pods that move": (rollouts(PLAIN, CHANGE, 2 * CHANGE), "search", 1),
    "lost scrapes": (lost_scrapes(PLAIN), "search", 1),
    "a changed team": (changed(PLAIN, RENAMED, CHANGE), "pricing", 1),
    "a changed team in a new pod": (
        only(of_pod(PLAIN, "a"), 0, CHANGE) | only(of_pod(RENAMED, "b"), CHANGE - 1, LAST),
        "pricing",
        1,
    ),
    "a changed team in two replicas, not at once": (
        of_pod(changed(PLAIN, RENAMED, CHANGE), "a") | of_pod(changed(PLAIN, RENAMED, CHANGE + 3), "b"),
        "pricing",
        2,
    ),
    "a team that has just changed in one of two replicas": (
        of_pod(PLAIN, "a") | of_pod(changed(PLAIN, RENAMED, LAST - 1), "b"),
        "search",
        2,
    ),
}
"""What is scraped, the team that counts, and how many exporters call AWS at a time."""


def labels(**values: str) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in values.items() if value) + "}"


def of(name: str, **more: str) -> str:
    return labels(**PLACE, tuning_job=name, **more)


def objective(kind: str) -> Mapping[str, str]:
    return {"objective_metric": "validation:auc", "objective_type": kind}


def expected(question: str, team: str, exporters: int) -> Expected:
    record = "tuning_job:sagemaker_tuning_job_"
    answers: dict[str, Expected] = {
        "What is stuck": {of("stuck", alertname="SageMakerTuningJobStuck"): 1},
        # One reaches its time limit first, the other has launched two thirds.
        "Time left": {
            f"{record}age_seconds:left{of(NAME)}": 28_800 - AGE,
            f"{record}age_seconds:left{of('loss')}": AGE / 2,
        },
        "Success by team this week": {labels(label_team=team, status="Completed"): 1, labels(status="Failed"): 1},
        "Slots used of allowed": {of(NAME): 0.75, of("loss"): 1, of("stuck"): 0},
        "Instances used of quota": {labels(**PLACE, instance_type="ml.m5.xlarge", spot="true"): 0.35},
        "Tuning jobs running of quota": {labels(**PLACE): 0.1},
        "API calls by account": {labels(aws_account_id=account): pace * exporters for account, pace in PACES.items()},
        "Distance to the target": {
            of(NAME, **objective("Maximize")): 0.05,
            of("loss", **objective("Minimize")): 0.2,
        },
        "Searches without a team": {f"{record}labels:seen{of('fails')}": 1},
        "Runs of one search": {
            f"{record}best_objective_value:last{of(NAME, **objective('Maximize'))}": 0.9,
            f"{record}best_objective_value:last{of('loss', **objective('Minimize'))}": 0.3,
            f"{record}estimated_cost:sum{of(NAME, **USD)}": 25,
        },
        "What failures cost": {f"{record}estimated_cost:failed{of(NAME, **USD)}": 7},
        "Cost of the last hour by team": {labels(**USD, label_team=team): 3},
        "Why training jobs fail": {labels(reason="data"): 2},
    }
    return answers[question]


def asked(query: str, answers: Expected) -> dict[str, Any]:
    """Return the expectation of these answers."""
    samples = [{"labels": which, "value": value} for which, value in answers.items()]
    return {"expr": query, "eval_time": f"{MINUTES}m", "exp_samples": samples}


def test_all_thirteen_are_asked() -> None:
    assert len(QUERIES) == 13


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_query_is_right(promtools: Path, tmp_path: Path, variant: str) -> None:
    scraped, team, exporters = VARIANTS[variant]
    tests = [asked(measured(question), expected(question, team, exporters)) for question in QUERIES]
    rehearse(promtools, tmp_path, RULES, [group(variant, scraped, tests)])


def measured(question: str) -> str:
    """Return a query with its answer rounded where it is not exact."""
    query = QUERIES[question]
    if "increase(" in query:
        # Calls a minute, as near as what Prometheus estimates before the first and after the last scrape of each pod.
        return f"round(({query}) / {MINUTES}, 0.5)"
    if question == "Runs of one search":
        return query.replace("topk(10,", "topk(2,")  # of three runs, one of which began earlier
    return f"round({query}, 0.001)" if question == "Distance to the target" else query


OLD = """count by (label_team, status) (
  (
    max_over_time(sagemaker_tuning_job_status{status=~"Completed|Failed|Stopped"}[7d]) == 1
    and on (aws_account_id, aws_region, tuning_job)
    last_over_time(sagemaker_tuning_job_end_timestamp_seconds[7d]) > time() - 7 * 86400
  )
  * on (aws_account_id, aws_region, tuning_job) group_left (label_team) last_over_time(sagemaker_tuning_job_labels[7d])
)"""


@pytest.mark.parametrize("variant", [each for each in VARIANTS if each not in {"plain", "lost scrapes"}])
def test_a_query_on_what_is_scraped_finds_duplicates(promtool: Path, tmp_path: Path, variant: str) -> None:
    """Else nothing that is asked here would tell one spelling from another."""
    scraped, *_ = VARIANTS[variant]
    with pytest.raises(pytest.fail.Exception, match="duplicate series"):
        rehearse(promtool, tmp_path, [], [group(variant, scraped, [asked(OLD, {})])])


CONVERGED = partial(
    job,
    name="converged",
    best_objective_value=0.9,
    target_objective_value=0.8,
    training_jobs={"Completed": 4, "NonRetryableError": 1, "InProgress": 2},
    convergence_detected_timestamp_seconds=60,
    best_training_job_end_timestamp_seconds=120,
    max_training_jobs=20,
    max_parallel_training_jobs=2,
    max_runtime_seconds=30_000,
    runtime_seconds=15_000,
    training_jobs_not_improving=7,
    max_training_jobs_not_improving=5,
    hyperparameters={"eta": (0.1, 0.1, 0.5)},
)


@pytest.mark.parametrize(
    ("page", "least"), [("README.md", 2), ("docs/metrics.md", 40), ("docs/runbooks.md", 40), ("docs/queries.md", 13)]
)
def test_what_a_page_asks_can_be_asked_of_two_replicas(promtool: Path, tmp_path: Path, page: str, least: int) -> None:
    """Of the same mind or, as while a configuration is rolled out, not."""
    one, other = (scrape(merged(world(team), CONVERGED(team=team)), 60) for team in ("search", "pricing"))
    asked_there = [each.text.replace("NAME", "converged") for each in questions(ROOT, page, fenced)]
    tests = [
        {
            "expr": f"(count({query}\n) or vector(0)) * 0",
            "eval_time": "60m",
            "exp_samples": [{"labels": "{}", "value": 0}],
        }
        for query in asked_there
    ]
    assert len(tests) >= least
    groups = [
        group("two replicas", two_replicas(one), tests),
        group("replicas that disagree", of_pod(one, "a") | of_pod(other, "b"), tests),
    ]
    rehearse(promtool, tmp_path, RULES, groups)
