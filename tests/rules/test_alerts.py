"""Each alert finds its trouble and nothing else, tells it once, and does not lose it: asked of real promtools."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from render_rules import RULES, alerts, load, render
from rules import cases_exporter, cases_jobs, cases_spend
from rules.cases_exporter import ANSWERED, DESCRIBE, LIST, TARGET_INFO
from rules.rehearsal import rehearse
from rules.story import fire, group, timeline
from rules.world import (
    ACCOUNT,
    NAME,
    PLACE,
    REGION,
    STEP,
    TEAM,
    job,
    merged,
    of_pod,
    outage_of_aws,
    own,
    scrape,
    two_replicas,
)
from support.processes import PATIENCE

DOCUMENT = load()
ALERTS = {rule["alert"]: rule for rule in alerts(DOCUMENT)}
STORIES = (*cases_jobs.STORIES, *cases_spend.STORIES, *cases_exporter.STORIES)
QUIET = (*cases_jobs.QUIET, *cases_spend.QUIET, *cases_exporter.QUIET)
ELSEWHERE = {**PLACE, "aws_account_id": "210987654321"}
RUNBOOKS = "https://example.com/sagemaker-tuning-exporter/docs/runbooks.md"


def test_promtool_accepts_the_files(promtools: Path) -> None:
    run = subprocess.run(
        [promtools, "check", "rules", *RULES.glob("*.yaml")],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("SUCCESS") == 4


@pytest.mark.parametrize("alert", ALERTS)
def test_alert(promtools: Path, newest_promtool: Path, tmp_path: Path, alert: str) -> None:
    """The newest promtool plays each story in every variant, the older one as it is."""
    tests = []
    stories = [story for story in STORIES if story.alert == alert]
    quiet = [each for each in QUIET if each.alert == alert]
    assert stories
    assert quiet
    for story in stories:
        annotations = {
            "summary": story.summary,
            "description": story.description,
            "runbook_url": f"{RUNBOOKS}#{alert.lower()}",
        }
        if "tuning_job" in story.labels and alert != "SageMakerTuningJobMissing":
            annotations["console_url"] = (
                "https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/hyper-tuning-jobs/churn-xgboost"
            )
        told = {"exp_labels": dict(story.labels), "exp_annotations": annotations}
        variants = story.variants() if promtools == newest_promtool else {"plain": scrape(story.world, story.minutes)}
        for number, (variant, scraped) in enumerate(variants.items()):
            first = {"eval_time": f"{story.fires}m", "alertname": alert, "exp_alerts": [told]}
            tests.append(group(variant, scraped, timeline(story), alert_rule_test=[] if number else [first]))
    tests += [group(each.why, scrape(each.world, each.minutes), ever_fired(set(), each.minutes)) for each in quiet]
    rehearse(promtools, tmp_path, [ALERTS[alert]], tests)


def ever_fired(names: set[str], minute: int) -> list[dict[str, Any]]:
    """Return the expectation that the alerts of these names, and no others, have fired until a minute."""
    expr = f'group by (alertname) (count_over_time(ALERTS{{alertstate="firing"}}[{minute + STEP}m]))'
    expected = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(names)]
    return [{"expr": expr, "eval_time": f"{minute}m", "exp_samples": expected}]


EXPORTER = merged(
    own("up", 1, job="sagemaker", instance="a:10980"),
    own("build_info", 1, job="sagemaker", instance="a:10980"),
    own("config_last_reload_successful", 1, job="sagemaker", instance="a:10980"),
    TARGET_INFO,
    ANSWERED,
)
HEALTHY = job(
    training_jobs={
        "Completed": lambda minute: 20.0 + minute // 15,
        "Stopped": 12,
        "NonRetryableError": 2,
        "RetryableError": 1,
        "InProgress": 4,
    },
    objectives={"Succeeded": lambda minute: 30.0 + minute // 15, "Failed": 3, "Pending": 4},
    info={"early_stopping": "Auto"},
    max_training_jobs=60,
    max_parallel_training_jobs=4,
    max_runtime_seconds=86_400,
    runtime_seconds=lambda minute: 60.0 * (180 + minute),
    training_jobs_not_improving=9,
    best_objective_value=0.93,
    target_reached=0,
)


def test_no_trouble_raises_the_alert_of_another(promtool: Path, tmp_path: Path) -> None:
    tests = []
    for story in STORIES:
        if story.rollouts:
            until = story.fires + 30
            scraped = scrape(merged(EXPORTER, story.world), until)
            tests.append(group(story.alert, scraped, ever_fired({story.alert}, until)))
    exporter, healthy = scrape(EXPORTER, 240), scrape(HEALTHY, 240)
    lasting = {"SageMakerTuningJobDescribeFailing"}
    for name, scraped, expected in (
        ("healthy", healthy, set()),
        ("two replicas", two_replicas(healthy), set()),
        ("short outage", outage_of_aws(healthy, 20, 21), set()),
        ("lasting outage", outage_of_aws(healthy, 20, 32), lasting),
    ):
        tests.append(group(name, exporter | scraped, ever_fired(expected, 240)))
    rehearse(promtool, tmp_path, list(ALERTS.values()), tests)


def test_who_sees_nothing_is_told_of_within_five_minutes(promtools: Path, tmp_path: Path) -> None:
    """Scraped and evaluated once a minute; a start is up to a minute before its first scrape, an evaluation after it."""
    blind = ALERTS["SageMakerTuningExporterBlind"]
    series = [{"series": f"{next(iter(TARGET_INFO))}", "values": "_ 1x9"}]
    expected = [fire(blind["alert"], minute, number) for minute, number in ((2, 0), (3, 1), (10, 1))]
    tests = [{"interval": "1m", "input_series": series, "promql_expr_test": expected}]
    rehearse(promtools, tmp_path, [blind], tests, 60)


@pytest.mark.parametrize("account", [ACCOUNT, ""])
def test_who_sees_nothing_is_told_why(promtools: Path, tmp_path: Path, account: str) -> None:
    """By its lists and by the describes of its tuning jobs, whether the account is known or not."""
    blind = ALERTS["SageMakerTuningExporterBlind"]
    place = {**PLACE, "aws_account_id": account}
    failing = merged(
        own("target_info", 1, target="prod", **place),
        own("target_error_info", 1, target="prod", **place, operation=LIST, code="assume_role_denied"),
        own("target_error_info", 1, target="prod", **place, operation="GetCallerIdentity", code="connection"),
        own("target_error_info", 1, target="other", **place, operation="ListTags", code="tls"),
        own("target_error_info", 1, target="prod", **ELSEWHERE, operation="ListTags", code="other"),
        *(job({0: None}, name=name, code=code) for name, code in (("a", "timeout"), ("b", "tls"), ("c", "tls"))),
    )
    if not account:
        failing = {
            series._replace(labels=tuple(pair for pair in series.labels if pair != ("aws_account_id", ACCOUNT))): value
            for series, value in failing.items()
        }
    known = {"aws_account_id": account} if account else {}
    where = f"in {REGION} of account {account}" if account else f"in {REGION}"
    told = {
        "exp_labels": {**known, "aws_region": REGION, "target": "prod", "severity": "critical"},
        "exp_annotations": {
            "summary": "The exporter sees nothing of target prod",
            "description": (
                f"So far AWS has answered no list and no describe for target prod {where}. The"
                " tuning jobs there are not watched. GetCallerIdentity fails with connection."
                f" {LIST} fails with assume_role_denied. {DESCRIBE} fails with timeout (tuning jobs: 1)."
                f" {DESCRIBE} fails with tls (tuning jobs: 2)."
            ),
            "runbook_url": f"{RUNBOOKS}#{blind['alert'].lower()}",
        },
    }
    asked = [{"eval_time": "10m", "alertname": blind["alert"], "exp_alerts": [told]}]
    rehearse(promtools, tmp_path, [blind], [group("blind", scrape(failing, 10), [], alert_rule_test=asked)])


def test_a_target_of_the_same_name_in_another_account_hides_nothing(promtool: Path, tmp_path: Path) -> None:
    """One that sees does not speak for one that is blind, nor do its calls thin out those that are throttled."""
    alerts = [ALERTS[f"SageMakerTuningExporter{name}"] for name in ("Blind", "CallsFailing", "Throttled")]
    here, there = {**PLACE, "target": "prod"}, {**ELSEWHERE, "target": "prod"}
    world = merged(
        *(own("target_info", 1, **place) for place in (here, there)),
        own("target_last_success_timestamp_seconds", lambda minute: 60.0 * minute, **there),
        *(own("target_error_info", 1, **place, operation=LIST, code="access_denied") for place in (here, there)),
        own("api_requests_total", lambda minute: 10.0 * minute, **here, operation=DESCRIBE),
        own("api_errors_total", lambda minute: 2.0 * minute, **here, operation=DESCRIBE, code="throttled"),
        own("api_requests_total", lambda minute: 90.0 * minute, **there, operation=DESCRIBE),
        own("api_errors_total", 0, **there, operation=DESCRIBE, code="throttled"),
    )
    firing = 'count by (alertname, aws_account_id) (ALERTS{alertstate="firing"})'
    found = [
        {"labels": f'{{alertname="{alert["alert"]}",aws_account_id="{account}"}}', "value": 1}
        for alert, account in zip(alerts, (ACCOUNT, ELSEWHERE["aws_account_id"], ACCOUNT), strict=True)
    ]
    asked = [{"expr": firing, "eval_time": "60m", "exp_samples": found}]
    rehearse(promtool, tmp_path, alerts, [group("one name", scrape(world, 60), asked)])


DELETE_FAILED = ALERTS["SageMakerTuningJobDeleteFailed"]


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-east-1", "us-east-1.console.aws.amazon.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_the_console_is_that_of_the_partition(promtool: Path, tmp_path: Path, region: str, host: str) -> None:
    rule = {**DELETE_FAILED, "annotations": {"at": DELETE_FAILED["annotations"]["console_url"]}}
    labels = {"aws_account_id": ACCOUNT, "aws_region": region, "tuning_job": NAME, "label_team": TEAM}
    told = {
        "exp_labels": {**labels, "severity": "warning"},
        "exp_annotations": {"at": f"https://{host}/sagemaker/home?region={region}#/hyper-tuning-jobs/{NAME}"},
    }
    asked = [{"eval_time": "10m", "alertname": rule["alert"], "exp_alerts": [told]}]
    scraped = scrape(job("DeleteFailed", region=region), 10)
    rehearse(promtool, tmp_path, [rule], [group("console", scraped, [], alert_rule_test=asked)])


def firing(minute: int, *labels: str) -> list[dict[str, Any]]:
    """Return the expectation that just these alerts fire at a minute, told by labels of theirs."""
    expr = 'count by (tuning_job, label_team, label_cost) (ALERTS{alertstate="firing"})'
    return [{"expr": expr, "eval_time": f"{minute}m", "exp_samples": [{"labels": each, "value": 1} for each in labels]}]


def test_a_team_is_taken_over_where_there_is_one(promtool: Path, tmp_path: Path) -> None:
    jobs = merged(job("DeleteFailed", name="a", team=None), job("DeleteFailed", name="b", team="pricing"))
    expected = firing(10, '{tuning_job="a"}', '{tuning_job="b",label_team="pricing"}')
    rehearse(promtool, tmp_path, [DELETE_FAILED], [group("teams", scrape(jobs, 10), expected)])


def test_a_team_that_changes_in_a_rollout_stops_no_alert(promtool: Path, tmp_path: Path) -> None:
    """While two pods have different labels for a tuning job, one of them counts, and other tuning jobs are not touched."""
    before = of_pod(scrape(job("DeleteFailed", team="search"), 20), "a")
    after = of_pod(scrape(job("DeleteFailed", team="pricing"), 20), "b")
    other = of_pod(scrape(job("DeleteFailed", name="other"), 20), "a")
    number = [
        {
            "expr": 'count(ALERTS{alertstate="firing"})',
            "eval_time": "20m",
            "exp_samples": [{"labels": "{}", "value": 2}],
        }
    ]
    rehearse(promtool, tmp_path, [DELETE_FAILED], [group("rollout", before | after | other, number)])


def test_other_labels_can_be_taken_over(promtool: Path, tmp_path: Path) -> None:
    document = render(DOCUMENT, team_labels=["label_team", "label_cost"])
    world = job("DeleteFailed")
    labels = next(series for series in world if series.name == "sagemaker_tuning_job_labels")
    del world[labels]
    world[labels._replace(labels=(*labels.labels, ("label_cost", "4711")))] = 1
    expected = firing(10, f'{{tuning_job="{NAME}",label_team="{TEAM}",label_cost="4711"}}')
    scraped = scrape(merged(EXPORTER, world), 10)
    rehearse(promtool, tmp_path, list(alerts(document)), [group("labels", scraped, expected)], document=document)
