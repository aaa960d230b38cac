"""Renders the views as text, one family of the metric table at a time.

Nearly all of the text is valid in both formats: ``# UNIT`` is a comment in text 0.0.4, and HELP texts need no escaping. Only
the metadata of infos and counters differ. In OpenMetrics, their names have no suffix. In text 0.0.4, an info is a gauge. The
series are the same.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from exporter.exposition.family import IDENTITY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence

    from exporter.exposition.family import Family, Labels, Number, Sample
    from exporter.fleet import JobView

_BATCH = 100  # tuning jobs whose lines of a family are in memory at once
# Prometheus refuses a whole scrape with a NUL.
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\"", "\0": "?"})
_PLAIN = re.compile(r"[ !#-\[\]-~]*").fullmatch  # ASCII that needs no escaping
_NON_FINITE = {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}


class Piece(NamedTuple):
    """A piece of text in both formats. If they are equal, it is the same object."""

    text: str
    openmetrics: str


def format_value(value: Number) -> str:
    """Return a sample's value as text, exact to the last bit."""
    text = repr(value)
    return _NON_FINITE.get(text, text)


def escape_label(value: str) -> str:
    """Return a label's value as written between the quotes.

    Single surrogates, which are not valid text, become ``?``, and so does NUL.
    """
    if _PLAIN(value):
        return value
    return value.translate(_ESCAPES).encode("utf-8", "replace").decode("utf-8")


def render(
    families: Sequence[Family], views: Iterable[JobView], left_out: MutableMapping[tuple[str, str], int] | None = None
) -> Iterator[Piece]:
    """Yield the text in pieces: each family that has series, with its metadata first, and series in the order of the views.

    If several views have the same labels, only one is used, so that no series is there twice: the first one whose last describe
    succeeded, otherwise the first one. A job has at most
    ``family.limit`` series of a family. The number of further ones is added to ``left_out``, by the full name of the family and
    the labels of the job as text.
    """
    left_out = {} if left_out is None else left_out
    jobs: dict[str, JobView] = {}
    for view in views:
        identity = _identity(view)
        if identity not in jobs or (_is_described(view) and not _is_described(jobs[identity])):
            jobs[identity] = view
    everyone = list(jobs.items())
    for family in families:
        head: Piece | None = _metadata(family)
        # A few tuning jobs at a time, because all lines of a family need more memory than the tuning jobs.
        for start in range(0, len(everyone), _BATCH):
            if lines := "".join(_lines(family, everyone[start : start + _BATCH], left_out)):
                if head is not None:
                    yield head
                    head = None
                yield Piece(lines, lines)


def _is_described(view: JobView) -> bool:
    return view.facts is not None and view.failure is None


def _lines(
    family: Family, jobs: Sequence[tuple[str, JobView]], left_out: MutableMapping[tuple[str, str], int]
) -> list[str]:
    if family.limit is not None:
        return _limited(family, family.limit, jobs, left_out)
    if family.counts is not None:
        return _summaries(family, family.counts, jobs)
    start, samples_of, text = f"{family.full_name}{{", family.samples, _LabelTexts()
    return [
        f"{start}{identity}{text[labels]}}} {format_value(number)}\n"
        for identity, view in jobs
        for labels, number in samples_of(view)
    ]


def _summaries(
    family: Family, counts_of: Callable[[JobView], Iterable[Sample]], jobs: Sequence[tuple[str, JobView]]
) -> list[str]:
    """Return the lines of a summary, sum and count of each set of labels together."""
    name, text = family.full_name, _LabelTexts()
    return [
        f"{name}_{part}{{{identity}{text[labels]}}} {format_value(number)}\n"
        for identity, view in jobs
        for (labels, total), (_, count) in zip(family.samples(view), counts_of(view), strict=True)
        for part, number in (("count", count), ("sum", total))
    ]


def _limited(
    family: Family,
    limit: int,
    jobs: Iterable[tuple[str, JobView]],
    left_out: MutableMapping[tuple[str, str], int],
) -> list[str]:
    name, text = family.full_name, _LabelTexts()
    lines: list[str] = []
    for identity, view in jobs:
        # Only the first with the same labels: different names in an answer may become the same text.
        series: dict[str, Number] = {}
        for labels, number in family.samples(view):
            series.setdefault(text[labels], number)
        if len(series) > limit:
            left_out[name, identity] = len(series) - limit
        shown = islice(series.items(), limit)
        lines += [f"{name}{{{identity}{more}}} {format_value(number)}\n" for more, number in shown]
    return lines


def _identity(view: JobView) -> str:
    values = (view.account_id, view.region, view.name)
    return _text(tuple(zip(IDENTITY, values, strict=True))).removeprefix(",")


class _LabelTexts(dict["Labels", str]):
    """Labels as text. They are cached, because the same few statuses and objectives are used again and again."""

    def __missing__(self, labels: Labels) -> str:
        text = self[labels] = _text(labels)
        return text


def _text(labels: Labels) -> str:
    return "".join([f',{name}="{escape_label(value)}"' for name, value in labels])


def _metadata(family: Family) -> Piece:
    name = family.full_name
    if family.type == "counter":
        bare = name.removesuffix("_total")
        unit = f"# UNIT {bare} {family.unit}\n" if family.unit else ""
        return Piece(
            f"# HELP {name} {family.help}\n# TYPE {name} counter\n",
            f"# HELP {bare} {family.help}\n# TYPE {bare} counter\n{unit}",
        )
    unit = f"# UNIT {name} {family.unit}\n" if family.unit else ""
    plain = f"# HELP {name} {family.help}\n# TYPE {name} {'gauge' if family.info else family.type}\n{unit}"
    if not family.info:
        return Piece(plain, plain)
    name = name.removesuffix("_info")
    return Piece(plain, f"# HELP {name} {family.help}\n# TYPE {name} info\n")
