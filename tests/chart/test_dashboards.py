"""How the dashboards come to Grafana."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from chart.rendering import HELMS, find, rendered, the
from helm_chart.values import CHART

pytestmark = pytest.mark.xdist_group("helm")

SHIPPED = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (CHART / "dashboards").glob("*.json")}
MIB = 1 << 20


def dashboards(case: str) -> list[dict[str, Any]]:
    return [each for each in find(case, "ConfigMap") if any(key.endswith(".json") for key in each.get("data", {}))]


@pytest.mark.parametrize("case", ["demo", "everything"])
def test_each_is_a_config_map_that_the_sidecar_finds(case: str) -> None:
    made = dashboards(case)
    assert {key: json.loads(text) for each in made for key, text in each["data"].items()} == SHIPPED
    assert SHIPPED
    for each in made:
        assert len(each["data"]) == 1
        assert each["metadata"]["labels"]["grafana_dashboard"] == "1"
        # What etcd takes, with the object's other fields.
        assert len(json.dumps(each)) < MIB


@pytest.mark.parametrize("program", HELMS)
@pytest.mark.parametrize(
    ("labels", "team"),
    [("[tag_team]", "tag_team"), ("[label_squad, tag_cost_center]", "label_squad"), ("[]", "label_team")],
)
def test_the_team_is_the_first_label_that_alerts_carry(labels: str, team: str, program: str) -> None:
    given = f"{{demo: {{enabled: true}}, dashboards: {{enabled: true}}, prometheusRule: {{teamLabels: {labels}}}}}"
    maps = [each["data"] for each in rendered(given, program) if each["kind"] == "ConfigMap"]
    made = {key: json.loads(text) for data in maps for key, text in data.items() if key.endswith(".json")}
    shipped = json.dumps(SHIPPED)
    assert shipped.count("label_team") > 20
    assert made == json.loads(shipped.replace("label_team", team))


@pytest.mark.parametrize("program", HELMS)
def test_aggregation_labels_are_chosen_by_and_kept(program: str) -> None:
    given = "{workload: None, dashboards: {enabled: true}, prometheusRule: {aggregationLabels: [cluster, env]}}"
    made = [json.loads(text) for each in rendered(given, program) for text in each.get("data", {}).values()]
    assert len(made) == len(SHIPPED)
    kept, chosen = "cluster, env, ", r"cluster=~\"$cluster\",env=~\"$env\","
    for board in made:
        _, cluster, env, account, *_ = variables = board["templating"]["list"]
        assert [each["name"] for each in (cluster, env, account)] == ["cluster", "env", "account"]
        assert cluster["query"]["query"] == "label_values(sagemaker_tuning_job_labels, cluster)"
        assert cluster["datasource"] == account["datasource"]
        del variables[1:3]
        text = json.dumps(board)
        assert text.count(kept) == len(re.findall(r"\b(?:by|on) \([^)]*aws_region", text)) > 100
        assert text.count(chosen) == text.count(r"aws_account_id=~\"$account\"") > 100
        # And nothing else differs from what is shipped.
        assert json.loads(text.replace(kept, "").replace(chosen, "")) in SHIPPED.values()


def test_the_folder_is_told_by_annotation() -> None:
    for each in dashboards("everything"):
        assert each["metadata"]["annotations"] == {"grafana_folder": "SageMaker", "example.com/owner": "ml"}
        assert each["metadata"]["namespace"] == "monitoring"
    for each in dashboards("demo"):
        assert "annotations" not in each["metadata"]


def test_grafanas_operator_is_pointed_at_them() -> None:
    made = {(each["metadata"]["name"], *each["data"]) for each in dashboards("everything")}
    pointed = find("everything", "GrafanaDashboard")
    assert {(each["spec"]["configMapRef"]["name"], each["spec"]["configMapRef"]["key"]) for each in pointed} == made
    for each in pointed:
        assert each["spec"]["instanceSelector"] == {"matchLabels": {"dashboards": "grafana"}}
        assert each["spec"]["allowCrossNamespaceImport"] is True
        assert each["spec"]["folder"] == "SageMaker"
    assert not find("demo", "GrafanaDashboard")


def test_none_unless_asked_for() -> None:
    assert not dashboards("minimal")
    assert the("minimal", "ConfigMap")["data"].keys() == {"config.yaml"}


def test_further_fields_of_the_operators_resource_are_merged() -> None:
    for each in find("free", "GrafanaDashboard"):
        assert each["spec"]["folder"] == "mine"
        assert each["spec"]["instanceSelector"] == {"matchLabels": {"dashboards": "grafana", "team": "ml"}}
    assert find("free", "GrafanaDashboard")
