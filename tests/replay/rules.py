"""The shipped rules as the report needs them: expressions of alerts and of the records that they are made of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from render_rules import alerts, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(duration: str) -> float:
    """Return a duration of Prometheus in seconds."""
    return sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhd])", duration))


_COMMENT = re.compile(r"#.*")
_NAME = re.compile(r"[a-zA-Z_:][\w:]*")


@dataclass(frozen=True)
class Rules:
    """The alerts by name, as in the rule files; ``records`` are the expressions of the recording rules by theirs."""

    by_name: Mapping[str, Mapping[str, Any]]
    records: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def shipped(cls) -> Rules:
        """Return those of the chart."""
        groups = load()["groups"]
        records = {rule["record"]: rule["expr"] for group in groups for rule in group["rules"] if "record" in rule}
        in_order = {"groups": reversed(groups)}  # the tuning jobs' before the exporter's own
        return cls({rule["alert"]: rule for rule in alerts(in_order)}, records)

    @cached_property
    def layers(self) -> list[list[str]]:
        """The records that alerts are made of, those first that others are made of. Raise ValueError for a circle."""
        wanted = {name for rule in self.by_name.values() for name in self._reads(rule["expr"])}
        while more := {name for record in wanted for name in self._reads(self.records[record])} - wanted:
            wanted |= more
        layers: list[list[str]] = []
        while wanted:
            layer = [name for name in self.records if name in wanted and not self._reads(self.records[name]) & wanted]
            if not layer:
                raise ValueError(f"these records are made of each other: {sorted(wanted)}")
            layers.append(layer)
            wanted -= {*layer}
        return layers

    def at_steps(self, expression: str, step: float) -> str:
        """Return an expression that sees of each record only what was recorded at the very time.

        Records end at once when their expression gives nothing any more, which samples without marks of staleness
        cannot tell.
        """
        if not self._reads(expression):
            return expression
        names = "|".join(map(re.escape, sorted(self.records, key=len, reverse=True)))
        selector = rf"(?<![\w:])((?:{names})(?![\w:])(?:\{{[^}}]*\}})?)(?!\s*[\[{{])(\s+offset\s+\w+)?"
        bare = _COMMENT.sub("", expression)
        return re.sub(selector, lambda found: f"last_over_time({found[1]}[{step * 990:.0f}ms]{found[2] or ''})", bare)

    def _reads(self, expression: str) -> set[str]:
        return {name for name in _NAME.findall(_COMMENT.sub("", expression)) if name in self.records}

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name)

    def expression(self, alert: str) -> str:
        return str(self.by_name[alert]["expr"])

    def hold(self, alert: str) -> float:
        """Return the ``for`` of an alert, in seconds."""
        return seconds(self.by_name[alert].get("for", "0s"))

    def keep(self, alert: str) -> float:
        """Return the ``keep_firing_for`` of an alert, in seconds."""
        return seconds(self.by_name[alert].get("keep_firing_for", "0s"))

    def metrics(self) -> frozenset[str]:
        """Return the names of all metrics that the expressions select, those of records too."""
        records = [self.records[name] for layer in self.layers for name in layer]
        expressions = [*(rule["expr"] for rule in self.by_name.values()), *records]
        names = {name for expression in expressions for name in _NAME.findall(_COMMENT.sub("", expression))}
        return frozenset(name for name in names if name == "up" or name.startswith("sagemaker_tuning_"))
