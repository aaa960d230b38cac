"""A simple simulation of an account and region for ``plan``: the expected number of tuning jobs and changes, in process.

Its tuning jobs look like those of the simulator's scenario ``healthy``. Running ones never end, and only their counters change: a
training job ends and the next one begins.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from exporter.clock import SkippingClock
from exporter.config.tag_condition import TagCondition
from exporter.simulator.service import Simulator
from exporter.statuses import IN_PROGRESS, TERMINAL_STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from exporter.clock import Clock
    from exporter.config.specs import RuleSpec, TargetSpec

_ACCOUNT = "000000000000"
_MINUTE = 60.0
_HOUR = 3_600.0
_DAY = 24 * _HOUR
_FAILED = (5, 6)  # two of the training jobs that had ended before the start
_TRAINED = 25 + len(_FAILED)  # had ended before
_PARALLEL = 4
_LATE = 8  # turns
_INSTANCE_TYPE = "ml.m5.xlarge"
_QUOTAS = 2_000  # about as many as AWS lists for SageMaker in a region
_GAP = 17.5
"""Seconds from the end of a training job to the beginning of the next one, as the average in the simulator."""

_CHANGES = 1.0 + _GAP / _MINUTE
"""How many changes are seen with one look per minute, if a training job ends and the next one begins."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The number of tuning jobs of an account and region, how many of them run, and the changes of counters per minute."""

    jobs: int
    running: int
    changes_per_minute: float


_TAG = "planned"
"""The tag of tuning jobs if rules need tags. Reading it needs the same calls as other tags."""


@dataclass(frozen=True, slots=True)
class _Job:
    name: str
    status: str
    created: float
    tags: Mapping[str, str]
    place: int
    """The number among the running ones, from 0."""

    @property
    def runs(self) -> bool:
        return self.status == IN_PROGRESS


def planned(spec: TargetSpec) -> TargetSpec:
    """Return a target whose rules each match a part of the stand-in's tuning jobs, and watch them for the whole day."""
    rules = tuple(
        replace(
            rule,
            name_contains=_prefix(number),
            name_regex=None,
            tags={_TAG: TagCondition()} if rule.asks_tags else {},
            exclude=(),
        )
        for number, rule in enumerate(spec.rules)
    )
    return replace(spec, rules=rules, retention=max(spec.retention, 3 * _DAY))


