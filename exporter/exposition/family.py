"""The row type of the metric table."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from exporter.fleet import JobView
    from exporter.tuning_job import TuningJob

PREFIX = "sagemaker_tuning_job_"
IDENTITY = ("aws_account_id", "aws_region", "tuning_job")
"""The labels that every series of a tuning job carries; only rendering adds them."""

Number = int | float
LabelValues = tuple[str, ...]


class Stability(StrEnum):
    """How far a family's name and labels can be relied upon."""

    STABLE = "stable"
    EXPERIMENTAL = "experimental"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric family, a gauge: what it is called, what it means, where it comes from and how it is computed.

    ``name`` goes without the prefix; ``help`` has no quotes or backslashes, so that both formats spell it alike.
    ``source`` is the API's member, ``absent`` says when there is no series though the tuning job is described, and
    ``example`` is a question that it answers, in PromQL. ``labels`` come on top of the identity; ``values`` are those
    of the labels whose values are a closed set. ``collect`` is the opt-in that exposes it, None: always. ``limit``
    is the most series that one tuning job may have, beyond what the API can answer, None where the labels' values
    bound them. Exactly one of the three functions computes it:

    * ``facts``: a number of the tuning job's facts, None for no series. Not asked when there are no facts.
    * ``facts_by_label``: pairs of label values (as many as ``labels``) and number, likewise.
    * ``view``: such pairs from the JobView, asked for every tuning job in whatever state.

    ``label_pairs`` replaces ``labels`` where the names differ from job to job: (name, value) pairs of a JobView,
    on one series of value 1.
    """

    name: str
    help: str
    source: str
    absent: str
    example: str
    labels: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    collect: str | None = None
    limit: int | None = None
    stability: Stability = Stability.STABLE
    facts: Callable[[TuningJob], Number | None] | None = None
    facts_by_label: Callable[[TuningJob], Iterable[tuple[LabelValues, Number]]] | None = None
    view: Callable[[JobView], Iterable[tuple[LabelValues, Number]]] | None = None
    label_pairs: Callable[[JobView], Iterable[tuple[str, str]]] | None = None

    @property
    def full_name(self) -> str:
        """Return the name as exposed."""
        return PREFIX + self.name

    @property
    def unit(self) -> str | None:
        """Return the base unit that the name ends in."""
        return "seconds" if self.name.endswith("_seconds") else None
