"""A label or a tag `alerts` turns alerts about one tuning job off, all or some, and those about others go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from render_rules import alerts, load
from rules import cases_exporter, cases_jobs, cases_spend
from rules.rehearsal import rehearse
from rules.story import fire, group, timeline
from rules.world import Scraped, job, lost_scrapes, merged, of_pod, only, scrape

if TYPE_CHECKING:
    from pathlib import Path

    from rules.story import Story

ALERTS = {rule["alert"]: rule for rule in alerts(load())}
LABELS = "sagemaker_tuning_job_labels"
STORIES = {
    story.alert: story
    for story in (*cases_jobs.STORIES, *cases_spend.STORIES, *cases_exporter.STORIES)
    if any(series.name == LABELS for series in story.world)
}
"""One story of each alert that counts tuning jobs."""


def muted(scraped: Scraped, key: str, says: str) -> Scraped:
    """Return the samples with a label more on every tuning job's labels."""
    return {
        series._replace(labels=(*series.labels, (key, says))) if series.name == LABELS else series: values
        for series, values in scraped.items()
    }


def silence(story: Story) -> list[dict[str, object]]:
    """Return the expectation that no alert of a story's is ever there."""
    expr = f'count(count_over_time(ALERTS{{alertname="{story.alert}"}}[{story.minutes + 5}m])) or vector(0)'
    return [{"expr": expr, "eval_time": f"{story.minutes}m", "exp_samples": [{"labels": "{}", "value": 0}]}]


def test_every_alert_that_carries_a_team_can_be_muted() -> None:
    carried = {name for name, rule in ALERTS.items() if "label_team" in rule["expr"]}
    assert carried == {name for name, rule in ALERTS.items() if "labels:muted{" in rule["expr"]}
    assert {name for name in ALERTS if name.startswith("SageMakerTuningJob")} <= carried <= STORIES.keys()


@pytest.mark.parametrize("alert", STORIES)
def test_a_tuning_job_is_muted_by_label_or_tag(newest_promtool: Path, tmp_path: Path, alert: str) -> None:
    story = STORIES[alert]
    short = alert.removeprefix("SageMakerTuningJob").removeprefix("SageMakerTuningExporter")
    plain = scrape(story.world, story.minutes)
    silent = [
        ("label_alerts", "off"),
        ("tag_alerts", "off"),
        ("label_alerts", f"off: Other {short}"),
        ("label_alerts", f"off:{short},Other"),
        ("tag_alerts", f"off: {alert} SageMakerTuningJobOther"),
    ]
    told = [
        ("label_alerts", f"off: Not{short} {short}Not"),
        ("label_alerts", short),
        ("label_alerts", "on"),
        ("tag_alerts", f"not off: {short}"),
        ("label_other", "off"),
    ]
    tests = [group(f"{key}={says}", muted(plain, key, says), silence(story)) for key, says in silent]
    tests += [group(f"{key}={says}", muted(plain, key, says), timeline(story)) for key, says in told]
    rehearse(newest_promtool, tmp_path, [ALERTS[alert]], tests)


def test_others_are_told_meanwhile_and_lost_scrapes_change_nothing(promtools: Path, tmp_path: Path) -> None:
    failed = "SageMakerTuningJobFailed"

    def told(key: str, says: str) -> Scraped:
        return lost_scrapes(muted(scrape(job("Failed", name="mine"), 60), key, says))

    others = scrape(merged(*(job("Failed", name=name) for name in ("theirs", "mine-2"))), 60)
    tests = [
        group(f"{key}={says}", others | told(key, says), [fire(failed, minute, count) for minute in (20, 40, 60)])
        for key, says, count in (("label_alerts", "off", 2), ("tag_alerts", "off: Failed", 2), ("tag_alerts", "", 3))
    ]
    rehearse(promtools, tmp_path, [ALERTS[failed]], tests)


@pytest.mark.parametrize("away", [2, 12, 48])
def test_what_was_muted_by_a_tag_stays_so_until_its_tags_are_read_again(
    promtools: Path, tmp_path: Path, away: int
) -> None:
    """However long the exporter was away; when it is known to be muted no more, that is told."""
    plain = scrape(job("Failed", end_timestamp_seconds=0), 480)
    back = 12 + away
    known = only(muted(plain, "tag_alerts", "off"), 0, 11)
    unknown = only(plain, back, back)
    failed = "SageMakerTuningJobFailed"
    again = known | of_pod(unknown, "new") | of_pod(only(muted(plain, "tag_alerts", "off"), back + 1, 96), "new")
    never = known | of_pod(only(plain, back, 96), "new")
    silent = [fire(failed, minute, 0) for minute in range(0, 481, 5)]
    told = [*silent[: back + 1], fire(failed, 5 * back + 15, 1), fire(failed, 480, 1)]
    tests = [group("read again", again, silent), group("removed meanwhile", never, told)]
    rehearse(promtools, tmp_path, [ALERTS[failed]], tests)


def test_what_is_muted_still_counts_where_nobody_is_told(promtool: Path, tmp_path: Path) -> None:
    ended = muted(scrape(job("Completed"), 60), "label_alerts", "off")
    expected = {
        "expr": "count(tuning_job:sagemaker_tuning_job_status:outcome)",
        "eval_time": "60m",
        "exp_samples": [{"labels": "{}", "value": 1}],
    }
    rules = [rule for each in load()["groups"] for rule in each["rules"] if rule.get("record", "").endswith(":outcome")]
    rehearse(promtool, tmp_path, rules, [group("muted", ended, [expected])])
