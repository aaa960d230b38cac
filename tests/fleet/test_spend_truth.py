"""What training jobs come to against the truth of the simulator: at every look that claims to be complete, to the second."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from fleet.account import DAY, HOUR, NOW, Account, rule, rules, run
from fleet.driver import ACCOUNT, REGION, Driver, known

from exporter.config.specs import SpendSpec
from exporter.fleet import Incomplete, Spend
from exporter.simulator.errors import ApiError
from exporter.simulator.scenario import SCENARIOS

if TYPE_CHECKING:
    from exporter.config.specs import TargetSpec

LIST = "ListTrainingJobsForHyperParameterTuningJob"
DAYS = 2
LOOK = 1_800.0


def watching(**changes: Any) -> TargetSpec:
    settings: dict[str, Any] = {"describe_max_age": 1_800.0, "spend": SpendSpec(), "retention": 60 * DAY}
    return rules(rule(), **(settings | changes))


def populate(account: Account) -> dict[str, Any]:
    """Create a tuning job of each kind, a few hours apart; return their lives by name."""
    return {
        scenario: account.create(scenario, scenario, age=-HOUR * number / 2)
        for number, scenario in enumerate(sorted(SCENARIOS))
    }


class Truth:
    """What the training jobs of a life came to at a moment, made of the simulator's own records."""

    def __init__(self, life: Any, at: float) -> None:
        self.trained: dict[str, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
        self.instance_seconds: dict[tuple[str, str, str], float] = defaultdict(float)
        self.billed: dict[tuple[str, str, str], float] = defaultdict(float)
        self.failures: Counter[str] = Counter()
        self.running, self.starts = 0.0, []
        self.instances: Counter[tuple[str, str]] = Counter()
        for job in life.training_jobs:
            if job.trial.created > at:
                continue
            told = job.truth(at)
            spot = "true" if told.spot else "false"
            if told.end is None:
                if told.start is not None:
                    self.running += at - told.start
                    self.starts.append(told.start)
                    for instance_type, count in told.instances:
                        self.instances[instance_type, spot] += count
                continue
            if told.status == "Failed":
                self.failures[told.reason] += 1
            if told.start is not None:
                count, seconds = self.trained[told.status]
                self.trained[told.status] = count + 1, seconds + told.end - told.start
                for instance_type, instances in told.instances:
                    self.instance_seconds[instance_type, spot, told.status] += (told.end - told.start) * instances
                    self.billed[instance_type, spot, told.status] += told.billable_seconds * instances

    def check(self, found: Spend, *, one_of_several: bool) -> None:
        """Compare; where a definition offers several instances, what is told of them is only known to be short."""
        assert {status: (count, seconds) for status, count, seconds in found.trained} == dict(self.trained)
        assert dict(found.failures) == dict(self.failures)
        assert found.running_seconds == pytest.approx(self.running)
        assert found.oldest_start == min(self.starts, default=None)
        if not one_of_several:
            assert dict(found.instance_seconds) == dict(self.instance_seconds)
            assert {key: count for key, count in found.running_instances if count} == dict(self.instances)


def compare(driver: Driver, lives: dict[str, Any]) -> tuple[int, int]:
    """Compare what is shown of each tuning job with the truth when it was read; return how many could be, and could not."""
    last = {call.name: NOW + call.at for call in driver.calls if call.operation == LIST}
    compared = short = 0
    for name, shown in driver.views().items():
        spend = shown.spend
        if spend is None or shown.facts is None:
            continue
        incomplete = replace(spend.incomplete, billable_unknown=False)
        if incomplete != Incomplete():
            short += 1
            continue
        several = any(each.one_of_instances for each in shown.facts.definitions)
        Truth(lives[name], last[name]).check(spend, one_of_several=several)
        compared += 1
    return compared, short


@pytest.mark.long
@pytest.mark.parametrize("delta", [True, False], ids=["delta", "no delta"])
def test_every_look_that_claims_to_be_complete_is_the_truth(delta: bool) -> None:
    account = Account()
    lives = populate(account)
    driver = account.watch(watching(describe_max_age=1_800.0 if delta else 0.0))
    compared = short = 0
    for _ in range(int(DAYS * DAY / LOOK)):
        run(driver, LOOK)
        more, less = compare(driver, lives)
        compared, short = compared + more, short + less
    assert compared > 1_000
    assert short == 0, "nothing is deleted, and lists are of the moment"
    assert any(shown.spend and shown.spend.failures for shown in driver.views().values())


@pytest.mark.long
def test_a_restart_in_the_middle_finds_the_same_sums() -> None:
    account = Account()
    lives = populate(account)
    driver = account.watch(watching())
    run(driver, DAY + 2 * HOUR)
    again = account.watch(watching())
    again.run(again.now.monotonic + 1.0)
    compared, short = compare(again, lives)
    assert (compared > 10, short) == (True, 0)
    run(again, DAY)
    compared, short = compare(again, lives)
    assert (compared > 10, short) == (True, 0)


@pytest.mark.long
def test_lists_that_lag_come_to_the_truth_in_the_end() -> None:
    account = Account()
    account.simulator.list_lag = 20.0
    lives = populate(account)
    driver = account.watch(watching())
    run(driver, DAYS * DAY)
    ended = [
        name
        for name, shown in driver.views().items()
        if shown.facts is not None and shown.facts.terminal and any(shown.facts.training_jobs.values())
    ]
    assert len(ended) > 5
    for name in ended:
        shown = driver.views()[name]
        spend = known(shown.spend)
        several = any(each.one_of_instances for each in known(shown.facts).definitions)
        assert replace(spend.incomplete, billable_unknown=False) == Incomplete(), name
        truth = Truth(lives[name], account.clock.time())
        truth.check(replace(spend, running_seconds=truth.running), one_of_several=several)


@pytest.mark.long
def test_bills_come_to_the_truth_whatever_a_training_job_ran_on() -> None:
    account = Account()
    account.simulator.search_lag = 90.0
    lives = populate(account)
    driver = account.watch(watching(spend=SpendSpec(billable="search")))
    run(driver, DAYS * DAY)
    now, compared, several = account.clock.time(), 0, 0
    for name, shown in driver.views().items():
        spend, facts = shown.spend, shown.facts
        if spend is None or facts is None or facts.ended is None or facts.ended > now - HOUR:
            continue
        truth = Truth(lives[name], now)
        assert spend.incomplete == Incomplete(), name
        assert dict(spend.billed_seconds) == {key: seconds for key, seconds in truth.billed.items() if seconds}, name
        assert dict(spend.instance_seconds) == dict(truth.instance_seconds), name
        compared += 1
        several += any(each.one_of_instances for each in facts.definitions)
    assert compared > 5
    assert several > 0


def sums_of(spend: Spend) -> dict[object, float]:
    """Return every counter."""
    sums: dict[object, float] = {}
    for status, count, seconds in spend.trained:
        sums["count", status], sums["sum", status] = count, seconds
    sums.update(spend.instance_seconds)
    sums.update(spend.failures)
    return sums


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2))
def test_what_is_deleted_makes_no_counter_fall_and_no_claim_false(seed: int) -> None:
    """Records of training jobs vanish, some of them before anybody has read them. Lists lag as they do."""
    account, rng = Account(), Random(seed)
    account.simulator.list_lag = 20.0
    lives = populate(account)
    driver = account.watch(watching())
    before: dict[str, dict[object, float]] = defaultdict(dict)
    complete = short = 0
    for _ in range(int(2 * DAY / LOOK)):
        run(driver, LOOK / 2)
        now = account.clock.time()
        over = [job for life in lives.values() for job in life.training_jobs if now - HOUR < job.trial.ended <= now]
        for job in rng.sample(over, min(2, len(over))):
            with suppress(ApiError):  # deleted before
                account.simulator.forget_training_job(job.name, region=REGION, account_id=ACCOUNT)
        run(driver, LOOK / 2)
        for name, shown in driver.views().items():
            spend = shown.spend
            if spend is None:
                continue
            sums, truth = sums_of(spend), Truth(lives[name], account.clock.time())
            assert all(sums.get(key, 0) >= number for key, number in before[name].items()), "a counter fell"
            before[name] = sums
            for status, count, seconds in spend.trained:
                assert count <= truth.trained[status][0]
                assert seconds <= truth.trained[status][1]
            ended = None if shown.facts is None else shown.facts.ended
            if ended is not None and ended < now - HOUR and not spend.incomplete.records_missing:
                assert {status: (count, seconds) for status, count, seconds in spend.trained} == dict(truth.trained)
                complete += 1
            short += spend.incomplete.records_missing
    assert complete > 100
    assert short > 10
