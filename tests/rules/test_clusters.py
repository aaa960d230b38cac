"""Exporters of several clusters in one Prometheus: each is judged by itself, by labels that every rule keeps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from render_rules import alerts, load, render
from rules import cases_exporter, cases_jobs, cases_spend
from rules.rehearsal import rehearse
from rules.story import group
from rules.world import Scraped, merged, own, scrape

if TYPE_CHECKING:
    from pathlib import Path

    from rules.story import Story

DOCUMENT = render(load(), aggregation_labels=["cluster", "env"])
ALERTS = {rule["alert"]: rule for rule in alerts(DOCUMENT)}
STORIES = {story.alert: story for story in (*cases_jobs.STORIES, *cases_spend.STORIES, *cases_exporter.STORIES)}
QUIET = {each.alert: each for each in (*cases_jobs.QUIET, *cases_spend.QUIET, *cases_exporter.QUIET)}


def of_cluster(scraped: Scraped, cluster: str) -> Scraped:
    """Return the samples as a cluster's exporter wrote them to the central Prometheus."""
    labels = (("cluster", cluster), ("env", "prod"))
    return {series._replace(labels=(*series.labels, *labels)): values for series, values in scraped.items()}


def firing(minute: int, alert: str, clusters: dict[str, int]) -> dict[str, object]:
    """Return the expectation of how many alerts fire in each cluster at a minute."""
    samples = [{"labels": f'{{cluster="{name}",env="prod"}}', "value": number} for name, number in clusters.items()]
    expr = f'count by (cluster, env) (ALERTS{{alertname="{alert}",alertstate="firing"}})'
    return {"expr": expr, "eval_time": f"{minute}m", "exp_samples": samples}


def test_every_sum_and_join_keeps_the_labels() -> None:
    for rule in (rule for each in DOCUMENT["groups"] for rule in each["rules"]):
        sets = re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", rule["expr"])
        assert all(each.startswith("cluster, env") for each in sets), rule


@pytest.mark.parametrize("alert", STORIES)
def test_a_trouble_of_one_cluster_is_told_of_that_one(newest_promtool: Path, tmp_path: Path, alert: str) -> None:
    """Though another cluster has the same names: account, tuning job, target, scrape job and instance."""
    story = STORIES[alert]
    before, at = story.fires - 10, story.fires
    there = of_cluster(scrape(story.world, at), "b")
    here = of_cluster(scrape(QUIET[alert].world, min(at, QUIET[alert].minutes)), "a")
    expected = [firing(minute, alert, clusters) for minute, clusters in ((before, {}), (at, {"b": story.firing[at]}))]
    told = {
        "exp_labels": {**story.labels, "cluster": "b", "env": "prod"},
        "exp_annotations": texts(story),
    }
    asked = [{"eval_time": f"{at}m", "alertname": alert, "exp_alerts": [told]}] if story.firing[at] == 1 else []
    tests = [group("b alone", there, expected, alert_rule_test=asked)]
    if QUIET[alert].minutes >= at:
        tests.append(group("beside a quiet one", here | there, expected, alert_rule_test=asked))
    rehearse(newest_promtool, tmp_path, [ALERTS[alert]], tests, document=DOCUMENT)


def texts(story: Story) -> dict[str, str]:
    link = {name: text for name, text in ALERTS[story.alert]["annotations"].items() if name.endswith("_url")}
    console = {
        "console_url": "https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/hyper-tuning-jobs/churn-xgboost"
    }
    return {
        **link,
        **({name: console[name] for name in link if name in console}),
        "summary": f"{story.summary}, cluster b, env prod",
        "description": story.description,
    }


EXPORTER = {"job": "sagemaker", "instance": "10.0.0.1:10980"}
DOWN = "SageMakerTuningExporterDown"


def test_an_exporter_that_vanishes_is_told_though_another_cluster_has_one(
    newest_promtool: Path, tmp_path: Path
) -> None:
    """With its agent, or alone: nothing is left of it, not even `up`. It is told for a day, and then it is nobody's."""
    there = merged(own("up", 1, **EXPORTER), own("build_info", 1, **EXPORTER))
    gone = merged(own("up", {0: 1, 60: None}, **EXPORTER), own("build_info", {0: 1, 60: None}, **EXPORTER))
    scraped = of_cluster(scrape(there, 1600), "a") | of_cluster(scrape(gone, 1600), "b")
    expected = [
        firing(minute, DOWN, {"b": 1} if fires else {})
        for minute, fires in ((60, False), (90, True), (1400, True), (1550, False))
    ]
    rehearse(newest_promtool, tmp_path, [ALERTS[DOWN]], [group("gone", scraped, expected)], document=DOCUMENT)


def test_two_clusters_may_share_job_and_instance(newest_promtool: Path, tmp_path: Path) -> None:
    well = merged(own("up", 1, **EXPORTER), own("build_info", 1, **EXPORTER))
    down = merged(own("up", {0: 1, 60: 0}, **EXPORTER), own("build_info", {0: 1, 60: None}, **EXPORTER))
    scraped = of_cluster(scrape(well, 120), "a") | of_cluster(scrape(down, 120), "b")
    expected = [firing(minute, DOWN, clusters) for minute, clusters in ((60, {}), (100, {"b": 1}), (120, {"b": 1}))]
    rehearse(newest_promtool, tmp_path, [ALERTS[DOWN]], [group("shared", scraped, expected)], document=DOCUMENT)
