"""The parts of docs/alerts.md that are made from the shipped rules; the rest of the page is written by hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from render_rules import alerts, load, thresholds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PAGE = Path(__file__).resolve().parents[1] / "docs" / "alerts.md"


def render() -> str:
    """Return the whole page with its tables renewed. Raise ValueError when the place of one is not there."""
    page = PAGE.read_text(encoding="utf-8")
    page = placed(page, "alerts", _alerts())
    return placed(page, "records", _records())


def placed(page: str, name: str, table: str) -> str:
    """Return the page with what stands between the comments of a name replaced. Raise ValueError unless there is one."""
    place = rf"(<!-- {name}: made by [^>]+ -->\n).*?(<!-- /{name} -->\n)"
    page, places = re.subn(place, lambda found: found[1] + table + found[2], page, flags=re.DOTALL)
    if places != 1:
        raise ValueError(f"{PAGE.name} has {places} places for {name}")
    return page


def _alerts() -> str:
    head = ("alert", "severity", "for", "keeps firing", "thresholds")
    # The tuning jobs' come before the exporter's own.
    rules = alerts({"groups": reversed(load()["groups"])})
    return _table(head, map(_alert, rules))


def _alert(rule: Mapping[str, Any]) -> tuple[str, ...]:
    name = rule["alert"]
    numbers = (f"`{one.name}` {one.value}{' s' if one.seconds else ''}" for one in thresholds(rule).values())
    return (
        f"[`{name}`](runbooks.md#{name.lower()})",
        rule["labels"]["severity"],
        rule["for"],
        rule["keep_firing_for"],
        ", ".join(numbers),
    )


def _records() -> str:
    records = (rule for group in load()["groups"] for rule in group["rules"] if "record" in rule)
    rows = ((f"`{rule['record']}`", f"`{_one_line(rule['expr'])}`") for rule in records)
    return _table(("series", "expression"), rows)


def _one_line(expression: str) -> str:
    # A comment would take the rest of the line with it.
    return " ".join(re.sub(r"(?m)^\s*#.*$", "", expression).split())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
