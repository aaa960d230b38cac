"""Describing only what changed: the same values on fewer calls."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from fleet.account import DAY, DESCRIBE, HOUR, LIST, NOW, Account, rule, rules, run
from fleet.driver import ACCOUNT, REGION, Own, known, target_spec
from support.clock import ManualClock
from support.simulated import SimulatedApi

from exporter.config.specs import RuleSpec, TargetSpec
from exporter.exposition import families_in_force
from exporter.exposition.publish import publish
from exporter.fleet import Target, perform, schedule
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.listing import LAG
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.service import Simulator
from exporter.tuning_job import Summary, TuningJob, reduce, reduce_summary

MAX_AGE = 300.0


def stuck(account: Account, count: int) -> tuple[str, ...]:
    """Create tuning jobs of which nothing but the run time changes."""
    names = tuple(f"job-{i}" for i in range(count))
    for i, name in enumerate(names):
        account.create(name, "stuck", age=3 * DAY + i)
    return names


def spec(*names: str, **changes: Any) -> TargetSpec:
    return target_spec(*names, **({"describe_max_age": MAX_AGE} | changes))


# Whether


@pytest.mark.parametrize(
    ("watched", "pages", "max_age", "expected"),
    [
        (1, 0, 300, False),
        (2, 1, 300, True),
        (1, 1, 300, False),
        (2, 2, 300, False),
        (3, 2, 300, True),
        (100, 1, 0, False),
        (100, 1, 119, False),
        (100, 1, 120, True),
        (40, 50, 300, False),
    ],
)
def test_a_list_is_worth_it_when_it_spares_calls(watched: int, pages: int, max_age: float, expected: bool) -> None:
    assert schedule.list_spares(spec(describe_max_age=max_age), watched, pages) is expected


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_a_summary_differs_from_a_describe_exactly_when_the_job_changed(scenario: str) -> None:
    clock = ManualClock(NOW)
    life = Simulator(clock).create(scenario, "churn")
    moments = [NOW + 600 * i for i in range(30)]
    for described in moments:
        if not life.exists(described):
            continue
        facts = reduce(life.at(described))
        for listed in moments:
            if life.exists(listed):
                summary = reduce_summary(life.summary(listed))
                changed = what_counts(summary) != what_counts(facts)
                assert schedule.differs(facts, summary) is changed


def what_counts(answer: Summary | TuningJob) -> tuple[object, ...]:
    return answer.status, answer.training_jobs, answer.objectives, answer.creation_time, answer.end_time


def test_a_time_that_a_list_rounds_is_no_change() -> None:
    facts = reduce(Simulator(ManualClock(NOW)).create("healthy", "churn", created=NOW - 99.4).at(NOW))
    listed = Summary.of(facts)
    assert not schedule.differs(facts, replace(listed, creation_time=round(facts.creation_time or 0)))
    assert schedule.differs(facts, replace(listed, creation_time=(facts.creation_time or 0) + 1))
    assert schedule.differs(facts, replace(listed, end_time=NOW))


def test_names_and_arns_in_another_case_are_no_change() -> None:
    facts = reduce(Simulator(ManualClock(NOW)).create("healthy", "Churn", created=NOW - 99.4).at(NOW))
    listed = replace(Summary.of(facts), name="churn", arn=facts.arn.upper(), last_modified_time=NOW + 1)
    assert not schedule.differs(facts, listed)


# When


def test_unchanged_jobs_are_described_once_in_the_greatest_age(account: Account) -> None:
    driver = account.watch(spec(*stuck(account, 20)))
    run(driver, HOUR - 1)
    assert driver.times("job-0") == [300.0 * i for i in range(12)]
    assert len(account.api.inputs(LIST)) == 59, "each round but the first, which knows nothing yet"
    assert {tuple(sorted(each)) for each in account.api.inputs(LIST)} == {
        ("CreationTimeAfter", "MaxResults", "SortBy", "SortOrder", "StatusEquals")
    }
    view = driver.views()["job-0"]
    assert view.next_describe - known(view.last_success) == 300
    assert view.facts is not None


def test_a_crowd_that_made_lists_too_long_is_looked_for_again_in_an_hour(account: Account) -> None:
    crowd = [f"other-{i}" for i in range(250)]
    for i, name in enumerate(crowd):
        account.create(name, "stuck", age=i + 1.0)
    driver = account.watch(spec(*stuck(account, 2)))
    run(driver, HOUR)
    assert len(account.api.inputs(LIST)) == 3, "three pages for two tuning jobs: not worth it"
    assert len(driver.times("job-0")) == 60
    for name in crowd:
        account.delete(name)
    run(driver, 300)
    seen = len(driver.times("job-0"))
    run(driver, HOUR)
    assert len(account.api.inputs(LIST)) > 60
    assert len(driver.times("job-0")) - seen == 12


def test_a_change_is_described_in_the_round_that_shows_it(account: Account) -> None:
    names = stuck(account, 5)
    life = account.create("moves", "healthy")
    driver = account.watch(spec(*names, "moves"))
    run(driver, 3 * HOUR)
    states = [what_counts(reduce(life.at(NOW + 60.0 * i))) for i in range(180)]
    changes = {60.0 * i for i in range(1, 180) if states[i] != states[i - 1]}
    assert len(changes) > 20
    assert changes <= set(driver.times("moves"))
    assert len(driver.times("moves")) <= len(changes) + 3 * 12 + 1


def test_one_that_leaves_the_list_is_described_at_once_and_three_times_more(account: Account) -> None:
    names = stuck(account, 5)
    life = account.create("ends", "completed", age=0)
    account.clock.set_time(life.ended - 200)
    driver = account.watch(spec(*names, "ends"))
    run(driver, 3_000)
    after = [at for at in driver.times("ends") if at > life.ended - NOW]
    assert len(after) == 4
    assert known(driver.views()["ends"].facts).terminal


@pytest.mark.long
@pytest.mark.parametrize("given", [(), (rule(),)])
def test_a_deletion_long_after_the_end_is_seen_within_the_hour(account: Account, given: tuple[RuleSpec, ...]) -> None:
    names = stuck(account, 5)
    life = account.create("goes", "deleting", speed=0.1)
    deleted = 10 * (SCENARIOS["deleting"].deleted_at or 0)
    driver = account.watch(rules(*given, names=(*names, "goes"), describe_max_age=MAX_AGE))
    run(driver, deleted - 60)
    assert known(driver.views()["goes"].facts).status == "Stopped"
    assert life.gone - NOW - deleted > HOUR + 120
    run(driver, HOUR + 120)
    assert known(driver.views()["goes"].facts).status == "Deleting"
    run(driver, life.gone - account.clock.time() + 60)
    assert driver.views()["goes"].facts is None


def test_without_permission_to_list_all_are_described_and_the_list_is_tried_once_an_hour(account: Account) -> None:
    account.simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation=LIST))
    driver = account.watch(spec(*stuck(account, 5)))
    run(driver, 3 * HOUR - 1)
    assert driver.times("job-3") == [60.0 * i for i in range(180)]
    assert len(account.api.inputs(LIST)) == 3
    assert [event.text for event in driver.events if "listing" in event.text] == [
        "listing tuning jobs fails",
        *["listing tuning jobs still fails"] * 2,
    ]


def test_a_list_that_fails_for_a_moment_makes_that_round_describe(account: Account) -> None:
    driver = account.watch(spec(*stuck(account, 5)))
    run(driver, 90)
    fault = account.simulator.faults.add(Fault(Kind.SERVER_ERROR, operation=LIST))
    run(driver, 40)
    account.simulator.faults.remove(fault)
    run(driver, 1000)
    assert driver.times("job-3") == [0.0, 120.0, 420.0, 720.0, 1020.0]


def test_values_go_stale_when_neither_list_nor_describe_succeeds(account: Account) -> None:
    driver = account.watch(spec(*stuck(account, 5)))
    run(driver, 90)
    account.simulator.faults.add(Fault(Kind.SERVER_ERROR))
    run(driver, 320)
    assert all(view.facts is not None for view in driver.views().values())
    run(driver, 20)
    assert all(view.facts is None for view in driver.views().values())


def test_a_shorter_greatest_age_in_a_new_configuration_counts_from_the_next_round(account: Account) -> None:
    names = stuck(account, 5)
    driver = account.watch(spec(*names))
    run(driver, 70)
    driver.update(spec(*names, describe_max_age=0.0))
    run(driver, 200)
    assert driver.times("job-2") == [0.0, 120.0, 180.0, 240.0]


def test_rounds_are_counted_also_when_nothing_changed(account: Account) -> None:
    driver = account.watch(spec(*stuck(account, 5)))
    run(driver, 10 * 60 + 1)
    assert driver.counted("polls_total") == 11
    assert driver.counted("last_poll_timestamp_seconds") == NOW + 600


# The same values


class Watcher:
    """A target, and every call it makes, on somebody else's clock."""

    def __init__(self, simulator: Simulator, spec: TargetSpec) -> None:
        self.api = SimulatedApi(simulator, REGION, ACCOUNT)
        self.clock = simulator.clock
        self.target = Target(spec, Own(), self.clock.now())

    def look(self) -> dict[str, Any]:
        while (work := self.target.next(self.clock.now())) is not None:
            self.target.apply(work, perform(self.api, work), self.clock.now())
        self.view = self.target.view(self.clock.now())
        return {job.name: job for job in self.view.jobs}


