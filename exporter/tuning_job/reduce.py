"""From the API's answer to the facts: a pure function that trusts nothing but the three members it demands.

The SDK's parser enforces neither "required" nor types: an empty 200 arrives as ``{}``, numbers may arrive as the
strings ``"NaN"`` and ``"Infinity"``, and whatever a proxy made of the answer arrives as it is. A member of a type
that cannot be what it should be is therefore treated like a member that is absent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from exporter.tuning_job.model import CompletionCriteria, Objective, ResourceLimits, TrainingJob, TuningJob

TRAINING_JOB_STATUSES = ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")
OBJECTIVE_STATUSES = ("Succeeded", "Pending", "Failed")

_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):sagemaker:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):hyper-parameter-tuning-job/.+",
    re.DOTALL,
)
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

Answer = Mapping[str, Any]


class MalformedAnswer(Exception):
    """The answer lacks what every tuning job has; the message says what."""


def reduce(answer: Answer) -> TuningJob:
    """Return the facts of a DescribeHyperParameterTuningJob answer.

    Times may be Unix seconds, ISO 8601 text or datetimes. Raises MalformedAnswer when name, ARN or status is
    missing or the ARN is not a tuning job's; anything else that is missing or unusable is just absent.
    The source of every fact is the API member that the code names.
    """
    if not isinstance(answer, Mapping):
        raise MalformedAnswer(f"the answer is {type(answer).__name__}, not an object")
    name = _required(answer, "HyperParameterTuningJobName")
    arn = _required(answer, "HyperParameterTuningJobArn")
    status = _required(answer, "HyperParameterTuningJobStatus")
    parts = _ARN.fullmatch(arn)
    if parts is None:
        raise MalformedAnswer(f"HyperParameterTuningJobArn is {arn!r}, not the ARN of a tuning job")

    config = _mapping(answer, "HyperParameterTuningJobConfig")
    limits = _mapping(config, "ResourceLimits")
    criteria = _mapping(config, "TuningJobCompletionCriteria")
    details = _mapping(answer, "TuningJobCompletionDetails")
    warm_start = _mapping(answer, "WarmStartConfig")
    return TuningJob(
        name=name,
        arn=arn,
        partition=parts["partition"],
        region=parts["region"],
        account_id=parts["account"],
        status=status,
        objective=_configured_objective(answer),
        strategy=_text(config, "Strategy"),
        early_stopping=_text(config, "TrainingJobEarlyStoppingType"),
        warm_start_type=_text(warm_start, "WarmStartType"),
        parents=_parents(warm_start),
        autotune=_text(_mapping(answer, "Autotune"), "Mode"),
        limits=ResourceLimits(
            max_training_jobs=_number(limits, "MaxNumberOfTrainingJobs"),
            max_parallel_training_jobs=_number(limits, "MaxParallelTrainingJobs"),
            max_runtime_seconds=_number(limits, "MaxRuntimeInSeconds"),
        ),
        criteria=CompletionCriteria(
            target_objective_value=_value(criteria, "TargetObjectiveMetricValue"),
            max_training_jobs_not_improving=_number(
                _mapping(criteria, "BestObjectiveNotImproving"), "MaxNumberOfTrainingJobsNotImproving"
            ),
            complete_on_convergence=_text(_mapping(criteria, "ConvergenceDetected"), "CompleteOnConvergence"),
        ),
        training_jobs=_counters(answer, "TrainingJobStatusCounters", TRAINING_JOB_STATUSES),
        objectives=_counters(answer, "ObjectiveStatusCounters", OBJECTIVE_STATUSES),
        best_training_job=_training_job(answer, "BestTrainingJob"),
        overall_best_training_job=_training_job(answer, "OverallBestTrainingJob"),
        runtime_seconds=_number(_mapping(answer, "ConsumedResources"), "RuntimeInSeconds"),
        training_jobs_not_improving=_number(details, "NumberOfTrainingJobsObjectiveNotImproving"),
        convergence_detected_time=_time(details, "ConvergenceDetectedTime"),
        creation_time=_time(answer, "CreationTime"),
        last_modified_time=_time(answer, "LastModifiedTime"),
        end_time=_time(answer, "HyperParameterTuningEndTime"),
        failure_reason=_text(answer, "FailureReason"),
    )


def _required(answer: Answer, member: str) -> str:
    value = _text(answer, member)
    if value is None:
        raise MalformedAnswer(f"the answer has no {member}")
    return value


def _mapping(parent: Answer, member: str) -> Answer:
    value = parent.get(member)
    return value if isinstance(value, Mapping) else {}


def _text(parent: Answer, member: str) -> str | None:
    """Return a text that says something: the API spells "none" now and then as an empty string."""
    value = parent.get(member)
    return value if isinstance(value, str) and value else None


def _number(parent: Answer, member: str) -> int | float | None:
    """Return a finite number; ``_value`` is for those that may be something else."""
    value = _value(parent, member)
    return value if value is not None and math.isfinite(value) else None


def _value(parent: Answer, member: str) -> int | float | None:
    """Return the value of an objective, for which NaN and the infinities are values like any other."""
    value = parent.get(member)
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if value in _NON_FINITE:
            return _NON_FINITE[value]
        if not _JSON_NUMBER.fullmatch(value):
            return None
        return float(value)
    if isinstance(value, int):
        try:
            float(value)
        except OverflowError:  # no sample can hold it
            return None
        return value
    return value if isinstance(value, float) else None


def _time(parent: Answer, member: str) -> float | None:
    value = parent.get(member)
    if isinstance(value, str) and not _JSON_NUMBER.fullmatch(value):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    seconds = _number(parent, member)
    return None if seconds is None else float(seconds)


def _counters(answer: Answer, member: str, names: Sequence[str]) -> dict[str, int | float]:
    counters = _mapping(answer, member)
    found = ((name, _number(counters, name)) for name in names)
    return {name: value for name, value in found if value is not None}


def _parents(warm_start: Answer) -> tuple[str, ...] | None:
    parents = warm_start.get("ParentHyperParameterTuningJobs")
    if not isinstance(parents, list | tuple) or not all(isinstance(parent, Mapping) for parent in parents):
        return None
    return tuple(_text(parent, "HyperParameterTuningJobName") or "" for parent in parents)


def _definitions(answer: Answer) -> list[Answer]:
    """Return the training job definitions of either layout: the single member or the list."""
    listed = answer.get("TrainingJobDefinitions")
    candidates = [*(listed if isinstance(listed, list | tuple) else ()), answer.get("TrainingJobDefinition")]
    return [definition for definition in candidates if isinstance(definition, Mapping)]


def _objective(parent: Answer, member: str) -> Objective | None:
    value = parent.get(member)
    if not isinstance(value, Mapping):
        return None
    objective = Objective(_text(value, "MetricName"), _text(value, "Type"))
    return None if objective == _NO_OBJECTIVE else objective


_NO_OBJECTIVE = Objective(None, None)


def _config_objective(answer: Answer) -> Objective | None:
    return _objective(_mapping(answer, "HyperParameterTuningJobConfig"), "HyperParameterTuningJobObjective")


def _configured_objective(answer: Answer) -> Objective:
    """Return what the configuration as a whole searches by.

    SDK jobs carry the objective in the config, console jobs only in their definitions. Where definitions name
    different ones there is no single objective, so both members are None.
    """
    return _agreed([_config_objective(answer), *_definition_objectives(answer)]) or _NO_OBJECTIVE


def _definition_objectives(answer: Answer) -> list[Objective | None]:
    return [_objective(definition, "TuningObjective") for definition in _definitions(answer)]


def _agreed(objectives: Sequence[Objective | None]) -> Objective | None:
    """Return the objective that all which state one state."""
    stated = set(objectives) - {None}
    return stated.pop() if len(stated) == 1 else None


def _training_job(answer: Answer, member: str) -> TrainingJob | None:
    job = answer.get(member)
    if not isinstance(job, Mapping) or not job:
        return None
    return TrainingJob(
        name=_text(job, "TrainingJobName"),
        definition_name=_text(job, "TrainingJobDefinitionName"),
        end_time=_time(job, "TrainingEndTime"),
        objective=_objective_of(job, answer),
        objective_value=_value(_mapping(job, "FinalHyperParameterTuningJobObjectiveMetric"), "Value"),
    )


def _objective_of(job: Answer, answer: Answer) -> Objective:
    """Return what a training job's objective value means.

    The metric's name and direction on the job itself come first, though the real API leaves the direction out. A
    missing one is taken from, in this order, the definition that the job names, the config's objective and the
    definitions of the job's metric, where these agree; never from one that names another metric.
    """
    metric = _mapping(job, "FinalHyperParameterTuningJobObjectiveMetric")
    name, type_ = _text(metric, "MetricName"), _text(metric, "Type")
    definition_name = _text(job, "TrainingJobDefinitionName")
    candidates = [
        *(
            _objective(definition, "TuningObjective")
            for definition in _definitions(answer)
            if definition_name is not None and _text(definition, "DefinitionName") == definition_name
        ),
        _config_objective(answer),
        _agreed([o for o in _definition_objectives(answer) if o is None or name in {o.metric_name, None}]),
    ]
    for candidate in candidates:
        if candidate is not None and (name is None or candidate.metric_name in {name, None}):
            name = name or candidate.metric_name
            type_ = type_ or candidate.type
    return Objective(name, type_)
