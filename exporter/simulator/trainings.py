"""The training jobs of a tuning job's life: their instances, billed seconds and failure reasons.

The plan of the life already has the outcome and the times of each. Random values here come from generators of their own. Those
of a training job do not depend on its end, because a request to stop may change its end.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

from exporter.simulator import failure_texts
from exporter.simulator.chance import chance
from exporter.simulator.configuration import arn, partition
from exporter.simulator.failure_texts import REASONS, RETRYABLE, WITHOUT_INSTANCES
from exporter.simulator.training import STATUS_AT_END, Stage, TrainingJob

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from random import Random

    from exporter.simulator.failure_texts import Reason
    from exporter.simulator.life import Life
    from exporter.simulator.record import Trial

DOWNLOADING = 20.0
"""Simulated seconds for which a training job downloads its data, from its start."""

UPLOADING = 5.0
"""Simulated seconds for which it uploads its model, before its end."""

STOPPING = 10.0
"""Simulated seconds for which a training job is Stopping if its tuning job goes on."""

GAP = (120.0, 600.0)
"""Simulated seconds for which an interrupted training job waits for a new spot instance."""

LEADING = 0.8
"""The share of failures that have the most common reason of their tuning job."""

FIRST_CHOICE = 0.75
"""How often the first of several instance configurations has capacity."""

_FINAL = {
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}

_SHARED = (
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "RetryStrategy",
    "Environment",
)
"""The members of a definition that its training jobs have as well."""


class Trainings:
    """Makes the training jobs of one life."""

    def __init__(self, life: Life, seed: int, constant: Mapping[str, Any]) -> None:
        """``constant`` has the members of the tuning job's answer that have its definitions."""
        self._life = life
        self._seed = seed
        single = [constant["TrainingJobDefinition"]] if "TrainingJobDefinition" in constant else []
        self._definitions: list[Mapping[str, Any]] = [*single, *constant.get("TrainingJobDefinitions", [])]

    def all(self) -> tuple[TrainingJob, ...]:
        """Return them in the order of their launch."""
        gone = math.inf if self._life.gone is None else self._life.gone
        # When the tuning job is deleted, running training jobs go on, but no new ones are launched.
        return tuple(self._make(trial) for trial in self._life.trials if trial.created < gone)

    def _make(self, trial: Trial) -> TrainingJob:
        life, scenario = self._life, self._life.scenario
        rng = self._chance("training", trial)
        definition, given = scenario.definitions[trial.definition], self._definitions[trial.definition]
        resources = _resources(given, rng)
        spot = bool(given.get("EnableManagedSpotTraining", False))
        saved = rng.uniform(*definition.savings) if spot else 0.0
        reason = self._reason(trial)
        if reason in WITHOUT_INSTANCES or self._waited_in_vain(trial):
            trial = trial._replace(started=None)
        gaps = [*self._interruptions(trial, definition.interruptions, rng)] if spot else []
        name = life.training_job_name(trial)
        stages = tuple(self._stages(trial, gaps))
        instances = _instances(resources)
        texts = self._chance("failure text", trial)
        facts = {"instance": instances[0][0] if instances else "?", "rate": f"{texts.uniform(0.001, 0.9):.4f}"}
        return TrainingJob(
            name=name,
            arn=arn("training-job", name, region=life.region, account_id=life.account_id),
            trial=trial,
            surface=definition.surface,
            definition_name=definition.name,
            constant=self._constant(name, trial, given, resources),
            instances=instances,
            spot=spot,
            stages=stages,
            stopping=next((stage.since for stage in stages if stage.status == "Stopping"), math.inf),
            billable_seconds=_billable(trial, gaps, saved),
            reason=reason,
            failure=None if reason is None else failure_texts.draw(reason, self._facts | facts, texts),
            tags=life.tags,
            gone=life.forgotten.get(name, math.inf),
        )

    def _chance(self, what: str, trial: Trial) -> Random:
        return chance(self._seed, self._life.name, what, trial.number)

    @cached_property
    def _facts(self) -> dict[str, str]:
        account, region = self._life.account_id, self._life.region
        where = f"arn:{partition(region)}"
        return {
            "account": account,
            "region": region,
            "bucket": f"sagemaker-{region}-{account}",
            "role": f"{where}:iam::{account}:role/service-role/training",
            "session": f"{where}:sts::{account}:assumed-role/training/SageMaker",
        }

    @cached_property
    def _usual(self) -> Reason:
        """The reason for which most training jobs of this tuning job fail."""
        drawn = chance(self._seed, self._life.name, "reason").choice(REASONS)
        return drawn if self._life.scenario.reason is None else self._life.scenario.reason

    def _reason(self, trial: Trial) -> Reason | None:
        if not trial.outcome.endswith("Error"):
            return None
        rng = self._chance("reason", trial)
        for spell in self._life.scenario.spells:
            if spell.reason is not None and spell.holds(trial.number - 1):
                return spell.reason
        if trial.outcome == "RetryableError":
            return rng.choice(RETRYABLE)
        return self._usual if rng.random() < LEADING else rng.choice(REASONS)

    def _waited_in_vain(self, trial: Trial) -> bool:
        """Return whether a training job was stopped while it had waited for instances for longer than others."""
        passed = self._life.passed.get(trial.number, ())
        late = trial.started is not None and trial.started < self._life.stopping_since
        return late and [stage.status for stage in passed] == ["Starting"]

    def _stopping(self, trial: Trial) -> float:
        """Return since when a training job is Stopping."""
        if trial.outcome != "Stopped":
            return math.inf
        if self._life.stopping_since < trial.ended or trial.number in self._life.passed:
            return max(trial.created, self._life.stopping_since)
        return max(trial.created, trial.ended - STOPPING / self._life.speed)

    def _interruptions(self, trial: Trial, rate: float, rng: Random) -> Iterator[tuple[float, float]]:
        """Yield the times without an instance of a training job on spot capacity. ``rate`` is the interruptions per hour."""
        if trial.started is None or not rate or math.isinf(trial.ended):
            return
        speed, t = self._life.speed, trial.started
        while True:
            t += rng.expovariate(rate) * 3600 / speed
            over = t + rng.uniform(*GAP) / speed
            if t >= trial.ended:
                return
            yield t, min(over, trial.ended)
            t = over

    def _stages(self, trial: Trial, gaps: list[tuple[float, float]]) -> Iterator[Stage]:
        stopping = self._stopping(trial)
        passed = self._life.passed.get(trial.number)
        if passed is not None:
            yield from passed
        else:
            yield Stage("Starting", trial.created, "Preparing the instances for training")
            if trial.started is not None:
                yield from self._at_work(trial, trial.started, gaps, min(trial.ended, stopping))
        if stopping < math.inf and not (passed and passed[-1].status == "Stopping"):
            yield Stage("Stopping", stopping, "Stopping the training job")
        if trial.ended < math.inf:
            status = STATUS_AT_END[trial.outcome]
            if status == "Stopped" and self._reached_limit(trial):
                status = "MaxRuntimeExceeded"
            yield Stage(status, trial.ended, _FINAL[status])

    def _at_work(self, trial: Trial, started: float, gaps: list[tuple[float, float]], until: float) -> Iterator[Stage]:
        speed, training = self._life.speed, "Training image download completed. Training in progress."
        stages = [
            Stage("Downloading", started, "Downloading input data"),
            Stage("Training", started + DOWNLOADING / speed, training),
        ]
        for begin, end in gaps:
            stages.append(Stage("Interrupted", begin, "The managed spot training instances were interrupted"))
            stages.append(Stage("Training", end, training))
        if trial.outcome == "Completed" and trial.ended < math.inf:
            until = max(started, trial.ended - UPLOADING / speed)
        for stage in sorted(stages, key=lambda stage: stage.since):
            if stage.since < until:
                yield stage._replace(since=round(stage.since, 3))
        if trial.outcome == "Completed" and trial.ended < math.inf:
            yield Stage("Uploading", round(until, 3), "Uploading generated training model")

    def _reached_limit(self, trial: Trial) -> bool:
        limit = self._life.scenario.definitions[trial.definition].max_runtime / self._life.speed
        # Times are in whole milliseconds.
        return trial.started is not None and trial.ended - trial.started > limit - 0.002

    def _constant(
        self, name: str, trial: Trial, given: Mapping[str, Any], resources: Mapping[str, Any]
    ) -> dict[str, Any]:
        surface = self._life.scenario.definitions[trial.definition].surface
        tuned = {range_.name: value for range_, value in zip(surface.ranges, trial.hyperparameters, strict=True)}
        output = given.get("OutputDataConfig", {}).get("S3OutputPath", "s3://unknown").rstrip("/")
        return {
            "TuningJobArn": self._life.arn,
            "ModelArtifacts": {"S3ModelArtifacts": f"{output}/{name}/output/model.tar.gz"},
            "HyperParameters": {**given.get("StaticHyperParameters", {}), **tuned},
            "ResourceConfig": resources,
            **{member: given[member] for member in _SHARED if member in given},
        }


