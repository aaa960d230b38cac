"""Values as people write them: with keys that are empty, with anchors of YAML, with the globals of another chart."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from chart.rendering import HELMS, one, refusal, rendered
from helm_chart.values import CHART, OPAQUE, read

pytestmark = pytest.mark.xdist_group("helm")

VALUES = read()
# What has to be there for anything to be rendered at all, and for all of it.
ENABLED = {
    "demo": {"enabled": True},
    "ingress": {"enabled": True},
    "networkPolicy": {"enabled": True},
    "podDisruptionBudget": {"enabled": True},
    "podMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "dashboards": {"enabled": True, "operator": {"enabled": True}},
}


def set_all(leaves: dict[str, Any]) -> str:
    """Return values, as YAML, with some leaves over what is enabled."""
    made: dict[str, Any] = yaml.safe_load(yaml.safe_dump(ENABLED))
    for path, value in leaves.items():
        *sections, name = path.split(".")
        inside = made
        for section in sections:
            inside = inside.setdefault(section, {})
        inside[name] = value
    return yaml.safe_dump(made)


EMPTY = [value for value in VALUES if isinstance(value.default, list | dict) or value.default == ""]


@pytest.mark.parametrize("program", HELMS)
def test_lists_maps_and_texts_with_nothing_behind_their_key_are_empty(program: str) -> None:
    assert len(EMPTY) > 60
    # A map with defaults cannot be emptied key by key in the values: Helm merges.
    maps = {value.path for value in EMPTY if value.path in OPAQUE}
    nothing = set_all(dict.fromkeys([value.path for value in EMPTY if value.path not in maps]))
    empty = {value.path: type(value.default)() for value in EMPTY if value.path not in maps}
    assert rendered(nothing, program) == rendered(set_all(empty), program)
    spec = one(set_all(dict.fromkeys(maps)), "Deployment", program)["spec"]
    assert "strategy" not in spec
    [own] = spec["template"]["spec"]["containers"]
    assert own.keys().isdisjoint({"livenessProbe", "readinessProbe", "startupProbe", "resources", "securityContext"})


@pytest.mark.parametrize("program", HELMS)
def test_sections_with_nothing_behind_their_key_have_their_defaults(program: str) -> None:
    whole = {value.path.partition(".")[0] for value in VALUES if "." in value.path} - {"demo"}
    assert rendered(yaml.safe_dump({"demo": {"enabled": True}} | dict.fromkeys(whole)), program) == rendered(
        "demo: {enabled: true}", program
    )
    inner = set_all({"dashboards.operator": None, "networkPolicy.egress": None, "web.tls": None, "scrape.tls": None})
    assert rendered(inner, program) == rendered(set_all({"dashboards.operator": {"enabled": False}}), program)


@pytest.mark.parametrize("program", HELMS)
def test_a_number_or_word_with_nothing_behind_its_key_is_refused_by_name(program: str) -> None:
    for path, default in (("web.port", "10980"), ("ingress.enabled", "false"), ("image.pullPolicy", "IfNotPresent")):
        told = refusal(set_all({path: None}), program)
        assert f"{path} is empty: write a value, or leave the key out for {default}" in told


@pytest.mark.parametrize("program", HELMS)
def test_the_configuration_may_have_empty_lists_and_maps_too(program: str) -> None:
    given = """
        config: {discover: [{labels: null, statuses: null}], tag_labels: null, aws: null, spend: {prices: null}}
        web: {config: {tls_server_config: null, rate_limit: {burst: 5}}}
        prometheusRule:
          enabled: true
          alerts:
            SageMakerTuningJobStuck: null
            SageMakerTuningJobFailed: {thresholds: null, overrides: [{labels: {label_team: a}, thresholds: null}]}
    """
    assert yaml.safe_load(one(given, "ConfigMap", program)["data"]["config.yaml"]) == {"discover": [{}], "spend": {}}
    assert yaml.safe_load(one(given, "Secret", program)["stringData"]["web-config.yaml"]) == {
        "rate_limit": {"burst": 5}
    }
    assert "at '/config/discover/0/name': got null, want string" in refusal(
        "config: {discover: [{name: null}]}", program
    )
    assert "at '/config/discover/0': got null, want object" in refusal("config: {discover: [null]}", program)


def test_anchors_may_stand_under_a_key_of_their_own() -> None:
    own = one("{x-labels: &team {team: ml}, demo: {enabled: true}, podLabels: *team}", "Deployment")
    assert own["spec"]["template"]["metadata"]["labels"]["team"] == "ml"
    assert "additional properties 'y-labels' not allowed" in refusal("{y-labels: {}, demo: {enabled: true}}")


def test_every_template_begins_with_the_filled_values() -> None:
    for path in (CHART / "templates").rglob("*"):
        if path.suffix in {".yaml", ".txt"}:
            first = path.read_text(encoding="utf-8").partition("\n")[0]
            assert first == '{{- include "sagemaker-tuning-exporter.values" . -}}', path.name
