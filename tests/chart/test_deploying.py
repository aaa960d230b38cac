"""The chart's values in the pages about deploying and alerts, and in its README, can be used as they stand."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from chart.rendering import HELMS, template
from helm_chart.values import CHART
from support.tools import ROOT

from exporter.config import parse

pytestmark = pytest.mark.xdist_group("helm")

FILES = (ROOT / "docs" / "deploying.md", ROOT / "docs" / "alerts.md", CHART / "README.md")
PAGES = {path.name: path.read_text(encoding="utf-8") for path in FILES}


def fenced(language: str) -> list[str]:
    return [
        block
        for page in PAGES.values()
        for block in re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    ]


# What is for others: the exporter, Kubernetes, Prometheus, the chart of Alertmanager.
OTHERS = ("discover:", "tuning_jobs:", "apiVersion:", "scrape_configs:", "alertmanager:", "route:", "rule_files:")
VALUES = [text for text in fenced("yaml") if not text.startswith(OTHERS)]


@pytest.mark.parametrize("given", VALUES, ids=range(len(VALUES)))
def test_values_are_accepted(given: str, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(given, encoding="utf-8")
    watches = "config" in yaml.safe_load(given)
    (tmp_path / "config.yaml").write_text("" if watches else "demo: {enabled: true}", encoding="utf-8")
    done = template(HELMS[0], "--values", tmp_path / "values.yaml", "--values", tmp_path / "config.yaml")
    assert done.returncode == 0, done.stderr
    for each in yaml.safe_load_all(done.stdout):
        if each and each["kind"] == "ConfigMap" and "config.yaml" in each["data"]:
            parse(each["data"]["config.yaml"], "rendered", "eu-west-1")


def test_there_are_values() -> None:
    assert len(VALUES) >= 11


def test_the_certificate_and_the_scrape_are_of_the_service_that_the_chart_makes(promtool: Path, tmp_path: Path) -> None:
    done = template(
        HELMS[0], "--set", "demo.enabled=true", "--namespace", "monitoring", "--show-only", "templates/service.yaml"
    )
    service = yaml.safe_load(done.stdout)
    name = f"{service['metadata']['name']}.monitoring.svc"
    [text] = [each for each in fenced("yaml") if each.startswith("apiVersion:")]
    certificate = yaml.safe_load(text)
    assert certificate["spec"]["dnsNames"] == [name]
    assert f"secretName: {certificate['spec']['secretName']}\n" in PAGES["deploying.md"].partition(text)[2]
    [text] = [each for each in fenced("yaml") if each.startswith("scrape_configs:")]
    [scrape] = yaml.safe_load(text)["scrape_configs"]
    assert scrape["tls_config"]["server_name"] == name
    assert scrape["static_configs"] == [{"targets": [f"{name}:{service['spec']['ports'][0]['port']}"]}]
    (tmp_path / "prometheus.yml").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [promtool, "check", "config", "--syntax-only", tmp_path / "prometheus.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
