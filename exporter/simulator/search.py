"""Search: finds tuning jobs or training jobs by an expression, and returns them with their tags."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.simulator import expression, paging, reading
from exporter.simulator.errors import invalid
from exporter.simulator.expression import moments, names, numbers, texts, truths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from exporter.simulator.expression import Matcher, Property
    from exporter.simulator.jobs import Jobs
    from exporter.simulator.life import Life
    from exporter.simulator.paging import Key, Page
    from exporter.simulator.training import TrainingJob

_TRAINING_JOB_NAME = "TrainingJobName"


class Resource(NamedTuple):
    """A type of resource that can be searched for.

    ``properties`` has the properties, without tags. ``all`` returns the resources of an account and region that may match a
    query. ``record`` returns the result for one of them at a given time.
    """

    name: str
    properties: Mapping[str, Property]
    all: Callable[[Jobs, Query], Iterable[Any]]
    record: Callable[[Any, float], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Query:
    """A valid input. Without ``matches`` all resources match. ``names``, if given, are the only names that can match."""

    resource: Resource
    page: Page
    matches: Matcher | None
    names: frozenset[str] | None
    sort_by: Property


def read(content: Mapping[str, Any], *, owner: str, now: float) -> Query:
    """Return the query of an input. Raises ApiError if a member has a wrong type or value. Unknown members are ignored."""
    problems: list[str] = []
    wanted = reading.choice(content, "Resource", RESOURCES, problems)
    if wanted is None:
        problems.append("Value at 'Resource' must be given")
    resource = RESOURCES.get(wanted or "", _TUNING_JOBS)
    page = paging.read(content, problems, descending=True, owner=f"Search/{owner}", now=now)
    matches, named = None, None
    if content.get("SearchExpression") is not None:
        given = reading.structure(content["SearchExpression"], "SearchExpression")
        matches = expression.read(given, problems, resource.properties)
        if not problems:
            named = expression.only_among(given, _TRAINING_JOB_NAME)
    name = reading.text(content, "SortBy")
    sort_by = expression.property_of("LastModifiedTime" if name is None else name, resource.properties)
    if sort_by is None:
        problems.append(f"Value '{name}' at 'SortBy' is no property of a {resource.name}")
    if problems or sort_by is None:
        raise invalid(problems)
    return Query(resource, page, matches, None if named is None else frozenset(named), sort_by)


def answer(jobs: Jobs, query: Query, *, now: float) -> dict[str, Any]:
    """Return one page of results, as of ``now``."""
    found, next_page = paging.cut(query.page, paging.arranged(query.page, _rows(jobs, query, now)))
    name, record = query.resource.name, query.resource.record
    return {"Results": [{name: record(job, now)} for job in found], **next_page}


def _rows(jobs: Jobs, query: Query, now: float) -> Iterator[tuple[Key, Any]]:
    as_of = query.page.as_of
    for job in query.resource.all(jobs, query):
        if job.exists(as_of) and job.exists(now) and (query.matches is None or query.matches(job, as_of)):
            value = query.sort_by.find(job, as_of)
            # Jobs without the property come last in both orders.
            present = (value is not None) == query.page.descending
            yield (present, "" if value is None else value, job.name), job


def _record_of_tuning_job(life: Life, t: float) -> dict[str, Any]:
    """Return the search result for a tuning job: the answer of Describe without Autotune, and the tags."""
    described = life.at(t)
    described.pop("Autotune", None)
    return {**described, "Tags": life.tag_list()} if life.tags else described


def _training_jobs(jobs: Jobs, query: Query) -> Iterable[TrainingJob]:
    if query.names is None:
        return jobs.training_jobs()
    return filter(None, map(jobs.training_job, query.names))


def _instance_type(job: TrainingJob, _t: float) -> str | None:
    found: str | None = job.constant["ResourceConfig"].get("InstanceType")
    return found


_TUNING_JOBS = Resource(
    "HyperParameterTuningJob",
    {
        "HyperParameterTuningJobName": names(lambda life, _: life.name),
        "HyperParameterTuningJobArn": names(lambda life, _: life.arn),
        "HyperParameterTuningJobStatus": texts(lambda life, t: life.state(t).status),
        "FailureReason": texts(lambda life, t: life.state(t).failure),
        "CreationTime": moments(lambda life, _: life.created),
        "LastModifiedTime": moments(lambda life, t: life.last_modified(t)),
        "HyperParameterTuningEndTime": moments(lambda life, t: life.state(t).ended),
    },
    lambda jobs, _: jobs,
    _record_of_tuning_job,
)
_TRAINING_JOBS = Resource(
    "TrainingJob",
    {
        _TRAINING_JOB_NAME: names(lambda job, _: job.name),
        "TrainingJobArn": names(lambda job, _: job.arn),
        "TuningJobArn": names(lambda job, _: job.constant["TuningJobArn"]),
        "TrainingJobStatus": texts(lambda job, t: job.status(t)),
        "SecondaryStatus": texts(lambda job, t: job.stage(t).status),
        "FailureReason": texts(lambda job, t: job.truth(t).failure),
        "CreationTime": moments(lambda job, _: job.trial.created),
        "LastModifiedTime": moments(lambda job, t: job.stage(t).since),
        "TrainingStartTime": moments(lambda job, t: job.started(t)),
        "TrainingEndTime": moments(lambda job, t: job.ended(t)),
        "EnableManagedSpotTraining": truths(lambda job, _: job.spot),
        "BillableTimeInSeconds": numbers(lambda job, t: job.truth(t).billable_seconds),
        "ResourceConfig.InstanceType": texts(_instance_type),
    },
    _training_jobs,
    lambda job, t: job.record(t),
)

RESOURCES: Mapping[str, Resource] = MappingProxyType({each.name: each for each in (_TUNING_JOBS, _TRAINING_JOBS)})
"""The resources that can be searched for, by name."""
