"""Lives of tuning jobs, some of which AWS treats or tells otherwise than it should."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.simulator.configuration import configuration
from exporter.simulator.life import Life
from exporter.simulator.scenario import HOUR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replay.promises import Cause

    from exporter.simulator.record import Plan, State, Trial
    from exporter.simulator.scenario import Scenario
    from exporter.simulator.training import TrainingJob

DELETE_FAILS_AFTER = 600.0
"""For so many seconds it looks like any deletion."""


@dataclass(frozen=True)
class Course:
    """What becomes of a tuning job: as in the scenario, but for what AWS makes of it.

    ``asked`` is what its owner asked for, and so what AWS tells of its limits and criteria. ``injects`` are the causes that
    must be told, ``excuses`` others that may be: it is bad, but not so bad that anybody had to be told.

    ``frozen_after`` so many seconds AWS tells nothing new. ``pending``: one objective stays Pending. ``nan``: the best value is none.
    ``leaves_after``: so many seconds after it stalled, froze or began to hang somebody has it deleted.
    ``limit_is_budget``: its owner means it to run until its time limit. ``fine``: an improvement by less than 1 % matters.
    ``budget`` is the share that may be spent of what it costs in the end; it has one where it is listed.
    """

    kind: str
    scenario: Scenario
    asked: Scenario
    injects: frozenset[Cause] = frozenset()
    excuses: frozenset[Cause] = frozenset()
    delete_fails: bool = False
    leaves_after: float | None = None
    frozen_after: float | None = None
    pending: bool = False
    nan: bool = False
    limit_is_budget: bool = False
    fine: bool = False
    budget: float | None = None


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

    def __init__(self, name: str, course: Course, *, listed: bool = False, **where: Any) -> None:
        self.course = course
        self.listed = listed
        self.frozen: float | None = None
        super().__init__(name, course.scenario, speed=1.0, tags={}, **where)
        self._constant = configuration(course.asked, region=self.region, account_id=self.account_id, speed=1.0)

    def _take(self, plan: Plan) -> None:
        course = self.course
        if course.delete_fails:
            last = plan.states[-1]
            failed = last._replace(since=last.since + DELETE_FAILS_AFTER, status="DeleteFailed")
            plan = plan._replace(states=(*plan.states, failed), gone=None)
        if course.frozen_after is not None:
            self.frozen = self.created + course.frozen_after
            known = bisect_right([state.since for state in plan.states], self.frozen)
            plan = plan._replace(states=plan.states[:known], gone=None)
        wrong = [plan.stalled, self.frozen, *(trial.started for trial in plan.trials if trial.ended == math.inf)]
        since = min((moment for moment in wrong if moment is not None), default=None)
        if course.leaves_after is not None and since is not None:
            plan = plan._replace(gone=since + course.leaves_after)
        super()._take(plan)

    @property
    def training_jobs(self) -> tuple[TrainingJob, ...]:
        if self.frozen is None:
            return super().training_jobs
        known = (job for job in super().training_jobs if job.exists(self.frozen))
        return tuple(_as_of(job, self.frozen) for job in known)

    def spans(self) -> Iterator[Span]:
        """Yield the states in order; the last holds until the tuning job is gone."""
        for state, until in zip(self._states, [*self._since[1:], self.gone or math.inf], strict=True):
            if state.since < until:
                yield Span(state.since, until, state)

    @property
    def limit(self) -> float | None:
        """Its time limit in seconds, if it has one."""
        return self.course.asked.max_runtime

    def billed(self) -> list[tuple[float, float]]:
        """Return when its training jobs ended, in order, and for how many instance hours each is billed."""
        told = (job.truth(job.trial.ended) for job in self.training_jobs if job.trial.ended < math.inf)
        hours = (
            (each.end, (each.billable_seconds or 0.0) * sum(count for _, count in each.instances) / HOUR)
            for each in told
            if each.end is not None and each.start is not None
        )
        return sorted(hours)

    @property
    def budget(self) -> float | None:
        """The instance hours that it may cost."""
        if self.course.budget is None or not self.listed:
            return None
        return round(self.course.budget * sum(hours for _, hours in self.billed()), 3)

    @property
    def stalled(self) -> float | None:
        """When AWS lost it, in Unix seconds."""
        return self._stalled

    def _progress(self, state: State, t: float) -> dict[str, Any]:
        progress = super()._progress(state, t)
        if self.course.pending and state.status == "InProgress":
            progress["ObjectiveStatusCounters"]["Pending"] += 1
        return progress

    def _best(self, trial: Trial) -> dict[str, Any]:
        best = super()._best(trial)
        if self.course.nan:
            best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] = math.nan
        return best


def _as_of(job: TrainingJob, t: float) -> TrainingJob:
    """Return a training job of which nothing is told but what was so at a moment."""
    if job.trial.ended <= t:
        return job
    return replace(
        job,
        trial=job.trial._replace(started=job.started(t), ended=math.inf),
        stages=tuple(stage for stage in job.stages if stage.since <= t),
        stopping=job.stopping if job.stopping <= t else math.inf,
    )


def as_asked(kind: str, scenario: Scenario, **asked: Any) -> Course:
    """Return the course of a scenario of which AWS tells other limits than it keeps."""
    return Course(kind, scenario, replace(scenario, **asked))
