from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from fleet.driver import (
    ACCOUNT,
    CREATED,
    DESCRIBE,
    IDENTIFY,
    OTHER_ACCOUNT,
    REGION,
    START,
    Call,
    Driver,
    answer,
    job_specs,
    target_spec,
)

from exporter.config.specs import Credentials
from exporter.errors import CallFailed, ErrorCode, Failure
from exporter.fleet import JobState, Operation, Work, perform

DAY = 86_400.0
TRANSIENT = [code for code in ErrorCode if code.transient]
LASTING = [code for code in ErrorCode if not code.transient]


def start(driver: Driver) -> Work:
    """Take the next call, which must be there, and leave it hanging."""
    work = driver.target.next(driver.now)
    assert work is not None
    return work


def finish(driver: Driver, work: Work) -> None:
    """Let a call that hung bring what the API now has."""
    driver.events += driver.target.apply(work, perform(driver.api, work), driver.now)


# When


def test_the_first_round_is_spread_over_the_budget() -> None:
    names = [f"job-{i}" for i in range(10)]
    driver = Driver(target_spec(*names, requests_per_second=5.0))
    driver.run(until=30)
    assert [call.name for call in driver.calls] == names
    assert [call.at for call in driver.calls] == pytest.approx([i / 5 for i in range(10)], abs=1e-6)


@pytest.mark.parametrize("latency", [0.0, 0.25])
def test_a_running_job_is_described_at_each_interval_of_a_day(latency: float) -> None:
    driver = Driver(target_spec("churn"), latency=latency)
    driver.run(until=DAY)
    assert driver.times("churn") == [60.0 * i for i in range(1_441)]


def test_jobs_of_a_target_fall_due_together() -> None:
    driver = Driver(target_spec("a", "b", requests_per_second=2.0), latency=0.1)
    driver.run(until=125)
    assert driver.times("a") == [0, 60, 120]
    assert driver.times("b") == pytest.approx([0.5, 60.5, 120.5], abs=1e-6)


def test_a_finished_job_is_described_three_more_times_and_then_once_a_day() -> None:
    driver = Driver(target_spec("churn"))
    driver.run(until=119)
    driver.api.jobs["churn"] = answer("churn", "Completed")
    driver.run(until=3 * DAY)
    assert driver.times("churn") == [0, 60, 120, 180, 240, 300, 300 + DAY, 300 + 2 * DAY]


def test_a_job_that_runs_again_is_described_at_the_interval_again() -> None:
    driver = Driver(target_spec("churn"))
    driver.api.jobs["churn"] = answer("churn", "Stopped")
    driver.run(until=200)
    assert driver.times("churn") == [0, 60, 120, 180]
    driver.api.jobs["churn"] = answer("churn")
    driver.run(until=180 + DAY + 61)
    assert len(driver.times("churn")) == 6
    driver.api.jobs["churn"] = answer("churn", "Completed")
    driver.run(until=180 + DAY + 1_000)
    assert len(driver.times("churn")) == 10


@pytest.mark.parametrize("code", TRANSIENT)
def test_a_transient_failure_is_tried_again_sooner_and_never_after_the_next_round(code: ErrorCode) -> None:
    driver = Driver(target_spec("churn"))
    driver.api.fail("churn", code)
    driver.run(until=200)
    assert driver.times("churn") == [0, 5, 15, 35, 60, 120, 180]


def test_a_success_starts_the_pauses_anew() -> None:
    driver = Driver(target_spec("churn"))
    driver.api.fail("churn", ErrorCode.TIMEOUT)
    driver.run(until=10)
    driver.api.jobs["churn"] = answer("churn")
    driver.run(until=50)
    driver.api.fail("churn", ErrorCode.TIMEOUT)
    driver.run(until=100)
    assert driver.times("churn") == [0, 5, 15, 60, 65, 75, 95]


