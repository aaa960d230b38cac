"""A fleet's day: the API calls and the CPU of describing only what changed, against describing more.

Time is moved by hand. Calls are counted in process. CPU is that of the exporter's process alone, with the real SDK and
the simulator in a process of its own: of the start as it is, and of a stretch that then repeats itself all day long. A
call takes no time, and one thread makes them all; the publisher has its own, as ever.
"""

from __future__ import annotations

import json
import math
import mmap
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

from bench.fleet import FINISHED_SCENARIOS, RUNNING_SCENARIOS
from bench.names import names
from bench.process import Program, call, python
from bench.table import Row, versus
from exporter.clock import Instant
from exporter.config import parse
from exporter.exposition import Publisher
from exporter.fleet import Target, perform
from exporter.sagemaker import SageMakerApi, Sessions
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator
from exporter.telemetry import Telemetry
from exporter.tuning_job import model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.config.specs import TargetSpec
    from exporter.fleet.work import Work
    from exporter.sagemaker import Api

JOBS, RUNNING = 1_000, 100
INTERVAL = 60.0
ROUNDS = 1_440  # of a day
REPEATS = 3
START = float(2**30)
"""Unix time when the exporter starts."""

_SPEED = 0.0215  # at which in each interval 2 % of the running jobs change; the test counts them
_HOUR = 3600.0
_RETENTION = "30d"  # so that the rule keeps those that ended days ago
_RATE = 20.0  # requests a second: what describing all needs at least, and some


@dataclass(frozen=True, slots=True)
class Way:
    """How a fleet is watched. CPU is measured of the first ``start`` rounds, and of so many ``rounds`` after them.

    Calls are ``counted`` for so many rounds: a day of them, unless all are alike.
    """

    # An hour, in which describes that began together part, and another one, with its look for jobs that were deleted.
    start: int = 65
    rounds: int = 60
    counted: int = ROUNDS
    max_age: str = "5m"
    """``describe_max_age``."""
    found: bool = False
    """Whether a rule finds the tuning jobs, and not the configuration names them."""
    ends: frozenset[str] = model.TERMINAL_STATUSES
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

    def wake(self, notify: Callable[[], None]) -> None:
        """Call what starts or notifies the thread that waits, and return when it does so again."""
        self._waits.clear()
        notify()
        self._waits.wait()

    def _notify(self) -> None:
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


class Spent(NamedTuple):
    """What a stretch of time took: CPU seconds, in all and without those for rendering, calls and renderings."""

    cpu: float
    calls_cpu: float
    calls: int
    renderings: int


class Exporter:
    """A target and all its calls, made one after the other, on a clock that it moves; and the publisher, if wanted."""

    def __init__(self, target: Target, api: Api, clock: Clock, *, publishes: bool) -> None:
        self.calls: Counter[str] = Counter()
        self._target = target
        self._api = api
        self._clock = clock
        self._publisher = Publisher(lambda now: [target.view(now)], Telemetry(), clock) if publishes else None
        if self._publisher is not None:
            clock.wake(self._publisher.start)

    def run(self, until: float) -> None:
        """Do what falls due before a monotonic time, and move the clock there."""
        while (now := self._clock.now()).monotonic < until:
            self._target.expire(now)
            work = self._target.next(now)
            if work is None:
                wakes_at = self._target.wakes_at(now)
                self._clock.move_to(min(until, self._clock.wakes_at, until if wakes_at is None else wakes_at))
            else:
                self._make(work)

    def _make(self, work: Work) -> None:
        self.calls[work.operation] += 1
        outcome = perform(self._api, work, self._clock.time)
        now = self._clock.now()
        self._target.apply(work, outcome, now)
        changed, more = self._target.take_changed(), self._target.has_more(now)
        if self._publisher is not None and changed:
            self._clock.wake(partial(self._publisher.changed, more=more))

    def spent(self) -> Spent:
        """Return what all until now took, the interpreter's start included. Only with a publisher."""
        publisher = next(thread for thread in threading.enumerate() if thread.name == "publisher")
        rendering = time.clock_gettime(time.pthread_getcpuclockid(publisher.ident))
        cpu = time.process_time()
        return Spent(cpu, cpu - rendering, self.calls.total(), self._publisher.published.generation)

    def check(self, jobs: int) -> None:
        """Raise RuntimeError unless every tuning job has been described well: else the figures mean nothing."""
        view = self._target.view(self._clock.now())
        known = sum(job.facts is not None and job.failure is None for job in view.jobs)
        if known != jobs or view.errors:
            raise RuntimeError(f"{known} of {jobs} tuning jobs are known; errors: {view.errors}")


