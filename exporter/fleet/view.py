"""What the fleet shows: immutable views of targets and tuning jobs. Rendering reads nothing else."""

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
    """The state of a tuning job for the exporter: all values of the label ``state``."""

    PENDING = "pending"
    """Not described yet."""
    RUNNING = "running"
    FINISHED = "finished"
    MISSING = "missing"
    """The tuning job does not exist."""
    FAILING = "failing"
    """The last describe failed for another reason."""


@dataclass(frozen=True, slots=True)
class Incomplete:
    """Why a sum over training jobs is known to be too small."""

    page_limit: bool = False
    """More training jobs have ended than ``max_training_jobs`` allows to read."""
    records_missing: bool = False
    """The describe counts more ended training jobs than the list has, or the training time of some is unknown."""
    billable_unknown: bool = False
    """The instances or the billed seconds of some training jobs are unknown."""
    unpriced: bool = False
    """An instance type has no price."""


@dataclass(frozen=True, slots=True)
class Spend:
    """The sums over the training jobs of a tuning job, from the last reading of their list.

    Of training jobs that have ended:

    - ``trained``: status, number and training time in seconds of those that started training.
    - ``instance_seconds``: training time multiplied by the number of instances, by type, spot and status.
    - ``billed_seconds``: the same for the seconds that are billed.
    - ``failures``: the number of failed ones by class of failure.
    - ``cost``: the cost by status, in ``currency``. Instances without a price are left out.

    Of running training jobs, None or empty while it is not known what runs:

    - ``running_seconds``: how long they have been training, in total.
    - ``running_instances``: the number of instances by type and spot.
    - ``oldest_start``: when the first of them started training (Unix seconds).

    ``seconds_since_best`` is the training time of those that ended after the best training job or still run.
    ``cost_since_best`` is the cost of this time.
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
    """One tuning job at one moment. Times are Unix seconds.

    ``facts`` is None if the tuning job was never described, does not exist, or its values are stale. ``failure`` is that of
    the last describe, None if it succeeded or none has ended yet. ``attempted`` is True once a describe has ended. ``tags`` has
    the known values of AWS tags that become labels, by label name without prefix. ``spend`` is None until the training jobs
    have been read, and ``budget`` is what they may cost. ``account_name`` is the name of the account, None if it is not known.
    ``history`` has the last calls, packed: see ``history.past_calls``. No series shows it, so it is not compared.
    """

    account_id: str
    """Empty while the account is not known."""
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
        """Return the state according to the last describe."""
        if self.failure is not None:
            return JobState.MISSING if self.failure.code is ErrorCode.NOT_FOUND else JobState.FAILING
        if self.facts is None:
            return JobState.FAILING if self.attempted else JobState.PENDING
        return JobState.FINISHED if self.facts.terminal else JobState.RUNNING


@dataclass(frozen=True, slots=True)
class TargetView:
    """One target and all its tuning jobs at one moment.

    ``changes_at`` is when the view changes without an answer, because values become stale (monotonic seconds); None: never.
    ``states`` counts the tuning jobs in each state. ``untracked_running_jobs`` counts running tuning jobs that are not watched,
    None if there is no recent list. ``errors`` has the operation and code of calls that fail, describes left out.
    ``last_answered`` is when AWS last answered a describe or a list (Unix seconds), None if it never has; "no such tuning job"
    is an answer too. ``matched`` is how many tuning jobs each rule matches, for the rules for which this is known. ``quotas``
    has the account's quotas for the instance types of its tuning jobs, None until they have been read.
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
        """Count the states once here, so that scrapes need not visit each tuning job."""
        object.__setattr__(self, "states", Counter(job.state for job in self.jobs))


@dataclass(frozen=True, slots=True)
class LastFailure:
    """A failed call: its operation, what it was about, why it failed, and when (Unix seconds)."""

    operation: str
    about: str
    failure: Failure
    at: float


@dataclass(frozen=True, slots=True)
class Standing:
    """How a target uses its budget at one moment. Only the pages show it; no series does.

    ``allowed_per_second`` is the configured rate of calls, or less while AWS throttles. ``made_per_second`` is the average of
    the last minute. ``under_way`` counts calls within their deadline, ``given_up`` those past it that have not returned.
    ``failures`` has the last failure of each operation and code, the newest at the end.
    """

    allowed_per_second: float
    made_per_second: float
    under_way: int
    given_up: int
    failures: tuple[LastFailure, ...] = ()
