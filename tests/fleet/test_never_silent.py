"""What waits is never silent: values go in time, whatever fails, is slow or is changed meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fleet.account import DAY, DESCRIBE, LIST, NOW, rule
from fleet.driver import ACCOUNT, REGION, job_specs, target_spec
from fleet.unsteady import Stack
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition
from hypothesis.stateful import rule as step

from exporter.config.specs import Connection, TargetSpec
from exporter.fleet import Operation
from exporter.simulator.faults import Fault, Kind

RUNNING = tuple(f"job-{i}" for i in range(12))
ENDED = ("job-ended", "job-ends")
HASTY = Connection(connect_timeout=0.5, read_timeout=1.5)

OF_ANY_CALL = (Kind.THROTTLED, Kind.SERVER_ERROR, Kind.ACCESS_DENIED, Kind.EXPIRED_TOKEN, Kind.CLOCK_SKEW)
OF_A_DESCRIBE = (*OF_ANY_CALL, Kind.NOT_FOUND, Kind.WRONG_ACCOUNT, Kind.MALFORMED)

intervals = st.sampled_from([1.0, 4.0, 7.5, 60.0, 300.0])
rates = st.sampled_from([0.1, 0.3, 1.0, 3.0, 100.0])
patience = st.sampled_from([1.0, 3.0, 5.0])
ages = st.sampled_from([0.0, 2.0, 300.0, 1_800.0, 3_600.0])
counts = st.integers(1, len(RUNNING))


def populate(stack: Stack, *, others: int = 0) -> None:
    """Create tuning jobs of which nothing changes, some that move on, some that end, and some that nobody watches."""
    where: dict[str, Any] = {"region": REGION, "account_id": ACCOUNT}
    for i, name in enumerate(RUNNING):
        scenario, age = ("stuck", 3 * DAY + i) if i % 3 else ("healthy", 600.0 + i)
        stack.simulator.create(scenario, name, created=NOW - age, **where)
    stack.simulator.create("completed", "job-ended", created=NOW - DAY, **where)
    stack.simulator.create("completed", "job-ends", created=NOW - 60, speed=20.0, **where)
    for i in range(others):
        stack.simulator.create("stuck", f"other-{i}", created=NOW - DAY - i, **where)


class Outages(RuleBasedStateMachine):
    @initialize(
        interval=intervals, patience=patience, max_age=ages, rate=rates, count=counts, by_rule=st.booleans(),
        crowded=st.sampled_from([False, False, False, True]), hasty=st.booleans(),
    )  # fmt: skip
    def begin(
        self, interval: float, patience: float, max_age: float, rate: float, count: int, *,
        by_rule: bool, crowded: bool, hasty: bool,
    ) -> None:  # fmt: skip
        self.faults: list[Fault] = []
        spec = target_spec(
            *RUNNING[:count],
            *ENDED,
            interval=interval,
            stale_after=patience * interval,
            describe_max_age=max_age,
            requests_per_second=rate,
            connection=HASTY if hasty else Connection(),
        )
        if by_rule:
            spec = replace(spec, jobs=spec.jobs[:1], rules=(rule(name_contains="job-"),))
        self.stack = Stack(spec, pages=2 if crowded else 1)
        populate(self.stack, others=150 if crowded else 0)

    @step(intervals=st.sampled_from([0.3, 1.0, 2.0, 5.0, 10.0, 25.0, 100.0]))
    def let_time_pass(self, intervals: float) -> None:
        self.stack.run(intervals * self.stack.spec.interval)

    @step(seconds=st.sampled_from([1.0, 30.0, 400.0]))
    def let_seconds_pass(self, seconds: float) -> None:
        self.stack.run(seconds)

    @precondition(lambda self: len(self.faults) < 3)
    @step(
        operation=st.sampled_from([DESCRIBE, LIST, None]),
        data=st.data(),
        rate=st.sampled_from([1.0, 1.0, 0.5, 0.9]),
        name=st.sampled_from([None, None, None, *RUNNING[:3]]),
    )
    def break_calls(self, operation: str | None, data: st.DataObject, rate: float, name: str | None) -> None:
        kind = data.draw(st.sampled_from(OF_A_DESCRIBE if operation == DESCRIBE else OF_ANY_CALL))
        fault = Fault(kind, operation=operation, rate=rate, name=name if operation == DESCRIBE else None)
        self.faults.append(self.stack.simulator.faults.add(fault))

    @precondition(lambda self: self.faults)
    @step(data=st.data())
    def repair_calls(self, data: st.DataObject) -> None:
        fault = self.faults.pop(data.draw(st.integers(0, len(self.faults) - 1)))
        self.stack.simulator.faults.remove(fault)

    @step(operations=st.sampled_from([{Operation.DESCRIBE}, {Operation.LIST}, {Operation.DESCRIBE, Operation.LIST}]))
    def hold_calls_up(self, operations: set[Operation]) -> None:
        self.stack.hanging |= operations

    @precondition(lambda self: self.stack.hanging)
    @step(late=st.booleans())
    def let_calls_go(self, *, late: bool) -> None:
        self.stack.release(late=late)

    @step(latency=st.sampled_from([0.0, 0.0, 0.05, 0.7, 3.0]))
    def be_slow(self, latency: float) -> None:
        self.stack.latency = latency

    @step(hours=st.integers(-6, 6))
    def set_the_wall_clock(self, hours: int) -> None:
        self.stack.jump(3_600.0 * hours - self.stack.clock.offset)

    @step(interval=intervals, patience=patience)
    def reload_intervals(self, interval: float, patience: float) -> None:
        self.stack.update(replace(self.stack.spec, interval=interval, stale_after=patience * interval))

    @step(max_age=ages)
    def reload_max_age(self, max_age: float) -> None:
        self.stack.update(replace(self.stack.spec, describe_max_age=max_age))

    @step(rate=rates)
    def reload_rate(self, rate: float) -> None:
        self.stack.update(replace(self.stack.spec, requests_per_second=rate))

    @step(count=counts)
    def reload_jobs(self, count: int) -> None:
        jobs = job_specs(*RUNNING[:count], *(() if self.stack.spec.rules else ENDED))
        self.stack.update(replace(self.stack.spec, jobs=jobs))


TestOutages = pytest.mark.long(Outages.TestCase)
# A counterexample is a life of which each step is printed; making it shorter may take longer than a test may.
TestOutages.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, phases=set(Phase) - {Phase.shrink, Phase.explain}
)


# The shapes of outages that were seen


def small(*, by_rule: bool, **changes: Any) -> TargetSpec:
    """Return a target with more to describe in an interval than its budget allows."""
    spec = target_spec(
        *(() if by_rule else RUNNING),
        rules=(rule(name_contains="job-"),) if by_rule else (),
        interval=4.0,
        stale_after=12.0,
        requests_per_second=1.0,
        describe_max_age=1_800.0,
    )
    return replace(spec, **changes)


@pytest.mark.long
@pytest.mark.parametrize("kind", [Kind.THROTTLED, Kind.SERVER_ERROR, Kind.ACCESS_DENIED, Kind.EXPIRED_TOKEN])
@pytest.mark.parametrize("by_rule", [False, True], ids=["listed", "found"])
def test_no_values_outlive_an_outage_on_a_small_budget(kind: Kind, *, by_rule: bool) -> None:
    stack = Stack(small(by_rule=by_rule))
    populate(stack)
    stack.run(60)
    assert set(stack.has_values()) >= set(RUNNING)
    stack.simulator.faults.add(Fault(kind))
    stack.run(stack.spec.stale_after + 2 * stack.spec.interval + 0.1)
    for _ in range(800):
        running = [name for name in stack.has_values() if name in RUNNING]
        assert not running, stack.monotonic
        stack.run(0.1)


def test_one_described_while_no_list_comes_is_due_in_the_next_round() -> None:
    stack = Stack(
        small(by_rule=False, interval=1.0, stale_after=3.0, requests_per_second=0.1, jobs=job_specs(*RUNNING[:5]))
    )
    populate(stack)
    stack.run(100)
    assert len(stack.api.inputs(LIST)) < len(stack.api.inputs(DESCRIBE)), "the budget has no room for lists"


def test_describes_that_hang_beside_lists_that_work_lose_all_values() -> None:
    stack = Stack(small(by_rule=False, interval=60.0, stale_after=300.0, connection=HASTY))
    populate(stack)
    stack.run(3_600)
    stack.hanging.add(Operation.DESCRIBE)
    stack.run(300 + 60 + 300 + 60 + 1)
    assert stack.has_values() == []


def test_values_go_while_every_call_that_may_be_made_hangs() -> None:
    stack = Stack(small(by_rule=False))
    populate(stack)
    stack.run(306)  # next, one tuning job is described as it is every five minutes
    assert set(stack.has_values()) == set(RUNNING)
    stack.hanging |= {Operation.DESCRIBE, Operation.LIST}
    stack.run(12 + 2 * 4 + 0.1)
    assert stack.has_values() == []


def test_a_list_that_hangs_puts_nothing_off_when_lists_begin_to_count() -> None:
    stack = Stack(small(by_rule=False, describe_max_age=0.0, requests_per_second=100.0, jobs=job_specs(*RUNNING[:7])))
    populate(stack)
    stack.run(59)
    stack.hanging |= {Operation.DESCRIBE, Operation.LIST}
    stack.update(replace(stack.spec, describe_max_age=300.0, requests_per_second=1.0, jobs=job_specs(*RUNNING[:11])))
    stack.run(12 + 2 * 4 + 0.1)
    assert stack.has_values() == []


def test_a_reload_to_a_longer_interval_puts_off_nothing_that_is_owed() -> None:
    stack = Stack(small(by_rule=False, describe_max_age=0.0, requests_per_second=0.1, stale_after=60.0))
    populate(stack)
    stack.run(31)
    owed = stack.has_values()
    assert len(owed) > 1
    stack.update(replace(stack.spec, interval=60.0, describe_max_age=3_600.0))
    stack.simulator.faults.add(Fault(Kind.SERVER_ERROR, operation=DESCRIBE))
    stack.run(60 + 60)
    assert stack.has_values() == []
