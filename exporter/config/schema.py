"""The keys of a configuration as JSON Schema. Editors use it to complete keys and mark mistakes.

A schema can check less than ``check`` does. Everything that ``check`` accepts must be valid in the schema, but not vice versa.
"""

from __future__ import annotations

import json
import re
from typing import Any

from exporter.config.conversions import BOOLEANS
from exporter.config.model import Config
from exporter.config.names import JOB_ARN_PATTERN, JOB_NAME_PATTERN

Schema = dict[str, Any]

NAME_OR_ARN = {"pattern": f"^({JOB_NAME_PATTERN}|{JOB_ARN_PATTERN})$"}
"""The ``name`` of a listed tuning job may be its ARN."""

# Texts that YAML reads as numbers unless they are quoted. The exporter reads them as text.
_NUMBERS = ("1", "0.5", "1e5", *("1" * length for length in range(2, 21)))
_NOT_IN_EVERY_DIALECT = re.compile(r"\\p\{|\(\?[P#aiLmsux]")


def config_schema() -> Schema:
    """Return the schema of the model without titles, because these only repeat the keys."""
    made = Config.model_json_schema()
    for each in (made, *made["$defs"].values()):
        each.pop("title", None)
        for described in each["properties"].values():
            described.pop("title", None)
    names = made["$defs"]["TuningJob"]["properties"]
    names["name"] = {"description": names["name"]["description"], "type": "string", **NAME_OR_ARN}
    made["properties"]["tuning_jobs"]["items"]["anyOf"][0] |= NAME_OR_ARN
    return made


def editor_schema() -> str:
    """Return the schema for editors as JSON. It accepts everything that ``check`` accepts."""
    head = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Configuration of sagemaker-tuning-exporter",
    }
    return json.dumps(head | _lenient(_with_needed(config_schema())), indent=2, ensure_ascii=False) + "\n"


def _with_needed(schema: Schema) -> Schema:
    """Return the schema with the keys that an entry cannot do without. The model reports these with better messages."""
    made = schema["$defs"]
    made["TuningJob"]["anyOf"] = [{"required": ["name"]}, {"required": ["arn"]}]
    made["FailureClass"]["required"] = ["reason", "regex"]
    made["Exclusion"]["minProperties"] = 1
    return schema


def _lenient(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_lenient(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _lenient(value) for key, value in schema.items() if key not in {"shortest", "longest", "format"}}
    pattern = made.get("pattern")
    if isinstance(pattern, str) and _NOT_IN_EVERY_DIALECT.search(pattern):
        del made["pattern"]
    _loosen_keys(made)
    if "enum" in made or "const" in made:
        return made
    match made.get("type"):
        case "string":
            made["type"] = ["string", *_unquoted(made.get("pattern"))]
        case "number" | "integer" as kind:
            made["type"] = [kind, "string"]
            made["pattern"] = "[0-9]"  # JSON Schema applies it to texts only
        case "boolean":
            del made["type"]
            made["enum"] = [True, False, *BOOLEANS]
    return made


def _loosen_keys(made: Schema) -> None:
    """Refuse other keys than those that fit, unless an editor may read a good key in another way."""
    patterns = made.get("patternProperties", {})
    if any(map(_NOT_IN_EVERY_DIALECT.search, patterns)):
        [made["additionalProperties"]] = made.pop("patternProperties").values()
    elif patterns and not any(map(_loses_zeros, patterns)):
        made.setdefault("additionalProperties", False)


def _loses_zeros(pattern: str) -> bool:
    """Return whether keys have a fixed number of digits. An editor may read 012 as a number, and so as 12."""
    return re.match(pattern, "1" * 12) is not None and re.match(pattern, "1" * 11) is None


def _unquoted(pattern: str | None) -> list[str]:
    """Return the other types that YAML may read from an unquoted text that matches a pattern."""

    def fits(*texts: str) -> bool:
        return pattern is None or any(re.match(pattern, text) for text in texts)

    return ["number"] * fits(*_NUMBERS) + ["boolean"] * fits(*BOOLEANS)
