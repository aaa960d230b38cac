"""What a planned life is made of: its training jobs, and the states that the tuning job passes through."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

Outcome = Literal["Completed", "RetryableError", "NonRetryableError", "Stopped"]

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


class Trial(NamedTuple):
    """One training job of the life. Times are Unix seconds; ``started`` is None when it ended before it ran.

    ``hyperparameters`` are the values of the definition's ranges, in their order. ``objective`` is None when no
    final value was found.
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
    """What the tuning job's answer says from a moment (Unix seconds) on; ``best`` indexes the trials."""

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
    """A finished life. ``parent_best`` is the objective of the overall best training job when a parent holds it.

    ``stalled`` is when the service lost track of the job and ``gone`` when the job stops to exist, in Unix seconds.
    """

    trials: tuple[Trial, ...]
    states: tuple[State, ...]
    stalled: float | None
    gone: float | None
    parent_best: float | None