@pytest.mark.parametrize("code", LASTING)
def test_a_lasting_failure_waits_for_the_next_round(code: ErrorCode) -> None:
    driver = Driver(target_spec("churn"))
    driver.api.fail("churn", code)
    driver.run(until=130)
    assert driver.times("churn") == [0, 60, 120]


def test_a_resting_job_that_fails_is_described_at_the_interval_until_it_answers() -> None:
    driver = Driver(target_spec("churn"))
    driver.api.jobs["churn"] = answer("churn", "Completed")
    driver.run(until=200)
    driver.api.fail("churn", ErrorCode.ACCESS_DENIED)
    woken = 180 + DAY
    driver.run(until=woken + 90)
    driver.api.jobs["churn"] = answer("churn", "Completed")
    driver.run(until=woken + 10_000)
    assert driver.times("churn")[4:] == [woken, woken + 60, woken + 120]


def test_the_view_tells_when_the_next_describe_is_due() -> None:
    driver = Driver(target_spec("churn"))
    assert driver.views()["churn"].next_describe == START
    driver.run(until=61)
    assert driver.views()["churn"].next_describe == START + 120
    driver.api.fail("churn", ErrorCode.THROTTLED)
    driver.run(until=121)
    assert driver.views()["churn"].next_describe == START + 125


def test_a_target_without_jobs_sleeps_until_it_changes() -> None:
    driver = Driver(target_spec())
    assert driver.target.next(driver.now) is None
    assert driver.target.wakes_at(driver.now) is None
    assert driver.target.view(driver.now).attempted


# What is known


def test_a_job_is_pending_until_its_first_answer() -> None:
    driver = Driver(target_spec("churn"))
    view = driver.target.view(driver.now)
    assert not view.attempted
    assert view.changes_at is None
    job = driver.views()["churn"]
    assert (job.state, job.facts, job.attempted, job.last_success) == (JobState.PENDING, None, False, None)
    driver.run(until=0)
    job = driver.views()["churn"]
    assert (job.state, job.attempted, job.last_success) == (JobState.RUNNING, True, START)
    assert job.facts is not None
    assert driver.target.view(driver.now).attempted


def test_a_failure_keeps_the_last_facts_and_is_gone_with_the_next_success() -> None:
    driver = Driver(target_spec("churn"))
    driver.run(until=1)
    driver.api.fail("churn", ErrorCode.ACCESS_DENIED)
    driver.run(until=61)
    job = driver.views()["churn"]
    assert job.facts is not None
    assert job.failure == Failure(ErrorCode.ACCESS_DENIED, "it is access_denied")
    assert job.last_success == START
    driver.api.jobs["churn"] = answer("churn")
    driver.run(until=121)
    job = driver.views()["churn"]
    assert job.failure is None
    assert job.last_success == START + 120


def test_a_missing_job_loses_its_facts_at_once_and_comes_back() -> None:
    driver = Driver(target_spec("churn"))
    driver.run(until=1)
    driver.api.fail("churn", ErrorCode.NOT_FOUND)
    driver.run(until=60)
    job = driver.views()["churn"]
    assert job.facts is None
    assert job.failure is not None
    assert job.state is JobState.MISSING
    driver.api.jobs["churn"] = answer("churn")
    driver.run(until=120)
    job = driver.views()["churn"]
    assert job.facts is not None
    assert job.state is JobState.RUNNING
    assert driver.times("churn") == [0, 60, 120]


@pytest.mark.parametrize("code", [code for code in ErrorCode if code is not ErrorCode.NOT_FOUND])
def test_values_go_stale_exactly_stale_after_the_describe_that_did_not_succeed(code: ErrorCode) -> None:
    driver = Driver(target_spec("churn"))
    driver.run(until=1)
    driver.api.fail("churn", code)
    driver.run(until=359.5)
    assert driver.target.view(driver.now).changes_at == 360.0
    assert driver.views()["churn"].facts is not None
    driver.run(until=360)
    assert driver.views()["churn"].facts is None
    assert driver.views()["churn"].failure is not None
    assert driver.target.view(driver.now).changes_at is None


