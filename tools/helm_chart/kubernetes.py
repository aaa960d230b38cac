"""JSON Schemas, by path, for values of the chart that Kubernetes, the Prometheus operator or the registry use.

So Helm refuses a wrong value with its path. Otherwise Kubernetes would refuse the object, or nothing would.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
_UNITS = ("y", "w", "d", "h", "m", "s", "ms")
DURATION: Schema = {"type": "string", "pattern": f"^{''.join(f'([0-9]+{unit})?' for unit in _UNITS)}$", "minLength": 1}
_MAYBE_DURATION = {"pattern": DURATION["pattern"]}
_PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
_AMOUNT = {"minimum": 0}

_WORD = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_NAME = "[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_MAYBE_NAME = {"pattern": r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$", "maxLength": 253}
_MAYBE_NAMESPACE = {"pattern": f"^({_WORD})?$", "maxLength": 63}
_KEY = {"pattern": "^[-._a-zA-Z0-9]*$", "maxLength": 253}
_QUALIFIED = f"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?{_LABEL_NAME}$"
_SHARE = {"type": ["integer", "string"], "minimum": 0, "pattern": "^[0-9]+%$"}
_PROBE = {"properties": {"enabled": {"type": "boolean"}}}


def _keys(pattern: str, value: Schema) -> Schema:
    """Return the schema of a map. Wrong keys are additional properties, because only for these Helm reports the place."""
    return {"patternProperties": {pattern: value}, "additionalProperties": False}


def _objects(*required: str, **properties: Schema) -> Schema:
    """Return the schema of a list of objects with required texts."""
    named = {key: {"type": "string", "minLength": 1} for key in required}
    return {"items": {"type": "object", "required": [*required], "properties": {**named, **properties}}}


_LABELS = _keys(_QUALIFIED, {"type": "string", "pattern": f"^({_LABEL_NAME})?$"})
_ANNOTATIONS = _keys(_QUALIFIED, TEXT)
_SERIES_LABELS = _keys("^[a-zA-Z_][a-zA-Z0-9_]*$", TEXT)

TYPES: dict[str, Schema] = {
    "existingConfigMap.key": _KEY,
    "extraContainers": _objects("name"),
    "extraEnv": _objects("name", value=TEXT),
    "extraEnvFrom": _objects(),
    "extraVolumeMounts": _objects("name", "mountPath"),
    "extraVolumes": _objects("name"),
    "fullnameOverride": {"pattern": "^([a-z]([-a-z0-9]*[a-z0-9])?)?$"},
    "global.imagePullSecrets": {"items": {"type": ["object", "string"]}},
    "image.digest": {"pattern": "^(sha256:[0-9a-f]{64})?$"},
    "image.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "image.repository": {"minLength": 1},
    "image.tag": {"pattern": "^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$"},
    "imagePullSecrets": {"items": {"type": ["object", "string"]}},
    "ingress.hosts": {"items": {"type": "string", "pattern": rf"^(\*\.)?{_WORD}(\.{_WORD})*$"}},
    "ingress.path": {"pattern": "^(/.*)?$"},
    "ingress.pathType": {"enum": ["Prefix", "Exact", "ImplementationSpecific"]},
    "ingress.tls": _objects(),
    "initContainers": _objects("name"),
    "nameOverride": {"pattern": f"^({_WORD})?$"},
    "networkPolicy.egress.awsCidrs": {"items": {"type": "string", "pattern": "/[0-9]+$"}},
    "networkPolicy.egress.dnsTo": _objects(),
    "networkPolicy.egress.extra": _objects(),
    "networkPolicy.ingressFrom": _objects(),
    "nodeSelector": _LABELS,
    "podDisruptionBudget.maxUnavailable": _SHARE,
    "podDisruptionBudget.minAvailable": {**_SHARE, "pattern": "^([0-9]+%)?$"},
    "podDisruptionBudget.unhealthyPodEvictionPolicy": {"enum": ["AlwaysAllow", "IfHealthyBudget", ""]},
    "prometheusRule.additionalGroups": _objects("name"),
    "prometheusRule.alertLabels": _SERIES_LABELS,
    "replicas": _AMOUNT,
    "revisionHistoryLimit": _AMOUNT,
    "scrape.basicAuth.passwordKey": _KEY,
    "scrape.basicAuth.usernameKey": _KEY,
    "scrape.tls.caKey": _KEY,
    "service.nodePort": {**_PORT, "minimum": 0},
    "service.port": _PORT,
    "service.type": {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
    "terminationGracePeriodSeconds": _AMOUNT,
    "tolerations": _objects(),
    "topologySpreadConstraints": _objects("topologyKey"),
    "web.existingConfigSecret.key": _KEY,
    "web.port": _PORT,
    "workload": {"enum": ["", "Deployment", "StatefulSet", "None"]},
}
TYPES |= dict.fromkeys(("commonLabels", "podLabels", "dashboards.labels"), _LABELS)
TYPES |= dict.fromkeys(("annotations", "podAnnotations"), _ANNOTATIONS)
TYPES |= dict.fromkeys(("livenessProbe", "readinessProbe", "startupProbe"), _PROBE)
for _section in ("service", "serviceAccount", "ingress"):
    TYPES |= {f"{_section}.labels": _LABELS, f"{_section}.annotations": _ANNOTATIONS}
for _section in ("serviceMonitor", "podMonitor", "prometheusRule", "dashboards"):
    TYPES |= {f"{_section}.annotations": _ANNOTATIONS, f"{_section}.namespace": _MAYBE_NAMESPACE}
for _section in ("serviceMonitor", "podMonitor", "prometheusRule"):
    TYPES[f"{_section}.additionalLabels"] = _LABELS
for _section in ("serviceMonitor", "podMonitor"):
    TYPES |= dict.fromkeys((f"{_section}.interval", f"{_section}.scrapeTimeout"), _MAYBE_DURATION)
    TYPES |= dict.fromkeys((f"{_section}.relabelings", f"{_section}.metricRelabelings"), _objects())
TYPES["namespaceOverride"] = _MAYBE_NAMESPACE
TYPES |= dict.fromkeys(
    (
        "aws.existingSecret",
        "existingConfigMap.name",
        "ingress.className",
        "priorityClassName",
        "scrape.basicAuth.secretName",
        "scrape.tls.caSecretName",
        "scrape.tls.certSecretName",
        "serviceAccount.name",
        "web.existingConfigSecret.name",
        "web.tls.secretName",
    ),
    _MAYBE_NAME,
)
