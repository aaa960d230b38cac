"""What Kubernetes or the exporter would refuse, the chart refuses first, and says where it is."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from chart.rendering import HELMS, one, refusal, rendered

from exporter.config import ConfigError, parse

pytestmark = pytest.mark.xdist_group("helm")

ROLE = "arn:aws:iam::123456789012:role/a"
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:hyper-parameter-tuning-job/x"

# Of tuning_jobs and discover, and what is wrong: each a fault that the exporter would find too.
JOBS: list[tuple[Any, str]] = [
    ("a_b", "'a_b' does not match pattern"),
    ("a" * 33, "does not match pattern"),
    ("a" + 31 * "-" + "b", "does not match pattern"),
    (ARN.replace("123456789012", "12345678901"), "does not match pattern"),
    (ARN + "_", "does not match pattern"),
    ({"name": "a/b"}, "/name': 'a/b' does not match pattern"),
    ({"arn": ROLE}, f"/arn': '{ROLE}' does not match pattern"),
    ({"name": "a", "labels": {"cost-center": "x"}}, "/labels': additional properties 'cost-center' not allowed"),
    ({"name": "a", "labels": {"k" * 129: "x"}}, f"/labels': additional properties '{'k' * 129}' not allowed"),
    ({"name": "a", "labels": {"k": "v" * 257}}, "/labels/k': maxLength"),
    ({"name": "a", "tag_labels": ["a!"]}, "/tag_labels/0': 'a!' does not match pattern"),
    ({"name": "a", "region": "Ireland"}, "/region': 'Ireland' does not match pattern"),
    (
        {"name": "a", "role_arn": "arn:aws:iam::123456789012:user/a"},
        "/role_arn': 'arn:aws:iam::123456789012:user/a' does",
    ),
    ({"name": "a", "role_arn": ROLE, "external_id": "a b"}, "/external_id': 'a b' does not match pattern"),
    ({"name": "a", "account_id": "1"}, "/account_id': '1' does not match pattern"),
    ({"name": "a", "profile": "a\nb"}, "/profile': 'a\\nb' does not match pattern"),
    ({"name": "a", "connect_timeout": "5"}, "/connect_timeout': '5' does not match pattern"),
    ({"name": "a", "budget": 0}, "/budget': exclusiveMinimum"),
]
RULES: list[tuple[Any, str]] = [
    ({"name_regex": "(?=x)"}, "/name_regex': '(?=x)' is not valid regex: error parsing regexp"),
    ({"name_regex": "(a"}, "/name_regex': '(a' is not valid regex: error parsing regexp: missing closing )"),
    ({"name": "a b"}, "/name': 'a b' does not match pattern"),
    ({"name_contains": "a_b"}, "/name_contains': 'a_b' does not match pattern"),
    ({"tags": {"a!": "b"}}, "/tags': additional properties 'a!' not allowed"),
    ({"tags": {"": "b"}}, "/tags': additional properties '' not allowed"),
    ({"created_within": "1s1h"}, "/created_within': '1s1h' does not match pattern"),
    ({"created_within": ""}, "/created_within': minLength"),
    ({"max_jobs": 10_001}, "/max_jobs': maximum"),
    ({"requests_per_second": 0}, "/requests_per_second': minimum"),
]
WHOLE: list[tuple[dict[str, Any], str]] = [
    ({"spend": {"currency": "eur", "prices": {"m5.large": 1}}}, "/spend/currency': 'eur' does not match pattern"),
    ({"spend": {"currency": "eur", "prices": {"m5.large": 1}}}, "/spend/prices': additional properties 'm5.large' not"),
    ({"failures": {"classes": [{"reason": "a"}, {"reason": "A", "regex": "("}]}}, "/classes/0': missing property 'regex'"),
    ({"failures": {"classes": [{"reason": "a"}, {"reason": "A", "regex": "("}]}}, "/classes/1/reason': 'A' does not match"),
    ({"failures": {"classes": [{"reason": "a"}, {"reason": "A", "regex": "("}]}}, "/classes/1/regex': '(' is not valid reg"),
    ({"aws": {"region": "eu-west"}}, "/aws/region': 'eu-west' does not match pattern"),
]  # fmt: skip

# The same of what a schema cannot say.
TOGETHER_JOBS: list[tuple[Any, str]] = [
    ({"labels": {"a": "b"}}, "config.tuning_jobs[{}] has neither name nor arn"),
    ({"name": "b", "role_arn": ROLE, "account_id": "210987654321"}, "config.tuning_jobs[{}]: role_arn and account_id"),
    ({"name": "c", "role_arn": ROLE, "region": "cn-north-1"}, "config.tuning_jobs[{}]: role_arn and region contradict"),
    ({"name": "d", "external_id": "abc"}, "config.tuning_jobs[{}]: external_id and role_arn contradict each other"),
    ({"name": "e", "ca_bundle": "/x", "verify_ssl": False}, "config.tuning_jobs[{}]: ca_bundle and verify_ssl contra"),
    (
        {"name": "f", "role_arn": ROLE, "sign_requests": False},
        "config.tuning_jobs[{}]: role_arn and sign_requests contradict",
    ),
    ({"name": "g", "profile": "p", "sign_requests": False}, "config.tuning_jobs[{}]: profile and sign_requests contra"),
    ({"name": "h", "endpoint_url": "https://e", "use_fips": True}, "config.tuning_jobs[{}]: endpoint_url and use_fips"),
    (
        {"name": "i", "endpoint_url": "https://ann:hunter2@e"},
        "config.tuning_jobs[{}].endpoint_url: credentials must not be in a URL",
    ),
    ({"name": "j", "sts_endpoint_url": "ftp://e"}, "config.tuning_jobs[{}].sts_endpoint_url is not an http or https"),
    ({"name": "k", "endpoint_url": "https://e/?hunter2"}, "config.tuning_jobs[{}].endpoint_url must end with its path"),
    ({"name": "other", "arn": ARN}, "config.tuning_jobs[{}]: its ARN says x, remove name"),
    ({"name": ARN, "region": "us-east-1"}, "config.tuning_jobs[{}]: its ARN says eu-west-1, remove region"),
    (
        {"arn": ARN, "account_id": "210987654321"},
        "config.tuning_jobs[{}]: its ARN says 123456789012, remove account_id",
    ),
    (
        {"name": "l", "tag_labels": ["a-b", "a b"]},
        "config.tuning_jobs[{}].tag_labels: a-b and a b become the same label, tag_a_b",
    ),
    ({"name": "m", "read_timeout": "6m"}, "config.tuning_jobs[{}].read_timeout: 6m is too long, write at most 5m"),
]
TOGETHER_RULES: list[tuple[Any, str]] = [
    ({"created_within": "59s999ms"}, "config.discover[{}].created_within: 59s999ms is too short, write at least 1m"),
    ({"name": "listed"}, "config.discover[{}].name: the name listed is reserved for the jobs of tuning_jobs"),
]
TOGETHER_WHOLE: list[tuple[dict[str, Any], str]] = [
    ({"interval": "24h1ms"}, "config.interval: 24h1ms is too long, write at most 24h"),
    ({"retention": "366d"}, "config.retention: 366d is too long, write at most 365d"),
    ({"stale_after": "30s"}, "config.stale_after is shorter than interval"),
    ({"spend": {"interval": "08s"}}, "config.spend.interval: 08s is too short, write at least 1m"),
    ({"tag_labels": ["a", "a"]}, "config.tag_labels: a and a become the same label, tag_a"),
    ({"failures": {"classes": [{"reason": "a", "regex": "x*"}]}}, "config.failures.classes[0].regex matches any text"),
]
TWICE: list[tuple[dict[str, Any], str]] = [
    ({"tuning_jobs": ["one", {"name": "ONE"}]}, "config.tuning_jobs[0] and config.tuning_jobs[1] are both ONE: remove one of them"),
    ({"discover": [{"name": "a"}, {"name": "a"}]}, "config.discover[0] and config.discover[1] are both a: change one of the names"),
    ({"discover": [{}], "aws": {"external_id": "abc"}}, "config.aws: external_id and role_arn contradict each other"),
]  # fmt: skip


def whole(jobs: list[tuple[Any, str]], rules: list[tuple[Any, str]], top: list[tuple[dict[str, Any], str]]) -> str:
    """Return values with all the faults at once."""
    config = {"tuning_jobs": [job for job, _ in jobs], "discover": [rule for rule, _ in rules]}
    for each, _ in top:
        config |= each
    return yaml.safe_dump({"config": config})


def test_the_exporter_refuses_each_of_them() -> None:
    singles = [{"tuning_jobs": [job]} for job, _ in JOBS + TOGETHER_JOBS]
    singles += [{"discover": [rule]} for rule, _ in RULES + TOGETHER_RULES]
    singles += [{"discover": [], **each} for each, _ in WHOLE + TOGETHER_WHOLE + TWICE]
    for config in singles:
        with pytest.raises(ConfigError):
            parse(yaml.safe_dump(config), "values", "eu-west-1")


@pytest.mark.parametrize("program", HELMS)
def test_a_configuration_that_the_exporter_would_refuse_does_not_get_so_far(program: str) -> None:
    told = refusal(whole(JOBS, RULES, WHOLE), program)
    for kind, faults in (("tuning_jobs", JOBS), ("discover", RULES)):
        for place, (_, complaint) in enumerate(faults):
            start = f"at '/config/{kind}/{place}"
            assert any(start in line and complaint in line for line in told.splitlines()), complaint
    for _, complaint in WHOLE:
        assert complaint in told
    told = refusal(whole(TOGETHER_JOBS, TOGETHER_RULES, TOGETHER_WHOLE), program)
    for faults in (TOGETHER_JOBS, TOGETHER_RULES):
        for place, (_, complaint) in enumerate(faults):
            assert complaint.format(place) in told
    for _, complaint in TOGETHER_WHOLE:
        assert complaint in told
    assert "hunter2" not in told
    for config, complaint in TWICE:
        assert complaint in refusal(yaml.safe_dump({"config": config}), program)


ACCEPTED = """
config:
  interval: 1h
  stale_after: 2w1ms
  tag_labels: ["Kostenstelle: Mär/z=1+2-3@x_.", cost-center]
  aws: {external_id: abc, ca_bundle: /x, role_arn: "arn:aws:iam::123456789012:role/a"}
  failures: {classes: [{reason: a, regex: "(?i)batch size [0-9]+"}]}
  tuning_jobs:
    - {name: "arn:aws-cn:sagemaker:cn-north-1:123456789012:hyper-parameter-tuning-job/x", sign_requests: false}
    - {name: X, arn: "arn:aws:sagemaker:eu-west-1:123456789012:hyper-parameter-tuning-job/x"}
    - {name: x, role_arn: "arn:aws:iam::210987654321:role/path/of/a+b=c,d.e@f-g_h"}
    - {name: x, region: us-east-1, verify_ssl: false, use_fips: true}
    - {name: "12345678901234567890123456789012", sign_requests: false, endpoint_url: "http://[::1]:8080/a"}
  discover:
    - {name_regex: '^\\d{2,3}(?:a|b)+?$', created_within: 3650d, region: eu-central-2, connect_timeout: 1ms, labels: {"0": zero, _a: "x y"}}
    - {}
