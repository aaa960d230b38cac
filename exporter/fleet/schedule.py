"""When a tuning job is described and its tags are listed next: pure functions over monotonic seconds.

**How a list saves describes.** Each entry of a list has the status and both sets of counters. What it lacks, such as the best
training job or the convergence, changes only when a training job ends, and then the counters change. The exception is the
run time, which may be ``describe_max_age`` old. LastModifiedTime changes about every 10 s even if nothing else does, so it
says nothing.
"""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING

from exporter.tuning_job import same_moment

if TYPE_CHECKING:
    from exporter.config.specs import TargetSpec
    from exporter.tuning_job import Summary, TuningJob

DESCRIBES_AT_END = 4
"""Describes that show the end of a tuning job, before it rests: one and three more, one in each interval. RuntimeInSeconds comes late."""

REST = 86_400.0
"""Seconds between describes of a tuning job that has ended. They only show whether it was deleted."""

REFUSED_PAUSE = 3_600.0
"""Seconds until a call is retried that failed with a lasting error, unless something asks for it sooner."""

# In rounds: a ``now`` that is before the start of a round only by a rounding error counts as in it.
_ROUNDING = 1e-6
_FIRST_RETRY = 5.0
_RETRIES_PER_INTERVAL = 4
_TAGS_PERIOD = 86_400.0
_TAGS_SPREAD = 0.2
_TAGS_FIRST_RETRY = 60.0
_TAGS_LAST_RETRY = 3_600.0


def next_round(epoch: float, interval: float, now: float) -> float:
    """Return when the next round begins (monotonic seconds). Rounds begin each ``interval`` from ``epoch``."""
    return epoch + (math.floor((now - epoch) / interval + _ROUNDING) + 1) * interval


def retry_at(failures: int, interval: float, now: float) -> float:
    """Return when to try again after the ``failures``-th transient failure in a row.

    The pause doubles from 5 s, or a quarter of a short interval, up to the interval.
    """
    first = min(_FIRST_RETRY, interval / _RETRIES_PER_INTERVAL)
    return now + min(interval, first * 2.0 ** min(failures - 1, 32))


def list_spares(spec: TargetSpec, watched: int, pages: int) -> bool:
    """Return whether a list saves describes: its ``pages`` are fewer than the running jobs that are ``watched``."""
    return rounds_per_describe(spec) > 1 and watched > max(1, pages)


def list_is_long(watched: int, pages: int) -> bool:
    """Return whether the list of all running tuning jobs costs more calls than it may save."""
    return pages > max(1, watched)


def rounds_per_describe(spec: TargetSpec) -> int:
    """Return how many rounds a running job may go without a describe while nothing changes."""
    return max(1, math.floor(spec.describe_max_age / spec.interval))


def due_by_age(spec: TargetSpec, epoch: float, described: float) -> float:
    """Return when a describe made at ``described`` will be too old (monotonic seconds)."""
    return next_round(epoch, spec.interval, described) + (rounds_per_describe(spec) - 1) * spec.interval


def differs(facts: TuningJob, summary: Summary) -> bool:
    """Return whether an entry of a list differs from the facts of the last describe."""
    return (
        (facts.status, facts.training_jobs, facts.objectives)
        != (summary.status, summary.training_jobs, summary.objectives)
        or not same_moment(facts.creation_time, summary.creation_time)
        or not same_moment(facts.end_time, summary.end_time)
    )


def in_about_a_day(name: str, now: float) -> float:
    """Return when to read again what rarely changes, such as tags and quotas (monotonic seconds).

    The time differs by name, within a fifth of a day, so that calls that were made together do not stay together.
    """
    share = zlib.crc32(name.encode()) / 2**32
    return now + _TAGS_PERIOD * (1 - _TAGS_SPREAD / 2 + _TAGS_SPREAD * share)


def tags_retry_at(failures: int, now: float) -> float:
    """Return when to retry after the ``failures``-th failure in a row. The pause doubles from a minute up to an hour."""
    return now + min(_TAGS_LAST_RETRY, _TAGS_FIRST_RETRY * 2.0 ** min(failures - 1, 32))
