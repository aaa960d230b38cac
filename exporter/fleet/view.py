"""What the fleet shows of itself: immutable, complete, and all that rendering ever reads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from exporter.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.errors import Failure
    from exporter.tuning_job import TuningJob


class JobState(StrEnum):
    """What the exporter makes of a tuning job: the closed set of values of the label ``state``."""

    PENDING = "pending"
    """Not described yet."""
    RUNNING = "running"
    FINISHED = "finished"
    MISSING = "missing"
    """The API knows no such tuning job."""
    FAILING = "failing"
    """The last describe failed for another reason."""


@dataclass(frozen=True, slots=True)
class JobView:
    """One tuning job as it stands. Times are Unix seconds.

    ``facts`` is None while there are none: never described, missing, or gone stale. ``failure`` is the last
    describe's, None when it succeeded or none has ended yet. ``attempted`` tells whether one has. ``tags`` are the
    values of the AWS tags that become labels, as far as they are known, by the labels' names without prefix.
    """

    account_id: str
    """Empty while nothing has told it."""
    region: str
    name: str
    labels: Mapping[str, str]
    facts: TuningJob | None
    failure: Failure | None
    attempted: bool
    last_success: float | None
    next_describe: float
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def state(self) -> JobState:
        """Return what the last describe says of the tuning job."""
        if self.failure is not None:
            return JobState.MISSING if self.failure.code is ErrorCode.NOT_FOUND else JobState.FAILING
        if self.facts is None:
            return JobState.FAILING if self.attempted else JobState.PENDING
        return JobState.FINISHED if self.facts.terminal else JobState.RUNNING


@dataclass(frozen=True, slots=True)
class TargetView:
    """One target and all its tuning jobs at one moment.

    ``changes_at`` is the monotonic time at which the view changes by itself, because values go stale; None: never.
    ``states`` counts the jobs in each state, ``untracked_running_jobs`` those that run and nobody watches: None while no
    list has told lately. ``errors`` are those of calls that are not about one job, as pairs of operation and code.
    ``last_answered`` is when AWS last answered a describe or a list (Unix seconds): that a tuning job does not exist is an
    answer too. None while nothing ever has been answered. ``matched`` tells how many tuning jobs each rule matches.
    """

    name: str
    region: str
    account_id: str
    attempted: bool
    jobs: tuple[JobView, ...]
    changes_at: float | None
    untracked_running_jobs: int | None = None
    errors: tuple[tuple[str, str], ...] = ()
    last_answered: float | None = None
    matched: tuple[tuple[str, int], ...] = ()
    states: Counter[JobState] = field(init=False)

    def __post_init__(self) -> None:
        """Count once here: scrapes read the counts, and must not walk the jobs."""
        object.__setattr__(self, "states", Counter(job.state for job in self.jobs))
