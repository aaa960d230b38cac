"""The chart's values in values.yaml: all keys with their defaults and the comments above them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

CHART = Path(__file__).resolve().parents[2] / "helm" / "sagemaker-tuning-exporter"

# Values that are used as a whole, with anything that Kubernetes accepts.
OPAQUE = frozenset(
    {
        "dashboards.labels",
        "dashboards.operator.instanceSelector",
        "livenessProbe",
        "podSecurityContext",
        "readinessProbe",
        "resources",
        "securityContext",
        "startupProbe",
        "strategy",
    }
)

_SECTION = re.compile(r"# ---- (.+) ----")


@dataclass(frozen=True)
class Value:
    """A key that you can set: its path with dots, its default, its comment, and its section."""

    path: str
    default: Any
    description: str
    section: str


def read(path: Path = CHART / "values.yaml") -> list[Value]:
    """Return the values in the order of the file."""
    text = path.read_text(encoding="utf-8")
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise TypeError(f"{path} holds no mapping")
    return list(_walk(root, "", text.splitlines()))


def defaults(path: Path = CHART / "values.yaml") -> dict[str, Any]:
    """Return the defaults as in templates."""
    made: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return made


def _walk(mapping: yaml.MappingNode, prefix: str, lines: list[str]) -> Iterator[Value]:
    for key, node in mapping.value:
        path = prefix + key.value
        if isinstance(node, yaml.MappingNode) and node.value and path not in OPAQUE:
            yield from _walk(node, f"{path}.", lines)
        else:
            yield Value(path, _plain(node), _comment(key, lines), _section(key, lines))


def _plain(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _comment(key: yaml.Node, lines: list[str]) -> str:
    """Return the comment lines above a key, as one text."""
    first = last = key.start_mark.line
    while first > 0 and lines[first - 1].strip().startswith("#"):
        first -= 1
    return " ".join(line.strip().removeprefix("#").strip() for line in lines[first:last])


def _section(key: yaml.Node, lines: list[str]) -> str:
    titles = (_SECTION.fullmatch(line) for line in reversed(lines[: key.start_mark.line]))
    return next((title[1] for title in titles if title), "")