def test_values_go_stale_under_a_call_that_hangs_and_return_with_it() -> None:
    driver = Driver(target_spec("churn"))
    driver.run(until=59)
    driver.clock.advance(1)
    work = start(driver)
    assert driver.views(after=299.9)["churn"].facts is not None
    assert driver.views(after=300)["churn"].facts is None
    driver.clock.advance(400)
    finish(driver, work)
    assert driver.views()["churn"].facts is not None


def test_values_are_fresh_until_stale_after_the_next_due_describe() -> None:
    driver = Driver(target_spec("a", "b"))
    driver.api.jobs["b"] = answer("b", "Completed")
    driver.run(until=200)
    view = driver.target.view(driver.now)
    assert view.changes_at == 240 + 300
    assert driver.views(after=340)["a"].facts is None, "running: due at 240"
    rested = 180 + DAY
    assert driver.views(after=rested + 299 - 200)["b"].facts is not None
    assert driver.views(after=rested + 300 - 200)["b"].facts is None, "resting: due a day later"


def test_a_shorter_stale_after_takes_effect_at_once() -> None:
    driver = Driver(target_spec("churn"))
    driver.run(until=1)
    driver.api.fail("churn", ErrorCode.ACCESS_DENIED)
    driver.run(until=200)
    driver.update(target_spec("churn", stale_after=140.0))
    assert driver.views()["churn"].facts is None
    driver.update(target_spec("churn", stale_after=141.0))
    assert driver.views()["churn"].facts is not None


def test_a_name_used_again_is_a_new_job() -> None:
    driver = Driver(target_spec("churn"))
    driver.api.jobs["churn"] = answer("churn", "Completed")
    driver.run(until=200)
    driver.api.jobs["churn"] = answer("churn", "Completed", created=CREATED + 5)
    driver.run(until=200 + 2 * DAY)
    again = 180 + DAY
    assert driver.times("churn")[4:] == [again, again + 60, again + 120, again + 180]
    assert "a new tuning job has the name of an earlier one" in [event.text for event in driver.events]


def test_a_job_that_comes_back_after_it_was_missing_is_a_new_job() -> None:
    driver = Driver(target_spec("churn"))
    driver.api.jobs["churn"] = answer("churn", "Completed")
    driver.run(until=200)
    driver.api.fail("churn", ErrorCode.NOT_FOUND)
    gone = 180 + DAY
    driver.run(until=gone + 59)
    driver.api.jobs["churn"] = answer("churn", "Completed", created=CREATED + 5)
    driver.run(until=gone + 1_000)
    assert driver.times("churn")[4:] == [gone, gone + 60, gone + 120, gone + 180, gone + 240]


# Updates


def test_a_result_for_a_job_that_left_is_dropped() -> None:
    driver = Driver(target_spec("a", "b"))
    work = start(driver)
    assert work.name == "a"
    driver.update(target_spec("b"))
    finish(driver, work)
    assert list(driver.views()) == ["b"]
    assert driver.events == []
    assert driver.counted("api_requests_total", operation=DESCRIBE) == 1


def test_a_result_for_a_job_that_was_replaced_is_dropped() -> None:
    driver = Driver(target_spec("churn"))
    work = start(driver)
    driver.update(target_spec())
    driver.update(target_spec("churn"))
    finish(driver, work)
    assert driver.views()["churn"].state is JobState.PENDING
    driver.run(until=0)
    assert driver.views()["churn"].state is JobState.RUNNING


def test_labels_change_without_a_call() -> None:
    driver = Driver(target_spec("churn"))
    driver.run(until=1)
    before = driver.views()["churn"]
    driver.update(target_spec(jobs=job_specs("churn", labels={"team": "search"})))
    after = driver.views()["churn"]
    assert after.labels == {"team": "search"}
    assert replace(after, labels={}) == before
    driver.run(until=59)
    assert driver.times("churn") == [0]


