"""What one scrape says of each tuning job."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from support.truth import P, key

if TYPE_CHECKING:
    from support.truth import Key

_SERIES = re.compile(r"(\w+)\{(.*)\} (\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(slots=True)
class Seen:
    """One tuning job in one scrape."""

    values: dict[Key, float] = field(default_factory=dict)
    codes: set[str] = field(default_factory=set)
    up: float | None = None
    last_success: float | None = None
    version: str = ""


class Scrape(NamedTuple):
    """One scrape: when it was asked and had come (Unix seconds), tuning jobs by name, errors by (target, code)."""

    asked: float
    came: float
    jobs: dict[str, Seen]
    errors: dict[tuple[str, str], float]


@lru_cache(maxsize=200_000)
def _parsed(line: str) -> tuple[str, dict[str, str], float] | None:
    found = _SERIES.fullmatch(line)
    return found and (found[1], dict(_LABEL.findall(found[2])), float(found[3]))


def forget() -> None:
    """Keep no line that was read."""
    _parsed.cache_clear()


def read(asked: float, came: float, text: str) -> Scrape:
    """Return what a scrape says."""
    jobs: defaultdict[str, Seen] = defaultdict(Seen)
    errors: defaultdict[tuple[str, str], float] = defaultdict(float)
    for line in text.splitlines():
        parsed = _parsed(line)
        if parsed is None:
            continue
        name, labels, value = parsed
        if name == "sagemaker_tuning_exporter_api_errors_total":
            errors[labels["target"], labels["code"]] += value
        if not name.startswith(P):
            continue
        job = jobs[labels["tuning_job"]]
        match name.removeprefix(P):
            case "up":
                job.up = value
            case "error_info":
                job.codes.add(labels["code"])
            case "last_success_timestamp_seconds":
                job.last_success = value
            case "labels":
                job.version = labels["label_version"]
            case family if family != "next_describe_timestamp_seconds":
                job.values[key(name, labels)] = value
    return Scrape(asked, came, dict(jobs), dict(errors))
