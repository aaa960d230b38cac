"""The fleet whose day is measured, and what is counted of it."""

from __future__ import annotations

from typing import Any

import pytest

from bench import delta
from bench.delta import INTERVAL, JOBS, REPEATS, ROUNDS, RUNNING, START, WAYS, Clock, Spent
from exporter.simulator.service import Simulator
from exporter.tuning_job import model

ENDED = ("Completed", "Failed", "Stopped")
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
    delta.populate(simulator, JOBS, RUNNING)
    return simulator


def summaries(simulator: Simulator, status: str) -> dict[str, dict[str, Any]]:
    found = {}
    token = {}
    while True:
        page = simulator.list(StatusEquals=status, MaxResults=100, **token)
        found |= {each["HyperParameterTuningJobName"]: each for each in page["HyperParameterTuningJobSummaries"]}
        if "NextToken" not in page:
            return found
        token = {"NextToken": page["NextToken"]}


def test_all_day_the_same_run_and_two_in_a_hundred_of_them_change_in_each_interval(simulator: Simulator) -> None:
    before = summaries(simulator, "InProgress")
    assert len(before) == RUNNING
    assert sum(len(summaries(simulator, status)) for status in ENDED) == JOBS - RUNNING
    changes = beats = 0
    for number in range(1, ROUNDS + 1):
        simulator.clock.move_to(number * INTERVAL)
        now = summaries(simulator, "InProgress")
        assert now.keys() == before.keys()
        for name, told in now.items():
            changes += any(told.get(member) != before[name].get(member) for member in CHANGE)
            beats += told["LastModifiedTime"] != before[name]["LastModifiedTime"]
        before = now
    assert changes / (ROUNDS * RUNNING) == pytest.approx(0.02, rel=0.05)
    assert beats == ROUNDS * RUNNING, "the service touches each that runs"


def test_describing_all_asks_for_each_in_every_round() -> None:
    assert delta.count("all", 7, jobs=30, running=3).total() == 7 * 30
    assert model.TERMINAL_STATUSES, "as it was"


def test_describing_those_that_run_leaves_the_others_alone_after_four_times() -> None:
    assert delta.count("running", 60, jobs=30, running=3).total() == 60 * 3 + 4 * 27


def test_describing_what_changed_lists_in_every_round_but_the_first() -> None:
    calls = delta.count("delta", 60, jobs=200, running=20)
    assert calls["ListHyperParameterTuningJobs"] == 59
    described = calls["DescribeHyperParameterTuningJob"] - 4 * 180
    assert 60 / 5 * 20 < described < 0.3 * 60 * 20
    found = delta.count("rule", 60, jobs=200, running=20)
    assert found["DescribeHyperParameterTuningJob"] == calls["DescribeHyperParameterTuningJob"]
    assert found["ListHyperParameterTuningJobs"] > 59 + 60 / 5


def test_a_fleet_that_is_not_known_whole_gives_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delta, "populate", lambda simulator, jobs, running: None)
    with pytest.raises(RuntimeError, match="0 of 5 tuning jobs are known"):
        delta.count("running", 2, jobs=5, running=1)


def test_over_the_wire_the_same_calls_are_made_and_rendered_and_take_cpu() -> None:
    start, more = delta.measure("running", jobs=8, running=4)
    assert (start.calls, more.calls) == (8 + 3 * 8 + 4, WAYS["running"].rounds * 4)
    for spent in (start, more):
        assert 0 < spent.calls_cpu < spent.cpu
    assert WAYS["running"].rounds <= more.renderings <= 2 * WAYS["running"].rounds


def test_a_day_is_its_start_and_as_often_as_it_has_them_the_rounds_after() -> None:
    assert delta.day("all", [Spent(3.0, 2.0, 1_000, 7), Spent(5.0, 4.0, 2_000, 9)]) == Spent(
        3.0 + 719.5 * 5, 2.0 + 719.5 * 4, 1_000 + 719.5 * 2_000, 7 + 719.5 * 9
    )


def test_each_way_has_its_row_and_the_goals_are_those_of_describing_all(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = {"delta": 36_000.0, "rule": 36_100.0, "running": 144_000.0, "all": 1_440_000.0}
    measured = {
        way: [Spent(2 * size, size, 0, 0), Spent(0, 0, 0, 0)]
        for way, size in {"delta": 1.0, "running": 4.0, "all": 24.0}.items()
    }
    monkeypatch.setattr(delta, "call", lambda function, way: calls[way])
    monkeypatch.setattr(delta, "measure", lambda way, jobs, running: measured[way])
    rows = delta.rows()
    assert [round(1 / row.ratio.median, 2) for row in rows] == [4, 40, 39.89, 4, 24, 4, 24]
    assert [row.met for row in rows] == [None, True, None, None, False, None, False]
    assert REPEATS >= 3
    assert len({(row.what, row.against) for row in rows}) == len(rows)


def test_a_clock_in_a_file_is_moved_for_all_that_have_it(tmp_path) -> None:
    file = tmp_path / "clock"
    file.write_bytes(bytes(8))
    here, there = Clock(str(file)), Clock(str(file))
    here.move_to(12.5)
    assert there.now() == (START + 12.5, 12.5)
