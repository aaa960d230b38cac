"""The row type of the metric table, and the ways in which rows compute their samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from exporter.fleet import JobView
    from exporter.tuning_job import TuningJob

PREFIX = "sagemaker_tuning_job_"
IDENTITY = ("aws_account_id", "aws_region", "tuning_job")
"""The labels that every series of a tuning job carries; only rendering adds them."""

Number = int | float
Labels = tuple[tuple[str, str], ...]
"""Names and values of the labels that come on top of the identity."""
Sample = tuple[Labels, Number]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric family: what it is called, what it means, where it comes from and how it is computed.

    It is a gauge unless its name says that it is an info or a counter, or it has ``counts`` and is a summary.

    ``name`` goes without the prefix; ``help`` has no quotes or backslashes, so that both formats spell it alike.
    ``source`` is the API's member, ``absent`` says when there is no series though the tuning job is described, and
    ``example`` is a question that it answers, in PromQL. ``labels`` are the names of the labels on top of the identity;
    one that ends in ``*`` stands for all that begin so. ``values`` are those of the labels whose values are a closed
    set. ``collect`` is the opt-in that exposes it, None: always. ``limit`` is the most series that one tuning job may
    have, beyond what the API can answer, None where the labels' values bound them. ``samples`` computes a tuning job's
    samples from its view, which may have no facts. Those of a summary are its sums, and ``counts`` computes how many
    each is of, in the same order.
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
        """Tell whether OpenMetrics has it as an info: a series of value 1 whose labels are what it says."""
        return self.full_name.endswith("_info")

    @property
    def type(self) -> str:
        """Return the type in OpenMetrics; text 0.0.4 has a gauge for an info."""
        if self.counts is not None:
            return "summary"
        return "info" if self.info else "counter" if self.name.endswith("_total") else "gauge"

    @property
    def series_names(self) -> tuple[str, ...]:
        """Return the full names that its samples bear."""
        return (self.full_name,) if self.counts is None else (f"{self.full_name}_count", f"{self.full_name}_sum")

    @property
    def unit(self) -> str | None:
        """Return the base unit that the name ends in."""
        return "seconds" if self.name.removesuffix("_total").endswith("_seconds") else None


@dataclass(frozen=True, slots=True)
class Section:
    """Families that belong together, under the title that the documentation gives them."""

    title: str
    families: tuple[Family, ...]


def fact(number_of: Callable[[TuningJob], Number | None]) -> Callable[[JobView], Iterable[Sample]]:
    """Compute one sample from the facts, none where the number is None or there are no facts."""

    def samples(view: JobView) -> Iterable[Sample]:
        if view.facts is None or (number := number_of(view.facts)) is None:
            return ()
        return (((), number),)

    return samples


def facts(samples_of: Callable[[TuningJob], Iterable[Sample]]) -> Callable[[JobView], Iterable[Sample]]:
    """Compute samples from the facts, none where there are no facts."""

    def samples(view: JobView) -> Iterable[Sample]:
        return () if view.facts is None else samples_of(view.facts)

    return samples


def facts_by(
    label: str, numbers_of: Callable[[TuningJob], Iterable[tuple[str, Number | None]]]
) -> Callable[[JobView], Iterable[Sample]]:
    """Compute a sample for each value of one label, but for those whose number is None."""

    def samples(view: JobView) -> Iterable[Sample]:
        if view.facts is None:
            return ()
        return [(((label, value),), number) for value, number in numbers_of(view.facts) if number is not None]

    return samples
