"""The last calls about a tuning job: what was packed comes out again, and little memory holds it."""

from __future__ import annotations

import tracemalloc

import pytest
from fleet.driver import DESCRIBE, LIST_TAGS, START, Driver, answer, arn_of, job_specs, target_spec
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.specs import SpendSpec
from exporter.errors import CallFailed, ErrorCode, Failure
from exporter.fleet import perform
from exporter.fleet.describes import Describe
from exporter.fleet.history import MOST_CALLS, PastCall, past_calls, remembered
from exporter.fleet.source import Operation

codes = st.sampled_from([None, *ErrorCode])
operations = st.sampled_from(Operation)
calls = st.builds(PastCall, operations, codes, st.integers(0, 2**32 - 1), st.integers(0, 2**24 - 1))


@given(st.lists(calls, max_size=3 * MOST_CALLS))
def test_the_last_ones_come_out_as_they_went_in_newest_first(made: list[PastCall]) -> None:
    history = b""
    for operation, code, ended, milliseconds in made:
        history = remembered(history, operation, code, ended + 0.25, milliseconds / 1000)
    assert past_calls(history) == tuple(reversed(made[-MOST_CALLS:]))


@given(operations, codes, st.floats(-1e12, 1e12), st.floats(-1e12, 1e12))
def test_what_does_not_fit_is_cut_and_touches_nothing_else(
    operation: Operation, code: ErrorCode | None, ended: float, seconds: float
) -> None:
    [call] = past_calls(remembered(b"", operation, code, ended, seconds))
    assert call.operation is operation
    assert call.code is code
    assert call.ended == min(max(0, int(ended)), 2**32 - 1)
    assert call.milliseconds == min(max(0, round(seconds * 1000)), 2**24 - 1)


def test_those_of_ten_thousand_tuning_jobs_take_less_than_three_megabytes() -> None:
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = []
        for number in range(10_000):
            history = b""
            for call in range(MOST_CALLS + 1):
                history = remembered(history, Operation.DESCRIBE, ErrorCode.THROTTLED, 1.7e9 + number, call / 10)
            kept.append(history)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert len(kept) == 10_000
    # Each tuning job and each view refers to it once more.
    assert taken + 2 * 8 * len(kept) < 3e6


def of(driver: Driver, name: str = "churn") -> list[tuple[str, str | None, float, int]]:
    """Return operation, code, seconds since the start and milliseconds of each call about a tuning job."""
    calls = past_calls(driver.views()[name].history)
    return [(each.operation, each.code, each.ended - START, each.milliseconds) for each in calls]


def test_each_describe_is_told_with_its_outcome_its_time_and_how_long_it_took() -> None:
    driver = Driver(target_spec("churn"), latency=0.25)
    driver.run(until=10.0)
    driver.api.fail("churn", ErrorCode.ACCESS_DENIED)
    driver.run(until=100.0)
    driver.api.fail("churn", ErrorCode.NOT_FOUND)
    driver.run(until=140.0)
    told = of(driver)[::-1]
    assert [code for _, code, *_ in told] == [None, "access_denied", "not_found"]
    assert [(operation, milliseconds) for operation, _, _, milliseconds in told] == [(DESCRIBE, 250)] * 3
    assert [at for _, _, at, _ in told] == [int(at + 0.25) for at in driver.times("churn")]


def test_only_the_last_ten_are_kept() -> None:
    driver = Driver(target_spec("churn"))
    driver.run(until=3_600.0)
    assert len(driver.times("churn")) > 50
    told = of(driver)
    assert len(told) == MOST_CALLS
    assert [at for _, _, at, _ in told] == [int(at) for at in driver.times("churn")[: -MOST_CALLS - 1 : -1]]


def test_lists_of_tags_and_of_training_jobs_are_calls_about_it_too() -> None:
    driver = Driver(
        target_spec(jobs=job_specs("churn", "other", tag_labels={"team": "team"}), spend=SpendSpec(interval=60.0))
    )
    driver.api.tags[arn_of("churn")] = CallFailed(ErrorCode.THROTTLED, "slower")
    driver.api.jobs["churn"] = answer("churn", TrainingJobStatusCounters={"Completed": 1, "InProgress": 1})
    driver.run(until=300.0)
    told = {(operation, code) for operation, code, _, _ in of(driver)}
    assert (LIST_TAGS, "throttled") in told
    assert (Operation.LIST_TRAINING_JOBS, None) in told
    assert {operation for operation, *_ in of(driver, "other")} == {DESCRIBE, LIST_TAGS}


def test_a_call_that_is_given_up_is_told_once_as_a_time_out() -> None:
    driver = Driver(target_spec("churn"))
    work = driver.target.next(driver.now)
    assert work is not None
    driver.clock.advance(41.0)
    driver.target.expire(driver.now)
    driver.clock.advance(20.0)
    driver.target.apply(work, perform(driver.api, work), driver.now)
    assert of(driver) == [(DESCRIBE, "timeout", 41, 41_000)]


def _fail(*_: object) -> None:
    raise ZeroDivisionError


def test_an_answer_that_cannot_be_used_is_told_once_as_malformed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.fleet.describes.events.of_describe", _fail)
    driver = Driver(target_spec("churn"))
    driver.run(until=1.0)
    assert [(operation, code) for operation, code, *_ in of(driver)] == [(DESCRIBE, "malformed_answer")]


def test_a_call_alone_is_no_reason_to_render_anew() -> None:
    driver = Driver(target_spec("churn"))
    driver.run(until=1.0)
    before = driver.views()["churn"]
    driver.target.take_changed()
    work = Describe(1, driver.now.monotonic, "churn", "eu-west-1", "")
    driver.target._jobs.called(work, None, driver.now)
    after = driver.views()["churn"]
    assert not driver.target.take_changed()
    assert len(past_calls(after.history)) == len(past_calls(before.history)) + 1
    assert after == before, "no series tells of it"


def test_a_target_tells_of_the_last_call_that_failed() -> None:
    driver = Driver(target_spec("churn", "other"))
    assert driver.target.standing(driver.now).failures == ()
    driver.api.fail("other", ErrorCode.TLS)
    driver.run(until=1.0)
    driver.run(until=30.0)
    [last] = driver.target.standing(driver.now).failures
    assert (last.operation, last.about, last.failure, last.at) == (
        DESCRIBE,
        "other",
        Failure(ErrorCode.TLS, "it is tls"),
        START,
    )
    driver.api.fail("other", ErrorCode.TIMEOUT)
    driver.api.fail("churn", ErrorCode.TLS)
    driver.run(until=400.0)
    told = {each.failure.code: each for each in driver.target.standing(driver.now).failures}
    assert set(told) == {ErrorCode.TLS, ErrorCode.TIMEOUT}, "one of each operation and code"
    assert (told[ErrorCode.TLS].about, told[ErrorCode.TLS].at > START) == ("churn", True)


def test_a_target_tells_what_it_does_with_its_budget() -> None:
    driver = Driver(target_spec("churn", requests_per_second=2.0))
    work = driver.target.next(driver.now)
    assert work is not None
    standing = driver.target.standing(driver.now)
    assert (standing.allowed_per_second, standing.made_per_second) == (2.0, 1 / 60)
    assert (standing.under_way, standing.given_up) == (1, 0)
    driver.clock.advance(41.0)
    driver.target.expire(driver.now)
    standing = driver.target.standing(driver.now)
    assert (standing.under_way, standing.given_up) == (0, 1)
