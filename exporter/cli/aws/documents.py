"""``--output json``, ``yaml`` and ``yaml-stream``."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import yaml

# YAML 1.2 reads these as numbers, YAML 1.1 does not. A text that one of them would not read as text is quoted.
_NUMBERS = {
    "float": re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"),
    "int": re.compile(r"^0o[0-7]+$"),
}
_ODD_BREAK = re.compile(r"[\x85\u2028\u2029]")


def as_json(value: Any) -> str:
    """Return an answer, or the result of a query, as the AWS CLI prints it with ``--output json``."""
    if value == {}:
        return ""
    return json.dumps(value, indent=4, ensure_ascii=False, default=_moment) + "\n"


def as_yaml(value: Any) -> str:
    """Return the same for ``--output yaml``: members sorted by name, times as text."""
    if value == {}:
        return ""
    if not isinstance(value, dict | list):  # a scalar is written as JSON, because in YAML a line of dots would follow
        return as_json(value)
    text: str = yaml.dump(value, Dumper=_Dumper, allow_unicode=True, default_flow_style=False)
    return text


def as_yaml_stream(value: Any) -> str:
    """Return the same for ``--output yaml-stream``: a list with an item for each page of an answer, which is one here."""
    return as_yaml([value])


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


class _Dumper(yaml.SafeDumper):
    """Writes repeated values again instead of as aliases, and times as in JSON."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the library's signature
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    # The library writes these line breaks unchanged, even if they are then read as other ones.
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, '"' if _ODD_BREAK.search(value) else None)


for _tag, _pattern in _NUMBERS.items():
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, [*"-+.0123456789"])
_Dumper.add_multi_representer(dict, _Dumper.represent_dict)
_Dumper.add_representer(str, _text)
_Dumper.add_representer(datetime, lambda dumper, value: dumper.represent_str(_moment(value)))
