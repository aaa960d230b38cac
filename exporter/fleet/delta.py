"""Describing only what changed: what a list of the running tuning jobs spares, as pure functions.

A summary of a list carries status, times and both sets of counters. The rest of a describe (best training job, run
time, trainings not improving, convergence) may change beside them, so a describe is never older than
``describe_max_age``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from exporter.fleet.lists import PAGE_SIZE
from exporter.fleet.schedule import next_round
from exporter.tuning_job import same_moment

if TYPE_CHECKING:
    from exporter.config.specs import TargetSpec
    from exporter.tuning_job import Summary, TuningJob


def worthwhile(spec: TargetSpec, watched: int, running: int) -> bool:
    """Tell whether to list: more running jobs are watched than a list has pages, on which are all ``running`` ones."""
    return rounds(spec) > 1 and watched > max(1, math.ceil(running / PAGE_SIZE))


def rounds(spec: TargetSpec) -> int:
    """Return in how many rounds a running job is described once though nothing changes."""
    return max(1, math.floor(spec.describe_max_age / spec.interval))


def due_by_age(spec: TargetSpec, epoch: float, described: float) -> float:
    """Return when a describe made at a time is too old (monotonic seconds)."""
    return next_round(epoch, spec.interval, described) + (rounds(spec) - 1) * spec.interval


def differs(facts: TuningJob, summary: Summary) -> bool:
    """Tell whether a list says something else than the last describe did."""
    pairs = (
        (facts.creation_time, summary.creation_time),
        (facts.last_modified_time, summary.last_modified_time),
        (facts.end_time, summary.end_time),
    )
    return (
        (facts.arn, facts.status, facts.training_jobs, facts.objectives)
        != (summary.arn, summary.status, summary.training_jobs, summary.objectives)
    ) or not all(same_moment(*pair) for pair in pairs)
