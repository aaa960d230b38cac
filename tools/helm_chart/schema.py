"""Makes values.schema.json. Helm refuses values that are not valid in it.

The types are those of the defaults in values.yaml. ``config`` is the exporter's own model, and ``prometheusRule.alerts`` has all
alerts and thresholds.
"""

from __future__ import annotations

import copy
import json

import render_rules
from helm_chart.kubernetes import DURATION, TEXT, TEXTS, TYPES, Schema
from helm_chart.values import Value, read

from exporter.config.model import Config
from exporter.config.names import ROLE_ARN_PATTERN
from exporter.config.regions import REGION_PATTERN
from exporter.config.schema import NAME_OR_ARN, config_schema
from exporter.config.shard import MOST_SHARDS
from exporter.config.values import URL_PATTERN
from exporter.log_format import LEVELS, LogFormat

_VERSION = {"enum": ["TLS10", "TLS11", "TLS12", "TLS13"]}


def _each(names: str, schema: Schema) -> dict[str, Schema]:
    return dict.fromkeys(names.split(), schema)


# The templates check hashes of passwords, because Helm prints values that are not valid in a schema.
_WEB_CONFIG: dict[str, dict[str, Schema]] = {
    "tls_server_config": {
        **_each("cert key client_ca cert_file key_file client_ca_file", TEXT),
        "client_auth_type": {"enum": ["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"]},
        **_each("client_allowed_sans cipher_suites curve_preferences", TEXTS),
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
                TEXT,
            ),
        },
    },
    "rate_limit": {"interval": TEXT, "burst": {"type": "integer", "minimum": 0}},
}
TEAM_LABEL = "^(label|tag)_[a-zA-Z0-9_]+$"
"""The pattern of labels of sagemaker_tuning_job_labels that users choose."""

# Labels that the rules already use to identify series, and those of teams and of Prometheus itself.
_NO_CLUSTER = [{"enum": render_rules.own_labels(render_rules.load())}, {"pattern": "^(__|label_|tag_)"}]

_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}

# Types that cannot be derived from the defaults.
_REFINED: dict[str, Schema] = {
    **TYPES,
    "aws.region": {"pattern": f"^({REGION_PATTERN})?$"},
    "aws.roleArn": {"pattern": f"^({ROLE_ARN_PATTERN})?$"},
    "demo.speed": {"type": "number", "exclusiveMinimum": 0},
    "extraArgs": {"items": TEXT},
    "extraObjects": {"items": {"type": ["object", "string"]}},
    "log.format": {"enum": [each.value for each in LogFormat]},
    "log.level": {"enum": list(LEVELS)},
    "prometheusRule.aggregationLabels": {
        "items": {"type": "string", "pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$", "not": {"anyOf": _NO_CLUSTER}},
        "uniqueItems": True,
    },
    "prometheusRule.teamLabels": {"items": {"type": "string", "pattern": TEAM_LABEL}, "uniqueItems": True},
    "proxy.noProxy": {"items": TEXT},
    "shards": {"minimum": 1, "maximum": MOST_SHARDS},
}


