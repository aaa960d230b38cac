"""A fleet's day: a simulated fleet, ways to watch it, and an exporter that does so on a clock which is moved by hand.

A call takes no time, and one thread makes them all; the publisher has its own, as ever.
"""

from __future__ import annotations

import json
import math
import mmap
import random
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

from bench.fleet import FINISHED_SCENARIOS, RUNNING_SCENARIOS
from bench.names import names
from exporter.clock import Instant
from exporter.config import defaults, parse
from exporter.config.duration import format_duration
from exporter.exposition import Publisher
from exporter.fleet import Operation, Target, perform
from exporter.fleet.lists import RUNNING as LIST_OF_RUNNING
from exporter.fleet.lists import SWEEP
from exporter.statuses import TERMINAL_STATUSES
from exporter.telemetry import Telemetry
from exporter.tuning_job import TuningJob, model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exporter.config.specs import TargetSpec
    from exporter.fleet import Work
    from exporter.sagemaker import Api
    from exporter.simulator.service import Simulator

JOBS, RUNNING = 1_000, 100
INTERVAL = 60.0
ROUNDS = 1_440  # of a day
START = float(2**30)
"""Unix time when the exporter starts."""

_SPEED = 0.0215  # at which in each interval 2 % of the running jobs change; the test counts them
_HOUR = 3600.0
_RETENTION = "30d"  # so that the rule keeps those that ended days ago
_RATE = 20.0  # requests a second: what describing all needs at least, and some
LISTS_OF_RUNNING = "lists of what runs"
LISTS_OF_RULES = "other lists for the rule"
SWEEPS = "hourly lists of what has ended"
FIRST = "first describes"
CHANGED = "describes that show a change"
UNCHANGED = "describes that show none: by age, and the probes"
ENDED = "describes after the end"
FAILED = "describes that fail"
PURPOSES = (LISTS_OF_RUNNING, LISTS_OF_RULES, SWEEPS, FIRST, CHANGED, UNCHANGED, ENDED, FAILED)
"""What calls are for."""
_LISTS = {str(LIST_OF_RUNNING): LISTS_OF_RUNNING, str(SWEEP): SWEEPS}

FLEET = f"{JOBS:,} jobs of which {RUNNING} run, 2 % of them changing each minute"
OTHERS = {"running": "describing all that run each minute", "all": "describing all each minute"}


@dataclass(frozen=True, slots=True)
class Way:
    """How a fleet is watched. CPU is measured of the first ``start`` rounds, and of so many ``rounds`` after them.

    Calls are ``counted`` for so many rounds: a day of them, unless all are alike.
    """

    # An hour, in which describes that began together part, and another one, with its look for jobs that were deleted.
    start: int = 65
    rounds: int = 60
    counted: int = ROUNDS
    max_age: str = format_duration(defaults.DESCRIBE_MAX_AGE)
    """``describe_max_age``."""
    found: bool = False
    """Whether a rule finds the tuning jobs, and not the configuration names them."""
    ends: frozenset[str] = TERMINAL_STATUSES
    """The statuses after which a tuning job rests."""


WAYS = {
    "delta": Way(),
    "rule": Way(found=True),
    "running": Way(start=5, rounds=10, max_age="0s"),
    "all": Way(start=1, rounds=2, counted=60, max_age="0s", ends=frozenset()),
}


class Clock:
    """Time that one process moves by hand and others see: it stands in a file of 8 bytes. Without one: only here.

    One thread may wait for it. Who moves it goes on when that thread waits again.
    """

    def __init__(self, file: str | None = None) -> None:
        if file is None:
            shared = mmap.mmap(-1, 8)
        else:
            with Path(file).open("r+b") as opened:
                shared = mmap.mmap(opened.fileno(), 8)
        self._elapsed = memoryview(shared).cast("d")
        self._waits = threading.Event()
        self._condition: threading.Condition | None = None
        self.wakes_at = math.inf
        """When it wakes the thread that waits."""

    def time(self) -> float:
        return START + self._elapsed[0]

    def monotonic(self) -> float:
        return self._elapsed[0]

    def now(self) -> Instant:
        return Instant(self.time(), self.monotonic())

    def wait(self, condition: threading.Condition, until: float | None) -> None:
        self._condition, self.wakes_at = condition, math.inf if until is None else until
        self._waits.set()  # nobody can notify before the condition is let go
        condition.wait()

    def move_to(self, monotonic: float) -> None:
        self._elapsed[0] = monotonic
        if monotonic >= self.wakes_at:
            self.wake(self._notify)

    def wake(self, notify: Callable[[], bool | None]) -> None:
        """Call what starts or notifies the thread that waits, and return when it does so again.

        ``notify`` returns False where it woke nobody.
        """
        self._waits.clear()
        if notify() is not False:
            self._waits.wait()

    def _notify(self) -> None:
        if self._condition is not None:
            with self._condition:
                self._condition.notify_all()


