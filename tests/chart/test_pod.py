"""What runs in the pods."""

from __future__ import annotations

import signal
import sys
from typing import Any

import pytest
from botocore.utils import get_environ_proxies
from chart.rendering import (
    CASES,
    FULLNAME,
    container,
    environment,
    find,
    helm_test,
    one,
    pod,
    the,
    workload,
)
from support.processes import Child
from support.web import get

from exporter import __version__

pytestmark = pytest.mark.xdist_group("helm")

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
DIRECTORY = "/etc/sagemaker-tuning-exporter"


def test_one_pod_is_a_deployment_that_leaves_no_gap() -> None:
    spec = the("minimal", "Deployment")["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert not find("minimal", "StatefulSet")


def test_recreate_takes_the_defaults_of_a_rolling_update_away() -> None:
    assert the("everything", "Deployment")["spec"]["strategy"] == {"type": "Recreate"}


def test_shards_are_a_stateful_set_that_tells_each_pod_its_share() -> None:
    spec = the("sharded", "StatefulSet")["spec"]
    assert not find("sharded", "Deployment")
    assert spec["replicas"] == 3
    assert spec["podManagementPolicy"] == "Parallel"
    assert spec["serviceName"] == the("sharded", "Service")["metadata"]["name"]
    index, total = container("sharded")["env"]
    assert index == {
        "name": "SAGEMAKER_TUNING_EXPORTER_SHARD_INDEX",
        "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}},
    }
    assert total == {"name": "SAGEMAKER_TUNING_EXPORTER_SHARD_TOTAL", "value": "3"}


def test_one_pod_is_told_no_share() -> None:
    assert "env" not in container("minimal")


def test_constraints_are_about_the_releases_pods_unless_they_say_otherwise() -> None:
    first, second = pod("sharded")["topologySpreadConstraints"]
    assert first["labelSelector"]["matchLabels"] == workload("sharded")["spec"]["selector"]["matchLabels"]
    assert second["labelSelector"]["matchLabels"] == {"zone": "mine"}


def test_the_image_is_the_charts_version() -> None:
    assert container("minimal")["image"].rpartition(":")[2] == __version__


def test_the_image_can_be_another() -> None:
    image = container("everything")["image"]
    assert image.startswith("mirror.example.internal/team/tuning-exporter:1.2.3@sha256:0123456789abcdef")
    assert container("everything")["imagePullPolicy"] == "Always"


@pytest.mark.parametrize("case", CASES)
def test_the_configuration_is_mounted_as_a_directory(case: str) -> None:
    """A file mounted by subPath would never change."""
    mounts = {each["name"]: each for each in container(case).get("volumeMounts", [])}
    if case == "demo":
        assert "config" not in mounts
        return
    assert mounts["config"] == {"name": "config", "mountPath": DIRECTORY, "readOnly": True}
    assert f"--config.file={DIRECTORY}/config.yaml" in container(case)["args"]
    [volume] = [each for each in pod(case)["volumes"] if each["name"] == "config"]
    [item] = volume["configMap"]["items"]
    assert item["path"] == "config.yaml"
    if case == "existing":
        assert (volume["configMap"]["name"], item["key"]) == ("tuning-jobs", "jobs.yaml")
        assert not find(case, "ConfigMap")
    else:
        config = next(
            each for each in find(case, "ConfigMap") if each["metadata"]["name"] == volume["configMap"]["name"]
        )
        assert item["key"] in config["data"]


def test_extras_arrive() -> None:
    spec, own, template = pod("everything"), container("everything"), workload("everything")["spec"]["template"]
    assert own["args"][1:] == [
        "--web.listen-address=:8080", "--web.enable-lifecycle", "--log.level=debug", "--log.format=json",
        "--no-config.auto-reload",
    ]  # fmt: skip
    assert environment("everything").items() >= {"TZ": "Europe/Berlin", "AWS_REGION": "eu-west-1"}.items()
    assert own["envFrom"] == [{"secretRef": {"name": "aws-credentials"}}, {"configMapRef": {"name": "more"}}]
    assert own["ports"] == [{"name": "http", "containerPort": 8080}]
    assert own["resources"] == {"limits": {"memory": "1Gi"}, "requests": {"cpu": "50m", "memory": "128Mi"}}
    assert (
        {each["name"] for each in own["volumeMounts"]} == {each["name"] for each in spec["volumes"]} == {"config", "ca"}
    )
    assert [each["name"] for each in spec["containers"]] == ["exporter", "side"]
    assert [each["name"] for each in spec["initContainers"]] == ["wait"]
    assert (spec["hostNetwork"], spec["dnsPolicy"]) == (True, "ClusterFirstWithHostNet")
    assert spec["terminationGracePeriodSeconds"] == 30  # extraPodSpec wins
    assert spec["priorityClassName"] == "high"
    assert spec["nodeSelector"] == {"kubernetes.io/arch": "amd64"}
    assert spec["tolerations"][0]["key"] == "dedicated"
    assert "nodeAffinity" in spec["affinity"]
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert template["metadata"]["labels"].items() >= {"team": "ml", "part": "monitoring"}.items()
    annotations = template["metadata"]["annotations"]
    assert annotations == {"example.com/scrape": "true", "checksum/role": annotations["checksum/role"]}
    assert workload("everything")["metadata"]["annotations"] == {"example.com/owner": "ml"}
    assert "startupProbe" not in own
    assert "livenessProbe" in own


def test_another_role_starts_other_pods_because_a_pod_gets_its_role_when_it_starts() -> None:
    templates = [
        one(f"{{config: {{tuning_jobs: [a]}}, aws: {{roleArn: {role}}}}}", "Deployment")["spec"]["template"]
        for role in ('""', "arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/b")
    ]
    assert "annotations" not in templates[0]["metadata"]
    assert len({str(template["metadata"]) for template in templates}) == 3


def test_the_service_account_carries_the_role() -> None:
    account = the("everything", "ServiceAccount")
    assert account["metadata"]["annotations"] == {
        "eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/tuning-exporter",
        "eks.amazonaws.com/token-expiration": "3600",
    }
    assert account["metadata"]["name"] == pod("everything")["serviceAccountName"] == "tuning"
    assert account["automountServiceAccountToken"] is False
    assert pod("minimal")["serviceAccountName"] == the("minimal", "ServiceAccount")["metadata"]["name"] == FULLNAME
    assert pod("existing")["serviceAccountName"] == "shared"
    assert not find("existing", "ServiceAccount")


def test_of_several_sources_one_goes_before_the_others() -> None:
    own = the("layered", "StatefulSet")
    assert own["spec"]["updateStrategy"] == {"type": "OnDelete"}
    assert own["metadata"]["labels"]["app.kubernetes.io/version"] == __version__
    spec = own["spec"]["template"]["spec"]
    assert own["spec"]["selector"]["matchLabels"].items() <= own["spec"]["template"]["metadata"]["labels"].items()
    assert (spec["automountServiceAccountToken"], spec["terminationGracePeriodSeconds"]) == (False, 0)
    [exporter] = spec["containers"]
    assert exporter["env"] == [{"name": "AWS_REGION", "value": "us-east-1"}, {"name": "TZ", "value": "UTC"}]
    assert exporter["lifecycle"] == {"preStop": {"exec": {"command": ["/bin/sleep", "5"]}}}
    assert "livenessProbe" not in exporter
    assert exporter["startupProbe"] == {
        "httpGet": {"path": "/-/healthy", "port": "http"}, "periodSeconds": 2, "timeoutSeconds": 5, "failureThreshold": 60,
    }  # fmt: skip
    # Helm leaves the default's httpGet in the values, and Kubernetes takes one way to ask.
    assert exporter["readinessProbe"] == {
        "exec": {"command": ["/bin/ready"]}, "periodSeconds": 5, "timeoutSeconds": 5,
    }  # fmt: skip
    for each in (spec, the("layered", "Pod")["spec"]):
        [runs] = each["containers"]
        assert (
            runs["image"]
            == f"mirror.example.internal/hub/sagemaker-tuning-exporter/sagemaker-tuning-exporter:{__version__}"
        )
        assert each["imagePullSecrets"] == [{"name": "first"}, {"name": "second"}, {"name": "third"}]
        # OpenShift chooses the ids.
        assert each["securityContext"].keys() == {"runAsNonRoot", "seccompProfile", "fsGroupChangePolicy"}
        assert "runAsUser" not in runs["securityContext"]
        assert runs["securityContext"]["readOnlyRootFilesystem"] is True


def test_a_registry_takes_the_place_of_the_repositorys() -> None:
    for repository, image in {
        "ghcr.io/team/exporter": "mirror/team/exporter",
        "localhost/exporter": "mirror/exporter",
        "registry:5000/team/exporter": "mirror/team/exporter",
        "team/exporter": "mirror/team/exporter",
        "exporter": "mirror/exporter",
    }.items():
        given = f"{{demo: {{enabled: true}}, image: {{registry: mirror, repository: '{repository}', tag: a}}}}"
        [own] = one(given, "Deployment")["spec"]["template"]["spec"]["containers"]
        assert own["image"] == f"{image}:a"


def test_more_shards_come_to_a_stateful_set_without_another() -> None:
    """Of a StatefulSet Kubernetes changes the number and the template, and neither its Service nor its selector."""
    given = "{config: {discover: [{}]}, workload: StatefulSet, shards: %d}"
    first, more = (one(given % shards, "StatefulSet") for shards in (1, 3))
    for each in (first, more):
        del each["spec"]["template"], each["spec"]["replicas"]
    assert first == more
    assert one(given % 1, "Service") == one(given % 3, "Service")


def test_the_pod_of_helm_test_stays_for_its_log() -> None:
    """Helm 3 deletes a pod that passed before it asks for its log, and then fails."""
    metadata = the("demo", "Pod")["metadata"]
    assert metadata["annotations"] == {
        "helm.sh/hook": "test", "helm.sh/hook-delete-policy": "before-hook-creation",
    }  # fmt: skip


CREDENTIALS = [
    "http://169.254.169.254/latest/api/token",
    "http://[fd00:ec2::254]/latest/api/token",
    "http://169.254.170.23/v1/credentials",
    "http://[fd00:ec2::23]/v1/credentials",
]


def test_credentials_are_fetched_past_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    given = environment("everything")
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"):
        monkeypatch.setenv(name, given[name])
    for url in [*CREDENTIALS, "https://vpce.example.internal/"]:
        assert get_environ_proxies(url) == {}, url
    used = get_environ_proxies("https://api.sagemaker.eu-west-1.amazonaws.com/")
    assert used["https"] == "http://proxy.example.internal:3128"
    # Without the exemptions they would not be.
    monkeypatch.setenv("NO_PROXY", "localhost")
    assert all(get_environ_proxies(url) for url in CREDENTIALS)


def test_the_rendered_demo_runs_passes_its_probes_and_helms_test(tmp_path: Any) -> None:
    own = container("demo")
    # Tests listen on loopback only.
    arguments = [
        "--web.listen-address=127.0.0.1:0" if each.startswith("--web.listen") else each for each in own["args"]
    ]
    with Child([sys.executable, "-m", "exporter", *arguments], log=tmp_path / "log") as demo:
        demo.wait_until(lambda: "Press Ctrl-C" in demo.output())
        [url] = [line.split()[1].removesuffix("/metrics") for line in demo.output().splitlines() if "Metrics:" in line]
        for probe in PROBES:
            assert own[probe]["httpGet"]["port"] == own["ports"][0]["name"]
            answer = get(url + own[probe]["httpGet"]["path"])
            assert answer.status_code == 200, probe
        assert "speed" in " ".join(arguments)
        done = helm_test(f"{url}/metrics")
        assert done.returncode == 0, done.stderr
        assert "tuning jobs" in done.stdout
        assert 'code="not_found"' in done.stdout
        assert helm_test(f"{url}/").returncode == 1  # answers, but with no metrics
        demo.send(signal.SIGTERM)
        assert demo.wait() == 0


def test_the_rendered_flags_are_the_exporters(tmp_path: Any) -> None:
    (tmp_path / "config.yaml").write_text(the("rules", "ConfigMap")["data"]["config.yaml"], encoding="utf-8")
    arguments = [
        each.replace(DIRECTORY, str(tmp_path)).replace("address=:8080", "address=127.0.0.1:0")
        for each in [container("rules")["args"][0], *container("everything")["args"][1:]]
    ]
    with Child([sys.executable, "-m", "exporter", *arguments], log=tmp_path / "log") as child:
        child.wait_until(lambda: '"msg": "serving"' in child.output())
        child.send(signal.SIGTERM)
        assert child.wait() == 0
