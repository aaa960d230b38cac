"""One account and region: the only mutable state of the fleet.

A target is driven by a pair: ``next(now)`` hands out the call to make, ``apply(work, outcome, now)`` takes what came
of it. It reads no clock and starts no thread, so that worker threads, replays over months and tests drive the same
code. Threads hold ``condition`` round every call; single-threaded drivers need not.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.errors import ErrorCode, Failure
from exporter.fleet import events
from exporter.fleet.calls import Calls
from exporter.fleet.job import Job
from exporter.fleet.rounds import Rounds
from exporter.fleet.schedule import REST, RESTS_AFTER_END, next_round, retry_at
from exporter.fleet.tags import TagListings
from exporter.fleet.view import JobView, TargetView
from exporter.fleet.work import Identity, Operation, Outcome, Work
from exporter.sagemaker import Budget
from exporter.tuning_job import TuningJob

if TYPE_CHECKING:
    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.fleet.events import Event
    from exporter.telemetry import Telemetry

_IDENTIFY_PAUSE_LIMIT = 3_600.0


class Target:
    """The tuning jobs of one target and when each is described. Times as given by ``now``."""

    def __init__(self, spec: TargetSpec, telemetry: Telemetry, now: Instant) -> None:
        self.condition = threading.Condition()
        self._spec = spec
        self._telemetry = telemetry
        self._epoch = now.monotonic
        self._serials = itertools.count()
        self._jobs: dict[str, Job] = {}
        self._queue: list[tuple[float, int, str]] = []
        self._budget = Budget(spec.requests_per_second, now.monotonic)
        self._rounds = Rounds(spec.name, telemetry)
        self._calls = Calls()
        self._tags = TagListings(self._calls)
        self._starved_since: float | None = None
        self._account_id = spec.account_id
        self._attempted = False
        self._identify_due: float | None = None
        self._identify_attempts = 0
        telemetry.add_target(spec.name, (Operation.DESCRIBE,))
        self._adopt(now)

    @property
    def spec(self) -> TargetSpec:
        """The configuration in force."""
        return self._spec

    def update(self, spec: TargetSpec, now: Instant) -> None:
        """Take a new configuration of the same key: jobs in both keep their values and their place."""
        self._budget.set_rate(spec.requests_per_second, now.monotonic)
        sooner = spec.interval < self._spec.interval
        if spec.account_id != self._spec.account_id:
            known = (job.facts.account_id for job in self._jobs.values() if job.facts is not None)
            self._account_id = spec.account_id or next(known, None)
            self._identify_attempts = 0
        self._spec = spec
        self._adopt(now)
        if sooner:
            self._bring_forward(now)

    def _adopt(self, now: Instant) -> None:
        wanted = {job.name: job for job in self._spec.jobs}
        for name in self._jobs.keys() - wanted.keys():
            del self._jobs[name]
            self._tags.forget(name)
            self._rounds.done(name, now)
        for name, job_spec in wanted.items():
            job = self._jobs.get(name)
            if job is None or job.is_elsewhere(job_spec):
                self._tags.forget(name)
                self._rounds.done(name, now)
                self._jobs[name] = job = Job(job_spec, now.monotonic, now.monotonic, now.wall)
                self._enqueue(name, job)
            job.spec = job_spec
            job.view = None
            self._tags.want(name, job_spec.tag_labels, job.facts, now.monotonic)
        if any(job_spec.tag_labels for job_spec in wanted.values()):
            self._telemetry.add_target(self._spec.name, (Operation.LIST_TAGS,))
        self._jobs = {name: self._jobs[name] for name in wanted}

    def _bring_forward(self, now: Instant) -> None:
        round_at = next_round(self._epoch, self._spec.interval, now.monotonic)
        for name, job in self._jobs.items():
            if job.rests_left > 0 and job.due > round_at:
                job.due = round_at
                job.owed = min(job.owed, round_at)  # what has been owed for longer stays so, and stale
                job.next_describe = now.wall + round_at - now.monotonic
                job.view = None
                self._enqueue(name, job)

    def next(self, now: Instant) -> Work | None:
        """Return the call to make now, or None when nothing is due or the budget is spent: see ``wakes_at``."""
        self._rounds.check(now.monotonic)
        due = self._next_due()
        if due is None or due > now.monotonic:
            self._starved_since = None  # what waited has left
            return None
        if not self._budget.take(now.monotonic):
            if self._starved_since is None:
                self._starved_since = now.monotonic
            return None
        if self._starved_since is not None:
            self._telemetry.rate_limit_wait.labels(self._spec.name).inc(now.monotonic - self._starved_since)
            self._starved_since = None
        work = self._start(now)
        self._calls.begin(work)
        self._telemetry.api_requests.labels(self._spec.name, work.operation).inc()
        return work

    def wakes_at(self, now: Instant) -> float | None:
        """Return the monotonic time at which ``next`` may have something, None when only a change can bring it."""
        due = self._next_due()
        if due is not None and due <= now.monotonic:
            due = self._budget.next_token_at(now.monotonic)
        return min((moment for moment in (due, self.expires_at) if moment is not None), default=None)

    @property
    def calls_under_way(self) -> int:
        """How many calls have been handed out, have not come back, and are within their deadline."""
        return len(self._calls)

    @property
    def expires_at(self) -> float | None:
        """The monotonic time at which the oldest call under way is given up: see ``expire``."""
        started = self._calls.oldest_started
        return None if started is None else started + self._deadline

    @property
    def _deadline(self) -> float:
        # Enough for credentials to be renewed, which is a call of its own, and for the call itself.
        connection = self._spec.connection
        return 2.0 * (connection.connect_timeout + connection.read_timeout)

    def expire(self, now: Instant) -> tuple[Event, ...]:
        """Give up the calls that are past their deadline and return what is worth a log line.

        Such a call has failed as a time-out. Its tuning job is not asked for again before it has come back, so that
        an endpoint that never answers holds one thread for each tuning job and no more.
        """
        failure = Failure(ErrorCode.TIMEOUT, f"no whole answer within {self._deadline:g} s", now.wall)
        late = self._calls.give_up(self._deadline, now.monotonic)
        return tuple(event for work in late for event in self._apply(work, failure, now))

    def apply(self, work: Work, outcome: Outcome, now: Instant) -> tuple[Event, ...]:
        """Take what came of a call and return what is worth a log line.

        The result of a call for a tuning job that has left the configuration meanwhile is dropped, and so is that of
        a call that was given up: its tuning job is then described at once, or its tags are listed when they are due.
        """
        if not self._calls.back(work):
            return self._apply(work, outcome, now)
        if work.operation is Operation.LIST_TAGS:
            self._tags.resume(work.name)
            return ()
        job = self._jobs.get(work.name)
        if job is not None and job.in_flight is None:
            job.due = now.monotonic
            self._enqueue(work.name, job)
        return ()

    def _apply(self, work: Work, outcome: Outcome, now: Instant) -> tuple[Event, ...]:
        self._telemetry.api_request_duration.labels(work.operation).observe(now.monotonic - work.started)
        if isinstance(outcome, Failure):
            self._telemetry.api_errors.labels(self._spec.name, work.operation, outcome.code).inc()
            if outcome.code is ErrorCode.THROTTLED and work.operation is Operation.DESCRIBE:
                self._budget.throttled(now.monotonic)
        if work.operation is Operation.IDENTIFY:
            return self._apply_identity(outcome, now)
        if work.operation is Operation.LIST_TAGS:
            return self._apply_tags(work, outcome, now)
        self._attempted = True
        job = self._jobs.get(work.name)
        if job is None or job.in_flight != work.serial:
            return ()
        before = (job.facts, job.failure)
        if isinstance(outcome, Failure):
            self._fail(job, outcome, now)
        elif isinstance(outcome, TuningJob):
            self._succeed(job, outcome, now)
        job.in_flight = None
        job.attempted = True
        job.view = None
        job.next_describe = now.wall + job.due - now.monotonic
        self._enqueue(work.name, job)
        self._rounds.done(work.name, now)
        return events.of_describe(self._spec, work.name, *before, job.facts, job.failure)

    def view(self, now: Instant) -> TargetView:
        """Return the target as it stands, values that have gone stale left out."""
        views: list[JobView] = []
        changes_at: float | None = None
        for job in self._jobs.values():
            if job.view is None:
                job.view = job.show(self._spec.key.region, self._account_id, self._tags.of(job.spec.name))
            view = job.view
            if job.facts is not None:
                stale_at = job.owed + self._spec.stale_after
                if now.monotonic >= stale_at:
                    view = replace(view, facts=None)
                elif changes_at is None or stale_at < changes_at:
                    changes_at = stale_at
            views.append(view)
        return TargetView(
            self._spec.name,
            self._spec.key.region,
            self._account_id or "",
            self._attempted or not self._jobs,
            tuple(views),
            changes_at,
        )

    def _enqueue(self, name: str, job: Job) -> None:
        heapq.heappush(self._queue, (job.due, next(self._serials), name))

    def _next_due(self) -> float | None:
        dues = (self._next_describe(), self._next_identify(), self._tags.due)
        return min((due for due in dues if due is not None), default=None)

    def _next_describe(self) -> float | None:
        """Return when the oldest describe falls due, dropping entries of jobs that left, moved on or are in flight."""
        while self._queue:
            due, _, name = self._queue[0]
            job = self._jobs.get(name)
            if job is not None and job.due == due and self._may_ask(name, job):
                return due
            heapq.heappop(self._queue)
        return None

    def _next_identify(self) -> float | None:
        return None if self._calls.stuck(Operation.IDENTIFY) else self._identify_due

    def _may_ask(self, name: str, job: Job) -> bool:
        return job.in_flight is None and not self._calls.stuck(Operation.DESCRIBE, name)

    def _start(self, now: Instant) -> Work:
        serial = next(self._serials)
        region = self._spec.key.region
        identify = self._next_identify()
        if identify is not None and identify <= now.monotonic:
            self._identify_due = None
            self._identify_attempts += 1
            return Work(serial, Operation.IDENTIFY, now.monotonic, region)
        described = self._next_describe()
        if described is None or described > now.monotonic:  # tags can wait, values cannot
            name, arn = self._tags.start(serial)
            return Work(serial, Operation.LIST_TAGS, now.monotonic, region, name, arn=arn)
        name = heapq.heappop(self._queue)[2]
        job = self._jobs[name]
        if not self._rounds.open and not job.retrying:
            names = [name for name, job in self._jobs.items() if job.due <= now.monotonic and self._may_ask(name, job)]
            self._rounds.begin(names, self._spec.interval, now.monotonic)
        job.in_flight = serial
        return Work(serial, Operation.DESCRIBE, now.monotonic, region, name, job.spec.account_id or self._account_id)

    def _succeed(self, job: Job, facts: TuningJob, now: Instant) -> None:
        if self._account_id is None:
            self._learn_account(facts.account_id)
        if job.facts is not None and job.facts.creation_time != facts.creation_time:
            job.rests_left = RESTS_AFTER_END  # the name was used again
        self._tags.described(job.spec.name, facts, now.monotonic)
        job.facts = facts
        job.failure = None
        job.failures = 0
        job.last_success = now.wall
        if not facts.terminal:
            job.rests_left = RESTS_AFTER_END
        if job.rests_left == 0:
            job.due = now.monotonic + REST
        else:
            job.rests_left -= facts.terminal
            job.due = next_round(self._epoch, self._spec.interval, now.monotonic)
        job.owed = job.due
        job.retrying = False

    def _fail(self, job: Job, failure: Failure, now: Instant) -> None:
        job.failure = failure
        job.failures += 1
        if failure.code is ErrorCode.NOT_FOUND:
            job.facts = None
            self._tags.missing(job.spec.name)
            job.rests_left = RESTS_AFTER_END  # should the name come back, it is another tuning job's
        round_at = next_round(self._epoch, self._spec.interval, now.monotonic)
        sooner = retry_at(job.failures, self._spec.interval, now.monotonic)
        job.retrying = failure.code.transient and sooner < round_at
        job.due = sooner if job.retrying else round_at
        if self._account_id is None and self._identify_attempts == 0 and self._spec.key.credentials.sign_requests:
            self._identify_due = now.monotonic

    def _apply_identity(self, outcome: Outcome, now: Instant) -> tuple[Event, ...]:
        if self._account_id is not None:
            return ()  # an answer or the configuration told it meanwhile
        if isinstance(outcome, Identity):
            self._learn_account(outcome.account_id)
        else:
            pause = self._spec.interval * 2.0 ** min(self._identify_attempts - 1, 16)
            self._identify_due = now.monotonic + min(pause, max(self._spec.interval, _IDENTIFY_PAUSE_LIMIT))
        return ()

    def _apply_tags(self, work: Work, outcome: Outcome, now: Instant) -> tuple[Event, ...]:
        if work.name in self._jobs:
            self._jobs[work.name].view = None
        return self._tags.apply(self._spec, work, outcome, now.monotonic)

    def _learn_account(self, account_id: str) -> None:
        self._account_id = account_id
        self._identify_due = None
        for job in self._jobs.values():
            job.view = None