class InProcess:
    """The simulator as the Api that a target calls."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def describe(self, name: str) -> Mapping[str, Any]:
        return self._simulator.describe(name)

    def list_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._simulator.list(**request)

    def list_training_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        given = dict(request)
        return self._simulator.list_training_jobs(given.pop("HyperParameterTuningJobName"), **given)

    def search(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._simulator.search(**request)

    def list_service_quotas(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._simulator.list_service_quotas(**request)

    def list_tags(self, arn: str) -> Mapping[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self._simulator.list_tags(arn)["Tags"]}

    def caller_account(self) -> str:
        return self._simulator.default_account_id


class Spent(NamedTuple):
    """What a stretch of time took: CPU seconds, in all and without those for rendering, calls and renderings."""

    cpu: float
    calls_cpu: float
    calls: float
    renderings: float


class Exporter:
    """A target and all its calls, made one after the other, on a clock that it moves; and the publisher, if wanted."""

    def __init__(self, target: Target, api: Api, clock: Clock, *, publishes: bool) -> None:
        self.calls: Counter[str] = Counter()
        """By purpose."""
        self._seen: dict[str, TuningJob] = {}
        self._target = target
        self._api = api
        self._clock = clock
        self._publisher = Publisher(lambda now: [target.view(now)], Telemetry(), clock) if publishes else None
        if self._publisher is not None:
            clock.wake(self._publisher.start)

    def run(self, until: float) -> None:
        """Do what falls due before a monotonic time, and move the clock there."""
        while self._clock.monotonic() < until:
            self.catch_up()
            wakes_at = self._target.wakes_at(self._clock.now())
            self._clock.move_to(min(until, self._clock.wakes_at, until if wakes_at is None else wakes_at))

    def catch_up(self) -> None:
        """Make the calls that are due now."""
        self._target.expire(self._clock.now())
        while (work := self._target.next(self._clock.now())) is not None:
            self._make(work)

    def jobs(self) -> Mapping[str, TuningJob | None]:
        """Return by name what is shown of each tuning job now."""
        return {job.name: job.facts for job in self._target.view(self._clock.now()).jobs}

    def _make(self, work: Work) -> None:
        outcome = perform(self._api, work)
        self.calls[self._purpose(work, outcome)] += 1
        now = self._clock.now()
        self._target.apply(work, outcome, now)
        changed, more = self._target.take_changed(), self._target.has_more(now)
        if self._publisher is not None and changed:
            self._clock.wake(partial(self._publisher.changed, more=more))

    def spent(self) -> Spent:
        """Return what all until now took, the interpreter's start included. Only with a publisher."""
        thread = next(thread.ident for thread in threading.enumerate() if thread.name == "publisher")
        assert thread is not None
        assert self._publisher is not None
        rendering = time.clock_gettime(time.pthread_getcpuclockid(thread))
        cpu = time.process_time()
        return Spent(cpu, cpu - rendering, self.calls.total(), self._publisher.published.generation)

    def _purpose(self, work: Work, outcome: object) -> str:
        """Return what a call was for: of a describe, by what it shows beside the one before."""
        if work.operation is Operation.LIST:
            return _LISTS.get(work.name, LISTS_OF_RULES)
        before = self._seen.get(work.name)
        if not isinstance(outcome, TuningJob):
            return FAILED
        self._seen[work.name] = outcome
        if before is None:
            return FIRST
        if before.terminal:
            return ENDED
        return CHANGED if summarised(outcome) != summarised(before) else UNCHANGED

    def check(self, jobs: int) -> None:
        """Raise RuntimeError unless every tuning job has been described well: else the figures mean nothing."""
        view = self._target.view(self._clock.now())
        known = sum(job.facts is not None and job.failure is None for job in view.jobs)
        if known != jobs or view.errors:
            raise RuntimeError(f"{known} of {jobs} tuning jobs are known; errors: {view.errors}")


def summarised(job: TuningJob) -> tuple[object, ...]:
    """Return what a list tells too and counts as a change."""
    return job.status, job.training_jobs, job.objectives, job.creation_time, job.end_time


@contextmanager
def ends(way: str) -> Iterator[None]:
    """Let tuning jobs rest after those statuses only after which they do so this way."""
    with patch.object(model, "TERMINAL_STATUSES", WAYS[way].ends):
        yield


def populate(simulator: Simulator, jobs: int, running: int) -> None:
    """Create so many tuning jobs, of which ``running`` are in progress for more than a day and the others have ended."""
    rng = random.Random(jobs)
    for number, name in enumerate(names(jobs)):
        if number < running:
            scenario = RUNNING_SCENARIOS[number % len(RUNNING_SCENARIOS)]
            age, speed = rng.uniform(0.3, 1.0) * _HOUR / _SPEED, _SPEED
        else:
            scenario = FINISHED_SCENARIOS[number % len(FINISHED_SCENARIOS)]
            age, speed = rng.uniform(50.0, 200.0) * _HOUR, 1.0
        simulator.create(scenario, name, created=START - age, speed=speed)


def spec(way: str, jobs: int, **aws: str) -> TargetSpec:
    """Return the configuration of a way; ``aws`` are more settings of the endpoint."""
    wanted: dict[str, Any]
    if WAYS[way].found:
        wanted = {"discover": [{"name_contains": "team-", "max_jobs": jobs}]}
    else:
        wanted = {"tuning_jobs": names(jobs)}
    configuration = {
        "interval": f"{INTERVAL:g}s",
        "describe_max_age": WAYS[way].max_age,
        "retention": _RETENTION,
        "aws": {"region": "us-east-1", "requests_per_second": _RATE, **aws},
    }
    return parse(json.dumps(configuration | wanted), "bench").targets[0]
