"""What Prometheus has scraped, minute by minute: tuning jobs and their troubles, replicas, and gaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

ACCOUNT, REGION, NAME, TEAM = "123456789012", "eu-west-1", "churn-xgboost", "search"
WHERE = f"in {REGION} of account {ACCOUNT}"
PLACE = {"aws_account_id": ACCOUNT, "aws_region": REGION}
JOB = {**PLACE, "tuning_job": NAME, "label_team": TEAM}
OBJECTIVE = {"objective_metric": "validation:auc", "objective_type": "Maximize"}
OF_OBJECTIVE = {"best_objective_value", "target_objective_value", "target_reached"}
HEALTH = {"up", "error_info", "last_success_timestamp_seconds", "next_describe_timestamp_seconds", "labels"}
"""The families of a tuning job that stay when AWS does not answer."""
STEP = 5  # minutes between scrapes, and between evaluations
DAY = 1440  # minutes
TERMINAL = {"Completed", "Failed", "Stopped", "DeleteFailed"}

Value = float | Mapping[int, float | None] | Callable[[float], float | None]
"""A number for ever, numbers by the minute from which they hold (None: no series), or a function of the minute."""


class Series(NamedTuple):
    """The identity of a series."""

    name: str
    labels: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return self.name + "{" + ",".join(f'{key}="{value}"' for key, value in self.labels) + "}"

    @property
    def fact(self) -> bool:
        """Tell whether it ends when AWS does not answer for long."""
        family = self.name.removeprefix("sagemaker_tuning_job_")
        return family != self.name and family not in HEALTH


World = dict[Series, Value]
Scraped = dict[Series, list[float | None]]


def steps(value: Mapping[int, object], minute: float) -> object:
    """Return what holds at a minute; nothing does before the first."""
    begun = [since for since in value if since <= minute]
    return value[max(begun)] if begun else None


def at(value: Value, minute: float) -> float | None:
    if callable(value):
        return value(minute)
    return steps(value, minute) if isinstance(value, Mapping) else value  # type: ignore[return-value]


def own(name: str, value: Value, **labels: str) -> World:
    """Return a series of the exporter's own, or of Prometheus'."""
    full_name = name if name in {"up", "process_start_time_seconds"} else f"sagemaker_tuning_exporter_{name}"
    return {Series(full_name, tuple(labels.items())): value}


def job(
    status: str | Mapping[int, str | None] = "InProgress",
    *,
    name: str = NAME,
    region: str = REGION,
    team: str | None = TEAM,
    search: str | None = None,
    created: int = -180,
    code: str | Mapping[int, str | None] | None = None,
    training_jobs: Mapping[str, Value] | None = None,
    objectives: Mapping[str, Value] | None = None,
    hyperparameters: Mapping[str, tuple[float, Value, float]] | None = None,
    scale: str = "Linear",
    info: Mapping[str, str] | None = None,
    **families: Value,
) -> World:
    """Return a tuning job, created at a minute. ``status``, and ``code`` of the error, may change by the minute.

    A status of None is no status; other facts stay unless their values say so. As in AWS, the time of the last change moves
    on until the tuning job has ended. ``hyperparameters`` are lower bound, best value and upper bound of each, on a ``scale``.
    """
    statuses = {0: status} if isinstance(status, str) else dict(status)
    codes = {0: code} if isinstance(code, str) or code is None else {0: None, **code}
    identity = (("aws_account_id", ACCOUNT), ("aws_region", region), ("tuning_job", name))
    world: World = {}

    def add(family: str, value: Value, **labels: str) -> None:
        world[Series(f"sagemaker_tuning_job_{family}", (*identity, *labels.items()))] = value

    configured = {"label_team": team, "label_search": search}
    add("labels", 1, **{name: value for name, value in configured.items() if value is not None})
    add("up", {since: int(error is None) for since, error in codes.items()})
    add("next_describe_timestamp_seconds", lambda minute: 60.0 * (minute + 1))
    for error in {*codes.values()} - {None}:
        add("error_info", {since: 1 if one == error else None for since, one in codes.items()}, code=str(error))
    for each in {*statuses.values(), "InProgress", "Completed", "Failed"} - {None}:
        there = {since: None if one is None else int(one == each) for since, one in statuses.items()}
        add("status", there, status=str(each))
    add("created_timestamp_seconds", 60.0 * created)
    ended = min((since for since, one in statuses.items() if one in TERMINAL), default=None)
    add("last_modified_timestamp_seconds", lambda minute: 60.0 * (minute if ended is None else min(minute, ended)))
    add("info", 1, **({"strategy": "Bayesian"} | dict(info or {})))
    for counter, counts in (("training_jobs", training_jobs), ("objectives", objectives)):
        for each, count in (counts or {}).items():
            add(counter, count, status=each)
    for parameter, (low, best, high) in (hyperparameters or {}).items():
        searched = {"hyperparameter": parameter, "definition": "xgboost"}
        add("hyperparameter_min_value", low, **searched, scale=scale)
        add("best_hyperparameter_value", best, **searched)
        add("hyperparameter_max_value", high, **searched, scale=scale)
    for family, value in families.items():
        add(family, value, **(OBJECTIVE if family in OF_OBJECTIVE else {}))
    return world


def merged(*worlds: World) -> World:
    return {series: value for world in worlds for series, value in world.items()}


def scrape(world: World, minutes: int) -> Scraped:
    """Return the samples of a world, one each ``STEP`` minutes."""
    return {series: [at(value, minute) for minute in range(0, minutes + 1, STEP)] for series, value in world.items()}


def of_pod(scraped: Scraped, pod: str) -> Scraped:
    """Return the samples as those of one pod."""
    return {Series(name, (*labels, ("instance", pod))): values for (name, labels), values in scraped.items()}


def only(scraped: Scraped, first: int, last: int) -> Scraped:
    """Return the samples from one index to another, both included."""
    return {
        series: [value if first <= index <= last else None for index, value in enumerate(values)]
        for series, values in scraped.items()
    }


def two_replicas(scraped: Scraped) -> Scraped:
    return of_pod(scraped, "a") | of_pod(scraped, "b")


def rollouts(scraped: Scraped, *when: int) -> Scraped:
    """Return the samples as those of pods of which each takes over from the one before, with one scrape of both."""
    ends = [*when, len(next(iter(scraped.values())))]
    pods: Scraped = {}
    for number, (begin, end) in enumerate(zip([0, *when], ends, strict=True)):
        pods |= only(of_pod(scraped, f"pod-{number}"), begin, end)
    return pods


def gone(scraped: Scraped, first: int, last: int) -> Scraped:
    """Return the samples without all those from one index to another: the exporter is away."""
    return {
        series: [None if first <= index <= last else value for index, value in enumerate(values)]
        for series, values in scraped.items()
    }


def lost_scrapes(scraped: Scraped) -> Scraped:
    """Return the samples without those of one scrape in four, each of which marks the series stale."""
    return {
        series: [None if index % 4 == 3 else value for index, value in enumerate(values)]
        for series, values in scraped.items()
    }


def outage_of_aws(scraped: Scraped, first: int, last: int) -> Scraped:
    """Return the samples with an outage of AWS that has lasted for longer than ``stale_after`` at ``first``."""
    broken = {series: values for series, values in scraped.items() if not series.fact}
    for series, values in list(broken.items()):
        if series.name in {"sagemaker_tuning_job_up", "sagemaker_tuning_job_error_info"}:
            down = 0 if series.name == "sagemaker_tuning_job_up" else None
            broken[series] = [down if first <= index <= last else value for index, value in enumerate(values)]
        if series.name == "sagemaker_tuning_job_up":
            error = Series("sagemaker_tuning_job_error_info", (*series.labels, ("code", "timeout")))
            known = broken.get(error, scraped.get(error, [None] * len(values)))
            broken[error] = [1 if first <= index <= last else value for index, value in enumerate(known)]
    return gone({series: values for series, values in scraped.items() if series.fact}, first, last) | broken


def notation(values: list[float | None]) -> str:
    """Return samples as promtool reads them; a series that ends is marked stale, as by a scrape without it."""
    words = []
    before: float | None = None
    for value in values:
        words.append(("_" if before is None else "stale") if value is None else repr(value))
        before = value
    return " ".join(words)
