"""What the shipped alerts ask of one tuning job, to be put to Prometheus by hand.

The expressions are a copy in a file of the package: the image has no chart. ``make docs`` writes it.
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
    """An alert about single tuning jobs, as shipped. ``collect`` is the opt-in that it needs, None where it needs none."""

    name: str
    severity: str
    summary: str
    collect: str | None
    expr: str


@dataclass(frozen=True, slots=True)
class Question:
    """What an alert asks of one tuning job: while it has an answer, the alert is pending or fires."""

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
    """Return what the alerts ask of a tuning job, those left out that need what is not collected."""
    values = zip(IDENTITY, (account_id, region, name), strict=True)
    matchers = ",".join([f'{label}="{escape_label(value)}"' for label, value in values])
    only = f"and on ({', '.join(IDENTITY)})\n{PREFIX}up{{{matchers}}}"
    return tuple(
        Question(alert.name, alert.severity, alert.summary, f"(\n{alert.expr}\n)\n{only}")
        for alert in shipped()
        if alert.collect is None or alert.collect in collect
    )
