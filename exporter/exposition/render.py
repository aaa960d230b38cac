"""From the table and the views to text, a family at a time.

The text is valid in both formats: ``# UNIT`` is a comment in text 0.0.4, and HELP texts need no escaping.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from exporter.exposition.family import IDENTITY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence

    from exporter.exposition.family import Family, Number
    from exporter.fleet import JobView
    from exporter.tuning_job import TuningJob

T = TypeVar("T")

_BATCH = 100  # tuning jobs whose lines of a family are held at once
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_PLAIN = re.compile(r"[ !#-\[\]-~]*").fullmatch  # ASCII that stands for itself
_NON_FINITE = {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}


def format_value(value: Number) -> str:
    """Return a sample's value as Prometheus reads it, exact to the last bit."""
    text = repr(value)
    return _NON_FINITE.get(text, text)


def escape_label(value: str) -> str:
    """Return a label's value as it stands between the quotes. Halves of surrogate pairs, no text at all, become ``?``."""
    if _PLAIN(value):
        return value
    return value.translate(_ESCAPES).encode("utf-8", "replace").decode("utf-8")


def render(
    families: Sequence[Family], views: Iterable[JobView], left_out: MutableMapping[tuple[str, str], int] | None = None
) -> Iterator[str]:
    """Yield the text in pieces: each family that has series, metadata first, series in the order of the views.

    Of views that no label tells apart only the first counts: no series comes twice, whatever the fleet holds. A job
    has at most ``family.limit`` series of a family; ``left_out`` gains how many more there were, by the full name of
    the family and the labels of the job as text.
    """
    left_out = {} if left_out is None else left_out
    jobs: dict[str, JobView] = {}
    for view in views:
        jobs.setdefault(_identity(view), view)
    everyone = list(jobs.items())
    known = [(identity, view.facts) for identity, view in everyone if view.facts is not None]
    for family in families:
        head = _metadata(family)
        for lines in _series(family, everyone, known, left_out):
            if lines:
                yield head + "".join(lines)
                head = ""


def _series(
    family: Family,
    everyone: Sequence[tuple[str, JobView]],
    known: Sequence[tuple[str, TuningJob]],
    left_out: MutableMapping[tuple[str, str], int],
) -> Iterator[list[str]]:
    """Yield the lines of a few tuning jobs at a time: a family's all together take more memory than the tuning jobs."""
    start, labels = f"{family.full_name}{{", family.labels
    if family.facts is not None:
        number_of = family.facts
        for batch in _batches(known):
            numbers = ((identity, number_of(facts)) for identity, facts in batch)
            yield [f"{start}{identity}}} {format_value(n)}\n" for identity, n in numbers if n is not None]
    elif family.facts_by_label is not None:
        samples_of = family.facts_by_label
        for batch in _batches(known):
            if family.limit is not None:
                yield _limited(family, family.limit, samples_of, batch, left_out)
            else:
                yield _labelled(start, labels, ((identity, samples_of(facts)) for identity, facts in batch))
    elif family.view is not None:
        samples_of_view = family.view
        for batch_of_views in _batches(everyone):
            yield _labelled(start, labels, ((identity, samples_of_view(view)) for identity, view in batch_of_views))
    elif family.label_pairs is not None:
        for batch_of_views in _batches(everyone):
            pairs = ((identity, family.label_pairs(view)) for identity, view in batch_of_views)
            yield [f"{start}{identity}{_pairs(more)}}} 1\n" for identity, more in pairs]


def _batches(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    return (rows[at : at + _BATCH] for at in range(0, len(rows), _BATCH))


def _identity(view: JobView) -> str:
    return _pairs(zip(IDENTITY, (view.account_id, view.region, view.name), strict=True)).removeprefix(",")


def _labelled(
    start: str, labels: tuple[str, ...], jobs: Iterable[tuple[str, Iterable[tuple[tuple[str, ...], Number]]]]
) -> list[str]:
    return [
        f"{start}{identity}{_labels(labels, values)}}} {format_value(number)}\n"
        for identity, samples in jobs
        for values, number in samples
    ]


def _limited(
    family: Family,
    limit: int,
    samples_of: Callable[[TuningJob], Iterable[tuple[tuple[str, ...], Number]]],
    known: Iterable[tuple[str, TuningJob]],
    left_out: MutableMapping[tuple[str, str], int],
) -> list[str]:
    name = family.full_name
    lines: list[str] = []
    for identity, facts in known:
        series = _distinct(family.labels, samples_of(facts))
        if len(series) > limit:
            left_out[name, identity] = len(series) - limit
        shown = islice(series.items(), limit)
        lines += [f"{name}{{{identity}{more}}} {format_value(number)}\n" for more, number in shown]
    return lines


def _distinct(labels: tuple[str, ...], samples: Iterable[tuple[tuple[str, ...], Number]]) -> dict[str, Number]:
    """Return the first of each series: names of an answer's own may read alike once they are text."""
    series: dict[str, Number] = {}
    for values, number in samples:
        series.setdefault(_labels(labels, values), number)
    return series


@lru_cache(maxsize=1024)  # the same few statuses and objectives, again and again
def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    return _pairs(zip(names, values, strict=True))


def _pairs(labels: Iterable[tuple[str, str]]) -> str:
    return "".join([f',{name}="{escape_label(value)}"' for name, value in labels])


def _metadata(family: Family) -> str:
    name = family.full_name
    unit = f"# UNIT {name} {family.unit}\n" if family.unit else ""
    return f"# HELP {name} {family.help}\n# TYPE {name} gauge\n{unit}"
