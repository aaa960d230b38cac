"""Print this project's rules as one rule file, with other thresholds, links and labels, or with all durations shortened.

python tools/render_rules.py --threshold SageMakerTuningJobFailed.age=3600 > rules.yaml
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

RULES = Path(__file__).resolve().parents[1] / "helm" / "sagemaker-tuning-exporter" / "rules"
TEAM_LABELS = ("label_team",)
"""The labels that alerts copy from their tuning job by default."""

# The comment after a number, or after a duration in brackets, is its name.
_THRESHOLD = re.compile(
    r"(?P<value>\d[\d.]*[a-z]*)(?P<rest>[\])\s]*# threshold: (?P<name>\w+)(?P<seconds> \(seconds\))?)$", re.MULTILINE
)
_RANGE = re.compile(r"(?<=\[)\w+(?=\])|(?<=\boffset )\w+")
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATIONS = ("for", "keep_firing_for")
_TEAM_LABEL = re.compile(r"(label|tag)_[a-zA-Z0-9_]+")
_LABEL = re.compile(r"(?!__|label_|tag_)[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True)
class Threshold:
    """A number in an alert's expression that you can set. ``value`` is as in the expression, with its unit if any."""

    name: str
    value: str
    seconds: bool

    @property
    def range(self) -> bool:
        """Return whether it is the range of a selector, which is a duration."""
        return not self.value.replace(".", "").isdigit()


class Override(NamedTuple):
    """Other thresholds of an alert, by name, for tuning jobs with these labels. The first match counts."""

    alert: str
    labels: Mapping[str, str]
    thresholds: Mapping[str, str]


class _Wishes(NamedTuple):
    """The changes to make: the arguments of ``render``."""

    speed: float
    values: Mapping[tuple[str, str], str]
    overrides: Sequence[Override]
    runbook_url: str | None
    team_labels: Sequence[str]


def load(folder: Path = RULES) -> dict[str, Any]:
    """Return the groups of all rule files in a folder as one document."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    files = [yaml.load(path.read_bytes(), loader) for path in sorted(folder.glob("*.yaml"))]
    return {"groups": [group for file in files for group in file["groups"]]}


def alerts(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the alerts of all groups in order."""
    return (rule for group in document["groups"] for rule in group["rules"] if "alert" in rule)


def thresholds(rule: Mapping[str, Any]) -> dict[str, Threshold]:
    """Return the thresholds of an alert by name, in the order of their first appearance in its expression."""
    found = (
        Threshold(match["name"], match["value"], match["seconds"] is not None)
        for match in _THRESHOLD.finditer(rule["expr"])
    )
    return {threshold.name: threshold for threshold in found}


def own_labels(document: Mapping[str, Any]) -> list[str]:
    """Return the labels that rules and messages use themselves. These cannot be labels for aggregation."""
    sets = re.compile(r"\b(?:by|on|ignoring|group_left)\s*\(([^)]*)\)")
    rules = [rule for group in document["groups"] for rule in group["rules"]]
    asked = [text for rule in rules for text in (rule["expr"], *rule.get("annotations", {}).values())]
    found = {label for text in asked for inside in sets.findall(text) for label in re.findall(r"\w+", inside)}
    return sorted({*found, "alertname", "severity"} - {*TEAM_LABELS})


