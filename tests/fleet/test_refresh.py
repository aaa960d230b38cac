"""What has a describe made: probes, failures of a whole target, lists that do not come, sweeps; on small budgets too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from fleet.account import DAY, DESCRIBE, HOUR, LIST, NOW, Account, ended_ago, rule, rules, run
from fleet.driver import Driver, FakeApi, answer, known, target_spec

from exporter.config.specs import RuleSpec, TargetSpec
from exporter.errors import ErrorCode
from exporter.fleet import JobState, Operation, perform
from exporter.simulator.faults import Fault, Kind

MAX_AGE = 1_800.0


def running(account: Account, count: int) -> tuple[str, ...]:
    """Create tuning jobs that run and of which only the heartbeat moves."""
    names = tuple(f"job-{i}" for i in range(count))
    for i, name in enumerate(names):
        account.create(name, "stuck", age=3 * DAY + i)
    return names


def spec(*names: str, **changes: Any) -> TargetSpec:
    return target_spec(*names, **({"describe_max_age": MAX_AGE} | changes))


def states(driver: Driver) -> set[JobState]:
    return {view.state for view in driver.views().values()}


def created(driver: Driver, name: str) -> float:
    return known(known(driver.views()[name].facts).creation_time)


def last_modified(driver: Driver, name: str) -> float:
    return known(known(driver.views()[name].facts).last_modified_time)


# A list that works is no sign that describes do


def test_one_running_job_is_described_every_five_minutes_whatever_lists_say(account: Account) -> None:
    driver = account.watch(spec(*running(account, 4)))
    run(driver, MAX_AGE - 1)
    described = sorted(call.at for call in driver.calls if call.operation == DESCRIBE)
    assert described == [0.0] * 4 + [300.0, 600.0, 900.0, 1200.0, 1500.0]
    assert len(driver.times("job-0")) <= 3, "each in turn"


@pytest.mark.parametrize("kind", [Kind.ACCESS_DENIED, Kind.EXPIRED_TOKEN, Kind.SERVER_ERROR, Kind.THROTTLED])
@pytest.mark.parametrize("given", [(), (rule(),)])
def test_describes_that_fail_beside_lists_that_work_are_seen(
    account: Account, kind: Kind, given: tuple[RuleSpec, ...]
) -> None:
    names = running(account, 20)
    driver = account.watch(rules(*given, names=() if given else names, describe_max_age=MAX_AGE))
    run(driver, 400)
    account.simulator.faults.add(Fault(kind, operation=DESCRIBE))
    run(driver, 300 + 60)
    assert states(driver) == {JobState.FAILING}
    run(driver, 300)
    assert all(view.facts is None for view in driver.views().values())


def test_a_failure_of_one_job_alone_costs_one_look_at_the_others(account: Account) -> None:
    driver = account.watch(spec(*running(account, 20)))
    run(driver, 30)
    account.simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation=DESCRIBE, name="job-0"))
    run(driver, MAX_AGE + HOUR)
    others = [call for call in driver.calls if call.operation == DESCRIBE and call.name != "job-0"]
    assert len(others) <= 20 * 5 + (MAX_AGE + HOUR) / 300, "by their age, once by the failure, and the probes"
    assert driver.views()["job-0"].state is JobState.FAILING


def test_a_job_that_is_missing_tells_nothing_of_the_others(account: Account) -> None:
    driver = account.watch(spec(*running(account, 20)))
    run(driver, 30)
    account.delete("job-0")
    run(driver, 120)
    assert len([call for call in driver.calls if call.operation == DESCRIBE and call.name != "job-0"]) == 19


def test_one_call_that_fails_for_a_moment_tells_nothing_of_the_others(account: Account) -> None:
    names = running(account, 20)
    driver = account.watch(spec(*names))
    run(driver, 299)
    fault = account.simulator.faults.add(Fault(Kind.SERVER_ERROR, operation=DESCRIBE))
    describes = iter(range(100))

    def on_call(call: Any) -> None:
        if call.operation == DESCRIBE and next(describes) == 1:
            account.simulator.faults.remove(fault)

    driver.on_call = on_call
    run(driver, 100)
    described = [call for call in driver.calls if call.operation == DESCRIBE and call.at > 299]
    assert len({call.name for call in described}) == 2, "it and one more, to see whether that fails too"
    assert len(described) == 3


def test_after_an_outage_a_list_that_was_refused_in_it_is_read_again_with_the_first_good_describe(
    account: Account,
) -> None:
    driver = account.watch(spec(*running(account, 20)))
    run(driver, 90)
    fault = account.simulator.faults.add(Fault(Kind.ACCESS_DENIED))
    run(driver, 600)
    assert driver.target.view(driver.now).errors == ((LIST, "access_denied"),)
    account.simulator.faults.remove(fault)
    run(driver, 180)
    assert driver.target.view(driver.now).errors == ()
    before = len(account.api.inputs(DESCRIBE))
    run(driver, 900)
    assert len(account.api.inputs(DESCRIBE)) - before <= 3, "spared again, but for the probes"


# A list that does not come


class Hanging:
    """Makes calls in between which others hang, as threads would."""

    def __init__(self, account: Account, spec: TargetSpec) -> None:
        self.account = account
        self.driver = account.watch(spec)
        self.hangs: list[Any] = []

    def run(self, until: float, hangs: str) -> None:
        driver = self.driver
        while (now := driver.now).monotonic < until:
            driver.target.expire(now)
            work = driver.target.next(now)
            if work is None:
                wakes_at = driver.target.wakes_at(now)
                driver.clock.advance(max(1e-6, min(until, wakes_at or until) - now.monotonic))
            elif work.operation == hangs:
                self.hangs.append(work)
            else:
                outcome = perform(self.account.api, work)
                driver.target.apply(work, outcome, driver.now)


def test_while_the_list_hangs_running_jobs_are_described_in_each_round(account: Account) -> None:
    stack = Hanging(account, spec(*running(account, 5)))
    stack.driver.run(until=125)
    before = len(account.api.inputs(DESCRIBE))
    stack.run(125 + 10 * 60, hangs=LIST)
    described = account.api.inputs(DESCRIBE)[before:]
    assert len(stack.hangs) == 1, "one thread for it and no more"
    assert len(described) >= 5 * 9
    assert states(stack.driver) == {JobState.RUNNING}
    assert all(stack.driver.now.wall - known(view.last_success) <= 60 for view in stack.driver.views().values())


@pytest.mark.parametrize("given", [(), (rule(),)])
def test_when_all_calls_hang_all_values_go(account: Account, given: tuple[RuleSpec, ...]) -> None:
    names = running(account, 5)
    stack = Hanging(account, rules(*given, names=() if given else names, describe_max_age=MAX_AGE))
    stack.driver.run(until=125)
    stack.driver.target.take_changed()
    driver = stack.driver
    while driver.now.monotonic < 125 + 300 + 3 * 60:
        driver.target.expire(driver.now)
        driver.target.next(driver.now)
        driver.clock.advance(1.0)
    assert all(view.facts is None for view in driver.views().values())
    assert driver.target.take_changed(), "who publishes is told, though no call came back"


# What waits


@pytest.mark.parametrize(("kind", "code"), [(Kind.THROTTLED, "throttled"), (Kind.SERVER_ERROR, "server_error")])
@pytest.mark.parametrize("given", [(), (rule(),)])
def test_in_an_outage_all_values_go_however_small_the_budget(
    account: Account, kind: Kind, code: str, given: tuple[RuleSpec, ...]
) -> None:
    names = running(account, 12)
    driver = account.watch(
        rules(
            *given,
            names=() if given else names,
            requests_per_second=1.0,
            interval=4.0,
            stale_after=12.0,
            describe_max_age=MAX_AGE,
        )
    )
    run(driver, 60)
    assert states(driver) == {JobState.RUNNING}
    account.simulator.faults.add(Fault(kind))
    run(driver, 12 + 2 * 4)
    assert all(view.facts is None for view in driver.views().values())
    run(driver, 100)
    assert {view.failure and view.failure.code for view in driver.views().values()} == {ErrorCode(code)}


def test_lists_leave_room_for_describes_however_small_the_budget(account: Account) -> None:
    """A list each interval alone is more than this budget."""
    driver = account.watch(spec(*running(account, 6), requests_per_second=0.1, interval=4.0, stale_after=3_600.0))
    run(driver, 300)
    seen = {view.name for view in driver.views().values() if view.facts is not None}
    assert len(seen) == 6
    operations = [call.operation for call in driver.calls]
    assert operations.count(LIST) >= 2


def test_a_long_list_is_not_put_off_by_what_falls_due_while_it_is_read(account: Account) -> None:
    for i in range(250):
        account.create(f"job-{i}", "stuck", age=60.0 + i)
    driver = account.watch(rules(rule(max_jobs=1000), requests_per_second=1.0))
    run(driver, 10)
    assert [call.operation for call in driver.calls[:3]] == [LIST] * 3


# Answers that lag


def test_a_describe_that_does_not_show_yet_what_the_list_showed_is_repeated(account: Account) -> None:
    account.simulator.describe_lag = 50.0
    names = running(account, 3)
    life = account.create("moves", "healthy", age=HOUR)
    driver = account.watch(spec(*names, "moves"))
    run(driver, 6 * HOUR)
    behind = 0
    for at in (60.0 * i for i in range(1, 358)):
        listed, described = life.summary(NOW + at), life.at(NOW + at - 50.0)
        counters = "TrainingJobStatusCounters"
        if listed[counters] != described[counters] and listed["HyperParameterTuningJobStatus"] == "InProgress":
            behind += 1
            assert {at, at + 60.0} <= set(driver.times("moves")), at
    assert behind > 20


@pytest.mark.parametrize("lag", [0.0, 5.0])
def test_last_modified_is_that_of_the_newer_answer(account: Account, lag: float) -> None:
    account.simulator.list_lag = lag
    driver = account.watch(spec(*running(account, 3)))
    run(driver, MAX_AGE - 30)
    assert known(driver.views()["job-0"].last_success) < driver.now.wall - 200
    before = last_modified(driver, "job-0")
    assert before > driver.now.wall - 60 - 10 - lag
    run(driver, 60)
    assert last_modified(driver, "job-0") > before


def test_what_a_list_says_of_a_later_job_of_the_name_is_not_shown_of_the_earlier(account: Account) -> None:
    names = running(account, 3)
    driver = account.watch(spec(*names))
    run(driver, 90)
    before, first = last_modified(driver, "job-0"), created(driver, "job-0")
    account.delete("job-0")
    account.create("job-0", "healthy")
    fault = account.simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation=DESCRIBE))
    run(driver, 60)
    assert last_modified(driver, "job-0") <= before + 60
    account.simulator.faults.remove(fault)
    run(driver, 60)
    assert created(driver, "job-0") > first


# Pages that are short or empty


def test_a_job_is_found_behind_thousands_of_old_ones(account: Account) -> None:
    account.simulator.filters_after_paging = True
    for i in range(1_000):
        account.create(f"old-{i}", "completed", age=20 * DAY + i)
    account.create("churn", "stuck", age=25 * DAY)
    driver = account.watch(rules(rule(statuses=frozenset({"InProgress"})), describe_max_age=MAX_AGE))
    run(driver, 5)
    assert set(driver.views()) == {"churn"}
    assert driver.target.view(driver.now).untracked_running_jobs == 0
    before = len(account.api.inputs(LIST))
    run(driver, HOUR)
    assert len(account.api.inputs(LIST)) - before <= 11 * 13, "eleven pages in each fifth interval"
    account.create("new", "stuck")
    run(driver, 5 * 60)
    assert set(driver.views()) == {"churn", "new"}


def test_jobs_that_cannot_run_any_more_are_left_out_of_the_list(account: Account) -> None:
    account.simulator.filters_after_paging = True
    for i in range(1_000):
        account.create(f"old-{i}", "completed", age=40 * DAY + i)
    driver = account.watch(spec(*running(account, 5)))
    run(driver, HOUR)
    assert len(account.api.inputs(LIST)) == 60, "one page each, and the sweep is not due yet"


# One name in two cases


def test_a_listed_job_whose_answers_spell_it_otherwise_is_the_same_job(account: Account) -> None:
    names = running(account, 3)
    account.create("Churn-XGB", "stuck", age=DAY)
    driver = account.watch(rules(rule(), names=(*names, "churn-xgb"), describe_max_age=MAX_AGE))
    run(driver, MAX_AGE - 1)
    assert set(driver.views()) == {*names, "churn-xgb"}
    assert driver.views()["churn-xgb"].state is JobState.RUNNING
    assert driver.target.view(driver.now).untracked_running_jobs == 0
    assert len(driver.times("churn-xgb")) <= 3, "spared as the others"


class Shouting(FakeApi):
    """Spells names and ARNs in capitals in lists, and as they are in describes."""

    def list_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        entries = [answer(name, LastModifiedTime=2e6) for name in ("a", "b", "c")]
        for entry in entries:
            arn = entry["HyperParameterTuningJobArn"]
            entry["HyperParameterTuningJobName"] = entry["HyperParameterTuningJobName"].upper()
            entry["HyperParameterTuningJobArn"] = arn[: arn.rindex("/") + 1] + arn[arn.rindex("/") + 1 :].upper()
        return {"HyperParameterTuningJobSummaries": entries}


def test_a_list_that_spells_names_otherwise_spares_describes() -> None:
    driver = Driver(spec("a", "b", "c"), api=Shouting())
    driver.run(until=MAX_AGE - 1)
    assert len(driver.times("a")) + len(driver.times("b")) + len(driver.times("c")) == 3 + 5
    assert {known(view.facts).last_modified_time for view in driver.views().values()} == {2e6}


def test_a_rule_finds_under_the_name_that_the_list_spells() -> None:
    driver = Driver(spec(rules=(rule(),)), api=Shouting())
    driver.run(until=10 * 60)
    assert set(driver.views()) == {"A", "B", "C"}
    assert states(driver) == {JobState.RUNNING}


# What has ended


@pytest.mark.long
@pytest.mark.parametrize("count", [1, 5])
def test_a_listed_job_that_is_deleted_is_missed_within_the_hour(account: Account, count: int) -> None:
    names = tuple(f"old-{i}" for i in range(count))
    for i, name in enumerate(names):
        ended_ago(account, name, (10 + 30 * i) * DAY)
    for i in range(2_000):
        account.create(f"other-{i}", "completed", age=DAY + i)
    driver = account.watch(spec(*names))
    run(driver, 2.5 * HOUR)
    account.delete(names[-1])
    run(driver, HOUR + 120)
    assert driver.views()[names[-1]].state is JobState.MISSING
    assert {driver.views()[name].state for name in names[:-1]} <= {JobState.FINISHED}


def test_where_lists_do_not_reach_ten_jobs_an_hour_are_looked_at(account: Account) -> None:
    names = tuple(f"old-{i}" for i in range(30))
    ended_ago(account, "old-0", HOUR)
    for i, name in enumerate(names[1:]):
        ended_ago(account, name, 100 * DAY + i)
    for i in range(1_500):
        account.create(f"other-{i}", "completed", age=2 * DAY + i)
    driver = account.watch(spec(*names))
    run(driver, HOUR / 2)
    before = len(account.api.inputs(DESCRIBE))
    run(driver, 3 * HOUR)
    described = account.api.inputs(DESCRIBE)[before:]
    assert len(described) == 30
    assert set(described) >= set(names[1:])


def test_a_job_that_may_not_be_described_goes_when_lists_say_that_it_ended(account: Account) -> None:
    life = account.create("secret", "completed")
    account.simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation=DESCRIBE))
    driver = account.watch(rules(rule(), retention=2 * HOUR))
    run(driver, life.ended - account.clock.time() + HOUR)
    assert states(driver) == {JobState.FAILING}
    assert len([at for at in driver.times("secret") if at > life.ended - NOW + 360]) <= 2, "once an hour from then on"
    run(driver, HOUR + 300)
    assert driver.views() == {}


def test_a_job_that_may_not_be_described_goes_when_it_is_deleted(account: Account) -> None:
    account.create("secret", "stuck")
    account.simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation=DESCRIBE))
    driver = account.watch(rules(rule()))
    run(driver, HOUR)
    assert states(driver) == {JobState.FAILING}
    account.delete("secret")
    run(driver, 180)
    assert driver.views() == {}


def test_a_job_that_was_described_and_then_denied_goes_too(account: Account) -> None:
    life = account.create("secret", "completed")
    driver = account.watch(rules(rule(), retention=2 * HOUR))
    run(driver, 600)
    account.simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation=DESCRIBE))
    run(driver, life.ended - account.clock.time() + HOUR)
    assert states(driver) == {JobState.FAILING}
    run(driver, HOUR + 300)
    assert driver.views() == {}


def test_a_running_job_older_than_the_rule_asks_for_survives_a_restart(account: Account) -> None:
    account.create("churn", "stuck", age=10 * DAY)
    driver = account.watch(rules(rule(created_within=7 * DAY)))
    run(driver, 30)
    assert set(driver.views()) == {"churn"}


# Answers that come late, and answers at all


def test_a_call_that_was_given_up_and_comes_back_has_its_job_described_and_that_told() -> None:
    driver = Driver(target_spec("churn"))
    work = driver.target.next(driver.now)
    assert work is not None
    driver.clock.advance(1_000.0)
    driver.target.expire(driver.now)
    driver.target.take_changed()
    driver.clock.advance(0.5)
    driver.target.apply(work, perform(driver.api, work), driver.now)
    assert driver.target.take_changed()
    assert driver.views()["churn"].next_describe == driver.now.wall
    assert driver.target.wakes_at(driver.now) == driver.now.monotonic


@pytest.mark.parametrize("operation", [DESCRIBE, LIST])
def test_a_target_tells_when_aws_last_answered(account: Account, operation: str) -> None:
    names = running(account, 3)
    fault = account.simulator.faults.add(Fault(Kind.ACCESS_DENIED))
    driver = account.watch(rules(*((rule(),) if operation == LIST else ()), names=() if operation == LIST else names))
    run(driver, 200)
    assert driver.target.view(driver.now).last_answered is None
    account.simulator.faults.remove(fault)
    run(driver, 60)
    assert driver.target.view(driver.now).last_answered == pytest.approx(driver.now.wall, abs=61)


def test_that_a_job_does_not_exist_is_an_answer_too() -> None:
    driver = Driver(target_spec("churn"))
    driver.api.fail("churn", ErrorCode.NOT_FOUND)
    driver.run(until=1)
    assert driver.target.view(driver.now).last_answered == driver.now.wall - 1
    assert Operation.DESCRIBE == DESCRIBE


def test_a_shorter_greatest_age_moves_nothing_that_is_owed_to_a_later_time(account: Account) -> None:
    names = running(account, 4)
    driver = account.watch(spec(*names))
    run(driver, 90)
    account.simulator.faults.add(Fault(Kind.SERVER_ERROR))
    for i in range(10):
        run(driver, 60)
        driver.update(replace(spec(*names), describe_max_age=600.0 + 60 * i, interval=60.0 - i))
    assert all(view.facts is None for view in driver.views().values())


# Reloads


def test_a_lower_limit_in_a_new_configuration_holds_at_once(account: Account) -> None:
    for i in range(6):
        account.create(f"job-{i}", "stuck", age=100.0 - i)
    driver = account.watch(rules(rule(), names=("job-0",)))
    run(driver, 60)
    assert len(driver.views()) == 6
    events = driver.target.update(rules(rule(max_jobs=3), names=("job-0",)), driver.now)
    assert set(driver.views()) == {"job-0", "job-5", "job-4", "job-3"}
    assert [event.text for event in events if event.level == "warning"] == [
        "too many tuning jobs match; watching only the newest"
    ]
    driver.target.update(rules(rule(max_jobs=3), names=("job-0",), max_tracked_jobs=2), driver.now)
    assert set(driver.views()) == {"job-0", "job-5"}


def test_a_rule_tells_how_many_jobs_it_matches_and_once_that_it_matches_none(account: Account) -> None:
    for i in range(4):
        account.create(f"prod-{i}", "stuck", age=100.0 - i)
    given = rules(rule("prod", name_contains="prod-", max_jobs=3), rule("typo", name_contains="prdo-"))
    driver = account.watch(given)
    assert driver.target.view(driver.now).matched == (), "no list has told"
    run(driver, HOUR)
    assert driver.target.view(driver.now).matched == (("prod", 4), ("typo", 0))
    (event,) = [event for event in driver.events if "matches no" in event.text]
    assert event.fields["rule"] == "typo"
    driver.update(given)
    run(driver, HOUR)
    assert len([event for event in driver.events if "matches no" in event.text]) == 1


def test_a_target_of_another_name_counts_under_that_name_alone(account: Account) -> None:
    account.create("a", "stuck")
    driver = account.watch(spec("a"))
    run(driver, 120)
    answered = driver.counted("target_last_success_timestamp_seconds")
    driver.update(replace(spec("a"), name="eu (tuning)"))
    driver.telemetry.keep_only_targets({"eu (tuning)"})
    own = driver.telemetry
    assert own.value("target_last_success_timestamp_seconds", target="eu (tuning)") == answered
    run(driver, 120)
    assert driver.counted("polls_total") is None
    assert own.value("polls_total", target="eu (tuning)") == 2
    assert own.value("api_requests_total", target="eu (tuning)", operation=DESCRIBE) == 2


# Found by attacks


def test_a_job_that_fails_for_itself_does_not_hide_that_all_fail(account: Account) -> None:
    names = running(account, 6)
    account.simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation=DESCRIBE, name="job-0"))
    driver = account.watch(spec(*names))
    run(driver, HOUR)
    account.simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation=DESCRIBE))
    run(driver, 300 + 60)
    assert states(driver) == {JobState.FAILING}
    run(driver, 300)
    assert all(view.facts is None for view in driver.views().values())


@pytest.mark.long
@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.8])
def test_describes_of_which_a_part_fails_cost_no_more_than_describing_all(account: Account, rate: float) -> None:
    names = running(account, 50)
    described = []
    for max_age in (MAX_AGE, 0.0):
        fault = account.simulator.faults.add(Fault(Kind.SERVER_ERROR, operation=DESCRIBE, rate=rate))
        driver = account.watch(spec(*names, describe_max_age=max_age))
        before = len(account.api.inputs(DESCRIBE))
        run(driver, HOUR)
        described.append(len(account.api.inputs(DESCRIBE)) - before)
        account.simulator.faults.remove(fault)
    assert described[0] <= described[1]
    if rate <= 0.3:
        assert described[0] < 0.6 * described[1], "and less where most succeed"


@pytest.mark.long
def test_an_account_full_of_ended_jobs_does_not_starve_those_that_run(account: Account) -> None:
    account.simulator.filters_after_paging = True
    for i in range(3_000):
        account.create(f"old-{i}", "completed", age=20 * DAY + i)
    names = running(account, 10)
    given = tuple(rule(f"rule-{i}", name_contains="job-") for i in range(10))
    driver = account.watch(rules(*given, names=names, requests_per_second=1.0, describe_max_age=MAX_AGE))
    run(driver, 60)
    assert states(driver) == {JobState.RUNNING}, "though the rules begin with 300 pages"
    run(driver, HOUR)
    driver.update(rules(*given, names=names, requests_per_second=1.0, describe_max_age=MAX_AGE, retention=2 * 86_400.0))
    for _ in range(60):
        run(driver, 10)
        assert all(view.facts is not None for view in driver.views().values())


@pytest.mark.long
@pytest.mark.parametrize(("rate", "interval"), [(1.0, 4.0), (5.0, 1.0), (0.2, 60.0)])
def test_a_long_list_takes_a_fifth_of_the_calls_at_most(account: Account, rate: float, interval: float) -> None:
    account.simulator.filters_after_paging = True
    for i in range(3_000):
        account.create(f"old-{i}", "completed", age=20 * DAY + i)
    names = running(account, 2)
    driver = account.watch(
        rules(rule(statuses=frozenset({"InProgress"})), names=names, requests_per_second=rate, interval=interval)
    )
    seconds = min(HOUR, 1_800.0 / rate)
    run(driver, seconds)
    assert len(account.api.inputs(LIST)) <= 0.21 * rate * seconds + 2 * 32
    assert set(driver.views()) == set(names)


@pytest.mark.parametrize("given", [(), (rule(),)])
def test_a_name_that_is_used_again_is_seen_with_the_next_list(account: Account, given: tuple[RuleSpec, ...]) -> None:
    others = running(account, 3)
    ended_ago(account, "churn", HOUR)
    driver = account.watch(rules(*given, names=(*others, "churn"), describe_max_age=MAX_AGE))
    run(driver, 20 * 60)
    assert driver.views()["churn"].state is JobState.FINISHED
    account.delete("churn")
    account.create("churn", "stuck")
    run(driver, 90)
    assert driver.views()["churn"].state is JobState.RUNNING


def test_a_round_that_waits_for_a_list_ends_when_the_list_is_given_up(account: Account) -> None:
    names = running(account, 3)
    driver = account.watch(spec(*names))
    run(driver, 119)
    driver.clock.advance(1)
    work = driver.target.next(driver.now)
    assert work is not None
    assert work.operation == LIST
    driver.update(spec(*names, describe_max_age=0.0))
    driver.clock.advance(70)
    driver.target.apply(work, perform(account.api, work), driver.now)
    run(driver, 30)
    polls, overruns = driver.counted("polls_total"), driver.counted("poll_overruns_total")
    run(driver, 10 * 60)
    assert driver.counted("polls_total") == (polls or 0) + 10
    assert driver.counted("poll_overruns_total") == overruns


class EmptyFirstPages:
    """Puts an empty page before each list."""

    def __init__(self, api: Any) -> None:
        self._list_jobs = api.list_jobs
        api.list_jobs = self

    def __call__(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        if "NextToken" not in request:
            return {"HyperParameterTuningJobSummaries": [], "NextToken": "first"}
        return self._list_jobs({key: value for key, value in request.items() if value != "first" or key != "NextToken"})


def test_lists_that_begin_with_an_empty_page_find_the_same(account: Account) -> None:
    EmptyFirstPages(account.api)
    life = account.create("ends", "completed")
    account.create("secret", "stuck")
    account.simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation=DESCRIBE, name="secret"))
    driver = account.watch(rules(rule(statuses=frozenset({"Completed"})), rule("secrets", name_contains="secret")))
    run(driver, HOUR / 4)
    assert set(driver.views()) == {"secret"}
    account.delete("secret")
    run(driver, 6 * 60 + 5)  # of two pages, the list is read at each fifth interval
    assert driver.views() == {}
    run(driver, life.ended - account.clock.time() + 6 * 60 + 5)
    assert set(driver.views()) == {"ends"}


def test_a_job_that_lists_show_and_describes_do_not_find_is_missing_and_told(account: Account) -> None:
    account.create("ghost", "stuck")
    account.simulator.faults.add(Fault(Kind.NOT_FOUND, operation=DESCRIBE))
    driver = account.watch(rules(rule()))
    run(driver, HOUR)
    assert states(driver) == {JobState.MISSING}
    assert len(driver.times("ghost")) <= 61
    assert [event.text for event in driver.events if event.level == "warning"] == ["describing tuning jobs fails"]
    assert "discovered tuning job no longer exists; its series end" not in [event.text for event in driver.events]
    account.delete("ghost")
    run(driver, 60)
    assert driver.views() == {}


def test_one_list_that_is_denied_costs_one_round(account: Account) -> None:
    driver = account.watch(rules(rule(), describe_max_age=MAX_AGE))
    running(account, 10)
    run(driver, 150)
    fault = account.simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation=LIST))
    run(driver, 60)
    account.simulator.faults.remove(fault)
    run(driver, 60)
    before = len(account.api.inputs(DESCRIBE))
    run(driver, HOUR / 2)
    assert len(account.api.inputs(DESCRIBE)) - before <= 10 + 6
