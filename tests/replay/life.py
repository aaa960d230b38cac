"""Lives of tuning jobs, some of which AWS treats or tells otherwise than it should."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.simulator.configuration import configuration
from exporter.simulator.life import Life

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.simulator.record import State
    from exporter.simulator.scenario import Scenario

DELETE_FAILS_AFTER = 600.0
"""For so many seconds it looks like any deletion."""


@dataclass(frozen=True)
class Course:
    """What becomes of a tuning job: as in the scenario, but for what AWS makes of it.

    ``asked`` is what its owner asked for, and so what AWS tells of its limits and criteria. ``cut_off``: each of its
    training jobs is stopped before it has a value, as none is in the scenario. ``leaves_after``: so many seconds after it stalled somebody has it
    deleted. ``injects`` are the alerts that must come of it.
    """

    kind: str
    scenario: Scenario
    asked: Scenario
    injects: frozenset[str] = frozenset()
    cut_off: bool = False
    delete_fails: bool = False
    leaves_after: float | None = None


class Span(NamedTuple):
    """A state and how long it holds, in Unix seconds."""

    since: float
    until: float
    state: State

    @property
    def launched(self) -> int:
        return self.ended + self.state.in_progress

    @property
    def ended(self) -> int:
        state = self.state
        return state.completed + state.retryable + state.non_retryable + state.stopped


class Told(Life):
    """A life as AWS tells it."""

    def __init__(self, name: str, course: Course, **where: Any) -> None:
        super().__init__(name, course.scenario, speed=1.0, tags={}, **where)
        self.course = course
        self._constant = configuration(course.asked, region=self.region, account_id=self.account_id, speed=1.0)
        if course.leaves_after is not None and self._stalled is not None:
            self.gone = self._stalled + course.leaves_after
        if course.delete_fails:
            self.gone = None

    def state(self, t: float) -> State:
        return self._told(super().state(t), t)

    def spans(self) -> Iterator[Span]:
        """Yield the states in order; the last holds until the tuning job is gone."""
        for state, until in zip(self._states, [*self._since[1:], self.gone or math.inf], strict=True):
            if state.status == "Deleting" and self.course.delete_fails:
                fails = state.since + DELETE_FAILS_AFTER
                yield Span(state.since, fails, self._told(state, state.since))
                yield Span(fails, until, self._told(state, fails))
            elif state.since < until:
                yield Span(state.since, until, self._told(state, state.since))

    @property
    def limit(self) -> float | None:
        """Its time limit in seconds, if it has one."""
        return self.course.asked.max_runtime

    @property
    def stalled(self) -> float | None:
        """When AWS lost it, in Unix seconds."""
        return self._stalled

    def _told(self, state: State, t: float) -> State:
        if self.course.delete_fails and state.status == "Deleting" and t >= state.since + DELETE_FAILS_AFTER:
            return state._replace(status="DeleteFailed", since=state.since + DELETE_FAILS_AFTER)
        if self.course.cut_off:
            return state._replace(completed=0, stopped=state.completed + state.stopped)
        return state


def as_asked(kind: str, scenario: Scenario, **asked: Any) -> Course:
    """Return the course of a scenario of which AWS tells other limits than it keeps."""
    return Course(kind, scenario, replace(scenario, **asked))
