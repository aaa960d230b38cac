"""How Prometheus comes to the exporter, and its rules to Prometheus."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import render_rules
import yaml
from chart.rendering import HELMS, find, rendered, template, the, workload
from helm_chart.values import CHART
from render_rules import Override

pytestmark = pytest.mark.xdist_group("helm")

SHIPPED = render_rules.load()


def test_a_service_monitor_finds_the_service_from_elsewhere() -> None:
    monitor, service = the("everything", "ServiceMonitor"), the("everything", "Service")
    assert monitor["metadata"]["namespace"] == "monitoring"
    assert monitor["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": [service["metadata"]["namespace"]]}
    assert monitor["spec"]["endpoints"] == [
        {
            "port": service["spec"]["ports"][0]["name"],
            "path": "/metrics",
            "interval": "30s",
            "scrapeTimeout": "10s",
            "honorLabels": True,
            "scheme": "https",
            "tlsConfig": {"insecureSkipVerify": True},
            "relabelings": [{"action": "labeldrop", "regex": "pod"}],
            "metricRelabelings": [{"action": "drop", "sourceLabels": ["__name__"], "regex": "process_.*"}],
        }
    ]
    assert monitor["spec"]["sampleLimit"] == 100000


def test_a_pod_monitor_finds_the_pods() -> None:
    monitor = the("sharded", "PodMonitor")
    labels = workload("sharded")["spec"]["template"]["metadata"]["labels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
    [endpoint] = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint == {"port": "http", "path": "/metrics", "interval": "30s"}
    assert monitor["spec"]["podTargetLabels"] == ["team"]


def test_free_fields_are_merged() -> None:
    monitor, selector = the("free", "ServiceMonitor")["spec"], the("free", "Service")["spec"]["selector"]
    assert monitor["selector"] == {"matchLabels": {**selector, "more": "one"}}
    assert monitor["sampleLimit"] == 5
    assert monitor["namespaceSelector"] == {"matchNames": ["watch"]}


def test_nothing_of_the_operators_is_made_unless_asked_for() -> None:
    for kind in ("ServiceMonitor", "PodMonitor", "PrometheusRule"):
        assert not find("minimal", kind)


def test_the_rules_are_the_shipped_ones() -> None:
    rule = the("everything", "PrometheusRule")
    assert rule["spec"] == SHIPPED
    assert len(SHIPPED["groups"]) >= 3
    assert rule["metadata"]["labels"]["release"] == "kube-prometheus-stack"


def test_the_rules_can_be_adapted() -> None:
    groups = render_rules.render(
        SHIPPED,
        values={
            ("SageMakerTuningJobStuck", "age"): "1000000",
            ("SageMakerTuningJobStuck", "window"): "2h",
            ("SageMakerTuningJobTrainingJobsFailing", "failedRatio"): "0.25",
        },
        overrides=[
            Override("SageMakerTuningJobStuck", {"label_squad": "search"}, {"age": "7200"}),
            Override(
                "SageMakerTuningJobStuck",
                {"tag_cost_center": '47"11', "label_squad": "Ü"},
                {"still": "60", "window": "1d"},
            ),
        ],
        runbook_url="https://wiki.example.internal/tuning",
        team_labels=("label_squad", "tag_cost_center"),
    )["groups"]
    for group in groups:
        group["rules"] = [each for each in group["rules"] if each.get("alert") != "SageMakerTuningJobFailed"]
        for each in group["rules"]:
            if "alert" in each:
                each["labels"] = {**each["labels"], "environment": "prod"}
            if each.get("alert") == "SageMakerTuningJobStuck":
                each |= {"for": "7m", "keep_firing_for": "1h"}
                each["labels"]["severity"] = "page"
    groups.append({"name": "mine", "rules": [{"alert": "Mine", "expr": "vector(1)"}]})
    assert the("rules", "PrometheusRule")["spec"]["groups"] == groups


@pytest.mark.parametrize("program", HELMS)
def test_rules_and_dashboards_can_be_installed_alone(program: str) -> None:
    """For the cluster of a central ruler, with the labels that tell the exporters of others apart."""
    given = (
        "{workload: None, shards: 3, config: {tuning_jobs: [a]}, ingress: {enabled: true, hosts: [a.example.com]},"
        " podMonitor: {enabled: true}, networkPolicy: {enabled: true}, podDisruptionBudget: {enabled: true},"
        " scrape: {basicAuth: {secretName: scrape}},"
        " web: {config: {basic_auth_users: {a: $2b$10$abcdefghijklmnopqrstuuRnBtBJRkFQzEYTAOJ5Oq5pBl1zDqfvS}}},"
        " dashboards: {enabled: true}, prometheusRule: {enabled: true, aggregationLabels: [cluster, env]}}"
    )
    made = rendered(given, program)
    assert sorted({each["kind"] for each in made}) == ["ConfigMap", "PrometheusRule"]
    [rule] = [each for each in made if each["kind"] == "PrometheusRule"]
    assert rule["spec"] == render_rules.render(SHIPPED, aggregation_labels=("cluster", "env"))


WITHOUT_TEAMS = {
    "demo": {"enabled": True},
    "prometheusRule": {
        "enabled": True,
        "teamLabels": [],
        "alerts": {
            each["alert"]: {"enabled": False} for each in render_rules.alerts({"groups": SHIPPED["groups"][:1]})
        },
    },
}


@pytest.fixture(scope="module")
def without_teams(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The rules of somebody who routes by nothing and wants no alert of the first group."""
    file = tmp_path_factory.mktemp("rules") / "values.yaml"
    file.write_text(yaml.safe_dump(WITHOUT_TEAMS), encoding="utf-8")
    done = template(HELMS[1], "--values", file, "--show-only", "templates/prometheusrule.yaml")
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)["spec"]


def test_records_stay_though_no_alert_of_their_group_is_wanted(without_teams: dict[str, Any]) -> None:
    first, *rest = render_rules.render(SHIPPED, team_labels=())["groups"]
    records = [each for each in first["rules"] if "record" in each]
    assert without_teams == {"groups": [{**first, "rules": records}, *rest]}


def test_promtool_takes_them_all(without_teams: dict[str, Any], promtool: Path, tmp_path: Path) -> None:
    for name, spec in {
        "shipped": the("demo", "PrometheusRule")["spec"],
        "adapted": the("rules", "PrometheusRule")["spec"],
        "without-teams": without_teams,
    }.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    done = subprocess.run(
        [promtool, "check", "rules", *tmp_path.glob("*.yaml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("SUCCESS") == 3


def test_every_rule_file_is_in_the_chart() -> None:
    assert {path.suffix for path in (CHART / "rules").iterdir()} == {".yaml"}
