"""Every case of values is sound: for both Helms, for Kubernetes, and for the operator whose resources it uses."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
import yaml
from chart.rendering import (
    CASES,
    FULLNAME,
    HELMS,
    NAMESPACE,
    VALUES,
    find,
    helm,
    manifests,
    pod,
    template,
    text,
    workload,
)
from helm_chart.values import CHART
from support.tools import require

pytestmark = pytest.mark.xdist_group("helm")  # one worker renders it all

# The oldest that the chart says it needs, and the newest.
OLDEST = (
    yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))["kubeVersion"]
    .removeprefix(">=")
    .removesuffix("-0")
)
NEWEST = "1.37.0"
LABELS = {
    "helm.sh/chart",
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/version",
    "app.kubernetes.io/managed-by",
}

# Prints whether each is what the operator's types know: they drop the keys that they do not.
READ_BACK = """
import json, sys
from cloudcoil.models.prometheus_operator import v1
for given in json.load(sys.stdin):
    read = getattr(v1, given["kind"]).model_validate(given)
    print(read.model_dump(mode="json", by_alias=True, exclude_unset=True) == given)
"""
# Where somebody may have written a key that there is not.
PLACES = {
    "ServiceMonitor": (["spec"], ["spec", "endpoints", 0], ["spec", "endpoints", 0, "tlsConfig"], ["spec", "selector"]),
    "PodMonitor": (["spec"], ["spec", "podMetricsEndpoints", 0], ["spec", "namespaceSelector"]),
    "PrometheusRule": ([], ["spec"], ["spec", "groups", 0], ["spec", "groups", 0, "rules", 0]),
}


@pytest.mark.parametrize("program", HELMS)
@pytest.mark.parametrize("case", CASES)
def test_lints(case: str, program: str) -> None:
    done = helm(program, "lint", "--strict", CHART, "--values", VALUES / f"{case}.yaml")
    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout


@pytest.mark.parametrize("case", CASES)
def test_both_helms_render_the_same(case: str) -> None:
    first, second = ({identity(each): each for each in manifests(case, program)} for program in HELMS)
    assert first == second


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_is_what_kubernetes_takes(version: str, tmp_path: Any) -> None:
    for case in CASES:
        (tmp_path / f"{case}.yaml").write_text(text(case), encoding="utf-8")
    validate = str(require("kubernetes-validate"))
    done = subprocess.run(
        [validate, "--strict", "--kubernetes-version", version, *tmp_path.glob("*.yaml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = done.stdout.count(" passed for resource ") + done.stderr.count(" passed for resource ")
    assert passed == sum(
        "." not in each["apiVersion"].split("/")[0] or "k8s.io" in each["apiVersion"] for each in all_()
    )


def test_is_what_the_prometheus_operator_takes() -> None:
    theirs = [each for each in all_() if each["apiVersion"] == "monitoring.coreos.com/v1"]
    assert {each["kind"] for each in theirs} == set(PLACES)
    # Would it see a key that there is not?
    wrong = [misspelt(each, place) for each in theirs for place in PLACES[each["kind"]]]
    python = require("kubernetes-validate").with_name("python")
    done = subprocess.run(
        [python, "-c", READ_BACK], input=json.dumps([*theirs, *wrong]), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True"] * len(theirs) + ["False"] * len(wrong)


def misspelt(manifest: dict[str, Any], place: list[Any]) -> dict[str, Any]:
    """Return a manifest with one key too many."""
    made = json.loads(json.dumps(manifest))
    inside = made
    for key in place:
        inside = inside.setdefault(key, {}) if isinstance(inside, dict) else inside[key]
    inside["namespce"] = "x"
    return made


@pytest.mark.parametrize("case", CASES)
def test_objects_are_labelled_and_told_apart(case: str) -> None:
    own = [each for each in manifests(case) if not each["metadata"]["name"].startswith("tuning-extra")]
    own = [each for each in own if each["kind"] != "Secret"]
    for each in own:
        metadata = each["metadata"]
        assert metadata["labels"].keys() >= LABELS, identity(each)
        assert metadata["namespace"] in {NAMESPACE, "monitoring", "ml"}
        assert len(metadata["name"]) <= 63
        assert all(len(value) <= 63 for value in metadata["labels"].values())
    assert len({identity(each) for each in own}) == len(own)
    # Kubernetes makes a label of a StatefulSet's name and a hash of ten characters.
    assert len(workload(case)["metadata"]["name"]) <= 52


def test_names_follow_the_release() -> None:
    assert workload("minimal")["metadata"]["name"] == FULLNAME
    assert workload("everything")["metadata"]["name"] == "tuning"  # the release's name has the chart's in it
    assert {each["metadata"]["namespace"] for each in manifests("existing")} == {"ml"}


@pytest.mark.parametrize("case", CASES)
def test_the_service_selects_the_pods_and_nothing_else(case: str) -> None:
    [service] = find(case, "Service")
    selector = service["spec"]["selector"].items()
    assert selector <= workload(case)["spec"]["template"]["metadata"]["labels"].items()
    assert selector == workload(case)["spec"]["selector"]["matchLabels"].items()
    for other in find(case, "Pod"):
        assert not selector <= other["metadata"]["labels"].items()


@pytest.mark.parametrize("case", CASES)
def test_pods_are_as_restricted_as_can_be(case: str) -> None:
    """Pod Security's restricted level, and more."""
    for spec in [pod(case), *(each["spec"] for each in find(case, "Pod"))]:
        secured = spec["securityContext"]
        assert secured["runAsNonRoot"] is True
        if case != "layered":  # OpenShift chooses them
            assert secured["runAsUser"] == secured["runAsGroup"] == secured["fsGroup"] == 65532
        assert secured["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False  # their variables would begin like the exporter's own
        [own] = [each for each in spec["containers"] if each["name"] in {"exporter", "scrape"}]
        assert own["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in own["resources"]["limits"]


# Helm 4 has the server merge lists by these keys, and the server then refuses two of one.
KEYS = {"env": "name", "volumes": "name", "volumeMounts": "mountPath", "containers": "name", "initContainers": "name"}
KEYS["imagePullSecrets"] = "name"


@pytest.mark.parametrize("case", CASES)
def test_no_list_has_two_of_a_key(case: str) -> None:
    def look(value: Any) -> None:
        for name, inside in value.items() if isinstance(value, dict) else ():
            if name in KEYS and isinstance(inside, list):
                keys = [each.get(KEYS[name]) for each in inside]
                assert len(keys) == len(set(keys)), (name, keys)
            for each in inside if isinstance(inside, list) else [inside]:
                look(each)

    for each in manifests(case):
        look(each)


CONTRADICTIONS = {
    "config: {interval: 60s}": "nothing to watch",
    "{config: {tuning_jobs: []}, existingConfigMap: {name: x}}": "remove one of them",
    "{demo: {enabled: true}, shards: 2}": "the demo is a single pod",
    "{config: {discover: [{}]}, shards: 2, replicas: 2}": "set replicas to 1",
    "{demo: {enabled: true}, serviceAccount: {create: false}, aws: {roleArn: 'arn:aws:iam::123456789012:role/x'}}": (
        "annotate your own"
    ),
    "{demo: {enabled: true}, serviceMonitor: {enabled: true}, podMonitor: {enabled: true}}": "scraped twice",
}


@pytest.mark.parametrize("given", CONTRADICTIONS)
def test_values_that_contradict_each_other_are_refused(given: str, tmp_path: Any) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(given, encoding="utf-8")
    done = template(HELMS[0], "--values", file)
    assert done.returncode != 0
    assert CONTRADICTIONS[given] in done.stderr


def test_another_chart_can_depend_on_it(tmp_path: Any) -> None:
    """Helm passes a dependency its condition and the globals, which the schema must let through."""
    parent = tmp_path / "parent"
    (parent / "charts").mkdir(parents=True)
    (parent / "charts" / CHART.name).symlink_to(CHART)
    dependency = {"name": CHART.name, "version": "*", "condition": f"{CHART.name}.enabled"}
    made = {"apiVersion": "v2", "name": "parent", "version": "1.0.0", "dependencies": [dependency]}
    (parent / "Chart.yaml").write_text(yaml.safe_dump(made), encoding="utf-8")
    given = {"global": {"region": "x"}, CHART.name: {"enabled": True, "demo": {"enabled": True}}}
    (parent / "values.yaml").write_text(yaml.safe_dump(given), encoding="utf-8")
    done = template(HELMS[1], chart=parent)
    assert done.returncode == 0, done.stderr
    assert "kind: Deployment" in done.stdout


def all_() -> list[dict[str, Any]]:
    return [each for case in CASES for each in manifests(case)]


def identity(manifest: dict[str, Any]) -> tuple[str, str, str]:
    metadata = manifest["metadata"]
    return manifest["kind"], metadata["namespace"], metadata["name"]
