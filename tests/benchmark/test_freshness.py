from __future__ import annotations

from dataclasses import fields

import pytest
from support.clock import ManualClock

from bench import freshness
from bench.freshness import FACTS, LAST_MODIFIED, RUN_TIME
from exporter.simulator.listing import LAG
from exporter.simulator.service import Simulator
from exporter.tuning_job import TuningJob, reduce

ROUNDS = 120
FLEET = {"rounds": ROUNDS, "jobs": 40, "running": 10}


@pytest.fixture(scope="module")
def ages() -> dict[str, tuple[int, int]]:
    return freshness.ages(LAG, **FLEET)


def test_all_but_the_run_time_are_a_round_old_at_most_where_lists_lag(ages: dict[str, tuple[int, int]]) -> None:
    assert ages.keys() == FACTS.keys()
    for fact, (greatest, usual) in ages.items():
        if fact != RUN_TIME:
            assert greatest <= 1, fact
            assert usual <= (fact == LAST_MODIFIED), fact
    assert {ages[fact][0] for fact in ("status", "counters", "best value")} == {1}, "some are late"
    assert 1 < ages[RUN_TIME][0] <= 30


def test_they_are_the_same_where_lists_do_not_lag() -> None:
    found = freshness.ages(0.0, **FLEET)
    assert {greatest for fact, (greatest, _) in found.items() if fact != RUN_TIME} == {0}


def test_older_facts_are_seen() -> None:
    found = freshness.ages(150.0, **FLEET)
    assert found["counters"][0] == 3
    assert found[LAST_MODIFIED][0] >= 2


def test_each_member_of_a_tuning_job_belongs_to_a_fact() -> None:
    """Whatever changes of it, some fact differs."""
    clock = ManualClock(1e9)
    job = reduce(Simulator(clock).create("completed", "a", created=1e9 - 5e5).at(1e9))
    for member in fields(TuningJob):
        changed = TuningJob(**{each.name: getattr(job, each.name) for each in fields(TuningJob)} | {member.name: "!"})
        assert [fact for fact, of in FACTS.items() if of(changed) != of(job)], member.name


def test_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    old = dict.fromkeys(FACTS, (1, 0)) | {RUN_TIME: (30, 12), "counters": (2, 0)}
    new = dict.fromkeys(FACTS, (0, 0)) | {RUN_TIME: (30, 12)}
    monkeypatch.setattr(freshness, "call", lambda function, lag: old if lag else new)
    rows = freshness.rows()
    assert len(rows) == len({row.what for row in rows}) == len(FACTS) + 1
    assert [row.what.split(": ")[1] for row in rows if row.met is False] == ["counters"]
    cells = dict(zip([*FACTS, ""], (row.cells() for row in rows), strict=True))
    assert cells[RUN_TIME][1:] == ("30 min", "the median", "12 min", "", "≤ 30 min", "yes")
    assert cells[""][1:] == ("0 min", "the median", "0 min", "", "≤ 0 min", "yes")
