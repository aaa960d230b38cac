"""ListTrainingJobsForHyperParameterTuningJob: reading its input, filtering and sorting.

A token only has the number of training jobs on the previous pages. So the pages shift when more are launched or the order
changes while they are read: a training job may come twice, or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporter.simulator import paging, reading
from exporter.simulator.errors import invalid
from exporter.simulator.training import STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.simulator.life import Life
    from exporter.simulator.paging import Key, Page
    from exporter.simulator.training import TrainingJob

_BY_OBJECTIVE = "FinalObjectiveMetricValue"

_SORT_KEYS: Mapping[str, Callable[[TrainingJob, float], Key]] = {
    "Name": lambda job, _: (job.name,),
    "CreationTime": lambda job, _: (job.trial.created, job.name),
    "Status": lambda job, t: (job.status(t), job.name),
    _BY_OBJECTIVE: lambda job, t: (job.objective(t), job.name),
}


@dataclass(frozen=True, slots=True)
class Query:
    """A valid input."""

    page: Page
    sort_by: str
    status: str | None

    def admits(self, job: TrainingJob, t: float) -> bool:
        """Return whether a training job that exists at ``t`` passes the filter."""
        return self.status in (None, job.status(t))


def read(content: Mapping[str, Any], *, owner: str, now: float) -> Query:
    """Return the query of an input. Raises ApiError if a member has a wrong type or value. Unknown members are ignored."""
    problems: list[str] = []
    query = Query(
        page=paging.read(content, problems, descending=False, owner=f"ListTrainingJobs/{owner}", now=now),
        sort_by=reading.choice(content, "SortBy", _SORT_KEYS, problems) or "Name",
        status=reading.choice(content, "StatusEquals", STATUSES, problems),
    )
    if problems:
        raise invalid(problems)
    return query


def answer(life: Life, query: Query, *, seen: float, filters_after_paging: bool) -> dict[str, Any]:
    """Return one page of the training jobs of a life, as of ``seen`` (Unix seconds)."""
    known = [job for job in life.training_jobs if job.exists(seen)]
    if query.sort_by == _BY_OBJECTIVE:
        known = [job for job in known if job.objective(seen) is not None]
    if not filters_after_paging:
        known = [job for job in known if query.admits(job, seen)]
    key, page = _SORT_KEYS[query.sort_by], query.page
    known.sort(key=lambda job: key(job, seen), reverse=page.descending)
    (before,) = page.after or (0,)
    jobs, next_page = paging.cut(page, ((((before + i),), job) for i, job in enumerate(known[before:], start=1)))
    return {"TrainingJobSummaries": [job.summary(seen) for job in jobs if query.admits(job, seen)], **next_page}
