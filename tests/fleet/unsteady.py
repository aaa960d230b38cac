"""A target, the account that it watches, its publisher, and everything between them that may go wrong."""

from __future__ import annotations

import heapq
import itertools
from math import inf
from typing import TYPE_CHECKING

from fleet.account import NOW
from fleet.driver import ACCOUNT, REGION, Own
from fleet.owing import TOLERANCE, Ledger, Turns
from support.clock import ManualClock
from support.simulated import SimulatedApi

from exporter.clock import Instant
from exporter.errors import ErrorCode, Failure
from exporter.fleet import Operation, Target, perform
from exporter.fleet.lists import ListPage
from exporter.simulator.service import Simulator
from exporter.tuning_job import Page, TuningJob

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from exporter.config.specs import TargetSpec
    from exporter.fleet import TargetView, Work
    from exporter.tuning_job import Summary

MOST_CALLS, LEAST_CALLS = 8, 2
RECOVERY = 60.0
"""How long the budget takes to recover from being throttled."""


class WildClock:
    """A clock whose wall part is set by whoever likes, beside a service whose time goes on."""

    def __init__(self, service: ManualClock) -> None:
        self.offset = 0.0
        self._service = service

    def time(self) -> float:
        return self._service.time() + self.offset

    def monotonic(self) -> float:
        return self._service.monotonic()

    def now(self) -> Instant:
        return Instant(self.time(), self.monotonic())

    def wait(self, condition: threading.Condition, until: float | None) -> None:
        raise AssertionError("one thread only: nobody waits")


