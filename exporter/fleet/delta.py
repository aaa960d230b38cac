"""Describing only what changed: what a list of the running tuning jobs spares, as pure functions.

A summary of a list carries the status and both sets of counters. What it lacks changes only when a training job ends (best
training job, training jobs not improving, convergence), which the counters show, or by itself: the run time, which may be
``describe_max_age`` old. Its LastModifiedTime moves about every 10 s while nothing else does, so it tells nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from exporter.fleet.schedule import next_round
from exporter.tuning_job import same_moment

if TYPE_CHECKING:
    from exporter.config.specs import TargetSpec
    from exporter.tuning_job import Summary, TuningJob


def worthwhile(spec: TargetSpec, watched: int, pages: int) -> bool:
    """Tell whether to list: more running jobs are watched than the list of all that run has ``pages``."""
    return rounds(spec) > 1 and watched > max(1, pages)


def is_long(watched: int, pages: int) -> bool:
    """Tell whether the list of all that run takes more calls than it may spare."""
    return pages > max(1, watched)


def rounds(spec: TargetSpec) -> int:
    """Return in how many rounds a running job is described once though nothing changes."""
    return max(1, math.floor(spec.describe_max_age / spec.interval))


def due_by_age(spec: TargetSpec, epoch: float, described: float) -> float:
    """Return when a describe made at a time is too old (monotonic seconds)."""
    return next_round(epoch, spec.interval, described) + (rounds(spec) - 1) * spec.interval


def differs(facts: TuningJob, summary: Summary) -> bool:
    """Tell whether a list says something else than the last describe did."""
    return (
        (facts.status, facts.training_jobs, facts.objectives)
        != (summary.status, summary.training_jobs, summary.objectives)
        or not same_moment(facts.creation_time, summary.creation_time)
        or not same_moment(facts.end_time, summary.end_time)
    )