def test_jobs_stand_in_the_order_of_the_configuration() -> None:
    driver = Driver(target_spec("a", "b", "c"))
    driver.run(until=1)
    driver.update(target_spec("d", "c", "a"))
    assert list(driver.views()) == ["d", "c", "a"]


def test_added_jobs_are_described_at_once_and_the_others_at_their_time() -> None:
    driver = Driver(target_spec("a", "b"))
    driver.run(until=30)
    driver.update(target_spec("b", "c"))
    driver.run(until=130)
    assert driver.times("a") == [0]
    assert driver.times("b") == [0, 60, 120]
    assert driver.times("c") == [30, 60, 120]


def test_a_shorter_interval_holds_at_once() -> None:
    driver = Driver(target_spec("churn", interval=600.0))
    driver.run(until=61)
    driver.update(target_spec("churn", interval=60.0))
    assert driver.views()["churn"].next_describe == START + 120
    driver.run(until=250)
    assert driver.times("churn") == [0, 120, 180, 240]


def test_a_longer_interval_holds_from_the_next_describe_on() -> None:
    driver = Driver(target_spec("churn"))
    driver.run(until=61)
    driver.update(target_spec("churn", interval=600.0))
    driver.run(until=1_300)
    assert driver.times("churn") == [0, 60, 120, 600, 1_200]


def test_a_shorter_interval_wakes_no_resting_job() -> None:
    driver = Driver(target_spec("churn"))
    driver.api.jobs["churn"] = answer("churn", "Completed")
    driver.run(until=200)
    driver.update(target_spec("churn", interval=10.0))
    driver.run(until=DAY)
    assert len(driver.times("churn")) == 4


def test_a_shorter_interval_makes_no_stale_value_fresh() -> None:
    driver = Driver(target_spec("churn", interval=600.0))
    driver.run(until=1)
    driver.api.fail("churn", ErrorCode.ACCESS_DENIED)
    driver.run(until=950)
    assert driver.views()["churn"].facts is None
    driver.update(target_spec("churn", interval=100.0))
    assert driver.views()["churn"].next_describe == START + 1_000
    assert driver.views()["churn"].facts is None
    assert driver.target.view(driver.now).changes_at is None


def test_a_shorter_interval_makes_values_stale_sooner() -> None:
    driver = Driver(target_spec("churn", interval=600.0))
    driver.run(until=1)
    driver.update(target_spec("churn", interval=60.0))
    assert driver.target.view(driver.now).changes_at == 60 + 300


def test_another_budget_holds_at_once_and_gives_no_second_burst() -> None:
    driver = Driver(target_spec(*(f"job-{i}" for i in range(20)), requests_per_second=1.0))
    driver.run(until=3.5)
    driver.update(replace(driver.target.spec, requests_per_second=10.0))
    driver.run(until=10)
    times = [call.at for call in driver.calls]
    # Half a token had been earned when the rate changed.
    assert times == pytest.approx([0, 1, 2, 3, *(3.55 + i / 10 for i in range(16))], abs=1e-6)


def test_a_job_now_said_to_be_in_another_account_starts_anew() -> None:
    driver = Driver(target_spec(jobs=job_specs("churn", account_id=ACCOUNT)))
    driver.run(until=1)
    work = start_later(driver)
    driver.update(target_spec(account_id=OTHER_ACCOUNT, jobs=job_specs("churn", account_id=OTHER_ACCOUNT)))
    job = driver.views()["churn"]
    assert (job.account_id, job.facts, job.state) == (OTHER_ACCOUNT, None, JobState.PENDING)
    finish(driver, work)
    assert driver.views()["churn"].facts is None, "the old account's answer"
    driver.run(until=60)
    failure = driver.views()["churn"].failure
    assert failure is not None
    assert failure.code is ErrorCode.WRONG_ACCOUNT


def start_later(driver: Driver) -> Work:
    """Take the call of the next round."""
    driver.run(until=59)
    driver.clock.advance(1)
    return start(driver)


