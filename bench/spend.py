"""What it costs to know what training jobs come to: calls for each change, and memory for each training job."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.day import RUNNING, START, Clock, InProcess, populate, spec
from bench.process import call, resident
from bench.table import Row, Spread
from exporter.config.specs import SpendSpec
from exporter.fleet import Operation, Target, perform
from exporter.fleet.training_reading import Reading
from exporter.fleet.training_sums import TrainingSums
from exporter.telemetry import Telemetry
from exporter.tuning_job import Definition, Instances, Objective, Training, TrainingsPage, TuningJob

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.sagemaker import Api


CALLS_LIMIT = 1.1
MEMORY_LIMIT = 25.0
SEARCHES, TRAININGS = 1_000, 500
HOURS = 24
REST = 2 * 3_600.0
"""How long the first readings may take, and those of what began together, in seconds."""


def rows() -> list[Row]:
    """Return both figures, each from a process of its own."""
    calls = call("bench.spend:calls_per_change", HOURS)
    memory = [call("bench.spend:memory") for _ in range(3)]
    fleet = f"{RUNNING} tuning jobs that run, 2 % of them changing each minute"
    kept = f"{SEARCHES:,} tuning jobs of {TRAININGS} training jobs"
    return [
        Row(f"calls for training jobs, by change of counters, {fleet}", Spread.of([calls], "calls"), limit=CALLS_LIMIT),
        Row(f"memory for training jobs, {kept}", Spread.of(memory, "MB"), limit=MEMORY_LIMIT),
    ]


def calls_per_change(hours: float) -> float:
    """Return how many lists of training jobs are read for each describe that shows other counters than the one before."""
    from exporter.simulator.service import Simulator  # noqa: PLC0415 - not in the process that memory is measured in

    clock = Clock()
    simulator = Simulator(clock)
    populate(simulator, RUNNING, RUNNING)
    target = Target(replace(spec("delta", RUNNING), spend=SpendSpec()), Telemetry(), clock.now())
    reads = changes = 0
    counters: dict[str, object] = {}
    for operation, name, outcome in drive(target, InProcess(simulator), clock, hours * 3_600.0 + REST):
        counted = clock.monotonic() >= REST
        if operation is Operation.LIST_TRAINING_JOBS:
            reads += counted
        elif isinstance(outcome, TuningJob):
            changed = counters.get(name) != outcome.training_jobs
            counters[name] = outcome.training_jobs
            changes += counted and changed
    print(f"{reads} calls for {changes} changes in {hours} hours")
    return reads / changes


def drive(target: Target, api: Api, clock: Clock, until: float) -> Iterator[tuple[Operation, str, object]]:
    """Make every call that falls due; yield the operation of each, what it was about and what came of it."""
    while True:
        target.expire(clock.now())
        work = target.next(clock.now())
        if work is not None:
            outcome = perform(api, work)
            target.apply(work, outcome, clock.now())
            yield work.operation, work.name, outcome
            continue
        wakes_at = target.wakes_at(clock.now())
        if wakes_at is None or wakes_at > until:
            return
        clock.move_to(max(wakes_at, clock.monotonic() + 1e-6))


def memory() -> float:
    """Return how many MB are kept of what was read of so many tuning jobs, with what is shown of each."""
    definition = Definition("", Objective(None, None), spot=True, instances=(Instances("ml.m5.xlarge", 2),))
    kept = []
    _read(definition, 0)  # what is made once
    gc.collect()
    before = resident()
    for number in range(SEARCHES):
        sums = _read(definition, number)
        kept.append((sums, sums.spend({}, (definition,), None, START + 1e6, SpendSpec())))
    gc.collect()
    return resident() - before


def _read(definition: Definition, number: int) -> TrainingSums:
    sums = TrainingSums()
    reading = Reading(sums, {}, START + 1e6, reads_on=False, most=1_000)
    for first in range(TRAININGS, 0, -100):
        trainings = tuple(_training(number, first - place) for place in range(100))
        reading.take(TrainingsPage(trainings, str(first) if first > 100 else None), (definition,), lambda _: "other")
        reading.is_over()
    return sums


def _training(search: int, number: int) -> Training:
    status = ("Completed", "Failed", "Stopped")[number % 10 % 3] if number < TRAININGS - 5 else "InProgress"
    start = START + 300.0 * number + search
    end = None if status == "InProgress" else start + 250.0
    return Training(f"search-{search}-{number:03}-0123abcd", status, None, start - 60, start, end, "AlgorithmError: x")
