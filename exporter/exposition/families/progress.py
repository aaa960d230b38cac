"""The tuning job and its progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.exposition.families.objective import OBJECTIVE_TYPES
from exporter.exposition.family import Family, Sample, Section, fact, facts, facts_by
from exporter.statuses import OBJECTIVE_STATUSES, TRAINING_JOB_STATUSES, TUNING_JOB_STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.tuning_job import TuningJob

UNKNOWN_STATUS = "Unknown"
"""The status for one that the API has added later."""

# An empty value means that the label is not there.
_INFO_VALUES = {
    "strategy": ("Bayesian", "Random", "Hyperband", "Grid", ""),
    "objective_type": OBJECTIVE_TYPES,
    "early_stopping": ("Off", "Auto", ""),
    "warm_start_type": ("IdenticalDataAndAlgorithm", "TransferLearning", ""),
    "autotune": ("Enabled", ""),
    "complete_on_convergence": ("Enabled", "Disabled", ""),
}


@facts
def _info(job: TuningJob) -> Iterable[Sample]:
    labels = (
        ("strategy", job.strategy or ""),
        ("objective_metric", job.objective.metric_name or ""),
        ("objective_type", job.objective.type or ""),
        ("early_stopping", job.early_stopping or ""),
        ("warm_start_type", job.warm_start_type or ""),
        ("autotune", job.autotune or ""),
        ("complete_on_convergence", job.criteria.complete_on_convergence or ""),
    )
    return ((labels, 1),)


_SHOWN_STATUSES = (*TUNING_JOB_STATUSES, UNKNOWN_STATUS)
_BY_STATUS = {
    current: tuple(((("status", status),), int(status == current)) for status in _SHOWN_STATUSES)
    for current in _SHOWN_STATUSES
}


@facts
def _status(job: TuningJob) -> Iterable[Sample]:
    return _BY_STATUS.get(job.status, _BY_STATUS[UNKNOWN_STATUS])


PROGRESS = Section(
    "State and progress",
    (
        Family(
            name="info",
            help="How the tuning job is configured; always 1. Empty values are not stated or differ between definitions.",
            source="HyperParameterTuningJobConfig, TrainingJobDefinition(s), WarmStartConfig, Autotune",
            absent="never",
            example="count by (strategy) (sagemaker_tuning_job_info)",
            values=_INFO_VALUES,
            labels=(
                "strategy",
                "objective_metric",
                "objective_type",
                "early_stopping",
                "warm_start_type",
                "autotune",
                "complete_on_convergence",
            ),
            samples=_info,
        ),
        Family(
            name="status",
            help="Whether the tuning job is in this status: 1 for the one it is in, else 0.",
            source="HyperParameterTuningJobStatus",
            absent="never",
            example="count by (status) (sagemaker_tuning_job_status == 1)",
            values={"status": _SHOWN_STATUSES},
            labels=("status",),
            samples=_status,
        ),
        Family(
            name="training_jobs",
            help="Training jobs that the tuning job launched, by their status now.",
            source="TrainingJobStatusCounters",
            absent="the counter is not in the answer",
            example='sagemaker_tuning_job_training_jobs{status="NonRetryableError"} / ignoring (status) sagemaker_tuning_job_max_training_jobs',
            values={"status": TRAINING_JOB_STATUSES},
            labels=("status",),
            samples=facts_by("status", lambda job: job.training_jobs.items()),
        ),
        Family(
            name="objectives",
            help="Training jobs by the status of their objective metric now.",
            source="ObjectiveStatusCounters",
            absent="the counter is not in the answer",
            example='sagemaker_tuning_job_objectives{status="Succeeded"} == 0 and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_training_jobs{status="Completed"} > 0',
            values={"status": OBJECTIVE_STATUSES},
            labels=("status",),
            samples=facts_by("status", lambda job: job.objectives.items()),
        ),
        Family(
            name="runtime_seconds",
            help="Wall clock time that the tuning job has run, up to describe_max_age old while it runs; not a measure of cost.",
            source="ConsumedResources.RuntimeInSeconds",
            absent="the tuning job is older than 31 January 2023",
            example='sum by (aws_account_id) (sagemaker_tuning_job_runtime_seconds and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status=~"Completed|Failed|Stopped"} == 1)',
            samples=fact(lambda job: job.runtime_seconds),
        ),
        Family(
            name="training_jobs_not_improving",
            help="Training jobs in a row that improved the best objective by 1 percent or less.",
            source="TuningJobCompletionDetails.NumberOfTrainingJobsObjectiveNotImproving",
            absent="the tuning job is older than 31 January 2023",
            example='sagemaker_tuning_job_training_jobs_not_improving / sagemaker_tuning_job_max_training_jobs_not_improving >= 0.5 and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status="InProgress"} == 1',
            samples=fact(lambda job: job.training_jobs_not_improving),
        ),
        Family(
            name="warm_start_parents",
            help="Tuning jobs that this one was warm started from.",
            source="WarmStartConfig.ParentHyperParameterTuningJobs",
            absent="the tuning job has no warm start",
            example="sagemaker_tuning_job_warm_start_parents > 0",
            samples=fact(lambda job: None if job.parents is None else len(job.parents)),
        ),
    ),
)