@pytest.mark.long
@pytest.mark.parametrize("lag", [0.0, LAG])
def test_days_of_a_busy_fleet_are_the_same_with_fewer_calls(lag: float) -> None:
    clock, random = ManualClock(NOW), Random(7)
    simulator = Simulator(clock)
    simulator.list_lag = lag
    interval, max_age = 300.0, 1_500.0
    both: dict[str, Any] = {"interval": interval, "stale_after": 900.0, "requests_per_second": 1_000.0}
    full = Watcher(simulator, rules(rule(), **both))
    spared = Watcher(simulator, rules(rule(), describe_max_age=max_age, **both))
    history: deque[dict[str, Any]] = deque(maxlen=round(max_age / interval) + 1)
    families = families_in_force(frozenset())
    created = older = late = 0
    for number in range(round(4 * DAY / interval)):
        if random.random() < interval / (2 * HOUR):
            created += 1
            scenario = random.choice(sorted(SCENARIOS.keys() - {"stuck", "vintage-2020"}))
            simulator.create(
                scenario, f"job-{created}", region=REGION, account_id=ACCOUNT, speed=random.uniform(0.1, 0.5)
            )
        true, shown = full.look(), spared.look()
        history.append(true)
        assert shown.keys() == true.keys()
        same = {}
        for name, view in shown.items():
            past = [truth[name].facts for truth in history if name in truth]
            facts, expected = view.facts, true[name].facts
            older += facts.runtime_seconds != expected.runtime_seconds
            assert facts.runtime_seconds in {each.runtime_seconds for each in past}
            assert past[-2:][0].last_modified_time <= facts.last_modified_time <= expected.last_modified_time
            moves = {"runtime_seconds": expected.runtime_seconds}
            if lag:
                moves["last_modified_time"] = expected.last_modified_time
            facts = replace(facts, **moves)
            late += facts != expected
            assert facts == expected or (lag and facts == replace(past[-2], **moves)), name
            same[name] = replace(
                view,
                facts=expected,
                last_success=true[name].last_success,
                next_describe=true[name].next_describe,
            )
        if number % 50 == 0:  # what is equal is rendered equal
            texts = [
                publish(1, [replace(full.view, jobs=tuple(sorted(jobs.values(), key=lambda job: job.name)))], families)
                for jobs in (true, same)
            ]
            assert texts[0].bodies == texts[1].bodies
        clock.advance(interval)
    assert created > 30
    assert older > 0, "the run time may be older"
    assert (late > 0) is (lag > 0), "what a list shows late is described late"
    described = [len(watcher.api.inputs(DESCRIBE)) for watcher in (spared, full)]
    assert described[0] < 0.6 * described[1]
