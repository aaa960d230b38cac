"""The chart's values as values.yaml documents them: every key with its default and the comment above it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

CHART = Path(__file__).resolve().parents[2] / "helm" / "sagemaker-tuning-exporter"

# Given as a whole: users write whatever Kubernetes takes there.
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
    """A key that users set: its path with dots, its default, what its comment says, and the section it is in."""

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
    """Return the defaults as templates see them."""
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
    """Return the comment lines that stand right above a key, as one."""
    first = last = key.start_mark.line
    while first > 0 and lines[first - 1].strip().startswith("#"):
        first -= 1
    return " ".join(line.strip().removeprefix("#").strip() for line in lines[first:last])


def _section(key: yaml.Node, lines: list[str]) -> str:
    titles = (_SECTION.fullmatch(line) for line in reversed(lines[: key.start_mark.line]))
    return next((title[1] for title in titles if title), "")
