"""Converts view models to HTML. Everything is escaped, because names, reasons and labels are untrusted text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from exporter.config.duration import format_duration
from exporter.statuses import TRAINING_JOB_STATUSES
from exporter.web.pages import figures
from exporter.web.pages.links import job_path

Number = int | float

WORDS = {  # in the order of a bar: done, running, failed
    "Completed": "completed",
    "Stopped": "stopped",
    "InProgress": "in progress",
    "RetryableError": "failed, may be retried",
    "NonRetryableError": "failed",
}


class Segment(NamedTuple):
    """A part of a bar: its status, its start and its width, in percent of the whole."""

    status: str
    start: float
    width: float


class Bar(NamedTuple):
    """A stacked bar, and its content as text."""

    segments: tuple[Segment, ...]
    text: str


def bar(training_jobs: Mapping[str, Number], most: Number | None) -> Bar | None:
    """Return the bar of a tuning job's training jobs. ``most`` is the most that may be launched. None if all counts are 0."""
    if not training_jobs:
        return None
    launched = sum(training_jobs.values())
    whole = max(launched, most or 0)
    segments: list[Segment] = []
    start = 0.0
    for status in WORDS:
        if whole > 0 and (number := training_jobs.get(status, 0)) > 0:
            width = 100.0 * number / whole
            segments.append(Segment(status, round(start, 3), round(width, 3)))
            start += width
    told = [f"{figures.number(n)} {words}" for each, words in WORDS.items() if (n := training_jobs.get(each, 0))]
    of = "" if most is None else f" of {figures.number(most)} that may be launched"
    return Bar(tuple(segments), f"{', '.join(told) or 'none launched'}{of}")


def launched(training_jobs: Mapping[str, Number]) -> Number:
    """Return how many training jobs were launched."""
    return sum(training_jobs.values())


def series(text: str) -> int:
    """Return the number of series in an exposition, as text."""
    return sum(not line.startswith("#") for line in text.splitlines())


class Fact(NamedTuple):
    """A fact as it is shown."""

    name: str
    value: str
    is_time: bool


def more(model: Any, *told: str) -> list[Fact]:
    """Return the facts of a model that are not in ``told``, which the page shows itself. So new facts appear automatically.

    The names end in the units of the values. Members that have parts are left out.
    """
    facts = []
    for field in fields(model):
        name, value = field.name, getattr(model, field.name)
        if name in told or is_dataclass(value) or isinstance(value, tuple | Mapping):
            continue
        is_time, is_duration = name.endswith("_time"), name.endswith("_seconds")
        if isinstance(value, bool):
            value = yes(value)
        elif isinstance(value, int | float):
            write = _date if is_time else figures.duration if is_duration else figures.number
            value = write(value)
        words = name.removesuffix("_time").removesuffix("_seconds").replace("_", " ")
        facts.append(Fact(words.capitalize(), value or figures.ABSENT, is_time))
    return facts


def _date(seconds: float) -> str:
    return figures.date(figures.moment(seconds))


def direction(type_: str | None) -> str:
    """Return as a word in which direction an objective is better."""
    return {"Maximize": "higher is better", "Minimize": "lower is better"}.get(type_ or "", "direction not known")


_TRIGGERS = {
    "start": "at start",
    "file": "because the file changed",
    "SIGHUP": "because of SIGHUP",
    "request": "because a request asked for it",
}


def trigger(why: str) -> str:
    """Return as text why a configuration was read."""
    return _TRIGGERS.get(why, f"by {why}")


def yes(flag: bool | None) -> str:
    """Format a flag."""
    return figures.ABSENT if flag is None else "yes" if flag else "no"


_TEMPLATES = Environment(
    loader=PackageLoader("exporter.web.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals |= {
    "age": figures.age,
    "bar": bar,
    "count": figures.count,
    "direction": direction,
    "job_path": job_path,
    "launched": launched,
    "more": more,
    "series": series,
    "training_statuses": TRAINING_JOB_STATUSES,
}
_TEMPLATES.filters |= {
    "date": figures.date,
    "duration": figures.duration,
    "iso": figures.iso,
    "moment": figures.moment,
    "number": figures.number,
    "percent": figures.percent,
    "rate": figures.rate,
    "trigger": trigger,
    "yes": yes,
    "setting": format_duration,
    "money": lambda amount: figures.ABSENT if amount is None else figures.money(amount.amount, amount.currency),
    "dash": lambda text: figures.ABSENT if text in {None, ""} else text,
}


def page(template: str, *, root: str, **shown: Any) -> bytes:
    """Return a page as HTML. ``root`` is the relative path from it to the root of the site, with a slash at its end."""
    text = _TEMPLATES.get_template(template).render(root=root, **shown)
    return text.encode("utf-8", "replace")  # single surrogates are not valid text