@pytest.mark.parametrize(("before", "after"), [(None, ACCOUNT), (ACCOUNT, None)])
def test_an_account_that_the_configuration_begins_or_ends_to_name_changes_nothing(
    before: str | None, after: str | None
) -> None:
    driver = Driver(target_spec(account_id=before, jobs=job_specs("churn", account_id=before)))
    driver.run(until=1)
    seen = driver.views()["churn"]
    driver.update(target_spec(account_id=after, jobs=job_specs("churn", account_id=after)))
    assert driver.views()["churn"] == seen
    assert seen.account_id == ACCOUNT
    assert driver.target.view(driver.now).account_id == ACCOUNT


def test_a_wrong_claim_that_is_taken_back_is_forgotten() -> None:
    driver = Driver(target_spec("churn", account_id=OTHER_ACCOUNT))
    driver.run(until=1)
    assert driver.views()["churn"].state is JobState.FAILING
    driver.update(target_spec("churn", account_id=None))
    driver.run(until=61)
    job = driver.views()["churn"]
    assert (job.state, job.account_id) == (JobState.RUNNING, ACCOUNT)


# Accounts


def test_an_identity_is_asked_for_again_after_the_configuration_claimed_another() -> None:
    driver = Driver(target_spec("churn", account_id=None))
    driver.api.fail("churn", ErrorCode.ACCESS_DENIED)
    driver.run(until=1)
    driver.update(target_spec("churn", account_id=OTHER_ACCOUNT))
    assert driver.target.view(driver.now).account_id == OTHER_ACCOUNT
    driver.update(target_spec("churn", account_id=None))
    assert driver.target.view(driver.now).account_id == ""
    driver.run(until=200)
    assert driver.identified() == [0, 60]
    assert driver.target.view(driver.now).account_id == ACCOUNT


def test_the_account_of_the_configuration_is_taken_as_it_is() -> None:
    driver = Driver(target_spec("churn"))
    assert driver.target.view(driver.now).account_id == ACCOUNT
    driver.api.fail("churn", ErrorCode.ACCESS_DENIED)
    driver.run(until=1_000)
    assert driver.identified() == []


def test_the_account_is_learned_from_the_first_good_answer() -> None:
    driver = Driver(target_spec("a", "b", account_id=None, requests_per_second=1.0))
    assert driver.views()["b"].account_id == ""
    driver.run(until=0)
    assert {job.account_id for job in driver.views().values()} == {ACCOUNT}
    assert driver.target.view(driver.now).account_id == ACCOUNT
    driver.run(until=1_000)
    assert driver.identified() == []


def test_a_job_s_own_account_comes_before_the_target_s() -> None:
    spec = target_spec(account_id=None, jobs=(*job_specs("a"), *job_specs("b", account_id=OTHER_ACCOUNT)))
    driver = Driver(spec)
    driver.run(until=1)
    assert driver.views()["a"].account_id == ACCOUNT
    assert driver.views()["b"].account_id == OTHER_ACCOUNT


def test_after_a_failed_first_describe_the_identity_is_asked_for_once() -> None:
    driver = Driver(target_spec("a", "b", account_id=None))
    for name in ("a", "b"):
        driver.api.fail(name, ErrorCode.ACCESS_DENIED)
    driver.run(until=1_000)
    assert driver.identified() == [0]
    assert [call.operation for call in driver.calls[:3]] == [DESCRIBE, IDENTIFY, DESCRIBE]
    assert {job.account_id for job in driver.views().values()} == {ACCOUNT}


def test_an_identity_that_fails_is_asked_for_with_growing_pauses_up_to_an_hour() -> None:
    driver = Driver(target_spec("churn", account_id=None))
    driver.api.fail("churn", ErrorCode.ACCESS_DENIED)
    driver.api.account = CallFailed(ErrorCode.CONNECTION, "no STS")
    driver.run(until=15_000)
    assert driver.identified() == [0, 60, 180, 420, 900, 1_860, 3_780, 7_380, 10_980, 14_580]
    assert driver.counted("api_errors_total", operation=IDENTIFY, code="connection") == 10
    driver.api.account = ACCOUNT
    driver.run(until=40_000)
    assert driver.identified()[10:] == [18_180]


