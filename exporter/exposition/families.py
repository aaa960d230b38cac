"""THE metric table: every family of a tuning job, in the order in which it is exposed.

Everything that names a metric reads this: rendering, the documentation and the checks of rules and dashboards.
A fact that the API did not state has no series: a function returns None or no pair, never a 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.exposition.family import Family, LabelValues, Number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.fleet import JobView
    from exporter.tuning_job import TrainingJob, TuningJob

STATUSES = ("InProgress", "Completed", "Failed", "Stopping", "Stopped", "Deleting", "DeleteFailed")
"""The values of HyperParameterTuningJobStatus, spelled as on the wire."""
UNKNOWN_STATUS = "Unknown"
"""Stands for a status that the API added later."""


def _info(job: TuningJob) -> Iterable[tuple[LabelValues, Number]]:
    return (
        (
            (
                job.strategy or "",
                job.objective.metric_name or "",
                job.objective.type or "",
                job.early_stopping or "",
                job.warm_start_type or "",
                job.autotune or "",
                job.criteria.complete_on_convergence or "",
            ),
            1,
        ),
    )


def _status(job: TuningJob) -> Iterable[tuple[LabelValues, Number]]:
    shown = job.status if job.status in STATUSES else UNKNOWN_STATUS
    return [((status,), int(status == shown)) for status in (*STATUSES, UNKNOWN_STATUS)]


def _objective_value(training_job: TrainingJob | None) -> Iterable[tuple[LabelValues, Number]]:
    if training_job is None or training_job.objective_value is None:
        return ()
    objective = training_job.objective
    return (((objective.metric_name or "", objective.type or ""), training_job.objective_value),)


def _up(view: JobView) -> Iterable[tuple[LabelValues, Number]]:
    return (((), int(view.failure is None)),) if view.attempted else ()


def _error_info(view: JobView) -> Iterable[tuple[LabelValues, Number]]:
    return () if view.failure is None else (((view.failure.code,), 1),)


def _last_success(view: JobView) -> Iterable[tuple[LabelValues, Number]]:
    return () if view.last_success is None else (((), view.last_success),)


FAMILIES: tuple[Family, ...] = (
    Family(
        name="up",
        help="Whether the last describe of the tuning job succeeded.",
        source="the last DescribeHyperParameterTuningJob call",
        view=_up,
    ),
    Family(
        name="error_info",
        help="Why the last describe failed; always 1, and only there while it fails.",
        source="the last DescribeHyperParameterTuningJob call",
        labels=("code",),
        view=_error_info,
    ),
    Family(
        name="last_success_timestamp_seconds",
        help="When the tuning job was last described successfully.",
        source="the last successful DescribeHyperParameterTuningJob call",
        view=_last_success,
    ),
    Family(
        name="next_describe_timestamp_seconds",
        help="When the next describe of the tuning job is due.",
        source="the schedule",
        view=lambda view: (((), view.next_describe),),
    ),
    Family(
        name="labels",
        help="The labels that the configuration gives the tuning job; always 1.",
        source="labels in the configuration",
        label_pairs=lambda view: ((f"label_{key}", value) for key, value in view.labels.items()),
    ),
    Family(
        name="info",
        help="How the tuning job is configured; always 1. Empty values are not stated or differ between definitions.",
        source="HyperParameterTuningJobConfig, TrainingJobDefinition(s), WarmStartConfig, Autotune",
        labels=(
            "strategy",
            "objective_metric",
            "objective_type",
            "early_stopping",
            "warm_start_type",
            "autotune",
            "complete_on_convergence",
        ),
        facts_by_label=_info,
    ),
    Family(
        name="status",
        help="Whether the tuning job is in this status: 1 for the one it is in, else 0.",
        source="HyperParameterTuningJobStatus",
        labels=("status",),
        facts_by_label=_status,
    ),
    Family(
        name="training_jobs",
        help="Training jobs that the tuning job launched, by their status now.",
        source="TrainingJobStatusCounters",
        labels=("status",),
        facts_by_label=lambda job: (((status,), count) for status, count in job.training_jobs.items()),
    ),
    Family(
        name="objectives",
        help="Training jobs by the status of their objective metric now.",
        source="ObjectiveStatusCounters",
        labels=("status",),
        facts_by_label=lambda job: (((status,), count) for status, count in job.objectives.items()),
    ),
    Family(
        name="best_objective_value",
        help="Objective value of the best training job so far, as the algorithm printed it.",
        source="BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value",
        labels=("objective_metric", "objective_type"),
        facts_by_label=lambda job: _objective_value(job.best_training_job),
    ),
    Family(
        name="overall_best_objective_value",
        help="Objective value of the best training job of this tuning job and all its warm start parents.",
        source="OverallBestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value",
        labels=("objective_metric", "objective_type"),
        facts_by_label=lambda job: _objective_value(job.overall_best_training_job),
    ),
    Family(
        name="runtime_seconds",
        help="Wall clock time that the tuning job has run; it lags a little and is no measure of cost.",
        source="ConsumedResources.RuntimeInSeconds",
        facts=lambda job: job.runtime_seconds,
    ),
    Family(
        name="training_jobs_not_improving",
        help="Training jobs in a row that improved the best objective by 1 percent or less.",
        source="TuningJobCompletionDetails.NumberOfTrainingJobsObjectiveNotImproving",
        facts=lambda job: job.training_jobs_not_improving,
    ),
    Family(
        name="convergence_detected_timestamp_seconds",
        help="When the search was found to have converged.",
        source="TuningJobCompletionDetails.ConvergenceDetectedTime",
        facts=lambda job: job.convergence_detected_time,
    ),
    Family(
        name="created_timestamp_seconds",
        help="When the tuning job was created.",
        source="CreationTime",
        facts=lambda job: job.creation_time,
    ),
    Family(
        name="last_modified_timestamp_seconds",
        help="When the status of the tuning job last changed.",
        source="LastModifiedTime",
        facts=lambda job: job.last_modified_time,
    ),
    Family(
        name="end_timestamp_seconds",
        help="When the tuning job ended.",
        source="HyperParameterTuningEndTime",
        facts=lambda job: job.end_time,
    ),
    Family(
        name="best_training_job_end_timestamp_seconds",
        help="When the best training job so far ended: the last improvement of the search.",
        source="BestTrainingJob.TrainingEndTime",
        facts=lambda job: None if job.best_training_job is None else job.best_training_job.end_time,
    ),
    Family(
        name="max_training_jobs",
        help="Training jobs that the tuning job may launch in all.",
        source="ResourceLimits.MaxNumberOfTrainingJobs",
        facts=lambda job: job.limits.max_training_jobs,
    ),
    Family(
        name="max_parallel_training_jobs",
        help="Training jobs that the tuning job may run at once.",
        source="ResourceLimits.MaxParallelTrainingJobs",
        facts=lambda job: job.limits.max_parallel_training_jobs,
    ),
    Family(
        name="max_runtime_seconds",
        help="Wall clock time that the tuning job may run.",
        source="ResourceLimits.MaxRuntimeInSeconds",
        facts=lambda job: job.limits.max_runtime_seconds,
    ),
    Family(
        name="max_training_jobs_not_improving",
        help="Training jobs in a row without improvement after which the tuning job stops.",
        source="TuningJobCompletionCriteria.BestObjectiveNotImproving.MaxNumberOfTrainingJobsNotImproving",
        facts=lambda job: job.criteria.max_training_jobs_not_improving,
    ),
    Family(
        name="target_objective_value",
        help="Objective value at which the tuning job stops.",
        source="TuningJobCompletionCriteria.TargetObjectiveMetricValue",
        facts=lambda job: job.criteria.target_objective_value,
    ),
    Family(
        name="parents",
        help="Tuning jobs that this one was warm started from.",
        source="WarmStartConfig.ParentHyperParameterTuningJobs",
        facts=lambda job: None if job.parents is None else len(job.parents),
    ),
)
