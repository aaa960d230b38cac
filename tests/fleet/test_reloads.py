"""What a reload must leave as a start would have it, and what must not stay: each failed before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fleet.account import DAY, HOUR, LIST, Account, ended_ago, rule, rules, run
from fleet.driver import ACCOUNT, LIST_TAGS, OTHER_ACCOUNT, Driver, FakeApi, arn_of, job_specs, target_spec

from exporter.errors import CallFailed, ErrorCode
from exporter.fleet import JobState, Operation, Work, perform
from exporter.fleet.finder import Finder
from exporter.simulator.faults import Fault, Kind


def errors(driver: Driver) -> set[tuple[str, str]]:
    return set(driver.target.view(driver.now).errors)


def warnings(driver: Driver) -> list[str]:
    return [event.text for event in driver.events if event.level == "warning"]


def break_calls(account: Account, operation: Operation, kind: Kind) -> Fault:
    return account.simulator.faults.add(Fault(kind, operation=str(operation)))


def take(driver: Driver, name: str) -> Work:
    """Return the call of this name, which hangs, and make all others that are due before it."""
    while (work := driver.target.next(driver.now)) is not None:
        if work.name == name:
            return work
        driver.events += driver.target.apply(work, perform(driver.api, work), driver.now)
    raise AssertionError(f"no call of {name} is due")


# Which tuning jobs are watched


def test_one_that_ended_and_is_listed_no_more_is_found_by_an_unchanged_rule_with_tags(account: Account) -> None:
    ended_ago(account, "job", HOUR, tags={"env": "prod"})
    ended_ago(account, "other", HOUR, tags={"env": "dev"})
    spec = rules(rule(tags={"env": "prod"}), names=("job", "other"))
    driver = account.watch(spec)
    run(driver, HOUR)
    driver.update(replace(spec, jobs=()))
    run(driver, 60)
    assert set(driver.views()) == {"job"}


def test_one_whose_rule_is_gone_is_found_by_an_unchanged_rule_with_tags(account: Account) -> None:
    ended_ago(account, "job", HOUR, tags={"env": "prod"})
    by_name, by_tags = rule("name", name_contains="job"), rule("tags", tags={"env": "prod"})
    driver = account.watch(rules(by_name, by_tags))
    run(driver, HOUR)
    driver.update(rules(by_tags))
    run(driver, 60)
    assert {name: view.state for name, view in driver.views().items()} == {"job": JobState.FINISHED}


def test_room_for_more_tuning_jobs_is_taken_by_those_that_have_ended_too(account: Account) -> None:
    for name in ("a", "b", "c"):
        ended_ago(account, name, HOUR)
    spec = rules(rule(), max_tracked_jobs=1)
    driver = account.watch(spec)
    run(driver, HOUR)
    assert len(driver.views()) == 1
    driver.update(replace(spec, max_tracked_jobs=10))
    run(driver, 60)
    assert set(driver.views()) == {"a", "b", "c"}


def test_a_list_of_a_rule_as_it_was_keeps_no_list_of_the_rule_as_it_is_from_being_read(account: Account) -> None:
    ended_ago(account, "job", HOUR)
    driver = account.watch(rules(rule(name_contains="no-such-name")))
    take(driver, "list first 'all'")
    run(driver, 600)
    driver.update(rules(rule(name_contains="job")))
    run(driver, 600)
    assert set(driver.views()) == {"job"}


def test_what_a_rule_found_is_not_shown_as_another_accounts(account: Account) -> None:
    account.create("job", "stuck")
    spec = rules(rule())
    driver = account.watch(spec)
    run(driver, 60)
    assert driver.views()["job"].account_id == ACCOUNT
    driver.update(replace(spec, account_id=OTHER_ACCOUNT))
    assert driver.views() == {}
    driver.update(spec)
    run(driver, 60)
    assert driver.views()["job"].state is JobState.RUNNING


# What must not stay


def test_a_search_that_failed_once_is_no_error_while_a_listed_one_does_not_exist(account: Account) -> None:
    for name in ("a", "b"):
        account.create(name, "stuck", tags={"team": "search"})
    driver = account.watch(target_spec(jobs=job_specs("a", "b", "missing", tag_labels={"team": "team"})))
    fault = break_calls(account, Operation.SEARCH, Kind.THROTTLED)
    run(driver, 10)
    account.simulator.faults.remove(fault)
    run(driver, HOUR)
    assert driver.views()["missing"].state is JobState.MISSING
    assert {driver.views()[name].tags["team"] for name in ("a", "b")} == {"search"}
    assert errors(driver) == set()


def test_tags_of_one_that_is_deleted_before_they_are_read_are_not_asked_for_for_good(account: Account) -> None:
    ended_ago(account, "job", HOUR, tags={"env": "prod"})
    fault = break_calls(account, Operation.LIST_TAGS, Kind.SERVER_ERROR)
    driver = account.watch(rules(rule(tags={"env": "prod"})))
    run(driver, 30)
    account.delete("job")
    account.simulator.faults.remove(fault)
    run(driver, HOUR)
    asked = len(driver.listed("job"))
    assert errors(driver) == set()
    run(driver, 20 * HOUR)
    assert len(driver.listed("job")) == asked


def test_a_refused_sweep_is_no_error_once_nothing_rests(account: Account) -> None:
    account.create("running", "stuck")
    ended_ago(account, "ended", DAY)
    spec = target_spec("running", "ended")
    driver = account.watch(spec)
    break_calls(account, Operation.LIST, Kind.ACCESS_DENIED)
    run(driver, 2 * HOUR)
    assert errors(driver) == {(LIST, "access_denied")}
    driver.update(replace(spec, jobs=job_specs("running")))
    run(driver, 2 * HOUR)
    assert errors(driver) == set()
    lists = len(driver.times("list sweep", LIST))
    run(driver, 5 * HOUR)
    assert len(driver.times("list sweep", LIST)) == lists


def _without_tags() -> Driver:
    api = FakeApi()
    api.tags[arn_of("a")] = CallFailed(ErrorCode.ACCESS_DENIED, "no tags")
    return Driver(target_spec(jobs=job_specs("a", tag_labels={"team": "team"})), api=api)


def test_tags_that_left_the_configuration_are_told_no_more() -> None:
    driver = _without_tags()
    driver.run(until=600.0)
    assert warnings(driver) == ["listing tags fails"]
    driver.update(target_spec("a"))
    driver.run(until=5 * HOUR)
    assert warnings(driver) == ["listing tags fails"]
    assert driver.events[-1].text.startswith("listing tags no longer fails")


def test_tags_of_a_tuning_job_that_is_deleted_are_told_no_more() -> None:
    driver = _without_tags()
    driver.run(until=600.0)
    driver.api.fail("a", ErrorCode.NOT_FOUND)
    driver.run(until=5 * HOUR)
    assert warnings(driver).count("listing tags still fails") == 0
    assert len(driver.times("a", LIST_TAGS)) < 10


def test_what_fails_once_in_a_long_interval_is_one_thing_that_fails() -> None:
    api = FakeApi()
    api.fail("a", ErrorCode.ACCESS_DENIED)
    driver = Driver(target_spec("a", interval=6 * HOUR, stale_after=18 * HOUR), api=api)
    driver.run(until=2 * DAY)
    assert warnings(driver).count("describing tuning jobs fails") == 1
    api.jobs.clear()
    driver.run(until=6 * DAY)
    assert "describing tuning jobs works again" in [event.text for event in driver.events]


# What is told of a change


def test_the_first_page_of_a_list_is_told(account: Account) -> None:
    for i in range(101):
        account.create(f"job-{i}", "stuck", age=float(i))
    driver = account.watch(rules(rule(name_contains="no-such-name")))
    work = driver.target.next(driver.now)
    assert work is not None
    driver.target.take_changed()
    before = driver.target.view(driver.now).attempted
    driver.target.apply(work, perform(driver.api, work), driver.now)
    assert (before, driver.target.view(driver.now).attempted) == (False, True)
    assert driver.target.take_changed()


def test_one_more_that_a_limit_keeps_out_is_told(account: Account) -> None:
    driver = account.watch(rules(rule(max_jobs=1)))
    account.create("new", "stuck")
    run(driver, 3_000)
    ended_ago(account, "old", HOUR)
    driver.update(rules(rule(max_jobs=1, created_within=DAY)))
    shown = driver.target.view(driver.now).matched
    driver.target.take_changed()
    while (work := driver.target.next(driver.now)) is not None:
        driver.target.apply(work, perform(driver.api, work), driver.now)
        told, before = driver.target.take_changed(), shown
        shown = driver.target.view(driver.now).matched
        assert told or shown == before
    assert shown == (("all", 2),)


def test_an_answer_that_we_fail_at_is_told(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise OverflowError("x")

    account.create("job", "stuck")
    driver = account.watch(rules(rule()))
    monkeypatch.setattr(Finder, "listed", fails)
    work = take(driver, "list running")
    driver.target.take_changed()
    driver.target.apply(work, perform(driver.api, work), driver.now)
    assert driver.target.view(driver.now).attempted
    assert driver.target.take_changed()


def test_that_a_list_is_wanted_no_more_is_told(account: Account) -> None:
    account.create("running", "stuck")
    ended_ago(account, "ended", DAY)
    driver = account.watch(target_spec("running", "ended"))
    break_calls(account, Operation.LIST, Kind.ACCESS_DENIED)
    run(driver, 2 * HOUR)
    driver.update(target_spec("running"))
    while errors(driver):
        run(driver, 59)
        driver.clock.advance(1.0)
        driver.target.take_changed()
        work = driver.target.next(driver.now)
        told = driver.target.take_changed()
        assert told or errors(driver), "no list is planned any more, and nobody was told"
        if work is not None:
            driver.target.apply(work, perform(driver.api, work), driver.now)


# How many a rule matches


def _two_of_which_one_is_left_out(account: Account) -> Driver:
    account.create("old", "stuck", age=HOUR)
    account.create("new", "stuck")
    driver = account.watch(rules(rule("first", max_jobs=1)))
    run(driver, 60)
    assert driver.target.view(driver.now).matched == (("first", 2),)
    return driver


def test_one_that_a_limit_kept_out_is_not_counted_once_it_is_listed(account: Account) -> None:
    driver = _two_of_which_one_is_left_out(account)
    driver.update(rules(rule("first", max_jobs=1), names=("old",)))
    run(driver, 120)
    assert set(driver.views()) == {"old", "new"}
    assert driver.target.view(driver.now).matched == (("first", 1),)


def test_one_that_a_limit_keeps_out_is_counted_for_one_rule(account: Account) -> None:
    driver = _two_of_which_one_is_left_out(account)
    driver.update(rules(rule("before", max_jobs=1), rule("first", max_jobs=1)))
    run(driver, 120)
    assert driver.target.view(driver.now).matched == (("before", 2), ("first", 0))