def test_a_good_answer_ends_the_search_for_an_identity() -> None:
    driver = Driver(target_spec("churn", account_id=None))
    driver.api.fail("churn", ErrorCode.ACCESS_DENIED)
    driver.api.account = CallFailed(ErrorCode.CONNECTION, "no STS")
    driver.run(until=59)
    driver.api.jobs["churn"] = answer("churn")
    driver.run(until=10_000)
    assert driver.identified() == [0, 60]
    assert driver.views()["churn"].account_id == ACCOUNT


def test_unsigned_requests_have_no_identity_to_ask_for() -> None:
    driver = Driver(target_spec("churn", account_id=None, credentials=Credentials(sign_requests=False)))
    driver.api.fail("churn", ErrorCode.ACCESS_DENIED)
    driver.run(until=1_000)
    assert driver.identified() == []
    driver.api.jobs["churn"] = answer("churn")
    driver.run(until=1_100)
    assert driver.views()["churn"].account_id == ACCOUNT


def test_an_identity_that_comes_late_does_not_overrule_what_was_learned() -> None:
    driver = Driver(target_spec("churn", account_id=None))
    driver.api.fail("churn", ErrorCode.SERVER_ERROR)
    driver.api.account = OTHER_ACCOUNT
    finish(driver, start(driver))
    identify = start(driver)
    assert identify.operation is Operation.IDENTIFY
    driver.update(target_spec("churn", account_id=ACCOUNT))
    finish(driver, identify)
    assert driver.target.view(driver.now).account_id == ACCOUNT


@pytest.mark.parametrize("wrong", [answer("churn", account=OTHER_ACCOUNT), answer("churn", region="us-east-1")])
def test_an_answer_from_elsewhere_is_a_failure_and_changes_no_facts(wrong: dict[str, object]) -> None:
    driver = Driver(target_spec("churn"))
    driver.run(until=1)
    facts = driver.views()["churn"].facts
    driver.api.jobs["churn"] = wrong
    driver.run(until=61)
    job = driver.views()["churn"]
    assert job.facts is facts
    assert job.failure is not None
    assert job.failure.code is ErrorCode.WRONG_ACCOUNT
    assert driver.counted("api_errors_total", operation=DESCRIBE, code="wrong_account") == 1


def test_the_view_names_the_region_that_is_asked() -> None:
    driver = Driver(target_spec("churn"))
    view = driver.target.view(driver.now)
    assert (view.name, view.region, view.jobs[0].region) == ("eu", REGION, REGION)


# Counting


def test_every_attempt_is_counted_and_every_error_by_its_code() -> None:
    driver = Driver(target_spec("a", "b"), latency=0.25)
    driver.api.fail("b", ErrorCode.THROTTLED)
    assert driver.counted("api_requests_total", operation=DESCRIBE) == 0
    assert driver.counted("api_errors_total", operation=DESCRIBE, code="throttled") == 0
    driver.run(until=59)
    assert driver.counted("api_requests_total", operation=DESCRIBE) == 5  # b at 0, 5, 15, 35
    assert driver.counted("api_errors_total", operation=DESCRIBE, code="throttled") == 4
    assert driver.counted("api_errors_total", operation=DESCRIBE, code="timeout") is None
    assert driver.telemetry.value("api_request_duration_seconds_sum", operation=DESCRIBE) == 1.25
    assert driver.telemetry.value("api_request_duration_seconds_count", operation=DESCRIBE) == 5


