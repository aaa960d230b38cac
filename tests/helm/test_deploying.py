"""What docs/deploying.md tells people to write can be used as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm.chart import HELMS, template
from helm.values import CHART
from support.tools import ROOT

from exporter.config import parse

pytestmark = pytest.mark.xdist_group("helm")

PAGES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "deploying.md", CHART / "README.md")}


def fenced(language: str) -> list[str]:
    return [
        block
        for page in PAGES.values()
        for block in re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    ]


VALUES = [text for text in fenced("yaml") if not text.startswith("route:")]


@pytest.mark.parametrize("given", VALUES, ids=range(len(VALUES)))
def test_values_are_accepted(given: str, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(given, encoding="utf-8")
    (tmp_path / "config.yaml").write_text("" if "config:" in given else "demo: {enabled: true}", encoding="utf-8")
    done = template(HELMS[0], "--values", tmp_path / "values.yaml", "--values", tmp_path / "config.yaml")
    assert done.returncode == 0, done.stderr
    for each in yaml.safe_load_all(done.stdout):
        if each and each["kind"] == "ConfigMap" and "config.yaml" in each["data"]:
            parse(each["data"]["config.yaml"], "rendered", "eu-west-1")


def test_there_are_values() -> None:
    assert len(VALUES) >= 5


@pytest.mark.parametrize("policy", fenced("json"))
def test_policies_are_json(policy: str) -> None:
    for statement in json.loads(policy)["Statement"]:
        assert statement["Effect"] == "Allow"
        assert statement.keys() >= {"Action"}


def test_routes_are_by_labels_that_alerts_have_and_lead_to_receivers() -> None:
    [text] = [each for each in fenced("yaml") if each.startswith("route:")]
    document: dict[str, Any] = yaml.safe_load(text)
    receivers = {each["name"] for each in document["receivers"]}
    for route in document["route"]["routes"]:
        assert route["receiver"] in receivers
        assert all(re.match(r"(alertname|label_team) =~? ", matcher) for matcher in route["matchers"])


def test_the_service_account_is_the_one_that_the_chart_makes() -> None:
    done = template(HELMS[0], "--set", "demo.enabled=true", "--show-only", "templates/serviceaccount.yaml")
    name = yaml.safe_load(done.stdout)["metadata"]["name"]
    page = PAGES["deploying.md"]
    assert f"--service-account {name} " in page
    assert f"system:serviceaccount:monitoring:{name}" in page


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#:]+)", PAGES["deploying.md"]):
        assert (ROOT / "docs" / link).exists(), link
