"""What a table of the API's members may claim of each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.exposition.families import FAMILIES
from exporter.exposition.family import IDENTITY
from exporter.tuning_job.fields import Identity, Label, Metric, NotExported

if TYPE_CHECKING:
    from exporter.tuning_job.fields import Uses

BY_NAME = {family.name: family for family in FAMILIES}


def assert_says_something(uses: Uses) -> None:
    """Fail unless each use of a member is there, once, and one that is not exported says why."""
    assert uses
    assert len(set(uses)) == len(uses)
    for use in uses:
        match use:
            case Metric(family):
                assert family in BY_NAME
            case Label(family, label):
                assert label in BY_NAME[family].labels
            case Identity(label):
                assert label in IDENTITY
            case NotExported(reason):
                assert re.fullmatch(r"[A-Z].+\.", reason)
                assert len(uses) == 1
