"""What one scrape says of each tuning job."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from support.truth import P, key

if TYPE_CHECKING:
    from support.truth import Key

_SERIES = re.compile(r"(\w+)\{(.*)\} (\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_ERRORS = "sagemaker_tuning_exporter_api_errors_total"


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


class _Line(NamedTuple):
    """One line of a scrape: what it tells of which tuning job, or of the errors of a target for ``what`` api_errors."""

    what: str
    job: str
    told: Any
    value: float


@lru_cache(maxsize=200_000)
def _parsed(line: str) -> _Line | None:
    """Return what a line tells, None for one that counts for nothing here."""
    found = _SERIES.fullmatch(line)
    if found is None:
        return None
    name, value = found[1], float(found[3])
    labels = dict(_LABEL.findall(found[2]))
    if name == _ERRORS:
        return _Line(_ERRORS, "", (labels["target"], labels["code"]), value)
    what = name.removeprefix(P)
    if what in {name, "next_describe_timestamp_seconds"}:
        return None
    told = {"error_info": "code", "labels": "label_version"}.get(what)
    return _Line(what, labels["tuning_job"], labels[told] if told else key(name, labels), value)


def forget() -> None:
    """Keep no line that was read."""
    _parsed.cache_clear()


def read(asked: float, came: float, text: str) -> Scrape:
    """Return what a scrape says."""
    jobs: defaultdict[str, Seen] = defaultdict(Seen)
    errors: defaultdict[tuple[str, str], float] = defaultdict(float)
    for line in filter(None, map(_parsed, text.splitlines())):
        if line.what == _ERRORS:
            errors[line.told] += line.value
            continue
        job = jobs[line.job]
        match line.what:
            case "up":
                job.up = line.value
            case "error_info":
                job.codes.add(line.told)
            case "last_success_timestamp_seconds":
                job.last_success = line.value
            case "labels":
                job.version = line.told
            case _:
                job.values[line.told] = line.value
    return Scrape(asked, came, dict(jobs), dict(errors))
