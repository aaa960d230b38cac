"""What must hold however long it runs and however much there is to do."""

from __future__ import annotations

import gc
import threading
from collections import Counter
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from fleet.account import DAY, DESCRIBE, HOUR, NOW, Account, ended_ago, rule, rules, run
from fleet.driver import ACCOUNT, REGION, Own, known, target_spec
from support.clock import ManualClock
from support.simulated import SimulatedApi

from exporter.exposition import Format, families_in_force
from exporter.exposition.publish import publish
from exporter.fleet import Target, perform
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.service import Simulator


@pytest.mark.long
@pytest.mark.parametrize("max_age", [0.0, 300.0])
def test_a_budget_that_is_too_small_reaches_every_job_oldest_first(account: Account, max_age: float) -> None:
    """Two requests a second for 100 running and 300 finished jobs, and an interval that the first round overruns."""
    running = [f"running-{i}" for i in range(100)]
    for i, name in enumerate(running):
        account.create(name, "stuck", age=2 * DAY + i)
    finished = [f"finished-{i}" for i in range(300)]
    for name in finished:
        ended_ago(account, name, 10 * HOUR)
    driver = account.watch(
        target_spec(*running, *finished, requests_per_second=2.0, describe_max_age=max_age, stale_after=900.0)
    )
    run(driver, HOUR)
    described = Counter(call.name for call in driver.calls if call.operation == DESCRIBE)
    assert set(described) == {*running, *finished}
    assert [call.name for call in driver.calls if call.operation == DESCRIBE][:400] == [*running, *finished]
    gaps = [after - before for name in running for before, after in pairwise(driver.times(name))]
    assert max(gaps) < 210 + max_age, "no job waits for longer than one pass over all of them"
    assert {described[name] for name in finished} == {4}
    assert known(driver.counted("poll_overruns_total")) >= 3
    assert known(driver.counted("rate_limit_wait_seconds_total")) > 300
    assert all(view.facts is not None for view in driver.views().values())


@pytest.mark.long
@pytest.mark.parametrize("max_age", [0.0, 300.0])
def test_an_interval_that_can_never_hold_a_round_still_starves_nobody(account: Account, max_age: float) -> None:
    names = [f"job-{i}" for i in range(50)]
    for i, name in enumerate(names):
        account.create(name, "healthy", age=60.0 * i)
    driver = account.watch(target_spec(*names, requests_per_second=0.5, describe_max_age=max_age))
    run(driver, 2 * HOUR)
    gaps = [after - before for name in names for before, after in pairwise(driver.times(name))]
    assert max(gaps) <= 100 + 60 + max_age
    if max_age == 0:
        assert known(driver.counted("poll_overruns_total")) > 60


def test_tags_are_read_in_the_end_though_describes_use_up_the_budget(account: Account) -> None:
    names = [f"job-{i}" for i in range(40)]
    for i, name in enumerate(names):
        account.create(name, "stuck", age=DAY + i, tags={"team": "search"})
    driver = account.watch(rules(rule(tags={"team": "search"}), names=tuple(names[:-1]), requests_per_second=0.5))
    run(driver, HOUR)
    assert "job-39" in driver.views()


@pytest.mark.long
def test_thirty_days_of_jobs_coming_and_going_leave_nothing_behind() -> None:
    clock, random = ManualClock(NOW), Random(11)
    simulator = Simulator(clock)
    spec = rules(
        rule("tagged", tags={"env": "prod"}, labels={"team": "a"}),
        rule("rest", tag_labels={"env": "env"}),
        interval=1_800.0,
        stale_after=5_400.0,
        describe_max_age=5_400.0,
        requests_per_second=1_000.0,
        retention=2 * HOUR,
    )
    target = Target(spec, Own(), clock.now())
    api = SimulatedApi(simulator, REGION, ACCOUNT)
    names: list[str] = []

    def live(seconds: float) -> None:
        until = clock.time() + seconds
        while clock.time() < until:
            if random.random() < 0.6:
                names.append(f"job-{len(names)}")
                scenario = random.choice(sorted(SCENARIOS.keys() - {"stuck"}))
                tags = {"env": random.choice(["prod", "dev"])}
                simulator.create(scenario, names[-1], region=REGION, account_id=ACCOUNT, speed=3.0, tags=tags)
            while (work := target.next(clock.now())) is not None:
                target.apply(work, perform(api, work), clock.now())
            target.view(clock.now())
            api.calls.clear()
            clock.advance(1_800.0)

    def held() -> Counter[str]:
        gc.collect()
        kinds = (type(each) for each in gc.get_objects())
        ours = ("exporter.fleet", "exporter.tuning_job", "exporter.config")
        objects = Counter(kind.__name__ for kind in kinds if str(kind.__module__).startswith(ours))
        return objects + Counter({f"items of {name}": size for name, size in _sizes(target).items()})

    live(6 * DAY)
    threads, before = threading.active_count(), held()
    live(24 * DAY)
    after, alive = held(), len(target.view(clock.now()).jobs)
    assert len(names) > 700
    assert 0 < alive < 60
    assert threads == threading.active_count()
    grown = {name: (before[name], count) for name, count in after.items() if count > 2 * before[name] + 100}
    assert grown == {}
    body = publish(1, [target.view(clock.now())], families_in_force(frozenset()))
    assert body.bodies[Format.TEXT].size < 60 * 200 * alive


def test_what_is_planned_anew_each_hour_leaves_no_old_plans(account: Account) -> None:
    names = [f"old-{i}" for i in range(100)]
    for i, name in enumerate(names):
        ended_ago(account, name, 10 * DAY + i)
    driver = account.watch(target_spec(*names))
    run(driver, 3 * DAY)
    assert _sizes(driver.target)["Jobs._queue"] < 300


def test_what_is_held_is_seen_by_the_test_above() -> None:
    clock = ManualClock(NOW)
    target = Target(target_spec(*(f"job-{i}" for i in range(1_000))), Own(), clock.now())
    assert _sizes(target)["Jobs._by_key"] == 1_000


def _sizes(target: Target) -> dict[str, int]:
    """Return the size of every container that a target and its parts hold."""
    parts: list[Any] = [target]
    sizes: dict[str, int] = {}
    for part in parts:
        for name, value in vars(part).items():
            if isinstance(value, dict | list | set | frozenset):
                sizes[f"{type(part).__name__}.{name}"] = len(value)
            if type(value).__module__.startswith("exporter.fleet.") and hasattr(value, "__dict__"):
                parts += [value] if all(value is not each for each in parts) else []
    return sizes
