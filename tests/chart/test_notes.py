"""What Helm says after an installation."""

from __future__ import annotations

import pytest
from chart.rendering import FULLNAME, NAMESPACE, RELEASE, notes, workload

pytestmark = pytest.mark.xdist_group("helm")


def test_tell_the_next_step() -> None:
    told = notes("minimal")
    assert "watches 1 tuning job by name, and what 0 rules find." in told
    assert f"kubectl -n {NAMESPACE} rollout status deployment/{FULLNAME}" in told
    assert f"helm -n {NAMESPACE} test {RELEASE} --logs" in told
    assert f"port-forward service/{FULLNAME} 10980:10980" in told
    assert f"service account {NAMESPACE}/{FULLNAME}" in told
    assert "serviceMonitor.enabled=true" in told
    assert "prometheusRule.enabled=true" in told


def test_tell_only_what_is_left_to_do() -> None:
    told = notes("everything")
    assert "must trust service account watch/tuning" in told
    for done in ("Nothing has told Prometheus", "prometheusRule.enabled", "dashboards.enabled", "No role is named"):
        assert done not in told
    assert "AWS is not called" in notes("demo")


def test_tell_how_shards_are_looked_at() -> None:
    told = notes("sharded")
    assert "watches 0 tuning jobs by name, and what 1 rule finds." in told
    assert "3 pods share the targets" in told
    name = workload("sharded")["metadata"]["name"]
    assert f"rollout status statefulset/{name}\n" in told
    assert f"port-forward pod/{name}-0 10980:10980" in told
    labels = workload("sharded")["spec"]["selector"]["matchLabels"]
    assert f"--selector {','.join(f'{key}={value}' for key, value in sorted(labels.items()))}\n" in told
    told = notes("minimal", "--set", "workload=StatefulSet")
    assert f"logs statefulset/{FULLNAME}\n" in told
    assert "share the targets" not in told


def test_name_a_port_of_your_machine_that_you_may_listen_on() -> None:
    told = notes("minimal", "--set", "web.port=443,service.port=80")
    assert "Look at it: http://127.0.0.1:10980/ while" in told
    assert f"port-forward service/{FULLNAME} 10980:80\n" in told
    assert "10980:443\n" in notes("minimal", "--set", "web.port=443,workload=StatefulSet")
    assert "http://127.0.0.1:1024/" in notes("minimal", "--set", "web.port=1024")


def test_tell_what_dashboards_lack_without_the_rules() -> None:
    lacking = "recorded series that the dashboards read"
    assert lacking in notes("minimal", "--set", "dashboards.enabled=true")
    assert lacking not in notes("minimal")
    assert lacking not in notes("minimal", "--set", "dashboards.enabled=true,prometheusRule.enabled=true")


def test_tell_that_there_is_no_exporter() -> None:
    alone = ("--set", "workload=None,prometheusRule.enabled=true")
    told = notes("minimal", *alone)
    assert told.startswith("There is no exporter in this release, only rules.\n")
    assert "prometheusRule.aggregationLabels" in told
    assert "kubectl" not in told
    told = notes("minimal", *alone, "--set", "dashboards.enabled=true,prometheusRule.aggregationLabels={cluster}")
    assert told.strip() == "There is no exporter in this release, only rules and dashboards."
