from __future__ import annotations

import pytest
from fleet.driver import Own

from exporter.clock import Instant
from exporter.fleet.polls import Polls


@pytest.fixture
def own() -> Own:
    own = Own()
    own.add_target("eu", ())
    return own


@pytest.fixture
def polls(own: Own) -> Polls:
    polls = Polls(own)
    polls.target = "eu"
    return polls


def at(monotonic: float) -> Instant:
    return Instant(1_000.0 + monotonic, monotonic)


def test_a_poll_ends_with_its_last_tuning_job(polls: Polls, own: Own) -> None:
    assert not polls.open
    polls.begin(["a", "b"], 60.0, 5.0)
    polls.done("b", at(6.0))
    assert (polls.open, own.value("polls_total", target="eu")) == (True, 0)
    assert own.value("poll_duration_seconds", target="eu") is None
    polls.done("a", at(8.5))
    assert (polls.open, own.value("polls_total", target="eu")) == (False, 1)
    assert own.value("poll_duration_seconds", target="eu") == 3.5
    assert own.value("last_poll_timestamp_seconds", target="eu") == 1_008.5


def test_tuning_jobs_outside_the_poll_change_nothing(polls: Polls, own: Own) -> None:
    polls.done("a", at(1.0))
    polls.begin(["a"], 60.0, 5.0)
    polls.done("b", at(6.0))
    assert polls.open
    assert own.value("polls_total", target="eu") == 0


def test_each_interval_that_runs_out_is_counted_once(polls: Polls, own: Own) -> None:
    polls.begin(["a"], 10.0, 0.0)
    for now, overruns in ((9.9, 0), (10.0, 1), (10.0, 1), (19.9, 1), (45.0, 4)):
        polls.check(at(now))
        assert own.value("poll_overruns_total", target="eu") == overruns


def test_intervals_that_ran_out_unseen_are_counted_at_the_end(polls: Polls, own: Own) -> None:
    polls.begin(["a"], 10.0, 0.0)
    polls.done("a", at(25.0))
    assert own.value("poll_overruns_total", target="eu") == 2
    polls.check(at(1_000.0))
    assert own.value("poll_overruns_total", target="eu") == 2
