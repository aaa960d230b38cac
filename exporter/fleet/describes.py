"""Describing tuning jobs: the call, and handling its outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from exporter.errors import CallFailed, ErrorCode, Failure
from exporter.fleet import events
from exporter.fleet.source import Operation, Work
from exporter.tuning_job import TuningJob, name_key, reduce

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.fleet.account import Account
    from exporter.fleet.calls import Calls
    from exporter.fleet.events import Decision
    from exporter.fleet.finder import Finder
    from exporter.fleet.job import Job
    from exporter.fleet.jobs import Jobs
    from exporter.fleet.polls import Polls
    from exporter.fleet.refresh import Refresh
    from exporter.fleet.tags import TagListings
    from exporter.fleet.training_jobs import TrainingJobs
    from exporter.sagemaker import Api


@dataclass(frozen=True, slots=True)
class Describe(Work):
    """A call of DescribeHyperParameterTuningJob.

    The answer must be about the tuning job ``name`` and be from ``region`` and, if it is known, ``account_id``.
    """

    operation = Operation.DESCRIBE
    region: str
    account_id: str | None

    @property
    def key(self) -> str:
        """The name, independent of case."""
        return name_key(self.name)

    def make(self, api: Api) -> TuningJob:
        """Return the facts. Raises CallFailed if they are those of another tuning job, region or account."""
        job = reduce(api.describe(self.name))
        if name_key(job.name) != self.key:
            raise CallFailed(
                ErrorCode.MALFORMED_ANSWER, f"asked for {self.name}, the answer is about another tuning job"
            )
        # The API takes only a name. With credentials of account B and an ARN of account A, it returns B's tuning job.
        if job.region != self.region:
            raise CallFailed(
                ErrorCode.WRONG_ACCOUNT,
                f"expected an answer from region {self.region}, but it is from region {job.region}",
            )
        if self.account_id is not None and job.account_id != self.account_id:
            message = f"expected an answer from account {self.account_id}, but it is from account {job.account_id}"
            raise CallFailed(ErrorCode.WRONG_ACCOUNT, message)
        return job


class Describes:
    """A source of calls. ``Refresh`` decides when each tuning job is due."""

    head_start: ClassVar[float] = 0.0

    def __init__(
        self,
        spec: TargetSpec,
        calls: Calls,
        jobs: Jobs,
        refresh: Refresh,
        polls: Polls,
        finder: Finder,
        tags: TagListings,
        training_jobs: TrainingJobs,
        account: Account,
    ) -> None:
        self._spec = spec
        self._calls = calls
        self._jobs = jobs
        self._refresh = refresh
        self._polls = polls
        self._finder = finder
        self._tags = tags
        self._training_jobs = training_jobs
        self._account = account

    def operations(self) -> Iterable[Operation]:
        """Return the operation that it calls."""
        return (Operation.DESCRIBE,)

    def reload(self, spec: TargetSpec) -> None:
        """Use a new configuration."""
        self._spec = spec

    @property
    def due(self) -> float | None:
        """When the next describe is due. None if none is planned."""
        return self._jobs.due

    def start(self, serial: int, now: Instant) -> Describe:
        """Return the call for the tuning job that is due."""
        job = self._jobs.first
        self._refresh.starting(job, now)
        self._jobs.pop()
        account_id = job.spec.account_id or self._account.id
        return Describe(serial, now.monotonic, job.spec.name, self._spec.key.region, account_id)

    def apply(self, work: Work, outcome: object, now: Instant) -> Iterable[Decision]:
        """Handle the outcome of a describe, and plan the next one."""
        job = self._jobs.get(work.key)
        if job is None:
            return ()
        before = job.facts, job.failure
        if isinstance(outcome, TuningJob):
            self._succeed(job, outcome, work, now)
        elif isinstance(outcome, Failure):
            if outcome.code is ErrorCode.NOT_FOUND and (gone := self._finder.described_as_missing(job)):
                return gone
            self._fail(job, outcome, now)
        self._polls.done(job.key, now)
        return events.of_describe(self._spec, job.spec.name, *before, job.facts, job.failure)

    def _succeed(self, job: Job, facts: TuningJob, work: Work, now: Instant) -> None:
        self._account.learn(facts.account_id)
        self._tags.described(job.spec.name, facts, now)
        self._calls.succeeded(Operation.DESCRIBE, job.key)
        self._refresh.succeeded(job, facts, work.started, now)
        self._training_jobs.described(job, now)

    def _fail(self, job: Job, failure: Failure, now: Instant) -> None:
        if failure.code is ErrorCode.NOT_FOUND:
            self._tags.missing(job.spec.name)
        failures = self._calls.failed(Operation.DESCRIBE, job.key, failure.code)
        hung = self._calls.stuck(Operation.DESCRIBE, job.key)
        self._refresh.failed(job, failure, failures, now, hung=hung)
        self._account.ask(now)

    def late(self, work: Work, now: Instant) -> None:
        """Plan a describe at once after a call that was given up has returned."""
        job = self._jobs.get(work.key)
        if job is not None and self._jobs.may_ask(job):
            self._jobs.plan(job, now.monotonic, now)

    def retry(self, work: Work, failure: Failure, now: Instant) -> None:
        """Count an answer that cannot be used as a failure of that describe."""
        job = self._jobs.get(work.key)
        if job is not None:
            self._fail(job, failure, now)
            self._polls.done(job.key, now)
