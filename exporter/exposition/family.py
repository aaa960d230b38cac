"""The type of a row of the metric table, and helpers to compute its samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from exporter.fleet import JobView
    from exporter.tuning_job import TuningJob

PREFIX = "sagemaker_tuning_job_"
IDENTITY = ("aws_account_id", "aws_region", "tuning_job")
"""The labels of all series of a tuning job. Rendering adds them."""

Number = int | float
Labels = tuple[tuple[str, str], ...]
"""Names and values of the labels in addition to the identity."""
Sample = tuple[Labels, Number]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric family: its name, meaning, source and computation.

    It is a gauge, unless its name says that it is an info or a counter, or it has ``counts`` and is a summary.

    ``name`` is without the prefix. ``help`` has no quotes or backslashes, so that both formats spell it the same way.
    ``source`` is the member of the API. ``absent`` says when there is no series although the tuning job is described.
    ``example`` is an example in PromQL.

    ``labels`` has the names of the labels in addition to the identity. A name that ends in ``*`` means all labels with this
    prefix. ``values`` has the values of labels with a fixed set of values. ``collect`` is the opt-in that exposes the family,
    None: always. ``limit`` is the most series of one tuning job, more than the API can answer. It is None if the values of
    labels limit them.

    ``samples`` computes a tuning job's samples from its view, which may have no facts. For a summary these are the sums, and
    ``counts`` computes the counts in the same order.
    """

    name: str
    help: str
    source: str
    absent: str
    example: str
    samples: Callable[[JobView], Iterable[Sample]]
    labels: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    collect: str | None = None
    limit: int | None = None
    counts: Callable[[JobView], Iterable[Sample]] | None = None

    @property
    def full_name(self) -> str:
        """Return the name as exposed."""
        return PREFIX + self.name

    @property
    def info(self) -> bool:
        """Return whether it is an info in OpenMetrics: a series with value 1 and the information in its labels."""
        return self.full_name.endswith("_info")

    @property
    def type(self) -> str:
        """Return the type in OpenMetrics. In text 0.0.4, an info is a gauge."""
        if self.counts is not None:
            return "summary"
        return "info" if self.info else "counter" if self.name.endswith("_total") else "gauge"

    @property
    def series_names(self) -> tuple[str, ...]:
        """Return the full names of its series."""
        return (self.full_name,) if self.counts is None else (f"{self.full_name}_count", f"{self.full_name}_sum")

    @property
    def unit(self) -> str | None:
        """Return the base unit at the end of the name."""
        return "seconds" if self.name.removesuffix("_total").endswith("_seconds") else None


@dataclass(frozen=True, slots=True)
class Section:
    """Families that belong together, and their title in the documentation."""

    title: str
    families: tuple[Family, ...]


def fact(number_of: Callable[[TuningJob], Number | None]) -> Callable[[JobView], Iterable[Sample]]:
    """Return a function that computes one sample from the facts. It returns none if there are no facts or no number."""

    def samples(view: JobView) -> Iterable[Sample]:
        if view.facts is None or (number := number_of(view.facts)) is None:
            return ()
        return (((), number),)

    return samples


def facts(samples_of: Callable[[TuningJob], Iterable[Sample]]) -> Callable[[JobView], Iterable[Sample]]:
    """Return a function that computes samples from the facts. It returns none if there are no facts."""

    def samples(view: JobView) -> Iterable[Sample]:
        return () if view.facts is None else samples_of(view.facts)

    return samples


def facts_by(
    label: str, numbers_of: Callable[[TuningJob], Iterable[tuple[str, Number | None]]]
) -> Callable[[JobView], Iterable[Sample]]:
    """Return a function that computes a sample for each value of one label, except those whose number is None."""

    def samples(view: JobView) -> Iterable[Sample]:
        if view.facts is None:
            return ()
        return [(((label, value),), number) for value, number in numbers_of(view.facts) if number is not None]

    return samples
