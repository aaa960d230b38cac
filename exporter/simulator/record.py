"""The parts of a planned life: its training jobs, and the states of the tuning job."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

Outcome = Literal["Completed", "RetryableError", "NonRetryableError", "Stopped"]

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


class Trial(NamedTuple):
    """One training job of the life. Times are Unix seconds. ``started`` is None if it ended before it ran.

    ``hyperparameters`` has the values for the definition's ranges, in order. ``objective`` is None without a final value.
    """

    number: int
    definition: int
    created: float
    started: float | None
    ended: float
    outcome: Outcome
    objective: float | None
    hyperparameters: tuple[str, ...]


class State(NamedTuple):
    """What answers about the tuning job say from ``since`` (Unix seconds) on. ``best`` is an index into the trials."""

    since: float
    status: str
    ended: float | None
    completed: int
    in_progress: int
    retryable: int
    non_retryable: int
    stopped: int
    succeeded: int
    without_objective: int
    best: int | None
    not_improving: int
    converged: float | None
    failure: str | None


class Plan(NamedTuple):
    """A computed life. ``parent_best`` is the objective of the overall best training job if a parent has it.

    ``stalled`` is when the service lost track of the job, ``gone`` when the job is deleted (Unix seconds).
    """

    trials: tuple[Trial, ...]
    states: tuple[State, ...]
    stalled: float | None
    gone: float | None
    parent_best: float | None
