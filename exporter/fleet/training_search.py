"""The state of reading one tuning job's list of training jobs, and when to read it again although no counter changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.fleet.training_sums import TrainingSums

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.clock import Instant
    from exporter.fleet.training_reading import Reading
    from exporter.tuning_job import TuningJob

# A list may be behind a describe for a while. After _SHORT_READINGS incomplete readings, the next one reads to the end of the
# list. What is still missing then may have been deleted. It is searched for _MOST_IN_VAIN more times.
_SHORT_READINGS = 2
_MOST_IN_VAIN = 4
_BEHIND = 2  # intervals
# While a training job waits for instances, no counter tells when it starts. Nearly all start within minutes.
_WAITS_FIRST = 3.0  # intervals
_WAITS_GROW = 6.0
_LONGEST_WAIT = 6 * 3_600.0
_MOST_WAITS = 8


@dataclass(slots=True, eq=False)
class TrainingSearch:
    """The state of one tuning job. Name and creation time identify it.

    ``due`` is when the next call is due (monotonic seconds). It is None if none is planned or a call is under way; ``asked``
    is the serial of that call. ``reading`` is the reading under way. ``reads_on``: the next reading goes to the end of the
    list. ``read`` is the wall time and the counters of the last complete reading, None before the first one.

    ``short`` counts incomplete readings in a row. ``in_vain`` counts readings that searched for what was already given up.
    ``waits`` counts readings made only because a training job waits for instances. ``changed`` is since when (monotonic
    seconds) the describe has counted more training jobs than are known. ``behind``: this has lasted for ``_BEHIND`` intervals.
    ``lost``: calls have failed for so long that it is not known what runs. ``logged`` has the classes of failures that were
    logged.
    """

    name: str
    creation_time: float | None
    sums: TrainingSums = field(default_factory=TrainingSums)
    due: float | None = None
    asked: int | None = None
    reading: Reading | None = None
    read: tuple[float, Mapping[str, int | float]] | None = None
    reads_on: bool = False
    short: int = 0
    in_vain: int = 0
    waits: int = 0
    changed: float | None = None
    behind: bool = False
    lost: bool = False
    logged: frozenset[tuple[str, bool]] = frozenset()

    def rests(self, until: float) -> bool:
        """Return whether no reading is under way or due by ``until``."""
        return self.reading is None and self.asked is None and (self.due is None or self.due > until)

    def compare(self, facts: TuningJob, interval: float, now: Instant) -> None:
        """Note whether the describe counts more training jobs than are known, and since when."""
        if self.sums.agree(facts.training_jobs):
            self.changed = None
        elif self.changed is None:
            self.changed = now.monotonic
        self.behind = self.changed is not None and now.monotonic > self.changed + _BEHIND * interval

    def pause_after(self, reading: Reading, facts: TuningJob, interval: float) -> float | None:
        """Return in how many seconds to read again although no counter changes. None if this is not needed."""
        sums = self.sums
        if not sums.agree(reading.counters):
            self.short += 1
            self.in_vain = 0
            if self.short <= _SHORT_READINGS:
                self.reads_on = self.short == _SHORT_READINGS and not sums.capped
                return interval
            sums.give_up(reading.counters)
        sums.note_found(reading.counters)
        self.short = 0
        if not sums.agree(facts.training_jobs):
            return interval
        if any(sums.missing(reading.counters)) and not sums.capped and self.in_vain < _MOST_IN_VAIN:
            self.reads_on = True
            self.in_vain += 1
            return min(_LONGEST_WAIT, _WAITS_FIRST * interval * _WAITS_GROW ** (self.in_vain - 1))
        if sums.waits and not facts.terminal:
            self.waits = min(self.waits + 1, _MOST_WAITS)
            return min(_LONGEST_WAIT, _WAITS_FIRST * interval * _WAITS_GROW ** (self.waits - 1))
        self.waits = 0
        return None
