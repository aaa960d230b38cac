"""What was asked for when a tuning job was created, and whether it is reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.exposition.family import Family, Section, fact

if TYPE_CHECKING:
    from exporter.tuning_job import TuningJob


def _target_reached(job: TuningJob) -> int | None:
    return None if job.target_reached is None else int(job.target_reached)


LIMITS = Section(
    "Limits and completion criteria",
    (
        Family(
            name="max_training_jobs",
            help="Training jobs that the tuning job may launch in all.",
            source="ResourceLimits.MaxNumberOfTrainingJobs",
            absent="the tuning job has no such limit",
            example="sum by (aws_account_id) (sagemaker_tuning_job_max_training_jobs)",
            samples=fact(lambda job: job.limits.max_training_jobs),
        ),
        Family(
            name="max_parallel_training_jobs",
            help="Training jobs that the tuning job may run at once.",
            source="ResourceLimits.MaxParallelTrainingJobs",
            absent="the tuning job has no such limit",
            example='sagemaker_tuning_job_training_jobs{status="InProgress"} / on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_max_parallel_training_jobs',
            samples=fact(lambda job: job.limits.max_parallel_training_jobs),
        ),
        Family(
            name="max_runtime_seconds",
            help="Wall clock time that the tuning job may run.",
            source="ResourceLimits.MaxRuntimeInSeconds",
            absent="the tuning job has no such limit",
            example='sagemaker_tuning_job_max_runtime_seconds - on (aws_account_id, aws_region, tuning_job) (time() - sagemaker_tuning_job_created_timestamp_seconds) < 1800 and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status="InProgress"} == 1',
            samples=fact(lambda job: job.limits.max_runtime_seconds),
        ),
        Family(
            name="max_training_jobs_not_improving",
            help="Training jobs in a row without improvement after which the tuning job stops.",
            source="TuningJobCompletionCriteria.BestObjectiveNotImproving.MaxNumberOfTrainingJobsNotImproving",
            absent="the tuning job has no such criterion",
            example='sagemaker_tuning_job_training_jobs_not_improving / on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_max_training_jobs_not_improving > 0.8 and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status="InProgress"} == 1',
            samples=fact(lambda job: job.criteria.max_training_jobs_not_improving),
        ),
        Family(
            name="target_objective_value",
            help="Objective value at which the tuning job stops.",
            source="TuningJobCompletionCriteria.TargetObjectiveMetricValue",
            absent="the tuning job has no such criterion",
            example="sagemaker_tuning_job_best_objective_value - on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_target_objective_value",
            samples=fact(lambda job: job.criteria.target_objective_value),
        ),
        Family(
            name="target_reached",
            help="Whether the best objective value is at the target or past it, in the direction of the objective.",
            source="TuningJobCompletionCriteria.TargetObjectiveMetricValue, BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric",
            absent="there is no target, no best objective value, no known direction, or one of the two is no number",
            example='sagemaker_tuning_job_target_reached == 1 and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status="InProgress"} == 1',
            samples=fact(_target_reached),
        ),
    ),
)