def _resources(definition: Mapping[str, Any], rng: Random) -> Mapping[str, Any]:
    """Return the instances that a training job of a definition got, as in the API."""
    if "ResourceConfig" in definition:
        given: Mapping[str, Any] = definition["ResourceConfig"]
        return given
    flexible = definition.get("HyperParameterTuningResourceConfig", {})
    choices = flexible.get("InstanceConfigs", [flexible])
    chosen = choices[0] if rng.random() < FIRST_CHOICE else rng.choice(choices)
    wanted = {**flexible, **chosen}
    return {
        member: wanted[member] for member in ("InstanceType", "InstanceCount", "VolumeSizeInGB") if member in wanted
    }


def _instances(resources: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    groups = resources.get("InstanceGroups", [resources])
    return tuple((group["InstanceType"], group["InstanceCount"]) for group in groups if "InstanceType" in group)


def _billable(trial: Trial, gaps: list[tuple[float, float]], saved: float) -> int | None:
    """Return the billed seconds: the time with instances, reduced by the share ``saved`` on spot capacity."""
    if trial.started is None or math.isinf(trial.ended):
        return None
    taken = math.floor(trial.ended) - math.floor(trial.started)
    return math.floor(max(0.0, taken - sum(end - begin for begin, end in gaps)) * (1 - saved))
