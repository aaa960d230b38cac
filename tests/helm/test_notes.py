"""What Helm says after an installation."""

from __future__ import annotations

import pytest
from helm.chart import FULLNAME, NAMESPACE, RELEASE, notes

pytestmark = pytest.mark.xdist_group("helm")


def test_tell_the_next_step() -> None:
    told = notes("minimal")
    assert "1 by name, others by 0 rules" in told
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
    assert "pod/a-name-that-is" in notes("sharded")


def test_tell_what_dashboards_lack_without_the_rules() -> None:
    lacking = "recorded series that the dashboards read"
    assert lacking in notes("minimal", "--set", "dashboards.enabled=true")
    assert lacking not in notes("minimal")
    assert lacking not in notes("minimal", "--set", "dashboards.enabled=true,prometheusRule.enabled=true")
