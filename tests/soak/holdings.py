"""What a process holds, and whether that grows."""

from __future__ import annotations

import os
import statistics
from typing import TYPE_CHECKING, NamedTuple

from bench.process import resident, threads

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_SAMPLES = 9
_SPARE = {"megabytes": 2.0, "threads": 2.0, "descriptors": 4.0}
"""By how much the median of the last third may exceed that of the middle one: by what comes and goes."""


class Held(NamedTuple):
    """What a process held at a moment: resident memory in MB, threads, file descriptors."""

    megabytes: float
    threads: int
    descriptors: int


def held(pid: int) -> Held:
    """Return what a process holds now."""
    return Held(resident(pid), threads(pid), len(os.listdir(f"/proc/{pid}/fd")))


class Trend(NamedTuple):
    """How one of the holdings went: the medians of the middle and of the last third, and the slope of both together."""

    what: str
    middle: float
    last: float
    slope: float

    @property
    def flat(self) -> bool:
        """Whether it did not grow by more than comes and goes."""
        return self.last - self.middle <= _SPARE[self.what]


def trends(samples: Sequence[Held]) -> list[Trend]:
    """Return the trend of each of the holdings, the first third left out; nothing if there are too few samples to tell."""
    if len(samples) < LEAST_SAMPLES:
        return []
    third = len(samples) // 3
    found = []
    for what in Held._fields:
        values = [float(getattr(each, what)) for each in samples]
        warm = values[third:]
        slope = statistics.linear_regression(range(len(warm)), warm).slope
        found.append(Trend(what, statistics.median(values[third:-third]), statistics.median(values[-third:]), slope))
    return found
