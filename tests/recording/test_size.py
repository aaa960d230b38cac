"""A day of a hundred tuning jobs is small."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from replay.real import scenario
from support.clock import ManualClock
from support.driven import Driven
from support.simulated import SimulatedApi

from exporter.config import parse
from exporter.recording import Recorder, Writer
from exporter.simulator.life import Life
from exporter.simulator.service import Simulator

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REGION, ACCOUNT = "eu-west-1", "123456789012"
START = 1_764_000_000.25
DAY = 24 * 3600
HOUR = 3600


class Unsteady(SimulatedApi):
    """Tells of heartbeats as irregular as AWS' own, so that no two have the same distance."""

    rng = Random(7)

    def list_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = super().list_jobs(request)
        for entry in answer["HyperParameterTuningJobSummaries"]:
            entry["LastModifiedTime"] = round(entry["LastModifiedTime"] + self.rng.uniform(0, 2), 3)
        return answer


@pytest.mark.long
def test_a_day_of_a_hundred_tuning_jobs_is_less_than_two_megabytes(tmp_path: Path) -> None:
    clock = ManualClock(START)
    simulator = Simulator(clock, default_region=REGION)
    for seed in range(100):
        rng = Random(seed)
        search = scenario(rng, (24.5, 28))
        how: dict[str, Any] = {"region": REGION, "account_id": ACCOUNT, "speed": 1.0, "seed": seed, "tags": {}}
        simulator.add(Life(f"ranking-{seed:03}", search, created=START - rng.uniform(0, HOUR), **how))
    settings = parse(f"aws: {{region: {REGION}}}\ndiscover: [{{name_contains: ranking-}}]\n", "c.yaml")
    path = tmp_path / "day.rec"
    recorder = Recorder(settings, clock, lambda header: Writer(path, header, clock.monotonic))
    driven = Driven(settings, [recorder.around(Unsteady(simulator, REGION, ACCOUNT), 0)], clock)
    driven.run(START + HOUR / 4)
    first = recorder.bytes
    driven.run(START + HOUR)
    recorder.close()
    assert recorder.calls > 400
    assert first + (path.stat().st_size - first) * (DAY - HOUR / 4) / (HOUR * 3 / 4) < 2_000_000
