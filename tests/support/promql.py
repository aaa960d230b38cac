"""A check of PromQL against the metrics that there are: names, labels, closed values, and whether two sides can meet."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import promql_parser as promql
from own_metrics import VALUES, own_metrics
from promql_parser import AggModifierType, LabelModifierType, MatchOp, ValueType, VectorMatchCardinality
from render_rules import alerts, load

from exporter.exposition.families import FAMILIES
from exporter.exposition.family import IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OF_PROMETHEUS = frozenset({"job", "instance"})
ANY_KEY = "*"  # ends a label such as label_*, where users choose the rest

Labels = frozenset[str]


@dataclass(frozen=True)
class Metric:
    """What can be selected by: the labels, and the values of those that have a closed set of them."""

    labels: Labels
    values: Mapping[str, Iterable[str]] = field(default_factory=dict)


def vocabulary(rules: Mapping[str, Any] | None = None) -> dict[str, Metric]:
    """Return every name that a sample can have in Prometheus: histogram parts, its own ``up`` and what rules record, the shipped ones if None."""
    metrics = {"up": Metric(OF_PROMETHEUS, {})}
    for family in FAMILIES:
        for name in family.series_names:
            metrics[name] = Metric(OF_PROMETHEUS.union(IDENTITY, family.labels), family.values)
    for metric in own_metrics():
        for name, labels in metric.samples.items():
            closed = {label: VALUES[label] for label in labels if label in VALUES}
            metrics[name] = Metric(OF_PROMETHEUS.union(labels), closed)
    rules = rules or load()
    # The tuning jobs' come before others that read their records.
    for rule in (rule for group in reversed(rules["groups"]) for rule in group["rules"] if "record" in rule):
        metrics[rule["record"]] = Metric(labels_of(rule["expr"], metrics))
    metrics["ALERTS"] = _alerts(list(alerts(rules)), metrics)
    return metrics


def _alerts(rules: list[dict[str, Any]], metrics: Mapping[str, Metric]) -> Metric:
    """Return the series that Prometheus keeps of the alerts."""
    closed = {
        "alertname": [rule["alert"] for rule in rules],
        "alertstate": ["pending", "firing"],
        "severity": {rule["labels"]["severity"] for rule in rules},
    }
    return Metric(frozenset(closed).union(*(labels_of(rule["expr"], metrics) for rule in rules)), closed)


def labels_of(expression: str, metrics: Mapping[str, Metric]) -> Labels:
    """Return the labels that the series of an expression can have. Raise ValueError when it is not PromQL."""
    return _Check(metrics).labels(promql.parse(expression)) or frozenset()


def mistakes(expression: str, metrics: Mapping[str, Metric]) -> list[str]:
    """Return what is wrong with an expression, each with the nearest right word where there is one."""
    try:
        parsed = promql.parse(expression)
    except ValueError as error:
        return [f"not PromQL: {error}"]
    check = _Check(metrics)
    check.labels(parsed)
    return check.mistakes


class _Check:
    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self._metrics = metrics
        self.mistakes: list[str] = []

    def labels(self, node: Any) -> Labels | None:
        """Check a node and all below; return the labels that its series can have, None for a scalar or text."""
        match node:
            case promql.VectorSelector():
                return self._selector(node)
            case promql.MatrixSelector():
                return self._selector(node.vector_selector)
            case promql.AggregateExpr():
                return self._aggregate(node)
            case promql.BinaryExpr():
                return self._binary(node)
            case promql.Call():
                return self._call(node)
            case promql.NumberLiteral() | promql.StringLiteral():
                return None
            case _:  # parentheses, signs and subqueries
                return self.labels(node.expr)

    def _selector(self, node: promql.VectorSelector) -> Labels:
        matchers = [*node.matchers.matchers, *(one for group in node.matchers.or_matchers for one in group)]
        names = {node.name} if node.name else self._named(matchers)
        known = [self._metrics[name] for name in names if name in self._metrics]
        for name in names - self._metrics.keys():
            self._wrong(f"no metric {name}", name, self._metrics)
        labels = frozenset().union(*(metric.labels for metric in known))
        for matcher in matchers if known else ():
            if matcher.name != "__name__" and self._has(labels, matcher.name, f"on {' or '.join(sorted(names))}"):
                self._value(matcher, {value for metric in known for value in metric.values.get(matcher.name, ())})
        return labels

    def _named(self, matchers: Iterable[promql.Matcher]) -> set[str]:
        for matcher in matchers:
            if matcher.name == "__name__" and matcher.op == MatchOp.Equal:
                return {matcher.value}
            if matcher.name == "__name__" and matcher.op == MatchOp.Re:
                self._value(matcher, self._metrics)
                return {name for name in self._metrics if re.fullmatch(matcher.value, name)}
        self.mistakes.append("a selector names no metric")
        return set()

    def _value(self, matcher: promql.Matcher, closed: Iterable[str]) -> None:
        """Check that a matcher asks for values that there are. What a dashboard's variable will hold is not known."""
        if not closed or re.search(r"\$\w|\$\{", matcher.value):
            return
        if matcher.op in (MatchOp.Re, MatchOp.NotRe):
            inner = re.fullmatch(r"\((?:\?:)?([^()]*)\)", matcher.value)
            plain = inner[1] if inner else matcher.value
            for alternative in [plain] if "(" in plain else plain.split("|"):
                if not any(re.fullmatch(alternative, value) for value in closed):
                    self._wrong(f"no {matcher.name} matches {alternative!r}", alternative, closed)
        elif matcher.value not in closed and not (matcher.op == MatchOp.NotEqual and matcher.value == ""):
            self._wrong(f"no {matcher.name} {matcher.value!r}", matcher.value, closed)

    def _aggregate(self, node: promql.AggregateExpr) -> Labels:
        labels = self.labels(node.expr) or frozenset()
        if node.param is not None:
            self.labels(node.param)
        operator = str(node.op)
        grouping = frozenset(node.modifier.labels) if node.modifier else frozenset()
        self._each_of(grouping, labels, f"to group by under {operator}")
        if operator in {"topk", "bottomk", "limitk", "limit_ratio"}:
            return labels
        without = node.modifier is not None and node.modifier.type == AggModifierType.Without
        added = {node.param.val} if operator == "count_values" and node.param is not None else set()
        return (labels - grouping if without else grouping) | added

    def _call(self, node: promql.Call) -> Labels | None:
        arguments = [self.labels(argument) for argument in node.args]
        vectors = [labels for labels in arguments if labels is not None]
        name = node.func.name
        if node.func.return_type == ValueType.Scalar:
            return None
        labels = frozenset().union(*vectors)
        if name == "histogram_quantile":
            self._each_of({"le"}, labels, "to take a quantile of")
            return labels - {"le"}
        if name in {"label_replace", "label_join"}:
            sources = node.args[3:4] if name == "label_replace" else node.args[3:]
            self._each_of({source.val for source in sources}, labels, f"for {name} to read")
            return labels | {node.args[1].val}
        return labels

    def _binary(self, node: promql.BinaryExpr) -> Labels | None:
        left, right = self.labels(node.lhs), self.labels(node.rhs)
        if left is None or right is None:
            return right if left is None else left
        operator, modifier = str(node.op), node.modifier
        matching = modifier.matching if modifier else None
        if modifier is None or matching is None:
            if operator == "or":
                return left | right
            for side, other in ((left, right), (right, left)):
                for label in sorted(side - other):
                    self.mistakes.append(f"{label} is on one side of {operator} only, so they never meet; add on (...)")
            return left
        listed = frozenset(matching.labels)
        on = matching.type == LabelModifierType.Include
        for side in (left, right) if on else (left | right,):
            self._each_of(listed, side, f"to match by on each side of {operator}" if on else f"to ignore in {operator}")
        many, one = (right, left) if modifier.card == VectorMatchCardinality.OneToMany else (left, right)
        taken = frozenset(modifier.group_labels or ())
        self._each_of(taken, one, f"to take over from the one side of {operator}")
        if operator == "or":
            return left | right
        if operator in {"and", "unless"} or modifier.card != VectorMatchCardinality.OneToOne:
            return many | taken
        return listed if on else left - listed

    def _each_of(self, wanted: Iterable[str], labels: Labels, what_for: str) -> None:
        for label in sorted(wanted):
            self._has(labels, label, what_for)

    def _has(self, labels: Labels, label: str, where: str) -> bool:
        if any(label == known or (known.endswith(ANY_KEY) and re.match(f"{known[:-1]}.", label)) for known in labels):
            return True
        self._wrong(f"no label {label} {where}", label, labels)
        return False

    def _wrong(self, message: str, word: str, right: Iterable[str]) -> None:
        near = get_close_matches(word, sorted(right), n=1, cutoff=0)
        self.mistakes.append(f"{message}; the nearest is {near[0] or 'empty'!r}" if near else message)