def test_a_round_is_counted_when_its_last_job_has_been_tried() -> None:
    driver = Driver(target_spec("a", "b", "c", requests_per_second=1.0), latency=0.25)
    driver.api.fail("c", ErrorCode.TIMEOUT)
    driver.run(until=2)
    assert driver.counted("polls_total") == 1
    assert driver.counted("poll_duration_seconds") == 2.25
    assert driver.counted("last_poll_timestamp_seconds") == START + 2.25
    driver.run(until=59)
    assert driver.counted("polls_total") == 1, "retries are no round"
    driver.run(until=65)
    assert driver.counted("polls_total") == 2
    assert driver.counted("poll_overruns_total") == 0


def test_a_round_does_not_wait_for_a_job_that_left() -> None:
    driver = Driver(target_spec("a", "b", requests_per_second=1.0))
    driver.run(until=0)
    driver.update(target_spec("a"))
    assert driver.counted("polls_total") == 1


def test_waiting_for_the_budget_is_counted_in_seconds() -> None:
    driver = Driver(target_spec("a", "b", "c", requests_per_second=1.0))
    driver.run(until=59)
    assert driver.counted("rate_limit_wait_seconds_total") == pytest.approx(2.0)
    driver.run(until=119)
    assert driver.counted("rate_limit_wait_seconds_total") == pytest.approx(4.0)


def test_a_wait_ends_with_the_job_that_waited() -> None:
    driver = Driver(target_spec("a", "b", requests_per_second=0.1))
    driver.run(until=0)
    driver.update(target_spec("a"))
    driver.run(until=600)
    assert driver.counted("rate_limit_wait_seconds_total") == 0


def test_intervals_that_a_round_overran_are_counted() -> None:
    driver = Driver(target_spec(*(f"job-{i}" for i in range(31)), requests_per_second=1.0, interval=10.0))
    driver.run(until=29.5)
    assert driver.counted("poll_overruns_total") == 2
    assert driver.counted("polls_total") == 0
    driver.run(until=30.5)
    assert driver.counted("poll_overruns_total") == 3
    assert driver.counted("polls_total") == 1
    assert driver.counted("poll_duration_seconds") == pytest.approx(30.0)


def test_a_hanging_call_overruns_though_nobody_looks() -> None:
    driver = Driver(target_spec("churn"))
    work = start(driver)
    driver.clock.advance(150)
    finish(driver, work)
    assert driver.counted("poll_overruns_total") == 2
    assert driver.counted("poll_duration_seconds") == 150


# Overload


@pytest.mark.long
@pytest.mark.parametrize("trouble", [False, True])
def test_under_overload_the_oldest_comes_first_and_nobody_starves(trouble: bool) -> None:
    names = [f"job-{i}" for i in range(30)]
    driver = Driver(target_spec(*names, requests_per_second=1.0, interval=10.0), latency=0.3)
    if trouble:
        for name in names[::3]:
            driver.api.fail(name, ErrorCode.SERVER_ERROR)
    counts: Counter[str] = Counter(dict.fromkeys(names, 0))

    def count(call: Call) -> None:
        counts[call.name] += 1
        assert max(counts.values()) - min(counts.values()) <= (2 if trouble else 1)

    driver.on_call = count
    driver.run(until=3_600)
    assert counts.total() == pytest.approx(3_600, abs=2)
    for earlier, later in pairwise(call.at for call in driver.calls):
        assert later - earlier >= 1.0 - 1e-6


def test_throttling_slows_the_target_down_and_it_recovers() -> None:
    names = [f"job-{i}" for i in range(60)]
    driver = Driver(target_spec(*names, requests_per_second=6.0, interval=60.0), latency=0.05)
    driver.run(until=60)
    for name in names:
        driver.api.fail(name, ErrorCode.THROTTLED)
    before = len(driver.calls)
    driver.run(until=240)
    throttled = len(driver.calls) - before
    assert throttled < 180 * 6.0 / 3, "far below what the budget would allow"
    for name in names:
        del driver.api.jobs[name]
    driver.run(until=300)
    assert all(view.failure is None for view in driver.views().values()), "one interval later all is well"