class Stack:
    """One target as its workers and the publisher drive it, with one thread. ``shown`` is what is published."""

    def __init__(self, spec: TargetSpec, *, pages: int = 1) -> None:
        self._service = ManualClock(NOW)
        self.clock = WildClock(self._service)
        self.simulator = Simulator(self._service)
        self.api = SimulatedApi(self.simulator, REGION, ACCOUNT)
        self.pages = pages
        self.latency = 0.0
        self.hanging: set[Operation] = set()
        self.hung: list[Work] = []
        self.lost: list[Work] = []
        self._answers: list[tuple[float, int, Work, object]] = []
        self._order = itertools.count()
        self._dropped: set[int] = set()
        self._lists: dict[str, dict[str, Summary]] = {}
        self._answered = 0.0
        self.ledger = Ledger(spec, pages)
        self.turns = Turns(0.0)
        self.target = Target(spec, Own(), self.clock.now())
        self.shown = self._look()

    @property
    def monotonic(self) -> float:
        return self.clock.monotonic()

    @property
    def spec(self) -> TargetSpec:
        return self.target.spec

    def run(self, seconds: float) -> None:
        """Let time pass: make each call when it is due, and look at what is shown at each moment that matters."""
        end = self.monotonic + seconds
        while True:
            self._turn()
            moment = min(self._moments(), default=inf)
            self._move_to(min(moment, end))
            if moment >= end:
                return

    def update(self, spec: TargetSpec) -> None:
        """Load another configuration."""
        self.target.update(spec, self.clock.now())
        self.ledger.reload(spec, self.clock.now())
        self.turns.disturbed(self.monotonic)
        self._publish()

    def release(self, *, late: bool) -> None:
        """Let the calls that hang come back at last, or never."""
        self.turns.disturbed(self.monotonic)  # no turn was looked at since the last thing that happened
        self.hanging.clear()
        hung, self.hung = self.hung, []
        if not late:
            self.lost += hung
            return
        for work in hung:
            heapq.heappush(self._answers, (self.monotonic, next(self._order), work, self._perform(work)))

    def jump(self, seconds: float) -> None:
        """Set the wall clock, and let a worker look before it is set again: until then a job that went may come back."""
        self.clock.offset += seconds
        self._expire(set())

    def has_values(self) -> list[str]:
        """Return the names of those tuning jobs that are published with values."""
        return [job.name for job in self.shown.jobs if job.facts is not None]

    def _turn(self) -> None:
        while True:
            now = self.clock.now()
            late = {work.serial for work in self._under_way() if work.started + self._deadline <= now.monotonic}
            self._expire(late)
            if self._answers and self._answers[0][0] <= now.monotonic:
                _, _, answered, outcome = heapq.heappop(self._answers)
                self._apply(answered, outcome)
                continue
            work = self.target.next(now) if self._may_call else None
            self._took()
            if work is None:
                break
            self._begin(work)
        if self.shown.changes_at is not None and self.shown.changes_at <= self.monotonic:
            self._publish()
        self._check()

    def _begin(self, work: Work) -> None:
        if work.operation is Operation.DESCRIBE:
            self.turns.took(work.name, self.monotonic)
        if work.operation in self.hanging:
            self.hung.append(work)
            return
        if not self.latency:
            self._apply(work, self._perform(work))
            return
        at = self.monotonic + self.latency
        heapq.heappush(self._answers, (at, next(self._order), work, self._perform(work)))

    def _perform(self, work: Work) -> object:
        return perform(self.api, work)

    def _expire(self, late: set[int]) -> None:
        given_up = [work for work in self._under_way() if work.serial in late - self._dropped]
        self.target.expire(self.clock.now())
        self._took()
        for work in given_up:
            if work.operation is Operation.DESCRIBE:
                self._note_failure(work)
        self._dropped |= late

    def _apply(self, work: Work, outcome: object) -> None:
        now = self.clock.now()
        self.target.apply(work, outcome, now)
        self._took()
        if isinstance(outcome, Failure) and outcome.code is ErrorCode.THROTTLED:
            self.turns.disturbed(now.monotonic + RECOVERY)
        if work.serial in self._dropped:
            self._dropped.discard(work.serial)
            return
        if not isinstance(outcome, Failure):
            self._answered = now.monotonic
        if isinstance(work, ListPage):
            self._note_list(work, outcome)
        elif isinstance(outcome, Failure):
            self._note_failure(work)
        elif isinstance(outcome, TuningJob):
            view = next((job for job in self.shown.jobs if job.name == work.name), None)
            if view is not None and view.last_success == now.wall and view.failure is None:
                self.ledger.succeeded(view, outcome, now)

    def _note_failure(self, work: Work) -> None:
        if any(job.name == work.name for job in self.shown.jobs):
            self.ledger.failed(work.name, self.clock.now())

    def _note_list(self, work: ListPage, outcome: object) -> None:
        if work.request.get("StatusEquals") != "InProgress" or "NameContains" in work.request:
            return
        if "NextToken" not in work.request:
            self._lists[work.name] = {}
        if isinstance(outcome, Page):
            told = self._lists.setdefault(work.name, {})
            told |= {summary.name.lower(): summary for summary in outcome.summaries}
            if outcome.next_token is None:
                self.ledger.listed(told, self.clock.now())

    def _took(self) -> None:
        if self.target.take_changed():
            self._publish()

    def _publish(self) -> None:
        before, self.shown = self.shown, self._look()
        for name in {job.name for job in before.jobs} - {job.name for job in self.shown.jobs}:
            self.ledger.forget(name)
            self._dropped |= {work.serial for work in self._under_way() if work.name == name}

    def _look(self) -> TargetView:
        view = self.target.view(self.clock.now())
        assert view.changes_at is None or view.changes_at > self.monotonic, "the view tells of a change that it has had"
        return view

    def _under_way(self) -> Iterator[Work]:
        yield from self.hung
        yield from self.lost
        for _, _, work, _ in self._answers:
            yield work

    @property
    def _may_call(self) -> bool:
        most = min(MOST_CALLS, max(LEAST_CALLS, round(self.spec.requests_per_second)))
        return self.target.calls_under_way < most

    @property
    def _deadline(self) -> float:
        return 2.0 * (self.spec.connection.connect_timeout + self.spec.connection.read_timeout)

    def _moments(self) -> Iterator[float]:
        now = self.clock.now()
        wakes_at = self.target.wakes_at(now) if self._may_call else self.target.expires_at(now)
        if wakes_at is not None:
            assert wakes_at > now.monotonic, "a thread would spin"
            yield wakes_at
        if self.shown.changes_at is not None:
            yield self.shown.changes_at
        if self._answers:
            yield self._answers[0][0]
        for name in self.has_values():
            yield self.ledger.gone_by(name) + TOLERANCE

    def _move_to(self, monotonic: float) -> None:
        while self.monotonic < monotonic:
            # The sum may fall short of the time by a rounding error.
            self._service.advance(max(monotonic - self.monotonic, 1e-9))

    def _check(self) -> None:
        shown = {job.name: job for job in self.shown.jobs}
        for fresh in self._look().jobs:
            job = shown[fresh.name]
            assert (job.facts, job.failure) == (fresh.facts, fresh.failure), f"{job.name} changed and nobody was told"
            if job.name in self.ledger.failing:
                assert job.failure is not None, f"{job.name} failed and does not show it"
            if job.facts is None:
                continue
            late = self.monotonic - self.ledger.gone_by(job.name)
            assert late <= 0, f"{job.name} has values {late:.1f} s too long: {self.ledger.told(job.name)}"
            silent = self.monotonic - self._answered - self.spec.stale_after - 2 * self.spec.interval
            assert job.facts.terminal or silent <= max(300.0, self.spec.interval), f"{job.name}: nothing was answered"
        if self.latency or self.hanging or self.hung or self._answers:
            self.turns.disturbed(self.monotonic)
        stuck = {work.name for work in self.lost}
        self.turns.check(
            self.ledger, [job for job in self.shown.jobs if job.name not in stuck], self.pages, self.monotonic
        )
