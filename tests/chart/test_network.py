"""What can reach the exporter, and what it can reach."""

from __future__ import annotations

import pytest
from chart.rendering import VALUES, container, find, one, the, workload

pytestmark = pytest.mark.xdist_group("helm")

DNS = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
HTTPS = [{"port": 443, "protocol": "TCP"}]
HTTP = [{"port": 80, "protocol": "TCP"}]


def blocks(*cidrs: str) -> list[dict[str, dict[str, str]]]:
    return [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]


def test_a_single_pods_service() -> None:
    spec = the("everything", "Service")["spec"]
    assert (spec["type"], spec["ipFamilyPolicy"]) == ("NodePort", "PreferDualStack")
    assert spec["ports"] == [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]
    assert container("everything")["ports"][0]["name"] == "http"
    metadata = the("everything", "Service")["metadata"]
    assert metadata["annotations"] == {"prometheus.io/scrape": "true"}
    assert metadata["labels"].items() >= {"team": "ml", "part": "monitoring"}.items()


def test_the_service_of_shards_is_headless_and_has_a_name_of_its_own() -> None:
    """Each shard has other targets, so that no address may stand for all; and a Service cannot become headless."""
    service = the("sharded", "Service")
    assert (service["spec"]["type"], service["spec"]["clusterIP"]) == ("ClusterIP", "None")
    assert service["metadata"]["name"] == f"{workload('sharded')['metadata']['name']}-shards"
    # Without an address of its own it maps no port.
    assert service["spec"]["ports"][0]["port"] == container("sharded")["ports"][0]["containerPort"]
    assert "clusterIP" not in the("minimal", "Service")["spec"]


def test_free_fields_are_merged() -> None:
    service, selector = the("free", "Service"), the("free", "Deployment")["spec"]["selector"]["matchLabels"]
    assert service["spec"] == {
        "type": "LoadBalancer",
        "externalTrafficPolicy": "Local",
        "ipFamilyPolicy": "PreferDualStack",
        "selector": selector,
        "ports": [{"name": "http", "port": 10980, "targetPort": "http", "protocol": "TCP", "nodePort": 30000}],
    }
    # Those by which monitors find it stay, others may be changed.
    assert selector.items() <= service["metadata"]["labels"].items()
    assert service["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "other"
    [path] = the("free", "Ingress")["spec"]["rules"][0]["http"]["paths"]
    assert (path["path"], path["pathType"]) == ("/x", "ImplementationSpecific")
    budget = the("free", "PodDisruptionBudget")["spec"]
    assert budget["minAvailable"] == 0
    assert "maxUnavailable" not in budget


def test_a_headless_service_takes_no_more_fields_than_it_can_have() -> None:
    spec = one(f"{(VALUES / 'free.yaml').read_text(encoding='utf-8')}\nworkload: StatefulSet", "Service")["spec"]
    assert (spec["type"], spec["clusterIP"], spec["ipFamilyPolicy"]) == ("ClusterIP", "None", "PreferDualStack")
    assert spec.keys() == {"type", "clusterIP", "ipFamilyPolicy", "selector", "ports"}
    assert "nodePort" not in spec["ports"][0]


@pytest.mark.parametrize(("case", "host"), [("everything", "tuning.example.internal"), ("sharded", None)])
def test_the_ingress_leads_to_the_service(case: str, host: str | None) -> None:
    spec = the(case, "Ingress")["spec"]
    [rule] = spec["rules"]
    assert rule.get("host") == host
    [path] = rule["http"]["paths"]
    service = the(case, "Service")
    name, port = service["metadata"]["name"], service["spec"]["ports"][0]["name"]
    assert path["backend"] == {"service": {"name": name, "port": {"name": port}}}
    assert (path["path"], path["pathType"]) == ("/", "Prefix")
    if host:
        assert spec["ingressClassName"] == "nginx"
        assert spec["tls"][0]["secretName"] == "tuning-tls"


def test_the_exporter_reaches_names_aws_and_the_agent_of_pod_identity() -> None:
    spec = the("sharded", "NetworkPolicy")["spec"]
    assert (
        spec["podSelector"]["matchLabels"].items()
        <= workload("sharded")["spec"]["template"]["metadata"]["labels"].items()
    )
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["egress"] == [
        {"ports": DNS},
        {"ports": HTTPS, "to": blocks("0.0.0.0/0", "::/0")},
        {"ports": HTTP, "to": blocks("169.254.170.23/32", "fd00:ec2::23/128")},
    ]
    assert spec["ingress"] == [{"ports": [{"port": 10980, "protocol": "TCP"}]}]


def test_what_it_reaches_can_be_told() -> None:
    spec = the("everything", "NetworkPolicy")["spec"]
    assert spec["egress"] == [
        {"ports": DNS, "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}]},
        {"ports": HTTPS, "to": blocks("10.1.0.0/24")},
        {"ports": HTTP, "to": blocks("169.254.170.23/32", "fd00:ec2::23/128")},
        {"ports": HTTP, "to": blocks("169.254.169.254/32", "fd00:ec2::254/128")},
        {"ports": [{"port": 3128}]},
    ]


def test_only_those_named_may_scrape_and_the_pod_of_helm_test() -> None:
    [rule] = the("everything", "NetworkPolicy")["spec"]["ingress"]
    assert rule["ports"] == [{"port": 8080, "protocol": "TCP"}]
    monitoring, test = rule["from"]
    assert monitoring == {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    [pod] = find("everything", "Pod")
    assert test["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()


def test_the_demo_reaches_nothing() -> None:
    spec = the("demo", "NetworkPolicy")["spec"]
    assert (spec["policyTypes"], spec["egress"]) == (["Ingress", "Egress"], [])


def test_the_way_out_can_be_left_open() -> None:
    spec = the("existing", "NetworkPolicy")["spec"]
    assert spec["policyTypes"] == ["Ingress"]
    assert "egress" not in spec


def test_disruption_budgets_are_asked_for() -> None:
    assert not find("minimal", "PodDisruptionBudget")
    spec = the("sharded", "PodDisruptionBudget")["spec"]
    assert (spec["maxUnavailable"], spec["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
    assert spec["selector"]["matchLabels"] == workload("sharded")["spec"]["selector"]["matchLabels"]
    assert the("everything", "PodDisruptionBudget")["spec"]["maxUnavailable"] == "50%"