"""


@pytest.mark.parametrize("program", HELMS)
def test_a_configuration_that_the_exporter_takes_is_taken(program: str) -> None:
    made = one(ACCEPTED, "ConfigMap", program)["data"]["config.yaml"]
    settings = parse(made, "rendered", "eu-west-1")
    assert sum(len(target.jobs) for target in settings.targets) == 5


VALUES = {
    "aws: {region: ireland}": "at '/aws/region': 'ireland' does not match pattern",
    "service: {labels: {a: 1}}": "at '/service/labels/a': got number, want string",
    "service: {annotations: {a: true}}": "at '/service/annotations/a': got boolean, want string",
    "serviceAccount: {annotations: {a b: x}}": "at '/serviceAccount/annotations': additional properties 'a b' not allowed",
    "serviceAccount: {labels: {a: x y}}": "at '/serviceAccount/labels/a': 'x y' does not match pattern",
    "ingress: {annotations: {a: 1}, labels: {a: 1}}": "at '/ingress/annotations/a': got number, want string",
    "ingress: {labels: {a: 1}, hosts: [a_b]}": "at '/ingress/hosts/0': 'a_b' does not match pattern",
    "serviceMonitor: {additionalLabels: {a: 1}}": "at '/serviceMonitor/additionalLabels/a': got number, want string",
    "podMonitor: {annotations: {a: 1}}": "at '/podMonitor/annotations/a': got number, want string",
    "prometheusRule: {annotations: {a: 1}}": "at '/prometheusRule/annotations/a': got number, want string",
    "prometheusRule: {additionalLabels: {a: 1}}": "at '/prometheusRule/additionalLabels/a': got number, want string",
    "prometheusRule: {alertLabels: {a-b: x}}": "at '/prometheusRule/alertLabels': additional properties 'a-b' not",
    "dashboards: {labels: {a: 1}}": "at '/dashboards/labels/a': got number, want string",
    "dashboards: {annotations: {a: 1}}": "at '/dashboards/annotations/a': got number, want string",
    "serviceMonitor: {interval: 1s1h}": "at '/serviceMonitor/interval': '1s1h' does not match pattern",
    "serviceMonitor: {namespace: A}": "at '/serviceMonitor/namespace': 'A' does not match pattern",
    "nameOverride: My_App": "at '/nameOverride': 'My_App' does not match pattern",
    "fullnameOverride: 1a": "at '/fullnameOverride': '1a' does not match pattern",
    "existingConfigMap: {key: a/b}": "at '/existingConfigMap/key': 'a/b' does not match pattern",
    "web: {tls: {secretName: A}}": "at '/web/tls/secretName': 'A' does not match pattern",
    "extraEnv: [{name: A, value: 1}]": "at '/extraEnv/0/value': got number, want string",
    "extraVolumeMounts: [{name: a}]": "at '/extraVolumeMounts/0': missing property 'mountPath'",
    "livenessProbe: {enabled: 'no'}": "at '/livenessProbe/enabled': got string, want boolean",
    "podDisruptionBudget: {minAvailable: '1'}": "at '/podDisruptionBudget/minAvailable': '1' does not match pattern",
    "workload: DaemonSet": "at '/workload': value must be one of",
    "image: {tag: 'a:b'}": "at '/image/tag': 'a:b' does not match pattern",
}


def test_what_kubernetes_would_refuse_is_told_where_it_is() -> None:
    merged: dict[str, Any] = {}
    for given in VALUES:
        for section, inside in yaml.safe_load(given).items():
            merged[section] = {**merged.get(section, {}), **inside} if isinstance(inside, dict) else inside
    for program in HELMS:
        told = refusal(yaml.safe_dump(merged), program)
        for complaint in VALUES.values():
            assert complaint in told, complaint


TOGETHER = {
    "extraPodSpec: {containers: [{name: a}]}": "extraPodSpec.containers would replace what the chart makes: use extraCo",
    "extraPodSpec: {volumes: [{name: a}]}": "extraPodSpec.volumes would replace what the chart makes: use extraVolumes",
    "service: {spec: {ports: [{port: 1}]}}": "service.spec.ports would replace what the chart makes: use service.port",
    "serviceMonitor: {spec: {endpoints: [{}]}}": "serviceMonitor.spec.endpoints would replace",
    "serviceMonitor: {interval: 1m, scrapeTimeout: 61s}": "serviceMonitor.scrapeTimeout is 61s and serviceMonitor.interval 1m",
    "podMonitor: {interval: 30s, scrapeTimeout: 1m}": "podMonitor.scrapeTimeout is 1m and podMonitor.interval 30s",
    "{config: {discover: [{}]}}": "demo.enabled is set together with a configuration",
    "{existingConfigMap: {name: a}}": "demo.enabled is set together with a configuration",
    "{shards: 2, workload: Deployment}": "shards is above 1 and workload is Deployment",
    "{workload: StatefulSet, replicas: 2}": "set replicas to 1",
    "{workload: None}": "workload is None and nothing else is installed: set prometheusRule.enabled=true",
    "{prometheusRule: {alerts: {SageMakerTuningJobStuck: {overrides: [{labels: {label_a: x}, thresholds: {age: 1}}]}}}}": (
        "prometheusRule.alerts.SageMakerTuningJobStuck.overrides: label_a is not in prometheusRule.teamLabels"
    ),
    "{prometheusRule: {alerts: {SageMakerTuningJobStuck: {overrides: [{labels: {}, thresholds: {}}]}}}}": "minProperties",
    "{prometheusRule: {alerts: {SageMakerTuningExporterDown: {overrides: []}}}}": "'overrides' not allowed",
    "{prometheusRule: {alerts: {SageMakerTuningJobStuck: {overrides: [{labels: null, thresholds: {}}]}}}}": (
        "/overrides/0/labels': got null, want object"
    ),
    "{prometheusRule: {alerts: {SageMakerTuningJobStuck: {thresholds: {window: 0s}}}}}": "'0s' does not match",
    "{prometheusRule: {aggregationLabels: [label_team]}}": "/prometheusRule/aggregationLabels/0': 'not' failed",
    "{prometheusRule: {aggregationLabels: [status]}}": "/prometheusRule/aggregationLabels/0': 'not' failed",
    "{prometheusRule: {aggregationLabels: [severity]}}": "/prometheusRule/aggregationLabels/0': 'not' failed",
    "{prometheusRule: {aggregationLabels: [cluster, cluster]}}": "/aggregationLabels': items at 0 and 1 are equal",
    "{prometheusRule: {teamLabels: [tag_a, tag_a]}}": "/teamLabels': items at 0 and 1 are equal",
    "{prometheusRule: {aggregationLabels: [job]}}": "/prometheusRule/aggregationLabels/0': 'not' failed",
    "{prometheusRule: {aggregationLabels: [a-b]}}": "/prometheusRule/aggregationLabels/0': 'a-b' does not match pattern",
    "service: {nodePort: 30000}": "service.nodePort is set, but service.type is ClusterIP",
    "extraEnv: [{name: A}, {name: B}, {name: A}]": "extraEnv: the name A is used twice",
    "extraVolumes: [{name: web}]": "extraVolumes: the name web is used twice, or the chart uses it",
    "extraVolumeMounts: [{name: a, mountPath: /a}, {name: b, mountPath: /a}]": "extraVolumeMounts: the mountPath /a is",
    "{initContainers: [{name: a}], extraContainers: [{name: a}]}": "extraContainers or initContainers: the name a is",
    "extraContainers: [{name: exporter}]": "the name exporter is used twice, or the chart uses it",
}


def test_values_that_would_take_something_away_are_refused() -> None:
    for given, complaint in TOGETHER.items():
        made = {"demo": {"enabled": True}} | yaml.safe_load(given)
        if given.startswith("{shards"):
            made = {"config": {"discover": [{}]}, **yaml.safe_load(given)}
        assert complaint in refusal(yaml.safe_dump(made)), given


@pytest.mark.parametrize("program", HELMS)
def test_names_are_those_that_services_may_have(program: str) -> None:
    names = {each["metadata"]["name"] for each in rendered("demo: {enabled: true}", program, "my.tuning")}
    assert names == {"my-tuning-sagemaker-tuning-exporter", "my-tuning-sagemaker-tuning-exporter-test"}
    told = refusal("demo: {enabled: true}", program, "1tuning")
    assert "1tuning-sagemaker-tuning-exporter is not a valid name of a Service" in told
    assert one("{demo: {enabled: true}, fullnameOverride: tuning}", "Service", program, "1tuning")
