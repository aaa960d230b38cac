from __future__ import annotations

import pytest
from fleet.driver import Own

from exporter.clock import Instant
from exporter.fleet.rounds import Rounds


@pytest.fixture
def own() -> Own:
    own = Own()
    own.add_target("eu", ())
    return own


@pytest.fixture
def rounds(own: Own) -> Rounds:
    rounds = Rounds(own)
    rounds.target = "eu"
    return rounds


def at(monotonic: float) -> Instant:
    return Instant(1_000.0 + monotonic, monotonic)


def test_a_round_ends_with_its_last_tuning_job(rounds: Rounds, own: Own) -> None:
    assert not rounds.open
    rounds.begin(["a", "b"], 60.0, 5.0)
    rounds.done("b", at(6.0))
    assert (rounds.open, own.value("polls_total", target="eu")) == (True, 0)
    assert own.value("poll_duration_seconds", target="eu") is None
    rounds.done("a", at(8.5))
    assert (rounds.open, own.value("polls_total", target="eu")) == (False, 1)
    assert own.value("poll_duration_seconds", target="eu") == 3.5
    assert own.value("last_poll_timestamp_seconds", target="eu") == 1_008.5


def test_tuning_jobs_outside_the_round_change_nothing(rounds: Rounds, own: Own) -> None:
    rounds.done("a", at(1.0))
    rounds.begin(["a"], 60.0, 5.0)
    rounds.done("b", at(6.0))
    assert rounds.open
    assert own.value("polls_total", target="eu") == 0


def test_each_interval_that_runs_out_is_counted_once(rounds: Rounds, own: Own) -> None:
    rounds.begin(["a"], 10.0, 0.0)
    for now, overruns in ((9.9, 0), (10.0, 1), (10.0, 1), (19.9, 1), (45.0, 4)):
        rounds.check(at(now))
        assert own.value("poll_overruns_total", target="eu") == overruns


def test_intervals_that_ran_out_unseen_are_counted_at_the_end(rounds: Rounds, own: Own) -> None:
    rounds.begin(["a"], 10.0, 0.0)
    rounds.done("a", at(25.0))
    assert own.value("poll_overruns_total", target="eu") == 2
    rounds.check(at(1_000.0))
    assert own.value("poll_overruns_total", target="eu") == 2
