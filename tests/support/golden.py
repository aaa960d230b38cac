"""Written expectations: the series that a tuning job has, of the families that a file names.

A file names a family by a series of it, or on its line ``# absent:``. Other families are not compared, so that a new one
touches only the files that say something of it. A file without that line is whole: it compares every family. The order of
the families is not compared.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.exposition.families import FAMILIES
from exporter.exposition.family import PREFIX

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = {name.removeprefix(PREFIX) for family in FAMILIES for name in family.series_names}


def by_family(series: str) -> dict[str, list[str]]:
    """Return the lines of each family of an exposition without metadata; families go without the prefix."""
    families: dict[str, list[str]] = {}
    for line in filter(None, series.split("\n")):
        families.setdefault(line.partition("{")[0].removeprefix(PREFIX), []).append(line)
    return families


class Golden:
    """One such file."""

    def __init__(self, file: Path) -> None:
        text = file.read_text(encoding="utf-8")
        absent = re.match(r"# absent: (.+)\n", text)
        self.series = text[absent.end() :] if absent else text
        self.families = by_family(self.series)
        self.absent = frozenset(absent[1].split()) if absent else None
        assert self.families.keys() | (self.absent or set()) <= KNOWN, f"{file.name} names a family that there is not"

    def names(self, family: str) -> bool:
        """Tell whether a family, named without the prefix, is compared."""
        return self.absent is None or family in self.absent or family in self.families

    def part_of(self, series: str) -> dict[str, list[str]]:
        """Return what of an exposition must be equal to the file's ``families``."""
        return {family: lines for family, lines in by_family(series).items() if self.names(family)}
