"""When tags are listed and what is known of them, driven through a whole target."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fleet.driver import (
    ACCOUNT,
    CREATED,
    LIST_TAGS,
    OTHER_ACCOUNT,
    Driver,
    answer,
    arn_of,
    job_specs,
    target_spec,
)

from exporter.config.specs import TargetSpec
from exporter.errors import CallFailed, ErrorCode
from exporter.fleet import JobState, Operation, Work, perform
from exporter.fleet.schedule import in_about_a_day
from exporter.fleet.tags import TagListings

DAY = 86_400.0
TEAM = {"team": "team"}
BOTH = {"team": "team", "cost-center": "cost_center"}
ALL = {"team": "search", "cost-center": "4711", "secret": "s"}


def spec(*names: str, tags: dict[str, str] = BOTH, **changes: Any) -> TargetSpec:
    return target_spec(jobs=job_specs(*names, tag_labels=tags), **changes)


def tagged(*names: str, tags: dict[str, str] = BOTH, latency: float = 0.0, **changes: Any) -> Driver:
    """Return a target of tuning jobs that all have the same tags, and no creation time to search them by."""
    driver = Driver(spec(*names, tags=tags, **changes), latency=latency)
    for name in names:
        driver.api.tags[arn_of(name)] = ALL
        driver.api.jobs[name] = answer(name, created=None)
    return driver


def deny(driver: Driver, name: str, code: ErrorCode = ErrorCode.ACCESS_DENIED) -> None:
    driver.api.tags[arn_of(name)] = CallFailed(code, f"it is {code}")


def texts(driver: Driver) -> list[str]:
    return [event.text for event in driver.events if "tags" in event.text and "still" not in event.text]


def take(driver: Driver) -> Work:
    """Take the next call, which must be a list of tags, and leave it hanging."""
    work = driver.target.next(driver.now)
    assert work is not None
    assert work.operation is Operation.LIST_TAGS
    return work


def finish(driver: Driver, work: Work) -> None:
    driver.events += driver.target.apply(work, perform(driver.api, work), driver.now)


def describe(driver: Driver) -> None:
    """Make the describe that is due and nothing else."""
    work = driver.target.next(driver.now)
    assert work is not None
    assert work.operation is Operation.DESCRIBE
    finish(driver, work)


# When


def test_tags_are_listed_after_the_first_good_describe_and_about_once_a_day() -> None:
    driver = tagged("churn")
    driver.api.fail("churn", ErrorCode.ACCESS_DENIED)
    driver.run(until=59)
    assert driver.listed("churn") == []
    del driver.api.jobs["churn"]
    driver.run(until=60 + 3.5 * DAY)
    first = 60.0
    second = in_about_a_day("churn", first)
    third = in_about_a_day("churn", second)
    assert driver.listed("churn")[:3] == [first, second, third]
    assert 0.9 * DAY <= second - first <= 1.1 * DAY


def test_a_finished_job_s_tags_are_listed_daily_too() -> None:
    driver = tagged("churn")
    driver.api.jobs["churn"] = answer("churn", "Completed")
    driver.run(until=3.4 * DAY)
    assert len(driver.listed("churn")) == 4


@pytest.mark.long
def test_without_tags_in_the_configuration_none_are_ever_listed() -> None:
    names = [f"job-{i}" for i in range(100)]
    driver = Driver(target_spec(*names, interval=600.0))
    driver.run(until=1.2 * DAY)
    assert {call.operation for call in driver.calls} == {"DescribeHyperParameterTuningJob"}
    assert driver.counted("api_requests_total", operation=LIST_TAGS) is None
    assert driver.views()["job-7"].tags == {}


def test_only_the_jobs_whose_configuration_names_tags_cost_a_call() -> None:
    driver = Driver(target_spec(jobs=(*job_specs("a", tag_labels=BOTH), *job_specs("b"))))
    driver.run(until=1)
    assert [(call.operation, call.name) for call in driver.calls if call.operation == LIST_TAGS] == [(LIST_TAGS, "a")]


def test_describes_come_before_tags() -> None:
    names = [f"job-{i}" for i in range(10)]
    driver = tagged(*names, requests_per_second=1.0)
    driver.run(until=30)
    assert [call.name for call in driver.calls] == names * 2
    assert [call.operation == LIST_TAGS for call in driver.calls] == [False] * 10 + [True] * 10


def test_a_call_costs_the_same_however_many_wait_that_no_search_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0
    is_waiting = TagListings._is_waiting

    def counted(self: TagListings, entry: tuple[float, int, str]) -> bool:
        nonlocal looked
        looked += 1
        return is_waiting(self, entry)

    driver = Driver(spec(*(f"job-{i}" for i in range(300)), requests_per_second=10_000.0))
    monkeypatch.setattr(driver.api, "search", lambda _: {"Results": []})
    monkeypatch.setattr(TagListings, "_is_waiting", counted)
    driver.run(1_000)
    lists = sum(call.operation == LIST_TAGS for call in driver.calls)
    assert lists == 300
    assert sum(call.operation == "Search" for call in driver.calls) == 3
    assert looked < 20 * len(driver.calls)


def test_each_call_for_tags_takes_a_token() -> None:
    driver = tagged("a", "b", requests_per_second=0.5)
    driver.run(until=30)
    assert [call.at for call in driver.calls] == pytest.approx([0, 2, 4, 6], abs=1e-6)


def test_waiting_tags_do_not_delay_the_next_round() -> None:
    driver = tagged(*(f"job-{i}" for i in range(20)), requests_per_second=0.5, interval=50.0)
    driver.run(until=105)
    described = [call.at for call in driver.calls if call.operation != LIST_TAGS]
    assert [at for at in described if 45 <= at < 55] == pytest.approx([50, 52, 54], abs=1e-6)
    assert len(driver.calls) == pytest.approx(105 / 2, abs=2)


def test_the_arn_is_that_of_the_answer() -> None:
    driver = Driver(spec("Churn"))
    arn = arn_of("churn", partition="aws-cn")
    driver.api.jobs["Churn"] = answer("Churn") | {"HyperParameterTuningJobArn": arn}
    driver.api.tags[arn] = ALL
    driver.run(until=1)
    assert driver.views()["Churn"].tags == {"team": "search", "cost_center": "4711"}


def test_a_name_used_again_has_its_tags_listed_again_and_shows_none_meanwhile() -> None:
    driver = tagged("churn")
    driver.run(until=59)
    driver.clock.advance(1)
    driver.api.jobs["churn"] = answer("churn", created=CREATED + 5)
    describe(driver)
    assert driver.views()["churn"].tags == {}
    driver.api.tags[arn_of("churn")] = {"team": "ads"}
    driver.run(until=61)
    assert driver.views()["churn"].tags == {"team": "ads"}
    driver.run(until=1_000)
    assert driver.listed("churn") == [0, 60]


def test_the_tags_of_a_job_that_is_missing_stay_and_are_listed_again_when_it_is_back() -> None:
    driver = tagged("churn")
    driver.run(until=1)
    driver.api.fail("churn", ErrorCode.NOT_FOUND)
    driver.run(until=3 * DAY)
    assert driver.listed("churn") == [0]
    assert driver.views()["churn"].tags["team"] == "search"
    del driver.api.jobs["churn"]
    driver.api.tags[arn_of("churn")] = {}
    driver.run(until=3 * DAY + 60)
    assert driver.listed("churn") == [0, 3 * DAY + 60]
    assert driver.views()["churn"].tags == {}


# What is known


def test_only_the_tags_of_the_configuration_are_shown_and_only_those_that_there_are() -> None:
    driver = tagged("a", "b")
    driver.api.tags[arn_of("b")] = {"team": "ads", "Team": "x"}
    assert driver.views()["a"].tags == {}
    driver.run(until=1)
    assert driver.views()["a"].tags == {"team": "search", "cost_center": "4711"}
    assert driver.views()["b"].tags == {"team": "ads"}


def test_a_tag_that_was_taken_away_is_gone_with_the_next_list() -> None:
    driver = tagged("churn")
    driver.run(until=1)
    driver.api.tags[arn_of("churn")] = {"team": "ads"}
    driver.run(until=0.89 * DAY)
    assert driver.views()["churn"].tags["cost_center"] == "4711"
    driver.run(until=1.11 * DAY)
    assert driver.views()["churn"].tags == {"team": "ads"}


# Failures


@pytest.mark.long
@pytest.mark.parametrize("code", ErrorCode)
def test_a_failure_touches_nothing_of_the_job_and_known_tags_stay(code: ErrorCode) -> None:
    driver = tagged("churn")
    driver.run(until=0.8 * DAY)
    deny(driver, "churn", code)
    calm = tagged("churn")
    driver.run(until=1.2 * DAY)
    calm.run(until=1.2 * DAY)
    view = driver.views()["churn"]
    assert view == calm.views()["churn"]
    assert (view.state, view.failure) == (JobState.RUNNING, None)
    assert view.tags == {"team": "search", "cost_center": "4711"}
    assert driver.times("churn") == calm.times("churn")
    failed = driver.counted("api_errors_total", operation=LIST_TAGS, code=str(code))
    assert failed is not None
    assert failed > 1
    assert driver.counted("api_requests_total", operation=LIST_TAGS) == 1 + failed


@pytest.mark.parametrize("code", [ErrorCode.ACCESS_DENIED, ErrorCode.THROTTLED])
def test_a_failure_is_tried_again_after_pauses_that_grow_to_an_hour(code: ErrorCode) -> None:
    driver = tagged("churn")
    deny(driver, "churn", code)
    driver.run(until=11_000)
    assert driver.listed("churn") == [0, 60, 180, 420, 900, 1_860, 3_780, 7_380, 10_980]
    driver.api.tags[arn_of("churn")] = ALL
    driver.run(until=15_000)
    assert driver.views()["churn"].tags["team"] == "search"
    deny(driver, "churn", code)
    again = in_about_a_day("churn", 14_580)
    driver.run(until=again + 100)
    assert driver.listed("churn")[9:] == [14_580, again, again + 60]


def test_a_throttled_list_slows_no_describe_down() -> None:
    names = [f"job-{i}" for i in range(30)]
    driver = tagged(*names, requests_per_second=1.0)
    for name in names:
        deny(driver, name, ErrorCode.THROTTLED)
    driver.run(until=90)
    described = [call.at for call in driver.calls if call.operation != LIST_TAGS]
    assert described == pytest.approx([*range(30), *range(60, 90)], abs=0.1)


def test_a_denied_permission_is_told_once_with_the_remedy() -> None:
    names = [f"job-{i}" for i in range(20)]
    driver = tagged(*names, interval=600.0)
    for name in names:
        deny(driver, name)
    driver.run(until=2 * DAY)
    assert texts(driver) == ["listing tags fails"]
    (told,) = (event for event in driver.events if event.text == "listing tags fails")
    assert told.level == "warning"
    assert "sagemaker:ListTags" in str(told.fields["remedy"])
    for name in names:
        driver.api.tags[arn_of(name)] = ALL
    driver.run(until=2 * DAY + 2 * 3_601)
    assert texts(driver)[1:] == ["listing tags works again"]


def test_a_failing_job_that_leaves_is_no_reason_for_silence() -> None:
    driver = tagged("a", "b")
    deny(driver, "a")
    driver.run(until=1)
    driver.update(spec("b"))
    deny(driver, "b")
    driver.run(until=1.2 * DAY)
    assert texts(driver) == [
        "listing tags fails",
        "listing tags no longer fails: the exporter no longer makes the calls that failed",
        "listing tags fails",
    ]


# Updates


def test_a_reload_keeps_what_is_known_and_costs_no_call() -> None:
    driver = tagged("a", "b")
    driver.run(until=1)
    driver.update(spec("b", "a", interval=30.0))
    assert driver.views()["a"].tags == {"team": "search", "cost_center": "4711"}
    driver.run(until=0.89 * DAY)
    assert driver.listed("a") == [0]


def test_a_tag_that_is_new_in_the_configuration_is_remembered_and_costs_no_call() -> None:
    driver = tagged("churn", tags=TEAM)
    driver.run(until=30)
    assert driver.views()["churn"].tags == {"team": "search"}
    driver.update(spec("churn"))
    assert driver.views()["churn"].tags == {"team": "search", "cost_center": "4711"}
    driver.run(until=0.89 * DAY)
    assert driver.listed("churn") == [0]


def test_tags_are_listed_at_once_of_a_described_job_that_gets_its_first() -> None:
    driver = tagged("churn", tags={})
    driver.run(until=30)
    driver.update(spec("churn"))
    assert driver.counted("api_requests_total", operation=LIST_TAGS) == 0
    driver.run(until=31)
    assert driver.listed("churn") == [30]
    assert driver.times("churn") == [0]


def test_a_tag_that_left_the_configuration_is_gone_at_once_without_a_call() -> None:
    driver = tagged("churn")
    driver.run(until=1)
    driver.update(spec("churn", tags=TEAM))
    assert driver.views()["churn"].tags == {"team": "search"}
    driver.update(spec("churn", tags={}))
    assert driver.views()["churn"].tags == {}
    driver.run(until=2 * DAY)
    assert driver.listed("churn") == [0]


def test_a_tag_that_is_wanted_while_a_list_is_under_way_is_not_missed() -> None:
    driver = tagged("churn", tags=TEAM)
    describe(driver)
    work = take(driver)
    driver.update(spec("churn"))
    finish(driver, work)
    driver.run(until=1)
    assert driver.views()["churn"].tags == {"team": "search", "cost_center": "4711"}


@pytest.mark.parametrize("code", [None, ErrorCode.ACCESS_DENIED])
def test_what_comes_of_a_list_for_a_job_that_left_or_was_replaced_is_dropped(code: ErrorCode | None) -> None:
    driver = tagged("churn")
    describe(driver)
    work = take(driver)
    driver.update(spec())
    driver.update(spec("churn"))
    if code is not None:
        deny(driver, "churn", code)
    finish(driver, work)
    assert driver.views()["churn"].tags == {}
    assert texts(driver) == []
    driver.update(spec())
    driver.run(until=2 * DAY)
    assert driver.listed("churn") == []


def test_what_comes_of_a_list_for_another_job_of_the_name_is_dropped() -> None:
    driver = tagged("churn")
    describe(driver)
    work = take(driver)
    driver.clock.advance(60)
    driver.api.jobs["churn"] = answer("churn", created=CREATED + 5)
    describe(driver)
    finish(driver, work)
    assert driver.views()["churn"].tags == {}
    driver.run(until=61)
    assert driver.views()["churn"].tags["team"] == "search"


def test_a_job_now_said_to_be_in_another_account_has_no_tags_of_the_old_one() -> None:
    driver = Driver(target_spec(jobs=job_specs("churn", account_id=ACCOUNT, tag_labels=BOTH)))
    driver.api.tags[arn_of("churn")] = ALL
    driver.run(until=1)
    assert driver.views()["churn"].tags
    jobs = job_specs("churn", account_id=OTHER_ACCOUNT, tag_labels=BOTH)
    driver.update(replace(driver.target.spec, account_id=OTHER_ACCOUNT, jobs=jobs))
    assert driver.views()["churn"].tags == {}


def test_a_list_that_hangs_fails_and_holds_up_no_describe_and_is_not_made_twice() -> None:
    driver = tagged("churn")
    describe(driver)
    work = take(driver)
    driver.run(until=7_201)
    assert driver.times("churn") == [60.0 * i for i in range(1, 121)]
    assert driver.listed("churn") == []
    assert texts(driver) == ["listing tags fails"]
    assert driver.counted("api_errors_total", operation=LIST_TAGS, code="timeout") == 1
    assert driver.views()["churn"].failure is None
    finish(driver, work)
    driver.run(until=7_202)
    assert driver.listed("churn") == [7_201]
    assert driver.views()["churn"].tags["team"] == "search"
    driver.run(until=7_202 + 300)
    assert texts(driver) == ["listing tags fails", "listing tags works again"]


def test_a_describe_that_hangs_holds_up_no_list() -> None:
    driver = tagged("churn", tags={})
    driver.run(until=59)
    driver.clock.advance(1)
    hanging = driver.target.next(driver.now)
    assert hanging is not None
    driver.update(spec("churn"))
    driver.run(until=100)
    assert driver.listed("churn") == [60]
