"""Random reloads at every moment of a call's life: in the end a target is as if it had just started.

Whatever happens on the way, no view changes without being told.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fleet.account import DAY, DESCRIBE, HOUR, LIST, Account, rule
from fleet.driver import ACCOUNT, LIST_TAGS, Own, job_specs, target_spec
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition
from hypothesis.stateful import rule as step

from exporter.config.specs import Connection, TargetSpec
from exporter.fleet import JobState, Operation, Target, Work, perform
from exporter.simulator.errors import ApiError
from exporter.simulator.faults import Fault, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("job-a", "job-b", "Job-C", "odd-d", "odd-e")
SCENARIOS = ("stuck", "healthy", "completed", "stopped")
# By its name: a rule does not learn that a name was used again for one with other tags.
TAGS: dict[str, dict[str, str]] = {
    "job-a": {},
    "job-b": {"env": "prod"},
    "Job-C": {"env": "dev", "team": "search"},
    "odd-d": {"env": "prod", "team": "ads"},
    "odd-e": {"env": "dev"},
}
CONDITIONS: tuple[dict[str, Any], ...] = (
    {"name_contains": "job"},
    {"name_contains": "odd"},
    {"tags": {"env": "prod"}},
    {"tags": {"env": "dev"}},
)


@st.composite
def specs(draw: st.DrawFn) -> TargetSpec:
    tag_labels = draw(st.sampled_from([{}, {"team": "team"}]))
    names = draw(st.lists(st.sampled_from([*NAMES, "JOB-A", "job-c"]), unique_by=str.lower, max_size=3))
    conditions = draw(st.lists(st.sampled_from(CONDITIONS), max_size=3))
    return target_spec(
        account_id=draw(st.sampled_from([ACCOUNT, None])),
        jobs=job_specs(*names, tag_labels=tag_labels, labels={"version": draw(st.sampled_from("ab"))}),
        rules=tuple(rule(f"rule-{i}", tag_labels=tag_labels, **given) for i, given in enumerate(conditions)),
        interval=draw(st.sampled_from([30.0, 60.0, 120.0])),
        retention=draw(st.sampled_from([5 * DAY, 10 * DAY])),
        describe_max_age=draw(st.sampled_from([0.0, 300.0, 1_800.0])),
        requests_per_second=draw(st.sampled_from([1_000.0, 1.0, 0.2])),
        connection=Connection(read_timeout=draw(st.sampled_from([3.0, 15.0]))),
    )


class Reloads(RuleBasedStateMachine):
    @initialize(
        spec=specs(),
        lives=st.lists(st.tuples(*map(st.sampled_from, (SCENARIOS, (0.0, 2 * HOUR)))), max_size=len(NAMES)),
    )
    def begin(self, spec: TargetSpec, lives: list[tuple[str, float]]) -> None:
        self.account = Account()
        for name, (scenario, age) in zip(NAMES, lives, strict=False):
            self.account.create(name, scenario, tags=TAGS[name], age=age, speed=20.0)
        self.under_way: list[Work] = []
        self.faults: list[Fault] = []
        self.target = Target(spec, Own(), self.account.clock.now())

    @step()
    def take(self) -> None:
        def act() -> None:
            now = self.account.clock.now()
            self.target.expire(now)
            work = self.target.next(now)
            if work is not None:
                self.under_way.append(work)
                return
            wakes_at = self.target.wakes_at(now)
            assert wakes_at is None or wakes_at > now.monotonic, "a thread would spin"

        self._tells(act)

    @precondition(lambda self: self.under_way)
    @step(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        self._finish(self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1))))

    def _finish(self, work: Work) -> None:
        outcome = perform(self.account.api, work)
        self._tells(lambda: self.target.apply(work, outcome, self.account.clock.now()))

    @step(seconds=st.sampled_from([0.1, 1.0, 13.0, 60.0, 300.0, 4_000.0]))
    def let_time_pass(self, seconds: float) -> None:
        self.account.clock.advance(seconds)

    @step(seconds=st.sampled_from([5.0, 60.0, 700.0]))
    def run(self, seconds: float) -> None:
        until = self.account.clock.monotonic() + seconds
        while (now := self.account.clock.now()).monotonic < until:
            under_way = len(self.under_way)
            self.take()
            if len(self.under_way) > under_way:
                self._finish(self.under_way.pop())
                continue
            wakes_at = self.target.wakes_at(now)
            self.account.clock.advance(max(1e-6, min(until, wakes_at or until) - now.monotonic))

    @step(spec=specs())
    def reload(self, spec: TargetSpec) -> None:
        self._tells(lambda: self.target.update(spec, self.account.clock.now()))

    @step(name=st.sampled_from(NAMES), scenario=st.sampled_from(SCENARIOS))
    def create(self, name: str, scenario: str) -> None:
        with suppress(ApiError):  # there is one
            self.account.create(name, scenario, tags=TAGS[name], speed=20.0)

    @step(name=st.sampled_from(NAMES))
    def delete(self, name: str) -> None:
        with suppress(ApiError):  # there is none
            self.account.delete(name)

    @step(
        kind=st.sampled_from([Kind.THROTTLED, Kind.SERVER_ERROR, Kind.ACCESS_DENIED]),
        operation=st.sampled_from([DESCRIBE, LIST, LIST_TAGS, str(Operation.SEARCH)]),
    )
    def break_calls(self, kind: Kind, operation: str) -> None:
        self.faults.append(self.account.simulator.faults.add(Fault(kind, operation=operation)))

    @precondition(lambda self: self.faults)
    @step()
    def repair_calls(self) -> None:
        self.account.simulator.faults.remove(self.faults.pop())

    def _tells(self, act: Callable[[], object]) -> None:
        """Do what may change the view, and check that this is told."""
        self.target.take_changed()
        before = self._shown()
        act()
        assert self.target.take_changed() or self._shown() == before, "the view changed and nobody was told"

    def _shown(self) -> tuple[object, ...]:
        view = self.target.view(self.account.clock.now())
        return view.jobs, view.attempted, view.account_id, view.untracked_running_jobs, view.errors, view.matched

    def teardown(self) -> None:
        """Let all be well again, and compare with a target that starts now."""
        if not hasattr(self, "target"):
            return
        self.account.simulator.faults.clear()
        for work in self.under_way:
            self._finish(work)
        self.under_way.clear()
        spec = replace(self.target.spec, requests_per_second=1_000.0)
        self.reload(spec)
        self.run(3 * HOUR)
        fresh = self.account.watch(spec)
        fresh.run(until=self.account.clock.monotonic() + 150.0)
        self.run(150.0)
        fresh.run(until=self.account.clock.monotonic() + 1e-3)
        assert self._told(self.target) == self._told(fresh.target)
        assert self._incidents(self.target) == self._incidents(fresh.target)

    def _told(self, target: Target) -> dict[str, Any]:
        view = target.view(self.account.clock.now())
        return {
            # One that a rule found keeps the name by which it was listed before.
            "jobs": {job.name.lower(): (job.state, job.facts and job.facts.status, job.labels) for job in view.jobs},
            # One that is missing keeps its last tags.
            "tags": {job.name.lower(): job.tags for job in view.jobs if job.state is not JobState.MISSING},
            "untracked": view.untracked_running_jobs,
            # A search that was refused is told until the next is made.
            "errors": {error for error in view.errors if error[0] != Operation.SEARCH},
            # One whose tags were not known at a reload stays with a later rule that asks for none.
            "matched": sum(count for _, count in view.matched),
        }

    @staticmethod
    def _incidents(target: Target) -> set[tuple[Any, ...]]:
        incidents = target._tally.incidents._open.items()
        return {(*of, name.lower()) for of, each in incidents for name in each.failing if of[0] is not Operation.SEARCH}


TestReloads = pytest.mark.long(Reloads.TestCase)
# A counterexample is a life of which each step is printed; making it shorter may take longer than a test may.
TestReloads.settings = settings(
    max_examples=20, stateful_step_count=50, deadline=None, phases=set(Phase) - {Phase.shrink, Phase.explain}
)
