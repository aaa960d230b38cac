"""The fleet whose day is measured, and what is counted of it."""

from __future__ import annotations

from typing import Any

import pytest

from bench import calls, day
from bench.day import (
    CHANGED,
    ENDED,
    FIRST,
    INTERVAL,
    JOBS,
    LISTS_OF_RULES,
    LISTS_OF_RUNNING,
    ROUNDS,
    RUNNING,
    SWEEPS,
    UNCHANGED,
    Clock,
)
from exporter.simulator.service import Simulator
from exporter.statuses import TERMINAL_STATUSES
from exporter.tuning_job import model

STATUSES = ("Completed", "Failed", "Stopped")
CHANGE = (
    "HyperParameterTuningJobStatus",
    "TrainingJobStatusCounters",
    "ObjectiveStatusCounters",
    "CreationTime",
    "HyperParameterTuningEndTime",
)
"""What a change is; LastModifiedTime moves by itself."""


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    simulator = Simulator(Clock())
    day.populate(simulator, JOBS, RUNNING)
    return simulator


def summaries(simulator: Simulator, status: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    token: dict[str, str] = {}
    while True:
        page = simulator.list(StatusEquals=status, MaxResults=100, **token)
        found |= {each["HyperParameterTuningJobName"]: each for each in page["HyperParameterTuningJobSummaries"]}
        if "NextToken" not in page:
            return found
        token = {"NextToken": page["NextToken"]}


def test_all_day_the_same_run_and_two_in_a_hundred_of_them_change_in_each_interval(simulator: Simulator) -> None:
    before = summaries(simulator, "InProgress")
    assert len(before) == RUNNING
    assert sum(len(summaries(simulator, status)) for status in STATUSES) == JOBS - RUNNING
    changes = beats = 0
    clock = simulator.clock
    assert isinstance(clock, Clock)
    for number in range(1, ROUNDS + 1):
        clock.move_to(number * INTERVAL)
        now = summaries(simulator, "InProgress")
        assert now.keys() == before.keys()
        for name, told in now.items():
            changes += any(told.get(member) != before[name].get(member) for member in CHANGE)
            beats += told["LastModifiedTime"] != before[name]["LastModifiedTime"]
        before = now
    assert changes / (ROUNDS * RUNNING) == pytest.approx(0.02, rel=0.05)
    assert beats == ROUNDS * RUNNING, "the service touches each that runs"


def test_lists_lag_as_those_of_the_simulator_do(simulator: Simulator) -> None:
    assert simulator.list_lag > 0


def test_describing_all_asks_for_each_in_every_round() -> None:
    assert calls.count("all", 7, jobs=30, running=3).total() == 7 * 30
    assert model.TERMINAL_STATUSES is TERMINAL_STATUSES, "as it was"


def test_describing_those_that_run_leaves_the_others_alone_after_four_times() -> None:
    counted = calls.count("running", 60, jobs=30, running=3)
    assert counted == {FIRST: 30, ENDED: 3 * 27, CHANGED: counted[CHANGED], UNCHANGED: 59 * 3 - counted[CHANGED]}


def test_describing_what_changed_lists_in_every_round_but_the_first() -> None:
    counted = calls.count("delta", 120, jobs=200, running=20)
    assert counted.keys() == {LISTS_OF_RUNNING, SWEEPS, FIRST, CHANGED, UNCHANGED, ENDED}
    assert counted[LISTS_OF_RUNNING] == 119
    assert (counted[FIRST], counted[ENDED]) == (200, 3 * 180)
    assert 0.01 < counted[CHANGED] / (119 * 20) < 0.03
    found = calls.count("rule", 120, jobs=200, running=20)
    # Found newest first, they are described in another order, so that other ones are probed.
    for way in (counted, found):
        assert way.pop(UNCHANGED) <= 20 * 4 + 120 / 5, "by their age, and the probes"
    rest = {purpose: counted[purpose] for purpose in (FIRST, CHANGED, ENDED, SWEEPS)}
    assert found == {**rest, LISTS_OF_RUNNING: 120, LISTS_OF_RULES: found[LISTS_OF_RULES]}
    assert found[LISTS_OF_RULES] >= 120 / 5


def test_a_fleet_that_is_not_known_whole_gives_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "populate", lambda simulator, jobs, running: None)
    with pytest.raises(RuntimeError, match="0 of 5 tuning jobs are known"):
        calls.count("running", 2, jobs=5, running=1)


def test_each_way_has_its_row_and_the_goals_are_those_of_describing_all(monkeypatch: pytest.MonkeyPatch) -> None:
    days = {
        "delta": {FIRST: 10_000.0, UNCHANGED: 4_400.0},
        "rule": {FIRST: 14_000.0, UNCHANGED: 401.0},
        "running": {UNCHANGED: 144_000.0},
        "all": {UNCHANGED: 1_440_000.0},
    }
    monkeypatch.setattr(calls, "call", lambda function, way: days[way])
    rows = calls.rows()
    assert [row.met for row in rows] == [None, True, None, False, None, None]
    assert [row.ours.median for row in rows] == [14_400, 14_400, 14_401, 14_401, 14_000, 401]
    assert len({(row.what, row.against) for row in rows}) == len(rows)


def test_a_clock_in_a_file_is_moved_for_all_that_have_it(tmp_path) -> None:
    file = tmp_path / "clock"
    file.write_bytes(bytes(8))
    here, there = Clock(str(file)), Clock(str(file))
    here.move_to(12.5)
    assert there.now() == (day.START + 12.5, 12.5)