def render() -> str:
    """Return the schema as text."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema() -> Schema:
    """Return the schema, in a draft that all versions of Helm 3 support."""
    config, definitions = _config()
    top = _closed("Values of the chart sagemaker-tuning-exporter.")
    for value in read():
        _add(top, value)
    top["properties"]["config"] = {**config, "description": top["properties"]["config"]["description"]}
    web = top["properties"]["web"]["properties"]
    web["config"] = {**_web_config(), "description": web["config"]["description"]}
    rules = top["properties"]["prometheusRule"]["properties"]
    rules["alerts"] = {**_alerts(), "description": rules["alerts"]["description"]}
    # Helm adds the first to all charts. Charts that depend on this one use the second in a condition.
    top["properties"]["global"]["additionalProperties"] = True
    top["properties"] |= {"enabled": {"type": "boolean"}}
    # For YAML anchors.
    top["patternProperties"] = {"^x-": {}}
    whole: Schema = copy.deepcopy(
        {"$schema": "http://json-schema.org/draft-07/schema#", **top, "definitions": definitions}
    )
    _let_be_empty(whole, whole["definitions"])
    return whole


def _let_be_empty(schema: Schema, definitions: Schema) -> None:
    """Allow null for each key with a map or list that may be empty."""
    for described in schema.get("properties", {}).values():
        # A reference that is not to a definition is to a key that is visited itself.
        inside = definitions.get(described["$ref"].rpartition("/")[2], {}) if "$ref" in described else described
        if inside.get("type") in ("object", "array") and not inside.get("minProperties"):
            inside["type"] = [inside["type"], "null"]
        _let_be_empty(inside, definitions)
        if "items" in inside:
            each = inside["items"]
            _let_be_empty(definitions[each["$ref"].rpartition("/")[2]] if "$ref" in each else each, definitions)


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
    """Return the schema of a configuration and the definitions that it refers to.

    It is as strict as possible in JSON Schema. The templates check the rest.
    """
    made = json.loads(json.dumps(config_schema()).replace("#/$defs/", "#/definitions/"))
    definitions = made.pop("$defs")
    for each in (made, *definitions.values()):
        for described in each["properties"].values():
            # The templates check URLs, because Helm prints values that are not valid, and a URL may have a password.
            if described.get("pattern") == URL_PATTERN:
                del described["pattern"]
            for bound in ("shortest", "longest"):
                described.pop(bound, None)
            if "patternProperties" in described:
                described["additionalProperties"] = False
    definitions["FailureClass"]["required"] = ["reason", "regex"]
    job = definitions["TuningJob"]
    listed = made["properties"]["tuning_jobs"]
    # One schema with two types instead of two schemas, so that the error is about the mapping and not just that neither fits.
    listed["items"] = {"$ref": "#/definitions/TuningJob"}
    job |= NAME_OR_ARN | {"type": ["string", "object"]}
    return made, definitions


def durations() -> dict[str, Schema]:
    """Return the shortest and longest durations of a configuration, and the defaults, by keys with dots."""
    schema = Config.model_json_schema()
    found: dict[str, Schema] = {}

    def walk(inside: Schema, prefix: str) -> None:
        for key, described in inside["properties"].items():
            items = described.get("items", described)
            for each in (items, *items.get("anyOf", ())):
                if "$ref" in each:
                    walk(schema["$defs"][each["$ref"].rpartition("/")[2]], f"{prefix}{key}.")
            if "shortest" in described:
                found[prefix + key] = {
                    name: described[name] for name in ("shortest", "longest", "default") if name in described
                }

    walk(schema, "")
    return found


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
            # The range of a selector cannot be 0s.
            name: {"default": threshold.value, **DURATION, "allOf": [{"pattern": "[1-9]"}]} if threshold.range
            else {"default": json.loads(threshold.value), "type": "number", "minimum": 0}
            for name, threshold in render_rules.thresholds(rule).items()
        }  # fmt: skip
        alert["properties"] = {
            "enabled": {"type": "boolean", "default": True},
            "for": {**DURATION, "default": rule["for"]},
            "keepFiringFor": DURATION | _defaults(rule.get("keep_firing_for")),
            "severity": {"type": "string", "minLength": 1, "default": rule["labels"]["severity"]},
            "thresholds": thresholds,
        }
        if render_rules.TEAM_LABELS[0] in rule["expr"]:
            alert["properties"]["overrides"] = {"type": "array", "items": _override(rule["alert"])}
        alerts["properties"][rule["alert"]] = alert
    return alerts


def _override(alert: str) -> Schema:
    """Return the schema of overrides: other thresholds for tuning jobs with some labels."""
    labels = {
        "type": "object",
        "minProperties": 1,
        "patternProperties": {TEAM_LABEL: TEXT},
        "additionalProperties": False,
    }
    thresholds = {"$ref": f"#/properties/prometheusRule/properties/alerts/properties/{alert}/properties/thresholds"}
    return {
        **_closed(),
        "required": ["labels", "thresholds"],
        "properties": {"labels": labels, "thresholds": thresholds},
    }


def _defaults(value: object) -> Schema:
    return {} if value is None else {"default": value}
