"""That a soak finds what is wrong, and finds nothing on a short day."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from faults.look import Seen
from soak.account import Told
from soak.clock import FastClock
from soak.holdings import Held, trends
from soak.play import Pace, Soak
from soak.scraper import wrong_in
from soak.troubles import A_DAY, ALSO_WHEN_QUIET, DAY, QUIET_FROM, events
from support.truth import key

if TYPE_CHECKING:
    from pathlib import Path

    from support.truth import Key


def seen(value: float, last_success: float | None = 100.0) -> Seen:
    return Seen(values=told(value), last_success=last_success, up=1)


def told(value: float) -> dict[Key, float]:
    return {key("sagemaker_tuning_job_runtime_seconds", {"tuning_job": "a"}): value}


def test_values_are_right_if_the_describe_of_their_age_told_them() -> None:
    answers = [Told(at, told(at)) for at in (10.0, 50.0, 90.0, 130.0)]
    assert wrong_in(seen(90.0), answers) is None
    assert wrong_in(seen(50.0), answers) is None, "the last one may have been answered to nobody"
    assert "is 130.0, and was 90.0" in str(wrong_in(seen(130.0), answers)), "no describe at its age knew that"
    assert "is 70.0" in str(wrong_in(seen(70.0), answers))
    assert wrong_in(seen(90.0), []) == "values without a describe"
    assert wrong_in(seen(90.0, None), answers) == "values without a last success"


def test_a_series_too_many_or_too_few_is_wrong() -> None:
    more = {key("sagemaker_tuning_job_max_training_jobs", {"tuning_job": "a"}): 3.0}
    fewer, both = told(90.0), told(90.0) | more
    assert "is 3.0, and was None" in str(wrong_in(Seen(values=both, last_success=100.0), [Told(90.0, fewer)]))
    assert "is None, and was 3.0" in str(wrong_in(Seen(values=fewer, last_success=100.0), [Told(90.0, both)]))


def test_what_grows_is_not_flat() -> None:
    steady = [Held(80 + random.Random(day).random(), 20 + day % 3, 30) for day in range(30)]
    assert [each.flat for each in trends(steady)] == [True, True, True]
    growing = [Held(80 + 0.3 * day, 20 + day // 4, 30 + day) for day in range(30)]
    found = trends(growing)
    assert [each.flat for each in found] == [False, False, False]
    assert found[0].slope == pytest.approx(0.3)
    assert trends(growing[:5]) == [], "too few to tell"


def test_each_kind_of_event_comes_and_no_trouble_begins_in_the_quiet_hours() -> None:
    found = [*events(30, random.Random(1))]
    assert {each.what for each in found} == A_DAY.keys()
    assert found == sorted(found)
    assert all(each.at < 30 * DAY for each in found)
    assert {each.what for each in found if each.at % DAY >= QUIET_FROM} == ALSO_WHEN_QUIET


def test_a_clock_that_is_fast_passes_so_many_seconds_in_each() -> None:
    clock = FastClock.start(1000.0)
    clock.sleep_until(50.0)
    assert 50.0 <= clock.monotonic() < 100_000.0
    assert clock.now().wall == pytest.approx(clock.wall + clock.now().monotonic, abs=10_000)


@pytest.mark.long
def test_a_short_day(tmp_path: Path) -> None:
    with Soak(tmp_path, Pace(20.0, 1440.0), 1, seed=4) as soak:
        soak.run(lambda _: None)
    assert soak.problems == []
    assert soak.log_problems() == []
    assert len(soak.samples) == 1
    assert {"a tuning job comes", "a fault", "a reload", "new keys"} <= soak.happened.keys()
    assert min(each.scrapes for each in soak.scrapers) > 5
    assert soak.scrapers[0].compared > 1000
    assert soak.account.renewed > 1
