"""From the table and the views to text, a family at a time.

The text is valid in both formats: ``# UNIT`` is a comment in text 0.0.4, and HELP texts need no escaping.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from exporter.exposition.family import IDENTITY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence

    from exporter.exposition.family import Family, Number
    from exporter.fleet import JobView
    from exporter.tuning_job import TuningJob

_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})
_NON_FINITE = {"nan": "NaN", "inf": "+Inf", "-inf": "-Inf"}


def format_value(value: Number) -> str:
    """Return a sample's value as Prometheus reads it, exact to the last bit."""
    text = repr(value)
    return _NON_FINITE.get(text, text)


def escape_label(value: str) -> str:
    """Return a label's value as it stands between the quotes. Halves of surrogate pairs, no text at all, become ``?``."""
    return value.translate(_ESCAPES).encode("utf-8", "replace").decode("utf-8")


def render(
    families: Sequence[Family], views: Iterable[JobView], left_out: MutableMapping[tuple[str, str], int] | None = None
) -> Iterator[str]:
    """Yield the text of each family that has series, metadata first, series in the order of the views.

    Of views that no label tells apart only the first counts: no series comes twice, whatever the fleet holds. A job
    has at most ``family.limit`` series of a family; ``left_out`` gains how many more there were, by the full name of
    the family and the labels of the job as text.
    """
    left_out = {} if left_out is None else left_out
    jobs: dict[str, JobView] = {}
    for view in views:
        jobs.setdefault(_identity(view), view)
    known = {identity: view.facts for identity, view in jobs.items() if view.facts is not None}
    for family in families:
        lines = _series(family, jobs, known, left_out)
        if lines:
            yield _metadata(family) + "".join(lines)


def _series(
    family: Family,
    jobs: Mapping[str, JobView],
    known: Mapping[str, TuningJob],
    left_out: MutableMapping[tuple[str, str], int],
) -> list[str]:
    name, labels = family.full_name, family.labels
    lines: list[str] = []
    if family.facts is not None:
        numbers = ((identity, family.facts(facts)) for identity, facts in known.items())
        lines = [f"{name}{{{identity}}} {format_value(number)}\n" for identity, number in numbers if number is not None]
    elif family.facts_by_label is not None:
        if family.limit is not None:
            return _limited(family, family.limit, family.facts_by_label, known, left_out)
        for identity, facts in known.items():
            lines += _labelled(name, identity, labels, family.facts_by_label(facts))
    elif family.view is not None:
        for identity, view in jobs.items():
            lines += _labelled(name, identity, labels, family.view(view))
    elif family.label_pairs is not None:
        for identity, view in jobs.items():
            pairs = "".join(f',{key}="{escape_label(value)}"' for key, value in family.label_pairs(view))
            lines.append(f"{name}{{{identity}{pairs}}} 1\n")
    return lines


def _identity(view: JobView) -> str:
    return _labels(IDENTITY, (view.account_id, view.region, view.name)).removeprefix(",")


def _labelled(
    name: str, identity: str, labels: tuple[str, ...], samples: Iterable[tuple[tuple[str, ...], Number]]
) -> list[str]:
    return [f"{name}{{{identity}{_labels(labels, values)}}} {format_value(number)}\n" for values, number in samples]


def _limited(
    family: Family,
    limit: int,
    samples_of: Callable[[TuningJob], Iterable[tuple[tuple[str, ...], Number]]],
    known: Mapping[str, TuningJob],
    left_out: MutableMapping[tuple[str, str], int],
) -> list[str]:
    name = family.full_name
    lines: list[str] = []
    for identity, facts in known.items():
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
    return "".join(f',{name}="{escape_label(value)}"' for name, value in zip(names, values, strict=True))


def _metadata(family: Family) -> str:
    name = family.full_name
    unit = f"# UNIT {name} {family.unit}\n" if family.unit else ""
    return f"# HELP {name} {family.help}\n# TYPE {name} gauge\n{unit}"