class StandIn:
    """Implements ``Api``. It begins at the time of its clock."""

    def __init__(self, spec: TargetSpec, expected: Expected, clock: Clock) -> None:
        self._clock = clock
        self._start = clock.time()
        self._place = f"arn:{spec.key.partition}:sagemaker:{spec.key.region}:{spec.account_id or _ACCOUNT}"
        self._account = spec.account_id or _ACCOUNT
        self._running = expected.running
        self._pace = expected.changes_per_minute / _MINUTE
        jobs = [*_jobs(spec, expected, self._start)]
        self._newest_first = sorted(jobs, key=lambda job: -job.created)
        self._jobs = {job.name: job for job in jobs}

    def describe(self, name: str) -> Mapping[str, Any]:
        """Return the answer about a tuning job."""
        job = self._jobs[name]
        told = {**_template(runs=job.runs), **self._summary(job)}
        told["HyperParameterTuningJobArn"] = self._arn(job)
        return told

    def list_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a page of tuning jobs."""
        after, before = request.get("CreationTimeAfter", 0.0), request.get("CreationTimeBefore", float("inf"))
        status, part = request.get("StatusEquals"), request.get("NameContains", "")
        found = [
            job
            for job in self._newest_first
            if status in {None, job.status} and part in job.name and after < job.created < before
        ]
        return _page("HyperParameterTuningJobSummaries", found, request, self._summary)

    def list_training_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a page of training jobs, newest first."""
        job = self._jobs[request["HyperParameterTuningJobName"]]
        done = _TRAINED + self._since(job)
        last = done + self._open(job)
        return _page(
            "TrainingJobSummaries", range(last, 0, -1), request, lambda number: self._training(job, number, done)
        )

    def search(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return tuning jobs by creation time, or training jobs by name."""
        filters = request["SearchExpression"]["Filters"]
        if request["Resource"] == "TrainingJob":
            names = [name for each in filters for name in each["Value"].split(",")]
            return {"Results": [{"TrainingJob": _bill(name)} for name in names]}
        first, last = (datetime.fromisoformat(each["Value"]).timestamp() for each in filters)
        found = [job for job in self._newest_first if first <= job.created <= last]
        return _page("Results", found, request, lambda job: {"HyperParameterTuningJob": self._tagged(job)})

    def list_service_quotas(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return about as many quotas as AWS has, including those of the instance type that is used."""
        return _page("Quotas", range(_QUOTAS), request, _quota)

    def list_tags(self, arn: str) -> Mapping[str, str]:
        """Return the tags of a tuning job."""
        return self._jobs[arn.rpartition("/")[2]].tags

    def caller_account(self) -> str:
        """Return the account."""
        return self._account

    def _arn(self, job: _Job) -> str:
        return f"{self._place}:hyper-parameter-tuning-job/{job.name}"

    def _tagged(self, job: _Job) -> Mapping[str, Any]:
        return {
            "HyperParameterTuningJobArn": self._arn(job),
            "HyperParameterTuningJobName": job.name,
            "CreationTime": job.created,
            "Tags": [{"Key": key, "Value": value} for key, value in job.tags.items()],
        }

    def _since(self, job: _Job, gap: float = 0.0) -> int:
        """Return how many training jobs of a tuning job have ended from the start to ``gap`` seconds ago.

        Running tuning jobs change in turn, with random deviations, so that sometimes several change together.
        """
        if not job.runs or self._pace == 0.0:
            return 0
        ends = max(0.0, self._clock.time() - self._start - gap) * self._pace / _CHANGES
        sure = max(0, int(ends - _LATE) + self._running - job.place) // self._running
        count, turn = sure, job.place + sure * self._running
        while turn <= ends:
            count += turn + _LATE * _share(turn) <= ends
            turn += self._running
        return count

    def _open(self, job: _Job) -> int:
        """Return the number of running training jobs."""
        return _PARALLEL - self._since(job) + self._since(job, _GAP) if job.runs else 0

    def _summary(self, job: _Job) -> dict[str, Any]:
        done, runs = _TRAINED - len(_FAILED) + self._since(job), self._open(job)
        told = {
            "HyperParameterTuningJobName": job.name,
            "HyperParameterTuningJobArn": self._arn(job),
            "HyperParameterTuningJobStatus": job.status,
            "Strategy": "Bayesian",
            "CreationTime": job.created,
            "LastModifiedTime": self._clock.time() if job.runs else self._start - 10.0,
            "TrainingJobStatusCounters": {
                "Completed": done,
                "InProgress": runs,
                "RetryableError": 1,
                "NonRetryableError": 1,
                "Stopped": 0,
            },
            "ObjectiveStatusCounters": {
                "Succeeded": done,
                "Pending": runs,
                "Failed": len(_FAILED),
            },
        }
        return told if job.runs else told | {"HyperParameterTuningEndTime": self._start - 10.0}

    def _training(self, job: _Job, number: int, done: int) -> Mapping[str, Any]:
        """Return the training job with this number. Those up to ``done`` have ended."""
        begun = job.created + number / 100
        told = {
            "TrainingJobName": f"{job.name}-{number:04}",
            "TrainingJobStatus": "InProgress",
            "CreationTime": begun,
            "TrainingStartTime": begun,
        }
        if number > done:
            return told
        return told | {"TrainingJobStatus": _training_status(number), "TrainingEndTime": begun + 0.01}


def _jobs(spec: TargetSpec, expected: Expected, start: float) -> Iterator[_Job]:
    """Yield the tuning jobs: listed ones first, then those of the rules in turn."""
    place = 0
    for number in range(expected.jobs):
        listed = number < len(spec.jobs)
        if not (listed or spec.rules):
            return
        rule = None if listed else spec.rules[number % len(spec.rules)]
        name = spec.jobs[number].name if listed else f"{_prefix(number % len(spec.rules))}{number:06}"
        # Running ones are spread evenly over all.
        runs = (number + 1) * expected.running // expected.jobs > number * expected.running // expected.jobs
        # Running ones are newer, as in AWS, so that max_jobs keeps them. Ended ones must meet created_within until they are found.
        within = rule.created_within if rule is not None else None
        ended = min(3 * _HOUR, (within or _DAY) / 2)
        created = start - (ended / 2 if runs else ended) * (1 + number / (10 * expected.jobs))
        yield _Job(
            name,
            IN_PROGRESS if runs else _ended(rule),
            created,
            {_TAG: ""} if rule is not None and rule.asks_tags else {},
            place,
        )
        place += runs


def _ended(rule: RuleSpec | None) -> str:
    """Return the status of an ended tuning job. It is one that its rule matches, if possible."""
    return min((rule.statuses if rule is not None else frozenset()) & TERMINAL_STATUSES, default="Completed")


def _prefix(rule: int) -> str:
    return f"rule-{rule}-"


def _page(
    member: str, found: Sequence[Any], request: Mapping[str, Any], show: Callable[[Any], Any]
) -> Mapping[str, Any]:
    start, size = int(request.get("NextToken", 0)), request["MaxResults"]
    shown = {member: [show(each) for each in found[start : start + size]]}
    return shown | ({"NextToken": str(start + size)} if start + size < len(found) else {})


@lru_cache(maxsize=4_096)
def _share(turn: int) -> float:
    """Return a pseudo-random number from 0 to 1 for a turn."""
    return int.from_bytes(hashlib.blake2b(b"%d" % turn, digest_size=4).digest()) / 2**32


def _training_status(number: int) -> str:
    return "Failed" if number in _FAILED else "Completed"


def _bill(name: str) -> Mapping[str, Any]:
    resources = {"InstanceType": _INSTANCE_TYPE, "InstanceCount": 1}
    return {
        "TrainingJobName": name,
        "TrainingJobStatus": _training_status(int(name.rpartition("-")[2])),
        "BillableTimeInSeconds": 600,
        "ResourceConfig": resources,
        "EnableManagedSpotTraining": False,
    }


def _quota(number: int) -> Mapping[str, Any]:
    used = ("training job", "spot training job")[number : number + 1]
    return {"QuotaName": f"{_INSTANCE_TYPE} for {used[0]} usage" if used else f"quota {number}", "Value": 20.0}


@cache
def _template(*, runs: bool) -> Mapping[str, Any]:
    """Return the answer about a typical tuning job."""
    clock = SkippingClock(2.0**30)
    simulator = Simulator(clock)
    simulator.create("healthy", "usual", created=clock.time() - (2 * _HOUR if runs else 7 * _DAY))
    return simulator.describe("usual")
