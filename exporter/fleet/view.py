"""What the fleet shows of itself: immutable, complete, and all that rendering ever reads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from exporter.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config.specs import Money
    from exporter.errors import Failure
    from exporter.tuning_job import Quotas, TuningJob


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
class Incomplete:
    """Why a sum over training jobs is known to be short."""

    page_limit: bool = False
    """More have ended than are read of one tuning job."""
    records_missing: bool = False
    """The counters of the describe count more that have ended than the list shows."""
    billable_unknown: bool = False
    """Of some it cannot be told which instances they ran on."""
    unpriced: bool = False
    """An instance type has no price."""


@dataclass(frozen=True, slots=True)
class Spend:
    """What the training jobs of a tuning job come to, by the last reading of their list.

    ``trained`` has status, number and seconds of those that have ended and trained, ``instance_seconds`` their time times
    instances by type, spot and status, ``billed_seconds`` the same of the seconds that are billed, ``failures`` the number of those that failed by reason. The others are of those
    that run, absent while they are not known: how long they have been training, the instances by type and spot, and when the
    first of them began (Unix seconds). ``seconds_since_best`` is the time of those that ended after the best one or still run.
    ``cost`` is what those that have ended cost by status, as far as their instances have a price in ``currency``.
    """

    trained: tuple[tuple[str, int, float], ...] = ()
    instance_seconds: tuple[tuple[tuple[str, str, str], float], ...] = ()
    billed_seconds: tuple[tuple[tuple[str, str, str], float], ...] = ()
    failures: tuple[tuple[str, int], ...] = ()
    running_seconds: float | None = None
    running_instances: tuple[tuple[tuple[str, str], int | float], ...] = ()
    oldest_start: float | None = None
    seconds_since_best: float | None = None
    currency: str = ""
    cost: tuple[tuple[str, float], ...] = ()
    cost_since_best: float | None = None
    incomplete: Incomplete = Incomplete()


@dataclass(frozen=True, slots=True)
class JobView:
    """One tuning job as it is. Times are Unix seconds.

    ``facts`` is None while there are none: never described, missing, or gone stale. ``failure`` is the last
    describe's, None when it succeeded or none has ended yet. ``attempted`` tells whether one has. ``tags`` are the
    values of the AWS tags that become labels, as far as they are known, by the labels' names without prefix. ``spend`` is
    None until the training jobs have been read. ``account_name`` is what the account is called, None where nothing tells.
    ``budget`` is what they may cost. ``history`` has the last calls about it,
    packed: see ``history.past_calls``. It makes no difference between two views: no series shows it.
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
    spend: Spend | None = None
    budget: Money | None = None
    account_name: str | None = None
    history: bytes = field(default=b"", compare=False)

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
    answer too. None while nothing ever has been answered. ``matched`` tells how many tuning jobs each rule matches, as far as that is known.
    ``quotas`` are those of the account for the instance types of its tuning jobs, None while they have not been read.
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
    quotas: Quotas | None = None
    states: Counter[JobState] = field(init=False)

    def __post_init__(self) -> None:
        """Count once here: scrapes read the counts, and must not walk the jobs."""
        object.__setattr__(self, "states", Counter(job.state for job in self.jobs))


@dataclass(frozen=True, slots=True)
class LastFailure:
    """A call of a target that failed: of which operation, about what, why, and when (Unix seconds)."""

    operation: str
    about: str
    failure: Failure
    at: float


@dataclass(frozen=True, slots=True)
class Standing:
    """What a target does with its budget at one moment; for people, and so no part of what is published.

    ``allowed_per_second`` is the configured rate, or less while AWS throttles. ``made_per_second`` is what was made of it
    in the last minute, on average. ``under_way`` counts calls within their deadline, ``given_up`` those past it that have
    not come back. ``failures`` are the last of each operation and code, the latest of all at the end.
    """

    allowed_per_second: float
    made_per_second: float
    under_way: int
    given_up: int
    failures: tuple[LastFailure, ...] = ()
