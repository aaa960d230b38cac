"""When a tuning job is described and its tags are listed next: pure functions over monotonic seconds.

**What a list spares.** A summary of a list carries the status and both sets of counters. What it lacks changes only when a
training job ends (best training job, training jobs not improving, convergence), which the counters show, or by itself:
the run time, which may be ``describe_max_age`` old. Its LastModifiedTime moves about every 10 s while nothing else does,
so it tells nothing.
"""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING

from exporter.tuning_job import same_moment

if TYPE_CHECKING:
    from exporter.config.specs import TargetSpec
    from exporter.tuning_job import Summary, TuningJob

RESTS_AFTER_END = 3
"""How many more times a tuning job is described at the interval after its end: RuntimeInSeconds comes late."""

REST = 86_400.0
"""Seconds between describes of a tuning job that has ended; each only notices whether it was deleted."""

REFUSED_PAUSE = 3_600.0
"""Seconds until a call is tried again that failed for a reason that lasts, unless something asks for it sooner."""

# A point of the grid that ``now`` misses by a rounding error is the present one, not the next.
_ROUNDING = 1e-6
_FIRST_RETRY = 5.0
_RETRIES_PER_INTERVAL = 4
_TAGS_PERIOD = 86_400.0
_TAGS_SPREAD = 0.2
_TAGS_FIRST_RETRY = 60.0
_TAGS_LAST_RETRY = 3_600.0


def next_round(epoch: float, interval: float, now: float) -> float:
    """Return the next point of the grid on which the running tuning jobs of a target fall due together."""
    return epoch + (math.floor((now - epoch) / interval + _ROUNDING) + 1) * interval


def retry_at(failures: int, interval: float, now: float) -> float:
    """Return when to try again after the ``failures``-th transient failure in a row.

    The pause doubles from 5 s, or a quarter of a short interval, up to the interval.
    """
    first = min(_FIRST_RETRY, interval / _RETRIES_PER_INTERVAL)
    return now + min(interval, first * 2.0 ** min(failures - 1, 32))


def list_spares(spec: TargetSpec, watched: int, pages: int) -> bool:
    """Tell whether to list: more running jobs are watched than the list of all that run has ``pages``."""
    return rounds_per_describe(spec) > 1 and watched > max(1, pages)


def list_is_long(watched: int, pages: int) -> bool:
    """Tell whether the list of all that run takes more calls than it may spare."""
    return pages > max(1, watched)


def rounds_per_describe(spec: TargetSpec) -> int:
    """Return in how many rounds a running job is described once though nothing changes."""
    return max(1, math.floor(spec.describe_max_age / spec.interval))


def due_by_age(spec: TargetSpec, epoch: float, described: float) -> float:
    """Return when a describe made at a time is too old (monotonic seconds)."""
    return next_round(epoch, spec.interval, described) + (rounds_per_describe(spec) - 1) * spec.interval


def differs(facts: TuningJob, summary: Summary) -> bool:
    """Tell whether a list says something else than the last describe did."""
    return (
        (facts.status, facts.training_jobs, facts.objectives)
        != (summary.status, summary.training_jobs, summary.objectives)
        or not same_moment(facts.creation_time, summary.creation_time)
        or not same_moment(facts.end_time, summary.end_time)
    )


def in_about_a_day(name: str, now: float) -> float:
    """Return when to read again what changes rarely: the tags of a tuning job, the quotas of a target.

    What was read together is not the next time: each name has its own moment within a fifth of the day.
    """
    share = zlib.crc32(name.encode()) / 2**32
    return now + _TAGS_PERIOD * (1 - _TAGS_SPREAD / 2 + _TAGS_SPREAD * share)


def tags_retry_at(failures: int, now: float) -> float:
    """Return when to list tags again after the ``failures``-th failure in a row: pauses double from a minute to an hour."""
    return now + min(_TAGS_LAST_RETRY, _TAGS_FIRST_RETRY * 2.0 ** min(failures - 1, 32))