def rows() -> list[Row]:
    """Measure; the calls are counted two ways at a time, then the ways take turns."""
    with ThreadPoolExecutor(2) as pool:
        calls = dict(zip(WAYS, pool.map(lambda way: call("bench.delta:calls_of_a_day", way), WAYS), strict=True))
    cpu = {way: [] for way in ("delta", *_OTHERS)}
    for _ in range(REPEATS):
        for way, days in cpu.items():
            days.append(day(way, measure(way, JOBS, RUNNING)))
    return [*_calls(calls), *_cpu(cpu)]


_FLEET = f"{JOBS:,} jobs of which {RUNNING} run, 2 % of them changing each minute"
_OTHERS = {"running": "describing all that run each minute", "all": "describing all each minute"}


def _calls(calls: Mapping[str, float]) -> list[Row]:
    what = f"API calls of a day, {_FLEET}"
    found = [
        versus(what, [calls["delta"]], _OTHERS[other], [calls[other]], "calls", limit)
        for other, limit in (("running", None), ("all", 1 / 40))
    ]
    return [*found, versus(f"{what}, found by a rule", [calls["rule"]], _OTHERS["all"], [calls["all"]], "calls")]


def _cpu(days: Mapping[str, list[Spent]]) -> list[Row]:
    return [
        versus(
            f"CPU of a day, rendering {rendering}, {_FLEET}",
            [getattr(spent, part) for spent in days["delta"]],
            _OTHERS[other],
            [getattr(spent, part) for spent in days[other]],
            "s",
            limit,
        )
        for part, rendering in (("cpu", "included"), ("calls_cpu", "left out"))
        for other, limit in (("running", None), ("all", 1 / 25))
    ]


def calls_of_a_day(way: str) -> float:
    """Return how many API calls a day takes from the start on."""
    counted = WAYS[way].counted
    return count(way, counted).total() * ROUNDS / counted


def count(way: str, rounds: int, jobs: int = JOBS, running: int = RUNNING) -> Counter[str]:
    """Watch a simulated fleet for so many rounds from the start on, in process; return the calls by operation."""
    clock = Clock()
    simulator = Simulator(clock)
    populate(simulator, jobs, running)
    spec = _spec(way, jobs)
    exporter = Exporter(Target(spec, Telemetry(), clock.now()), InProcess(simulator), clock, publishes=False)
    with patch.object(model, "TERMINAL_STATUSES", WAYS[way].ends):
        exporter.run(rounds * INTERVAL)
    exporter.check(jobs)
    return exporter.calls


def day(way: str, measured: Sequence[Spent]) -> Spent:
    """Return what a day takes, given its start and the stretch after it."""
    times = (ROUNDS - WAYS[way].start) / WAYS[way].rounds
    return Spent(*(start + times * more for start, more in zip(*measured, strict=True)))


def measure(way: str, jobs: int, running: int) -> list[Spent]:
    """Return what the start and the stretch after it take, with the real SDK and the simulator in another process."""
    with TemporaryDirectory() as directory:
        clock = Path(directory, "clock")
        clock.write_bytes(bytes(8))
        with Program(python("bench.delta:serve", str(clock), jobs, running), r"simulator at (\S+)") as program:
            return [Spent(*each) for each in call("bench.delta:spend", way, jobs, program.match[1], str(clock))]


def serve(clock: str, jobs: int, running: int) -> None:
    """Serve a simulated fleet at the time of a clock's file until the process is ended; print its URL."""
    simulator = Simulator(Clock(clock))
    populate(simulator, jobs, running)
    server = Server(simulator)
    server.start()
    print(f"simulator at {server.url}", flush=True)
    threading.Event().wait()


def spend(way: str, jobs: int, url: str, file: str) -> list[Spent]:
    """Watch a served fleet at the time of a clock's file, and move that; return what ``measure`` does."""
    clock, spec, telemetry = Clock(file), _spec(way, jobs, endpoint_url=url, sts_endpoint_url=url), Telemetry()
    api = SageMakerApi(spec, Sessions(), telemetry)
    exporter = Exporter(Target(spec, telemetry, clock.now()), api, clock, publishes=True)
    spent = [exporter.spent()]
    with patch.object(model, "TERMINAL_STATUSES", WAYS[way].ends):
        for rounds in (WAYS[way].start, WAYS[way].start + WAYS[way].rounds):
            exporter.run(rounds * INTERVAL)
            spent.append(exporter.spent())
    exporter.check(jobs)
    return [Spent(*(after - before for before, after in zip(*pair, strict=True))) for pair in pairwise(spent)]


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


def _spec(way: str, jobs: int, **aws: str) -> TargetSpec:
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
