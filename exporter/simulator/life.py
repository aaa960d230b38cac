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
"""How often the service touches a tuning job that has not ended, in simulated seconds; recordings show about ten."""

FIRST_HEARTBEAT = (3.0, 9.0)
"""How long after its creation it does so first, in simulated seconds."""

RUNTIME_SETTLES = 60.0
"""How long after the end RuntimeInSeconds still is that of the last heartbeat, in simulated seconds."""

PARENT_AGE = 3 * 24 * 3600.0
"""How long before the job its parent's best training job was created, in simulated seconds."""


class Life:
    """A tuning job whose whole life is known: ``at`` and ``summary`` only look it up.

    Times are Unix seconds, those of the tuning job in whole milliseconds and never later than the moment asked
    about. ``ended`` is None when the job never ends, ``gone`` when it exists for ever; ``in_progress_until`` is when
    its status stops being InProgress, infinite when it never does, and ``stopping_since`` when it is Stopping.

    ``generation`` counts the jobs of its name before it. ``forgotten`` are the training jobs whose records vanish, by name, and when.
    ``passed`` are the stages of those that ran when the job was asked to stop, up to then, by number.

    Heartbeats are simulated seconds apart, but in slow motion no further than in a real life: they are the service's
    habit and not the job's.
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
        """Compute the life. ``created`` is Unix seconds; ``speed`` divides every duration.

        ``constant`` are the members of its answer that never change, the scenario's by default. Raise ValueError when
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
        """Return the life as it goes on when the job is asked to stop at a moment at which it is in progress.

        Until then it is the same. It is Stopping for so many seconds, those of its scenario by default.
        """
        patience = self.scenario.stopping / self.speed if seconds is None else seconds
        life = self._following(stopped(self._plan, _milliseconds(t), patience, chance(self._seed, self.name, "stop")))
        running = (job for job in self.training_jobs if job.trial.created <= t < job.trial.ended)
        life.passed = {job.trial.number: [stage for stage in job.stages if stage.since < t] for job in running}
        return life

    def deleted(self, t: float) -> Self:
        """Return the life as it is when the job ceases to exist at a moment."""
        return self._following(self._plan._replace(gone=t))

    def forgetting(self, training_job: str, t: float) -> Self:
        """Return the life as it is when the record of one of its training jobs vanishes at a moment."""
        life = self._following(self._plan)
        life.forgotten = {**self.forgotten, training_job: t}
        return life

    @property
    def training_jobs(self) -> tuple[TrainingJob, ...]:
        """All training jobs of its whole life, in the order of their launch. They outlive it."""
        if self._training_jobs is None:
            self._training_jobs = Trainings(self, self._seed, self._constant).all()
        return self._training_jobs

    def truth(self, t: float) -> list[Truth]:
        """Return what is so of each training job that the service knows at a moment, whatever it tells."""
        return [job.truth(t) for job in self.training_jobs if job.exists(t)]

    def training_job_name(self, trial: Trial) -> str:
        """Return the name of one of its training jobs; another job of the same name gives others."""
        origin = (self._seed, self.name, trial.number, *([self.generation] if self.generation else []))
        return f"{self.name}-{trial.number:03d}-{chance(*origin).getrandbits(32):08x}"

    def exists(self, t: float) -> bool:
        """Return whether the service knows the job at a moment."""
        return self.created <= t and (self.gone is None or t < self.gone)

    def state(self, t: float) -> State:
        """Return what the service says of the job at a moment. Raise ApiError when the job does not exist then."""
        if not self.exists(t):
            raise not_found(self.name)
        return self._states[bisect_right(self._since, t) - 1]

    def last_modified(self, t: float) -> float:
        """Return the later of the last heartbeat and the last change of state. Raise ApiError as ``state``."""
        state = self.state(t)
        return state.since if state.ended is not None else max(state.since, self._heartbeat(t))

    def at(self, t: float) -> dict[str, Any]:
        """Return the answer of Describe at a moment, in the form of the wire.

        The parts that never change are shared between answers: read them only. Raise ApiError (ResourceNotFound)
        when the job does not exist at that moment.
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
        """Return the job's entry in a List answer at a moment. Raise ApiError when it does not exist then."""
        config = self._constant["HyperParameterTuningJobConfig"]
        return {
            **self._identity(),
            "Strategy": config["Strategy"],
            "ResourceLimits": config["ResourceLimits"],
            **self._progress(self.state(t), t),
        }

    def tag_list(self) -> list[dict[str, str]]:
        """Return the tags in the form of the wire."""
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
        """Return the wall clock time the job took until the last heartbeat; a while after the end, until that."""
        if self.ended is None or t < self.ended:
            until = self._heartbeat(t)
        elif t < self.ended + RUNTIME_SETTLES / self._pace:
            until = self._heartbeat(self.ended)
        else:
            until = self.ended
        return math.floor(until - self.created)

    def _heartbeat(self, t: float) -> float:
        """Return the last heartbeat before a moment at which the job has not ended, else its creation."""
        beats = math.floor(((t - self.created) * self._pace - self._first_heartbeat) / HEARTBEAT)
        if beats < 0:
            return self.created
        return _milliseconds(min(t, self.created + (self._first_heartbeat + beats * HEARTBEAT) / self._pace))

    def _best(self, trial: Trial) -> dict[str, Any]:
        best = self._training_job(self.training_job_name(trial), trial)
        definition = self.scenario.definitions[trial.definition]
        if definition.name is not None:
            best["TrainingJobDefinitionName"] = definition.name
        return best

    def _parent(self, objective: float) -> dict[str, Any]:
        """Return the training job of the first parent that beats every one of this job."""
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
    """Return the last whole millisecond that is not later than a time."""
    rounded = round(time, 3)
    return rounded if rounded <= time else round(rounded - 0.001, 3)
