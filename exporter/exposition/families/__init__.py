"""The metric table: all families of a tuning job, in the order of the exposition.

Rendering, the documentation, and the checks of rules and dashboards read this table. A fact that is missing from the API's
answer has no series: functions return None or no sample, never 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.exposition.families.health import HEALTH
from exporter.exposition.families.limits import LIMITS
from exporter.exposition.families.objective import OBJECTIVE
from exporter.exposition.families.opt_in import OPT_IN
from exporter.exposition.families.progress import PROGRESS
from exporter.exposition.families.times import TIMES
from exporter.exposition.families.training_jobs import TRAINING_JOBS

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from exporter.exposition.family import Family, Section

SECTIONS: tuple[Section, ...] = (HEALTH, PROGRESS, OBJECTIVE, TIMES, LIMITS, OPT_IN, TRAINING_JOBS)
FAMILIES: tuple[Family, ...] = tuple(family for section in SECTIONS for family in section.families)


def families_in_force(collect: AbstractSet[str]) -> tuple[Family, ...]:
    """Return the families that are exposed with these opt-ins, in the order of the table."""
    return tuple(family for family in FAMILIES if family.collect is None or family.collect in collect)
