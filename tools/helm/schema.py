"""Makes values.schema.json: Helm refuses values that do not fit it.

The types are those of the defaults in values.yaml; ``config`` is the exporter's own model, and ``prometheusRule.alerts``
knows the alerts and thresholds that there are.
"""

from __future__ import annotations

import json
from typing import Any

import render_rules
from helm.values import Value, read

from exporter.config.model import Config
from exporter.log_format import LEVELS, LogFormat

Schema = dict[str, Any]

_DURATION = {"type": "string", "pattern": "^([0-9]+(w|d|h|m|s|ms))+$"}
_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_VERSION = {"enum": ["TLS10", "TLS11", "TLS12", "TLS13"]}


def _each(names: str, schema: Schema) -> dict[str, Schema]:
    return dict.fromkeys(names.split(), schema)


# Hashes of passwords are judged by the templates: Helm prints what does not fit a schema.
_WEB_CONFIG: dict[str, dict[str, Schema]] = {
    "tls_server_config": {
        **_each("cert key client_ca cert_file key_file client_ca_file", _TEXT),
        "client_auth_type": {"enum": ["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"]},
        **_each("client_allowed_sans cipher_suites curve_preferences", _TEXTS),
        **_each("min_version max_version", _VERSION),
        "prefer_server_cipher_suites": {"type": "boolean"},
    },
    "http_server_config": {
        "http2": {"enum": [False]},
        "headers": {
            "type": "object",
            "additionalProperties": False,
            "properties": _each(
                "Content-Security-Policy X-Frame-Options X-Content-Type-Options X-XSS-Protection Strict-Transport-Security",
                _TEXT,
            ),
        },
    },
    "rate_limit": {"interval": _TEXT, "burst": {"type": "integer", "minimum": 0}},
}
_PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}

# What a default does not tell of its type.
_REFINED: dict[str, Schema] = {
    "aws.roleArn": {"pattern": "^(arn:aws[a-z-]*:iam::[0-9]{12}:role/.+)?$"},
    "demo.speed": {"type": "number", "exclusiveMinimum": 0},
    "extraArgs": {"items": {"type": "string"}},
    "extraObjects": {"items": {"type": ["object", "string"]}},
    "image.digest": {"pattern": "^(sha256:[0-9a-f]{64})?$"},
    "image.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "ingress.hosts": {"items": {"type": "string"}},
    "log.format": {"enum": [each.value for each in LogFormat]},
    "log.level": {"enum": list(LEVELS)},
    "networkPolicy.egress.awsCidrs": {"items": {"type": "string", "pattern": "/[0-9]+$"}},
    "podDisruptionBudget.maxUnavailable": {"type": ["integer", "string"]},
    "podDisruptionBudget.unhealthyPodEvictionPolicy": {"enum": ["AlwaysAllow", "IfHealthyBudget", ""]},
    "prometheusRule.teamLabels": {"items": {"type": "string", "pattern": "^(label|tag)_[a-zA-Z0-9_]+$"}},
    "proxy.noProxy": {"items": {"type": "string"}},
    "replicas": {"minimum": 0},
    "revisionHistoryLimit": {"minimum": 0},
    "service.port": _PORT,
    "service.type": {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
    "shards": {"minimum": 1},
    "terminationGracePeriodSeconds": {"minimum": 0},
    "web.port": _PORT,
}
for _monitor in ("serviceMonitor", "podMonitor"):
    _REFINED |= {
        f"{_monitor}.{key}": {"pattern": f"({_DURATION['pattern']})|^$"} for key in ("interval", "scrapeTimeout")
    }
for _name in ("annotations", "commonLabels", "nodeSelector", "podAnnotations", "podLabels"):
    _REFINED[_name] = {"additionalProperties": {"type": "string"}}


def render() -> str:
    """Return the schema as text."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema() -> Schema:
    """Return the schema, of a draft that every Helm 3 reads."""
    config, definitions = _config()
    top = _closed("Values of the chart sagemaker-tuning-exporter.")
    for value in read():
        _add(top, value)
    top["properties"]["config"] = {**config, "description": top["properties"]["config"]["description"]}
    web = top["properties"]["web"]["properties"]
    web["config"] = {**_web_config(), "description": web["config"]["description"]}
    rules = top["properties"]["prometheusRule"]["properties"]
    rules["alerts"] = {**_alerts(), "description": rules["alerts"]["description"]}
    # Helm gives every chart the first; charts that depend on this one use the second in a condition.
    top["properties"] |= {"global": {"type": "object"}, "enabled": {"type": "boolean"}}
    return {"$schema": "http://json-schema.org/draft-07/schema#", **top, "definitions": definitions}


def _closed(description: str | None = None) -> Schema:
    described = {"description": description} if description else {}
    return {**described, "type": "object", "additionalProperties": False, "properties": {}}


def _add(top: Schema, value: Value) -> None:
    *parents, name = value.path.split(".")
    inside = top
    for parent in parents:
        inside = inside["properties"].setdefault(parent, _closed())
    inside["properties"][name] = {
        "description": value.description,
        "type": _TYPES[type(value.default)],
        **_REFINED.get(value.path, {}),
    }


def _config() -> tuple[Schema, Schema]:
    """Return the schema of a configuration and the definitions that it refers to."""
    made = json.loads(json.dumps(Config.model_json_schema()).replace("#/$defs/", "#/definitions/"))
    definitions = made.pop("$defs")
    for each in (made, *definitions.values()):
        # Helm does not read them, and people see the key anyway.
        del each["title"]
        for described in each["properties"].values():
            described.pop("title", None)
    job = definitions["TuningJob"]
    listed = made["properties"]["tuning_jobs"]
    # One type with two names instead of two types, so that a mistake in a mapping is told and not just that neither fits.
    listed["items"] = {"$ref": "#/definitions/TuningJob"}
    job["type"] = ["string", "object"]
    return made, definitions


def _web_config() -> Schema:
    made = _closed()
    made["properties"] = {name: {**_closed(), "properties": keys} for name, keys in _WEB_CONFIG.items()}
    made["properties"]["basic_auth_users"] = {"type": "object", "additionalProperties": {}}
    return made


def _alerts() -> Schema:
    alerts = _closed()
    for rule in render_rules.alerts(render_rules.load()):
        alert = _closed()
        thresholds = _closed()
        thresholds["properties"] = {
            name: {"default": threshold.value, **_DURATION} if threshold.range
            else {"default": json.loads(threshold.value), "type": "number", "minimum": 0}
            for name, threshold in render_rules.thresholds(rule).items()
        }  # fmt: skip
        alert["properties"] = {
            "enabled": {"type": "boolean", "default": True},
            "for": {**_DURATION, "default": rule["for"]},
            "keepFiringFor": _DURATION | _defaults(rule.get("keep_firing_for")),
            "severity": {"type": "string", "minLength": 1, "default": rule["labels"]["severity"]},
            "thresholds": thresholds,
        }
        alerts["properties"][rule["alert"]] = alert
    return alerts


def _defaults(value: object) -> Schema:
    return {} if value is None else {"default": value}