def render(
    document: Mapping[str, Any],
    *,
    speed: float = 1.0,
    values: Mapping[tuple[str, str], str] | None = None,
    overrides: Sequence[Override] = (),
    runbook_url: str | None = None,
    team_labels: Sequence[str] = TEAM_LABELS,
    aggregation_labels: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the changed document.

    All durations are divided by ``speed``: ``for`` and ``keep_firing_for``, ranges and offsets of selectors, thresholds in
    seconds, and intervals of groups. Before that, ``values`` replace thresholds, by alert and name, and ``overrides`` do this for
    tuning jobs with certain ``team_labels``. ``runbook_url`` replaces the part of runbook links before ``#``. All sums, joins and
    messages keep the ``aggregation_labels``. Raises ValueError if an alert, threshold or label does not exist, or if a value has
    the wrong type.
    """
    values = values or {}
    _check_labels(team_labels, aggregation_labels, own_labels(document))
    known = {(rule["alert"], name): one for rule in alerts(document) for name, one in thresholds(rule).items()}
    for key, value in values.items():
        _check(key, value, known)
    carried = {rule["alert"] for rule in alerts(document) if TEAM_LABELS[0] in rule["expr"]}
    for each in overrides:
        for name, value in each.thresholds.items():
            _check((each.alert, name), value, known)
        if each.alert not in carried or not each.labels or not {*each.labels} <= {*team_labels}:
            raise ValueError(
                f"{each.alert} carries no labels {', '.join(each.labels)}: it has those of --team-labels, if any"
            )
    wishes = _Wishes(speed, values, overrides, runbook_url, team_labels)
    groups = [_group(group, wishes) for group in document["groups"]]
    if aggregation_labels:
        groups = [
            {**group, "rules": [_aggregated(rule, aggregation_labels) for rule in group["rules"]]} for group in groups
        ]
    return {"groups": groups}


def aggregated(text: str, labels: Sequence[str]) -> str:
    """Return expressions in which all sums and joins over tuning jobs, targets or exporters keep the labels."""
    kept = ", ".join(labels)
    text = re.sub(r"\b(by|on) \(\)", rf"\1 ({kept})", text)
    return re.sub(r"\b(by|on) \(([^)]*\b(?:aws_region|job)\b)", rf"\1 ({kept}, \2", text)


def _aggregated(rule: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
    adapted = {**rule, "expr": aggregated(rule["expr"], labels)}
    if "annotations" in rule:
        selected = "{" + ",".join(f"{label}=%q" for label in (*labels, "aws_account_id"))
        given = " ".join(f"$labels.{label}" for label in (*labels, "aws_account_id", "aws_region"))
        texts = {
            name: aggregated(
                text.replace("{aws_account_id=%q", selected).replace(
                    "$labels.aws_account_id $labels.aws_region", given
                ),
                labels,
            )
            for name, text in rule["annotations"].items()
        }
        for label in labels:
            texts["summary"] += f"{{{{ with $labels.{label} }}}}, {label} {{{{ . }}}}{{{{ end }}}}"
        adapted["annotations"] = texts
    return adapted


def divide(duration: str, speed: float) -> str:
    """Return a duration divided by a number, at least a millisecond. Raises ValueError if it is not a duration of Prometheus."""
    parts = re.findall(r"(\d+)(ms|[smhd])", duration)
    if not parts or "".join(map("".join, parts)) != duration:
        raise ValueError(f"{duration!r} is not a duration such as 45m or 1h30m")
    milliseconds = sum(int(number) * _UNITS[unit] for number, unit in parts)
    if speed == 1 or milliseconds == 0:
        return duration
    return f"{max(1, round(milliseconds / speed))}ms"


def _check_labels(team_labels: Sequence[str], aggregation_labels: Sequence[str], own: Sequence[str]) -> None:
    for label in team_labels:
        if not _TEAM_LABEL.fullmatch(label):
            raise ValueError(f"{label!r} is no label of tuning jobs such as label_team or tag_team")
    for label in aggregation_labels:
        if not _LABEL.fullmatch(label) or label in own:
            raise ValueError(
                f"{label!r} tells no exporters apart: name a label that each cluster's agent adds, such as cluster"
            )
    for labels in (team_labels, aggregation_labels):
        if len({*labels}) < len(labels):
            raise ValueError(f"{', '.join(labels)}: a label is there twice")


def _check(key: tuple[str, str], value: str, known: Mapping[tuple[str, str], Threshold]) -> None:
    if key not in known:
        there = ", ".join(name for alert, name in known if alert == key[0])
        raise ValueError(f"{'.'.join(key)}: {f'there is only {there}' if there else 'no such threshold'}")
    if known[key].range:
        if divide(value, 1) and not re.search("[1-9]", value):
            raise ValueError(f"{'.'.join(key)}: {value!r} is no time to look back on")
    elif not re.fullmatch(r"\d+(\.\d+)?", value):
        raise ValueError(f"{'.'.join(key)}: {value!r} is not a number such as 0.5")


def _group(group: Mapping[str, Any], wishes: _Wishes) -> dict[str, Any]:
    rules = [_rule(rule, wishes) for rule in group["rules"]]
    intervals = {"interval": divide(group["interval"], wishes.speed)} if "interval" in group else {}
    return {**group, **intervals, "rules": rules}


def _rule(rule: Mapping[str, Any], wishes: _Wishes) -> dict[str, Any]:
    adapted = {**rule, "expr": _expression(rule, wishes)}
    adapted |= {key: divide(rule[key], wishes.speed) for key in _DURATIONS if key in rule}
    if wishes.runbook_url is not None and "annotations" in rule:
        anchor = rule["annotations"]["runbook_url"].partition("#")[2]
        adapted["annotations"] = {**rule["annotations"], "runbook_url": f"{wishes.runbook_url}#{anchor}"}
    return adapted


def _expression(rule: Mapping[str, Any], wishes: _Wishes) -> str:
    """Return a rule's expression. With overrides, it has one part for each of them, and one for all other tuning jobs."""
    own = {name: value for (alert, name), value in wishes.values.items() if alert == rule.get("alert")}
    expression = _with_thresholds(rule["expr"], own, wishes)
    others = [each for each in wishes.overrides if each.alert == rule.get("alert")]
    if not others:
        return expression
    joins = [_carrying(each.labels) for each in others]
    parts = [f"(\n{expression.strip()}\n)" + "".join(f"\nunless {join}" for join in joins)]
    for place, each in enumerate(others):
        expression = _with_thresholds(rule["expr"], own | dict(each.thresholds), wishes)
        before = "".join(f"\nunless {join}" for join in joins[:place])
        parts.append(f"(\n{expression.strip()}\n)\nand {joins[place]}{before}")
    return "\nor\n".join(parts)


def _carrying(labels: Mapping[str, str]) -> str:
    """Return the expression to join with an alert, to select tuning jobs with these labels."""
    matchers = ",".join(f"{label}={json.dumps(value, ensure_ascii=False)}" for label, value in sorted(labels.items()))
    return f"on ({', '.join(sorted(labels))}) tuning_job:sagemaker_tuning_job_labels:agreed{{{matchers}}}"


def _with_thresholds(expression: str, values: Mapping[str, str], wishes: _Wishes) -> str:
    def threshold(match: re.Match[str]) -> str:
        value, speed = values.get(match["name"], match["value"]), wishes.speed
        return (f"{float(value) / speed:.12g}" if match["seconds"] and speed != 1 else value) + match["rest"]

    expression = _THRESHOLD.sub(threshold, expression)
    expression = _RANGE.sub(lambda match: divide(match[0], wishes.speed), expression)
    if tuple(wishes.team_labels) == TEAM_LABELS:
        return expression
    labels = ", ".join(wishes.team_labels)
    return re.sub(r"(, )?\blabel_team\b", lambda match: (match[1] or "") + labels if labels else "", expression)


class _Dumper(yaml.SafeDumper):
    """Writes texts with several lines as blocks."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def dump(document: Mapping[str, Any]) -> str:
    """Return the document as the text of a rule file."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the rules for the arguments, and return an exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--speed", type=float, default=1.0, metavar="N", help="divide every duration by N")
    parser.add_argument(
        "--threshold",
        action="append",
        default=[],
        metavar="ALERT.NAME=VALUE",
        help='set a threshold; may be repeated. ALERT.NAME{label_team="search"}=VALUE sets it for one team',
    )
    parser.add_argument("--runbook-url", metavar="URL", help="the page that the runbook links lead to")
    parser.add_argument(
        "--team-labels", default=",".join(TEAM_LABELS), metavar="LABELS", help="labels to take over, parted by commas"
    )
    parser.add_argument(
        "--aggregation-labels",
        default="",
        metavar="LABELS",
        help="labels that tell exporters apart in a central Prometheus, such as cluster, parted by commas",
    )
    options = parser.parse_args(arguments)
    try:
        assigned = [_assignment(text) for text in options.threshold]
        document = render(
            load(),
            speed=options.speed,
            values={
                (each.alert, name): value
                for each in assigned
                if not each.labels
                for name, value in each.thresholds.items()
            },
            overrides=_by_labels(assigned),
            runbook_url=options.runbook_url,
            team_labels=_parted(options.team_labels),
            aggregation_labels=_parted(options.aggregation_labels),
        )
    except ValueError as error:
        parser.error(str(error))
    sys.stdout.write(dump(document))
    return 0


def _parted(labels: str) -> list[str]:
    return [label for label in labels.split(",") if label]


def _assignment(text: str) -> Override:
    """Return the override in a text. Without a label it is for all tuning jobs."""
    match = re.fullmatch(r"(\w+)\.(\w+)(?:\{(\w+)=\"([^\"\\]*)\"\})?=(\S+)", text)
    if match is None:
        raise ValueError(f"{text!r} is not ALERT.NAME=VALUE")
    return Override(match[1], {match[3]: match[4]} if match[3] else {}, {match[2]: match[5]})


def _by_labels(assigned: Sequence[Override]) -> list[Override]:
    """Return the overrides with labels, in order, one for all thresholds of an alert."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], Override] = {}
    for each in assigned:
        if each.labels:
            key = each.alert, tuple(each.labels.items())
            before = found[key].thresholds if key in found else {}
            found[key] = each._replace(thresholds={**before, **each.thresholds})
    return list(found.values())


if __name__ == "__main__":
    sys.exit(main())
