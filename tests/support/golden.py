"""Written expectations: the series that a tuning job has, of the families that a file names.

A file names a family by a series of it, or on its line ``# absent:``. Other families are not compared, so that a new one
touches only the files that say something of it. A file without that line is whole: it compares every family.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.exposition.families import FAMILIES
from exporter.exposition.family import PREFIX

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = {family.name for family in FAMILIES}


def family_of(line: str) -> str:
    """Return the family that a line of an exposition is a series of, without the prefix."""
    return line.partition("{")[0].removeprefix(PREFIX)


class Golden:
    """One such file."""

    def __init__(self, file: Path) -> None:
        text = file.read_text(encoding="utf-8")
        absent = re.match(r"# absent: (.+)\n", text)
        self.series = text[absent.end() :] if absent else text
        self.absent = frozenset(absent[1].split()) if absent else None
        self.present = frozenset(map(family_of, self.series.splitlines()))
        assert self.present | (self.absent or set()) <= KNOWN, f"{file.name} names a family that there is not"

    def names(self, family: str) -> bool:
        """Tell whether a family, named without the prefix, is compared."""
        return self.absent is None or family in self.absent or family in self.present

    def part_of(self, series: str) -> str:
        """Return the lines of an exposition that the file's ``series`` must be equal to."""
        return "".join(line for line in series.splitlines(keepends=True) if self.names(family_of(line)))
