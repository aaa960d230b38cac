"""A trouble in SageMaker arrives at the team that it concerns, once, and goes when it is over."""

from __future__ import annotations

import pytest
from alerts.cases import ACCESS_DENIED, ALERTS, BLIND, JOB_FAILED, JOB_STUCK, PLATFORM
from support.tools import ROOT

pytestmark = [pytest.mark.xdist_group("alerts"), pytest.mark.timeout(3600)]

RUNBOOKS = "docs/runbooks.md"


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_arrives_with_its_labels_and_what_to_do(side, alert):
    team = {} if alert.receiver == PLATFORM else {"label_team": alert.receiver}
    lines = (ROOT / RUNBOOKS).read_text().splitlines()
    anchors = {line.removeprefix("## ").lower() for line in lines if line.startswith("## ")}
    for got in side.told(alert):
        assert got.receiver == alert.receiver
        target = {name: value for name, value in got.labels.items() if name == "target"}
        assert got.labels == {"alertname": alert.name, **team, **target, **alert.labels}
        assert got.annotations["summary"] == alert.summary.format(**target)
        page, _, anchor = got.annotations["runbook_url"].partition("#")
        assert page.endswith(f"/{RUNBOOKS}")
        assert anchor == alert.name.lower()
        assert anchor in anchors


@pytest.mark.parametrize("alert", ALERTS, ids=str)
def test_fires_and_is_resolved(side, alert):
    told = side.told(alert)
    assert [told[0].status, told[-1].status] == ["firing", "resolved"]
    assert len({got.starts_at for got in told}) == 1


@pytest.mark.parametrize("alert", [JOB_FAILED, JOB_STUCK, ACCESS_DENIED], ids=str)
def test_each_is_told_once(side, alert):
    """Groups with several alerts repeat themselves when one of them comes or goes; these stand alone."""
    assert [got.status for got in side.told(alert)] == ["firing", "resolved"]


@pytest.mark.parametrize("alert", [JOB_FAILED, JOB_STUCK], ids=str)
def test_neither_a_new_pod_nor_an_outage_is_a_resolution(side, alert):
    before = [got.status for got in side.before_repair if got.labels == side.told(alert)[0].labels]
    assert before == ["firing"]


def test_nobody_hears_of_anything_else(side):
    heard = {(got.receiver, got.alert, got.labels.get("tuning_job")) for got in side.inbox.notifications}
    assert heard == {(alert.receiver, alert.name, alert.labels.get("tuning_job")) for alert in ALERTS}


def test_who_sees_nothing_is_told_why(side):
    for got in side.told(BLIND):
        if got.status == "firing":
            assert "ListHyperParameterTuningJobs fails with access_denied." in got.annotations["description"]


def test_links_to_the_console(side):
    (fired, _) = side.told(JOB_STUCK)
    assert fired.annotations["console_url"] == (
        "https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/hyper-tuning-jobs/fraud-network-251124"
    )


def test_every_rule_is_evaluated_without_an_error(side):
    assert {rule["name"]: rule["health"] for rule in side.rules if rule["health"] != "ok"} == {}
    assert len(side.rules) >= len(ALERTS)
