"""Random lives of a target: calls that overlap, fail and hang, time that jumps, configurations that change."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from fleet.driver import START, Driver, FakeApi, answer, target_spec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from exporter.clock import Instant
from exporter.errors import CallFailed, ErrorCode
from exporter.fleet import Operation, Target, Work, perform
from exporter.fleet.schedule import REST

NAMES = ("a", "b", "c", "d", "e", "f")
BURST_SECONDS = 0.2

names = st.lists(st.sampled_from(NAMES), unique=True, max_size=len(NAMES))
intervals = st.sampled_from([1.0, 7.5, 60.0, 1 / 3 * 100])
rates = st.sampled_from([0.05, 0.7, 1.0, 5.0, 30.0])
spans = st.sampled_from([5.0, 100.0, 1_000.0])
outcomes = st.one_of(
    st.sampled_from(["InProgress", "InProgress", "Completed", "Stopped", "StatusOfTomorrow"]),
    st.sampled_from([ErrorCode.THROTTLED, ErrorCode.TIMEOUT, ErrorCode.NOT_FOUND, ErrorCode.ACCESS_DENIED]),
)


@dataclass
class Known:
    """What a target may still show of a tuning job: values that are due by then at the latest."""

    succeeded: float
    due_within: float


DEADLINE = 40.0  # of target_spec's connection: twice what its time-outs allow


class Life(RuleBasedStateMachine):
    @initialize(names=names, interval=intervals, rate=rates, stale_after=spans, start=st.floats(0.0, 1e7))
    def begin(self, names: list[str], interval: float, rate: float, stale_after: float, start: float) -> None:
        self.now = start
        self.api = FakeApi()
        self.telemetry = Driver(target_spec()).telemetry
        self.spec = target_spec(
            *names, account_id=None, interval=interval, stale_after=stale_after, requests_per_second=rate
        )
        self.target = Target(self.spec, self.telemetry, self.instant)
        self.generations = dict.fromkeys(NAMES, 0)
        self.in_flight: list[tuple[Work, int]] = []
        self.given_up: set[int] = set()
        self.calls: list[float] = []
        self.rates = [(start, rate)]
        self.known: dict[str, Known] = {}

    @property
    def instant(self) -> Instant:
        return Instant(START + self.now, self.now)

    @rule()
    def take(self) -> None:
        self.target.expire(self.instant)
        self.given_up |= {work.serial for work, _ in self.in_flight if self.now - work.started >= DEADLINE}
        work = self.target.next(self.instant)
        if work is None:
            self.check_sleep()
            return
        if work.operation is Operation.DESCRIBE:
            assert work.name in [job.name for job in self.spec.jobs]
        entry = (work, self.generations.get(work.name, 0))
        assert (work.name, entry[1]) not in [(other.name, generation) for other, generation in self.in_flight]
        self.in_flight.append(entry)
        self.calls.append(self.now)
        self.check_budget()

    def check_sleep(self) -> None:
        """Whoever gets nothing sleeps, and forever only if every tuning job is being described."""
        wakes_at = self.target.wakes_at(self.instant)
        if wakes_at is not None:
            assert wakes_at > self.now
            return
        described = {
            work.name
            for work, generation in self.in_flight
            if generation == self.generations.get(work.name) or work.serial in self.given_up
        }
        assert {job.name for job in self.spec.jobs} <= described

    def check_budget(self) -> None:
        for first, begun in enumerate(self.calls):
            allowed = sum(
                rate * max(0.0, min(end, self.now) - max(start, begun))
                for (start, rate), end in zip(self.rates, [at for at, _ in self.rates[1:]] + [self.now], strict=True)
            )
            in_force = [
                rate
                for (_, rate), end in zip(self.rates, [at for at, _ in self.rates[1:]] + [self.now], strict=True)
                if end >= begun
            ]
            burst = max(1.0, *(rate * BURST_SECONDS for rate in in_force))
            assert len(self.calls) - first <= allowed + burst + 1e-3

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), outcome=outcomes)
    def finish(self, data: st.DataObject, outcome: str | ErrorCode) -> None:
        work, generation = self.in_flight.pop(data.draw(st.integers(0, len(self.in_flight) - 1)))
        name = work.name
        self.api.jobs[name] = CallFailed(outcome, "no") if isinstance(outcome, ErrorCode) else answer(name, outcome)
        self.api.account = CallFailed(outcome, "no") if isinstance(outcome, ErrorCode) else "111122223333"
        self.target.apply(work, perform(self.api, work), self.instant)
        if work.operation is not Operation.DESCRIBE or generation != self.generations[name]:
            return
        if work.serial in self.given_up:
            return
        if outcome is ErrorCode.NOT_FOUND:
            self.known.pop(name, None)
        elif isinstance(outcome, str):
            rests = outcome in {"Completed", "Stopped"}
            self.known[name] = Known(self.now, max(REST, self.spec.interval) if rests else self.spec.interval)

    @rule(seconds=st.sampled_from([1e-6, 0.01, 0.2, 1.0, 13.0, 60.0, 1_000.0, 90_000.0]))
    def let_time_pass(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def sleep(self) -> None:
        """Sleep as a thread does that got nothing."""
        wakes_at = self.target.wakes_at(self.instant)
        if wakes_at is not None:
            self.now = max(self.now, wakes_at)

    @rule(names=names, interval=intervals, rate=rates, stale_after=spans)
    def update(self, names: list[str], interval: float, rate: float, stale_after: float) -> None:
        kept = {job.name for job in self.spec.jobs} & set(names)
        self.spec = replace(
            target_spec(*names, account_id=None),
            interval=interval,
            stale_after=stale_after,
            requests_per_second=rate,
        )
        self.target.update(self.spec, self.instant)
        self.rates.append((self.now, rate))
        for name in set(NAMES) - kept:
            self.generations[name] += 1
            self.known.pop(name, None)

    @invariant()
    def nothing_unknown_or_stale_is_shown(self) -> None:
        view = self.target.view(self.instant)
        assert [job.name for job in view.jobs] == [job.name for job in self.spec.jobs]
        assert view.changes_at is None or view.changes_at > self.now
        for job in view.jobs:
            if job.facts is not None:
                known = self.known[job.name]
                assert self.now < known.succeeded + known.due_within * (1 + 1e-5) + self.spec.stale_after + 1e-5
        if view.changes_at is not None:
            before, after = (
                [job.facts is not None for job in self.target.view(Instant(START + at, at)).jobs]
                for at in (self.now, view.changes_at)
            )
            assert before != after, "the view said that it would change"

    def teardown(self) -> None:
        """Let every call end: then every tuning job is described again and again."""
        if not hasattr(self, "target"):
            return
        for begun, _ in self.in_flight:
            self.api.jobs[begun.name] = answer(begun.name)
            self.target.apply(begun, perform(self.api, begun), self.instant)
        seen = dict.fromkeys([job.name for job in self.spec.jobs], 0)
        self.api.jobs.clear()
        self.api.account = "111122223333"
        deadline = self.now + REST + 3 * max(self.spec.interval, len(NAMES) / self.spec.requests_per_second) + 1
        for name in seen:
            self.api.jobs[name] = answer(name, "Completed")  # so that a day is no thousand calls
        while any(count < 2 for count in seen.values()):
            self.target.expire(self.instant)
            work = self.target.next(self.instant)
            if work is None:
                wakes_at = self.target.wakes_at(self.instant)
                assert wakes_at is not None
                assert wakes_at > self.now
                assert wakes_at < deadline, f"not described until {deadline}: {seen}"
                self.now = wakes_at
                continue
            self.target.apply(work, perform(self.api, work), self.instant)
            if work.operation is Operation.DESCRIBE:
                seen[work.name] += 1


TestLife = pytest.mark.long(Life.TestCase)
TestLife.settings = settings(max_examples=50, stateful_step_count=50, deadline=None)
