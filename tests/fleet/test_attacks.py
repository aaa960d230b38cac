"""What was found by trying to break the fleet: each failed before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fleet.account import HOUR, Account, ended_ago, rule, rules, run
from fleet.driver import ACCOUNT, DESCRIBE, Driver, FakeApi, arn_of, job_specs, target_spec

from exporter.config.specs import Connection
from exporter.errors import CallFailed, ErrorCode, Failure
from exporter.fleet import JobState, Operation, Work, perform
from exporter.fleet.refresh import Refresh
from exporter.fleet.tally import Tally


def errors(driver: Driver) -> set[tuple[str, str]]:
    return set(driver.target.view(driver.now).errors)


def _fail_first_search(account: Account, code: ErrorCode) -> None:
    search, failures = account.api.search, iter([CallFailed(code, "no search")])

    def fails_once(request: Any) -> Any:
        for failure in failures:
            raise failure
        return search(request)

    account.api.search = fails_once  # type: ignore[method-assign]


def test_a_reload_keeps_what_a_rule_with_tags_found(account: Account) -> None:
    account.create("running", "stuck", tags={"env": "prod"})
    ended_ago(account, "ended", HOUR, tags={"env": "prod"})
    spec = rules(rule(tags={"env": "prod"}))
    driver = account.watch(spec)
    run(driver, 600)
    assert set(driver.views()) == {"running", "ended"}
    driver.update(replace(spec, interval=30.0))
    assert set(driver.views()) == {"running", "ended"}
    driver.update(replace(spec, rules=(rule(tags={"env": "dev"}),)))
    assert set(driver.views()) == set(), "but not what the rule no longer asks for"


def test_a_reload_keeps_one_that_a_rule_with_tags_found_while_describes_do_not_find_it(account: Account) -> None:
    def missing(name: str) -> Any:
        raise CallFailed(ErrorCode.NOT_FOUND, f"no {name}")

    account.create("running", "stuck", tags={"env": "prod"})
    spec = rules(rule(tags={"env": "prod"}))
    driver = account.watch(spec)
    run(driver, 600)
    account.api.describe = missing  # type: ignore[method-assign]
    run(driver, HOUR)
    assert driver.views()["running"].state is JobState.MISSING
    driver.update(replace(spec, interval=30.0))
    assert set(driver.views()) == {"running"}
    driver.update(replace(spec, rules=(rule(tags={"env": "dev"}),)))
    assert set(driver.views()) == set()


def test_a_search_that_failed_once_is_no_error_for_good(account: Account) -> None:
    _fail_first_search(account, ErrorCode.THROTTLED)
    names = ["one", "two"]
    for name in names:
        account.create(name, "stuck", tags={"team": "search"})
    driver = account.watch(target_spec(jobs=job_specs(*names, tag_labels={"team": "team"})))
    run(driver, 600)
    assert {view.tags["team"] for view in driver.views().values()} == {"search"}
    assert errors(driver) == set()


def test_an_entry_of_a_list_that_is_read_once_is_no_error_for_good(account: Account) -> None:
    list_jobs = account.api.list_jobs

    def odd(request: Any) -> Any:
        told = list_jobs(request)
        once = [{"HyperParameterTuningJobName": 7}] if request.get("StatusEquals") == "Failed" else []
        return {**told, "HyperParameterTuningJobSummaries": [*told["HyperParameterTuningJobSummaries"], *once]}

    account.api.list_jobs = odd  # type: ignore[method-assign]
    account.create("churn", "stuck")
    driver = account.watch(rules(rule(statuses=frozenset({"Failed", "InProgress"}))))
    run(driver, HOUR)
    assert errors(driver) == set()
    assert [event.fields["entries"] for event in driver.events if event.level == "warning"] == [1], "but it was told"


def test_an_account_that_is_claimed_ends_the_question() -> None:
    api = FakeApi()
    api.account = CallFailed(ErrorCode.ACCESS_DENIED, "no")
    api.fail("churn", ErrorCode.ACCESS_DENIED)
    driver = Driver(target_spec("churn", account_id=None), api=api)
    driver.run(until=30.0)
    assert ("GetCallerIdentity", "access_denied") in errors(driver)
    driver.update(target_spec("churn", account_id=ACCOUNT))
    asked = len(driver.identified())
    driver.run(until=2 * HOUR)
    assert errors(driver) == set()
    assert len(driver.identified()) == asked


def test_a_refused_list_is_no_error_once_none_is_wanted(account: Account) -> None:
    def refused(request: Any) -> Any:
        raise CallFailed(ErrorCode.ACCESS_DENIED, "no")

    account.api.list_jobs = refused  # type: ignore[method-assign]
    for name in ("a", "b", "c"):
        account.create(name, "stuck")
    driver = account.watch(target_spec("a", "b", "c", describe_max_age=600.0))
    run(driver, 600)
    assert errors(driver) == {("ListHyperParameterTuningJobs", "access_denied")}
    driver.update(target_spec("a", "b", "c", describe_max_age=0.0))
    assert errors(driver) == set()


def _hang(driver: Driver) -> Any:
    """Have a call begin that does not come back, and be given up."""
    work = driver.target.next(driver.now)
    assert work is not None
    return work


def test_a_call_that_never_comes_back_keeps_no_other_way_of_calling_out() -> None:
    spec = target_spec("churn")
    driver = Driver(spec)
    _hang(driver)
    driver.run(until=300.0)
    assert driver.times("churn") == []
    driver.update(replace(spec, connection=Connection(read_timeout=3.0)))
    driver.run(until=400.0)
    assert driver.views()["churn"].state is JobState.RUNNING


def test_a_call_from_before_it_was_removed_does_not_keep_a_job_from_being_described() -> None:
    driver = Driver(target_spec("churn", "other"))
    work = _hang(driver)
    driver.update(target_spec("other" if work.name == "churn" else "churn"))
    driver.update(target_spec("churn", "other"))
    driver.run(until=600.0)
    assert len(driver.times(work.name)) == 11, "at once, and then each minute"
    assert not [event for event in driver.events if event.level == "warning"], "nobody asks for that answer any more"


def test_a_job_whose_turn_could_not_be_taken_has_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    starting, failures = Refresh.starting, iter([OverflowError("x")])

    def fails(self: Refresh, *given: Any) -> None:
        for failure in failures:
            raise failure
        starting(self, *given)

    monkeypatch.setattr(Refresh, "starting", fails)
    driver = Driver(target_spec("churn"))
    with pytest.raises(OverflowError):
        driver.run(until=1.0)
    driver.run(until=300.0)
    assert driver.views()["churn"].state is JobState.RUNNING


def test_a_late_call_that_we_fail_at_loses_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    ended, failures = Tally.ended, iter([OverflowError("x")])

    def fails(self: Tally, *given: Any, **named: Any) -> None:
        for failure in failures:
            raise failure
        ended(self, *given, **named)

    driver = Driver(target_spec("a", "b", "c"))
    late = [_hang(driver) for _ in range(3)]
    driver.clock.advance(41.0)
    monkeypatch.setattr(Tally, "ended", fails)
    driver.events += driver.target.expire(driver.now)
    assert [
        event.level
        for event in driver.events
        if event.text.startswith("internal error: the exporter cannot use an answer")
    ] == ["error"]
    for work in late:
        driver.target.apply(work, perform(driver.api, work), driver.now)
    driver.run(until=driver.now.monotonic + 120.0)
    assert {view.state for view in driver.views().values()} == {JobState.RUNNING}


def test_a_time_out_of_what_is_not_watched_any_more_is_not_told() -> None:
    driver = Driver(target_spec("churn", "other"))
    work = _hang(driver)
    (stays,) = {"churn", "other"} - {work.name}
    driver.update(target_spec(stays))
    driver.run(until=2 * HOUR)
    driver.target.apply(work, Failure(ErrorCode.TIMEOUT, "late"), driver.now)
    driver.run(until=4 * HOUR)
    assert not [event for event in driver.events if event.level == "warning"]
    assert driver.counted("api_requests_total", operation=DESCRIBE) is not None


def _take(driver: Driver, operation: Operation) -> Work:
    """Return the first call of an operation, which hangs, and make all others that are due."""
    held: list[Work] = []
    while (work := driver.target.next(driver.now)) is not None:
        if work.operation is operation and not held:
            held.append(work)
        else:
            driver.events += driver.target.apply(work, perform(driver.api, work), driver.now)
    return held[0]


def _warnings(driver: Driver) -> list[str]:
    return [event.text for event in driver.events if event.level == "warning"]


def test_a_call_of_the_way_before_keeps_no_job_from_the_other_way() -> None:
    driver = Driver(target_spec("a", "b"))
    work = _hang(driver)
    driver.run(until=10.0)
    driver.update(target_spec("a", "b", connection=Connection(connect_timeout=1.0, read_timeout=1.0)))
    driver.run(until=300.0)
    assert driver.views()[work.name].state is JobState.RUNNING


def test_a_search_that_ends_when_no_tags_are_wanted_is_no_error() -> None:
    driver = Driver(target_spec(jobs=job_specs("a", "b", tag_labels={"team": "team"})))
    work = _take(driver, Operation.SEARCH)
    driver.update(target_spec("a", "b"))
    driver.events += driver.target.apply(work, perform(driver.api, work), driver.now)
    driver.run(until=4 * HOUR)
    assert errors(driver) == set()
    assert _warnings(driver) == []


def test_a_search_for_tags_that_left_the_configuration_is_told_no_more() -> None:
    driver = Driver(target_spec(jobs=job_specs("a", "b", tag_labels={"team": "team"})))
    driver.run(until=600.0)
    assert _warnings(driver) == ["searching for tags or bills fails"]
    driver.update(target_spec("a", "b"))
    driver.run(until=4 * HOUR)
    assert _warnings(driver) == ["searching for tags or bills fails"]
    assert "searching for tags or bills no longer fails: the exporter no longer makes the calls that failed" in [
        e.text for e in driver.events
    ]


def test_an_account_that_a_describe_tells_ends_the_warning() -> None:
    api = FakeApi()
    api.fail("a", ErrorCode.ACCESS_DENIED)
    api.account = CallFailed(ErrorCode.ACCESS_DENIED, "no identity")
    driver = Driver(target_spec("a", account_id=None), api=api)
    driver.run(until=200.0)
    api.jobs.clear()
    driver.run(until=4 * HOUR)
    assert "asking for the AWS account id still fails" not in _warnings(driver)


def test_a_call_that_fails_when_it_is_no_longer_needed_is_not_told_for_hours() -> None:
    api = FakeApi()
    api.fail("a", ErrorCode.TIMEOUT)
    api.account = CallFailed(ErrorCode.TIMEOUT, "no way to STS")
    driver = Driver(target_spec("a", account_id=None), api=api)
    work = _take(driver, Operation.IDENTIFY)
    api.jobs.clear()
    driver.run(until=20.0)
    assert driver.views()["a"].facts is not None
    driver.events += driver.target.apply(work, perform(api, work), driver.now)
    driver.run(until=4 * HOUR)
    assert not [text for text in _warnings(driver) if "account id" in text]


def test_tags_of_a_job_that_was_added_again_are_read_though_a_call_for_them_is_lost() -> None:
    spec = target_spec(jobs=job_specs("a", tag_labels={"team": "team"}))
    driver = Driver(spec)
    driver.api.tags[arn_of("a")] = {"team": "search"}
    _take(driver, Operation.LIST_TAGS)
    driver.run(until=100.0)
    for each in (target_spec("b"), spec):
        driver.update(each)
        driver.run(until=driver.now.monotonic + 100.0)
    assert driver.views()["a"].tags == {"team": "search"}


def test_tags_that_cannot_be_read_of_jobs_that_are_gone_are_not_remembered(account: Account) -> None:
    def denied(arn: str) -> Any:
        raise CallFailed(ErrorCode.ACCESS_DENIED, f"not the tags of {arn}")

    account.api.list_tags = denied  # type: ignore[method-assign]
    driver = account.watch(rules(rule(tags={"env": "prod"})))
    for turn in range(30):
        account.create(f"job-{turn}")
        run(driver, 200)
        account.delete(f"job-{turn}")
    run(driver, 6 * HOUR)
    assert _warnings(driver).count("listing tags still fails") <= 2, "one for each hour in which some fails"
    assert driver.events[-1].text == "listing tags no longer fails: the exporter no longer makes the calls that failed"


def test_a_search_that_was_refused_once_is_no_error_for_good(account: Account) -> None:
    _fail_first_search(account, ErrorCode.ACCESS_DENIED)
    for name in ("one", "two"):
        account.create(name, "stuck", tags={"team": "search"})
    driver = account.watch(target_spec(jobs=job_specs("one", "two", tag_labels={"team": "team"}), interval=600.0))
    run(driver, HOUR)
    assert errors(driver) == {("Search", "access_denied")}
    run(driver, 30 * HOUR)
    assert errors(driver) == set()
