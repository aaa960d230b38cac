"""Converts the API's answer to facts: a pure function that requires only three members.

The SDK's parser enforces neither required members nor types: an empty answer becomes ``{}``, numbers may be the strings
``"NaN"`` and ``"Infinity"``, and answers that a proxy has changed are passed on.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from exporter.statuses import OBJECTIVE_STATUSES, TRAINING_JOB_STATUSES
from exporter.tuning_job.definitions import config_objective, definitions, objective, raw_definitions
from exporter.tuning_job.hyperparameters import ranges, tuned_hyperparameters
from exporter.tuning_job.members import (
    Answer,
    MalformedAnswer,
    mapping,
    number,
    prose,
    required,
    term,
    text,
    time,
    value,
)
from exporter.tuning_job.model import (
    CompletionCriteria,
    Objective,
    ResourceLimits,
    Summary,
    TrainingJob,
    TuningJob,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_ARN = re.compile(
    r"arn:aws[a-z-]*:sagemaker:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12}):hyper-parameter-tuning-job/.+",
    re.DOTALL,
)


def reduce(answer: Answer) -> TuningJob:
    """Return the facts of a DescribeHyperParameterTuningJob answer.

    Times may be Unix seconds, ISO 8601 text or datetimes. Raises MalformedAnswer if name, ARN or status is missing, or if the
    ARN is not that of a tuning job. Any other member that is missing or invalid becomes None or empty. The source of each fact
    is the member of the API that the code names.
    """
    name, arn, status, parts = _identity(answer)
    config = mapping(answer, "HyperParameterTuningJobConfig")
    limits = mapping(config, "ResourceLimits")
    criteria = mapping(config, "TuningJobCompletionCriteria")
    details = mapping(answer, "TuningJobCompletionDetails")
    warm_start = mapping(answer, "WarmStartConfig")
    return TuningJob(
        name=name,
        arn=arn,
        region=sys.intern(parts["region"]),
        account_id=sys.intern(parts["account"]),
        status=sys.intern(status),
        objective=_configured_objective(answer),
        strategy=term(config, "Strategy"),
        early_stopping=term(config, "TrainingJobEarlyStoppingType"),
        warm_start_type=term(warm_start, "WarmStartType"),
        parents=_parents(warm_start),
        autotune=term(mapping(answer, "Autotune"), "Mode"),
        limits=ResourceLimits(
            max_training_jobs=number(limits, "MaxNumberOfTrainingJobs"),
            max_parallel_training_jobs=number(limits, "MaxParallelTrainingJobs"),
            max_runtime_seconds=number(limits, "MaxRuntimeInSeconds"),
        ),
        criteria=CompletionCriteria(
            target_objective_value=value(criteria, "TargetObjectiveMetricValue"),
            max_training_jobs_not_improving=number(
                mapping(criteria, "BestObjectiveNotImproving"), "MaxNumberOfTrainingJobsNotImproving"
            ),
            complete_on_convergence=term(mapping(criteria, "ConvergenceDetected"), "CompleteOnConvergence"),
        ),
        training_jobs=_counters(answer, "TrainingJobStatusCounters", TRAINING_JOB_STATUSES),
        objectives=_counters(answer, "ObjectiveStatusCounters", OBJECTIVE_STATUSES),
        best_training_job=_training_job(answer, "BestTrainingJob"),
        overall_best_training_job=_training_job(answer, "OverallBestTrainingJob"),
        definitions=definitions(answer),
        ranges=ranges(answer),
        runtime_seconds=number(mapping(answer, "ConsumedResources"), "RuntimeInSeconds"),
        training_jobs_not_improving=number(details, "NumberOfTrainingJobsObjectiveNotImproving"),
        convergence_detected_time=time(details, "ConvergenceDetectedTime"),
        creation_time=time(answer, "CreationTime"),
        last_modified_time=time(answer, "LastModifiedTime"),
        end_time=time(answer, "HyperParameterTuningEndTime"),
        failure_reason=prose(answer, "FailureReason"),
    )


def reduce_summary(answer: Answer) -> Summary:
    """Return the facts in an entry of ListHyperParameterTuningJobs. Errors and missing members are as in ``reduce``."""
    name, arn, status, parts = _identity(answer)
    return Summary(
        name=name,
        arn=arn,
        region=sys.intern(parts["region"]),
        account_id=sys.intern(parts["account"]),
        status=sys.intern(status),
        training_jobs=_counters(answer, "TrainingJobStatusCounters", TRAINING_JOB_STATUSES),
        objectives=_counters(answer, "ObjectiveStatusCounters", OBJECTIVE_STATUSES),
        creation_time=time(answer, "CreationTime"),
        last_modified_time=time(answer, "LastModifiedTime"),
        end_time=time(answer, "HyperParameterTuningEndTime"),
    )


def _identity(answer: Answer) -> tuple[str, str, str, re.Match[str]]:
    """Return name, ARN, status and the parts of the ARN."""
    if not isinstance(answer, Mapping):
        raise MalformedAnswer(f"the answer is {type(answer).__name__}, not an object")
    name = required(answer, "HyperParameterTuningJobName")
    arn = required(answer, "HyperParameterTuningJobArn")
    status = required(answer, "HyperParameterTuningJobStatus")
    parts = _ARN.fullmatch(arn)
    if parts is None:
        raise MalformedAnswer("HyperParameterTuningJobArn is not the ARN of a tuning job")
    return name, arn, status, parts


def _counters(answer: Answer, member: str, names: Sequence[str]) -> dict[str, int | float]:
    counters = mapping(answer, member)
    found = ((name, number(counters, name)) for name in names)
    return {name: value for name, value in found if value is not None}


def _parents(warm_start: Answer) -> tuple[str, ...] | None:
    parents = warm_start.get("ParentHyperParameterTuningJobs")
    if not isinstance(parents, list | tuple) or not all(isinstance(parent, Mapping) for parent in parents):
        return None
    return tuple(text(parent, "HyperParameterTuningJobName") or "" for parent in parents)


_NO_OBJECTIVE = Objective(None, None)


def _configured_objective(answer: Answer) -> Objective:
    """Return the objective of the whole configuration.

    Jobs of the SDK have it in the config, jobs of the console only in their definitions. If definitions have different
    objectives, there is no single one, and both members are None.
    """
    return _agreed([config_objective(answer), *_definition_objectives(answer)]) or _NO_OBJECTIVE


def _definition_objectives(answer: Answer) -> list[Objective | None]:
    return [objective(definition, "TuningObjective") for definition in raw_definitions(answer)]


def _agreed(objectives: Sequence[Objective | None]) -> Objective | None:
    """Return the common objective of those that are not None. None if they differ."""
    stated = set(objectives) - {None}
    return stated.pop() if len(stated) == 1 else None


def _training_job(answer: Answer, member: str) -> TrainingJob | None:
    job = answer.get(member)
    if not isinstance(job, Mapping) or not job:
        return None
    return TrainingJob(
        name=text(job, "TrainingJobName"),
        definition_name=term(job, "TrainingJobDefinitionName"),
        end_time=time(job, "TrainingEndTime"),
        objective=_objective_of(job, answer),
        objective_value=value(mapping(job, "FinalHyperParameterTuningJobObjectiveMetric"), "Value"),
        hyperparameters=tuned_hyperparameters(job),
    )


def _objective_of(job: Answer, answer: Answer) -> Objective:
    """Return the objective of a training job's value.

    The metric and direction of the training job itself come first, although the real API leaves out the direction. A missing
    one is taken from, in this order: the definition that the job names, the config's objective, and the definitions with the
    job's metric, if they agree. It is never taken from an objective with another metric.
    """
    metric = mapping(job, "FinalHyperParameterTuningJobObjectiveMetric")
    name, type_ = term(metric, "MetricName"), term(metric, "Type")
    definition_name = term(job, "TrainingJobDefinitionName")
    candidates = [
        *(
            objective(definition, "TuningObjective")
            for definition in raw_definitions(answer)
            if definition_name is not None and text(definition, "DefinitionName") == definition_name
        ),
        config_objective(answer),
        _agreed([o for o in _definition_objectives(answer) if o is None or name in {o.metric_name, None}]),
    ]
    for candidate in candidates:
        if candidate is not None and (name is None or candidate.metric_name in {name, None}):
            name = name or candidate.metric_name
            type_ = type_ or candidate.type
    return Objective(name, type_)
