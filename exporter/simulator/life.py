"""One simulated tuning job as a function of time."""

from __future__ import annotations

import math
from bisect import bisect_right
from copy import copy
from typing import TYPE_CHECKING, Any

from exporter.simulator.chance import chance
from exporter.simulator.configuration import arn, configuration, max_runtime
from exporter.simulator.errors import not_found
from exporter.simulator.plan import Planner
from exporter.simulator.stop import stopped
from exporter.simulator.training import entry
from exporter.simulator.trainings import Trainings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from exporter.simulator.record import Plan, State, Trial
    from exporter.simulator.scenario import Scenario
    from exporter.simulator.training import Stage, TrainingJob, Truth

HEARTBEAT = 9.95
"""Simulated seconds between changes of LastModifiedTime while a tuning job has not ended. About ten in recordings."""

FIRST_HEARTBEAT = (3.0, 9.0)
"""Simulated seconds from the creation to the first such change."""

RUNTIME_SETTLES = 60.0
"""Simulated seconds after the end for which RuntimeInSeconds is still that of the last heartbeat."""

PARENT_AGE = 3 * 24 * 3600.0
"""Simulated seconds from the creation of the parent's best training job to that of the job."""


class Life:
    """A tuning job whose whole life is computed in advance: ``at`` and ``summary`` only look it up.

    Times are Unix seconds. Times in answers are whole milliseconds, and never later than the time of the question. ``ended``
    is None if the job never ends, ``gone`` if it is never deleted. ``in_progress_until`` is when its status stops being
    InProgress, infinite if never. ``stopping_since`` is when it becomes Stopping.

    ``generation`` counts earlier jobs with the same name. ``forgotten`` maps the names of training jobs whose records are
    deleted to the time of this. ``passed`` has, by number, the stages up to the request to stop of the training jobs that ran
    then.

    Heartbeats come at an interval in simulated seconds. At a speed below 1 it is not longer than for a real job.
    """

    def __init__(
        self,
        name: str,
        scenario: Scenario,
        *,
        region: str,
        account_id: str,
        created: float,
        speed: float,
        seed: int,
        tags: Mapping[str, str],
        constant: Mapping[str, Any] | None = None,
    ) -> None:
        """Compute the life. ``created`` is in Unix seconds; ``speed`` divides all durations.

        ``constant`` has the members of its answer that never change, those of the scenario by default. Raises ValueError if
        the speed is not positive.
        """
        if speed <= 0:
            raise ValueError(f"a life cannot run at speed {speed}")
        self.name = name
        self.scenario = scenario
        self.region = region
        self.account_id = account_id
        self.arn = arn("hyper-parameter-tuning-job", name, region=region, account_id=account_id)
        self.created = _milliseconds(created)
        self.speed = speed
        self.tags = dict(tags)
        self.generation = 0
        self.forgotten: Mapping[str, float] = {}
        self.passed: Mapping[int, Sequence[Stage]] = {}
        self._training_jobs: tuple[TrainingJob, ...] | None = None
        self._seed = seed
        self._pace = max(speed, 1.0)
        self._first_heartbeat = chance(seed, name, "heartbeat").uniform(*FIRST_HEARTBEAT)
        self._take(Planner(scenario, chance(seed, name), self._moment, max_runtime(scenario, speed)).run())
        if constant is None:
            constant = configuration(scenario, region=region, account_id=account_id, speed=speed)
        self._constant = constant
        self._parent_best = None if self._plan.parent_best is None else self._parent(self._plan.parent_best)

    def stopped(self, t: float, seconds: float | None = None) -> Self:
        """Return the life with a request to stop at ``t``, when the job must be in progress.

        Until ``t`` it is the same. The job is Stopping for ``seconds``, those of its scenario by default.
        """
        patience = self.scenario.stopping / self.speed if seconds is None else seconds
        life = self._following(stopped(self._plan, _milliseconds(t), patience, chance(self._seed, self.name, "stop")))
        running = (job for job in self.training_jobs if job.trial.created <= t < job.trial.ended)
        life.passed = {job.trial.number: [stage for stage in job.stages if stage.since < t] for job in running}
        return life

    def deleted(self, t: float) -> Self:
        """Return the life if the job is deleted at ``t``."""
        return self._following(self._plan._replace(gone=t))

    def forgetting(self, training_job: str, t: float) -> Self:
        """Return the life if the record of one of its training jobs is deleted at ``t``."""
        life = self._following(self._plan)
        life.forgotten = {**self.forgotten, training_job: t}
        return life

    @property
    def training_jobs(self) -> tuple[TrainingJob, ...]:
        """All training jobs of its whole life, in the order of their launch. They may end after the tuning job."""
        if self._training_jobs is None:
            self._training_jobs = Trainings(self, self._seed, self._constant).all()
        return self._training_jobs

    def truth(self, t: float) -> list[Truth]:
        """Return the true state of each training job that exists at ``t``, whatever answers say."""
        return [job.truth(t) for job in self.training_jobs if job.exists(t)]

    def training_job_name(self, trial: Trial) -> str:
        """Return the name of one of its training jobs. Another tuning job with the same name has other names."""
        origin = (self._seed, self.name, trial.number, *([self.generation] if self.generation else []))
        return f"{self.name}-{trial.number:03d}-{chance(*origin).getrandbits(32):08x}"

    def exists(self, t: float) -> bool:
        """Return whether the job exists at ``t``."""
        return self.created <= t and (self.gone is None or t < self.gone)

    def state(self, t: float) -> State:
        """Return the state of the job at ``t``. Raises ApiError if the job does not exist then."""
        if not self.exists(t):
            raise not_found(self.name)
        return self._states[bisect_right(self._since, t) - 1]

    def last_modified(self, t: float) -> float:
        """Return the later of the last heartbeat and the last change of state. Raises ApiError as ``state`` does."""
        state = self.state(t)
        return state.since if state.ended is not None else max(state.since, self._heartbeat(t))

    def at(self, t: float) -> dict[str, Any]:
        """Return the answer of Describe at ``t``, as in the API.

        Do not change it: parts of it are shared between answers. Raises ApiError (ResourceNotFound) if the job does not exist
        then.
        """
        state = self.state(t)
        answer = {**self._identity(), **self._constant, **self._progress(state, t)}
        if state.best is not None:
            answer["BestTrainingJob"] = self._best(self.trials[state.best])
        if self._parent_best is not None:
            answer["OverallBestTrainingJob"] = self._parent_best
        if state.failure is not None:
            answer["FailureReason"] = state.failure
        if not self.scenario.vintage:
            details: dict[str, Any] = {"NumberOfTrainingJobsObjectiveNotImproving": state.not_improving}
            if state.converged is not None:
                details["ConvergenceDetectedTime"] = state.converged
            answer["TuningJobCompletionDetails"] = details
            answer["ConsumedResources"] = {"RuntimeInSeconds": self._runtime(t)}
        return answer

    def summary(self, t: float) -> dict[str, Any]:
        """Return the job's entry in a List answer at ``t``. Raises ApiError if the job does not exist then."""
        config = self._constant["HyperParameterTuningJobConfig"]
        return {
            **self._identity(),
            "Strategy": config["Strategy"],
            "ResourceLimits": config["ResourceLimits"],
            **self._progress(self.state(t), t),
        }

    def tag_list(self) -> list[dict[str, str]]:
        """Return the tags as in the API."""
        return [{"Key": key, "Value": value} for key, value in self.tags.items()]

    def _following(self, plan: Plan) -> Self:
        life = copy(self)
        life._take(plan)  # noqa: SLF001 - its own kind
        return life

    def _take(self, plan: Plan) -> None:
        self._plan = plan
        self._training_jobs = None
        self.trials = plan.trials
        self.ended = plan.states[-1].ended
        self.gone = plan.gone
        ends = (state.since for state in plan.states if state.status != "InProgress")
        self.in_progress_until = min(next(ends, math.inf), math.inf if plan.gone is None else plan.gone)
        self.stopping_since = next((s.since for s in plan.states if s.status == "Stopping"), math.inf)
        self._states = plan.states
        self._since = [state.since for state in plan.states]
        self._stalled = plan.stalled

    def _moment(self, simulated: float) -> float:
        return round(self.created + simulated / self.speed, 3)

    def _identity(self) -> dict[str, Any]:
        return {
            "HyperParameterTuningJobName": self.name,
            "HyperParameterTuningJobArn": self.arn,
            "CreationTime": self.created,
        }

    def _progress(self, state: State, t: float) -> dict[str, Any]:
        progress = {
            "HyperParameterTuningJobStatus": state.status,
            "LastModifiedTime": self.last_modified(t),
            "TrainingJobStatusCounters": {
                "Completed": state.completed,
                "InProgress": state.in_progress,
                "RetryableError": state.retryable,
                "NonRetryableError": state.non_retryable,
                "Stopped": state.stopped,
            },
            "ObjectiveStatusCounters": {
                "Succeeded": state.succeeded,
                "Pending": state.in_progress,
                "Failed": state.without_objective,
            },
        }
        if state.ended is not None:
            progress["HyperParameterTuningEndTime"] = state.ended
        return progress

    def _runtime(self, t: float) -> int:
        """Return the seconds from the creation to the last heartbeat, or to the end from ``RUNTIME_SETTLES`` after it."""
        if self.ended is None or t < self.ended:
            until = self._heartbeat(t)
        elif t < self.ended + RUNTIME_SETTLES / self._pace:
            until = self._heartbeat(self.ended)
        else:
            until = self.ended
        return math.floor(until - self.created)

    def _heartbeat(self, t: float) -> float:
        """Return the last heartbeat before ``t`` while the job had not ended. If there is none, return its creation time."""
        number = math.floor(((t - self.created) * self._pace - self._first_heartbeat) / HEARTBEAT)
        if number < 0:
            return self.created
        return _milliseconds(min(t, self.created + (self._first_heartbeat + number * HEARTBEAT) / self._pace))

    def _best(self, trial: Trial) -> dict[str, Any]:
        best = self._training_job(self.training_job_name(trial), trial)
        definition = self.scenario.definitions[trial.definition]
        if definition.name is not None:
            best["TrainingJobDefinitionName"] = definition.name
        return best

    def _parent(self, objective: float) -> dict[str, Any]:
        """Return a training job of the first parent that is better than all of this job."""
        own = self.trials[0]
        created = self._moment(-PARENT_AGE)
        trial = own._replace(
            created=created,
            started=self._moment(120 - PARENT_AGE),
            ended=self._moment(1200 - PARENT_AGE),
            outcome="Completed",
            objective=objective,
        )
        parent = self.scenario.parents[0]
        return {**self._training_job(f"{parent}-017-5f0c1d2e", trial), "TuningJobName": parent}

    def _training_job(self, name: str, trial: Trial) -> dict[str, Any]:
        """Return a training job that reached an objective."""
        of = arn("training-job", name, region=self.region, account_id=self.account_id)
        return entry(name, of, trial, self.scenario.definitions[trial.definition].surface, math.inf)


def _milliseconds(time: float) -> float:
    """Return ``time`` rounded down to a whole millisecond."""
    rounded = round(time, 3)
    return rounded if rounded <= time else round(rounded - 0.001, 3)
