"""The expressions of the exporter's alerts for one tuning job, to run in Prometheus by hand.

A file in the package has a copy of the expressions, because the image does not have the chart. ``make docs`` writes it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from exporter.exposition.family import IDENTITY, PREFIX
from exporter.exposition.render import escape_label

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

FILE = "alerts.json"


class Alert(NamedTuple):
    """An alert about single tuning jobs. ``collect`` is the opt-in that it needs, None if it needs none."""

    name: str
    severity: str
    summary: str
    collect: str | None
    expr: str


@dataclass(frozen=True, slots=True)
class Question:
    """The expression of an alert for one tuning job. While it returns a result, the alert is pending or firing."""

    alert: str
    severity: str
    summary: str
    promql: str


@cache
def shipped() -> tuple[Alert, ...]:
    """Return the alerts, in the order of the rule files."""
    text = files("exporter.web.pages").joinpath(FILE).read_text(encoding="utf-8")
    return tuple(Alert(**each) for each in json.loads(text))


def questions(account_id: str, region: str, name: str, collect: AbstractSet[str]) -> tuple[Question, ...]:
    """Return the expressions for a tuning job. Alerts that need an opt-in that is not collected are left out."""
    values = zip(IDENTITY, (account_id, region, name), strict=True)
    matchers = ",".join([f'{label}="{escape_label(value)}"' for label, value in values])
    only = f"and on ({', '.join(IDENTITY)})\n{PREFIX}up{{{matchers}}}"
    return tuple(
        Question(alert.name, alert.severity, alert.summary, f"(\n{alert.expr}\n)\n{only}")
        for alert in shipped()
        if alert.collect is None or alert.collect in collect
    )
