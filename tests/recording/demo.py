"""A recording of the demo's fleet, made on a manual clock, and what an exporter showed meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml
from support.clock import ManualClock
from support.driven import Driven
from support.simulated import SimulatedApi

from exporter.cli import demo
from exporter.config import parse
from exporter.recording import Pace, RecordedApi, Recorder, Recording, World, Writer, number_of
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.fleet import mixed_fleet
from exporter.simulator.service import Simulator

if TYPE_CHECKING:
    from pathlib import Path

START = 1_764_000_000.25
ACCOUNT = "613204817755"
LOOKS = (63.0, 301.0, 620.0)
"""When the exposition is looked at, in seconds."""


@dataclass(frozen=True)
class Recorded:
    """A recording, and what was shown when it was made."""

    path: Path
    shown: tuple[str, ...]
    secrets: frozenset[str]


def record(path: Path, *, redacts: bool) -> Recorded:
    """Record ten minutes in which calls fail, a tuning job is deleted, and another one is created."""
    clock = ManualClock(START)
    simulator = Simulator(clock, default_account_id=ACCOUNT)
    jobs = mixed_fleet(simulator, 60.0)
    configured = yaml.safe_load(demo._configuration(jobs, "http://127.0.0.1:1"))
    configured["collect"].remove("quotas")  # which are not recorded
    for key in ("interval", "describe_max_age"):
        del configured[key]
    configured |= {"tag_labels": ["scenario"], "spend": {"billable": "search", "prices": {"ml.m5.xlarge": 0.25}}}
    half = len(configured["tuning_jobs"]) // 2
    configured["tuning_jobs"] = configured["tuning_jobs"][half:]
    configured["discover"] = [
        {"name": "churn", "name_contains": "churn", "region": "us-east-1", "created_within": "30d"},
        {"name_regex": "First-Try$", "region": "us-east-1"},
        {"name": "supply", "tags": {"team": "supply"}, "region": "eu-west-1", "labels": {"owner": "anna"}},
    ]
    settings = parse(yaml.safe_dump(configured), "demo")
    recorder = Recorder(settings, clock, lambda header: Writer(path, header, clock.monotonic), redacts=redacts)
    apis = [SimulatedApi(simulator, target.key.region, ACCOUNT) for target in settings.targets]
    driven = Driven(settings, [recorder.around(api, number) for number, api in enumerate(apis)], clock)
    shown = []
    throttled = simulator.faults.add(Fault(Kind.THROTTLED, rate=0.5))
    for look in LOOKS:
        driven.run(START + look)
        shown.append(driven.jobs())
        if look == LOOKS[0]:
            simulator.faults.remove(throttled)
            simulator.faults.add(Fault(Kind.SERVER_ERROR, operation="ListHyperParameterTuningJobs", rate=0.3))
            simulator.delete("churn-xgboost-251126")
            simulator.create("healthy", "churn-of-tomorrow", speed=6.0)
    recorder.close()
    lives = [life for life in simulator._jobs[ACCOUNT, "us-east-1"] if life.exists(clock.time())]
    texts = {life.state(clock.time()).failure for life in lives}
    texts |= {
        job.truth(clock.time()).failure for life in lives for job in life.training_jobs if job.exists(clock.time())
    }
    secrets = {ACCOUNT, "scenario", "churn", "first-try", "s3://", "iam", "anna", "xgboost", "validation:"}
    secrets |= {job.name.casefold() for job in jobs} | {job.scenario for job in jobs} | {job.team for job in jobs}
    return Recorded(path, tuple(shown), frozenset(secrets | {text.casefold() for text in texts if text}))


def replay(path: Path, looks: tuple[float, ...] = LOOKS, *, late: float = 0.0, slack: float = 0.0) -> tuple[str, ...]:
    """Return what an exporter shows that watches a recording, and begins so many seconds after its beginning."""
    recording = Recording(path)
    clock = ManualClock(recording.began + late)
    world = World(recording, recording.survey(), Pace(recording.began, recording.began), slack=slack)
    settings = recording.settings("http://127.0.0.1:1")
    driven = Driven(settings, [RecordedApi(world, number_of(each), clock) for each in settings.targets], clock)
    shown = []
    for look in looks:
        driven.run(recording.began + look)
        shown.append(driven.jobs())
    return tuple(shown)
