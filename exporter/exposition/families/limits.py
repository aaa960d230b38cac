"""What was requested when the tuning job was created."""

from __future__ import annotations

from exporter.exposition.family import Family, Section, fact

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
            example='sagemaker_tuning_job_training_jobs{status="InProgress"} / ignoring (status) sagemaker_tuning_job_max_parallel_training_jobs',
            samples=fact(lambda job: job.limits.max_parallel_training_jobs),
        ),
        Family(
            name="max_runtime_seconds",
            help="Wall clock time that the tuning job may run.",
            source="ResourceLimits.MaxRuntimeInSeconds",
            absent="the tuning job has no such limit",
            example='sagemaker_tuning_job_max_runtime_seconds - (time() - sagemaker_tuning_job_created_timestamp_seconds) < 1800 and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status="InProgress"} == 1',
            samples=fact(lambda job: job.limits.max_runtime_seconds),
        ),
        Family(
            name="max_training_jobs_not_improving",
            help="Training jobs in a row without improvement after which the tuning job stops.",
            source="TuningJobCompletionCriteria.BestObjectiveNotImproving.MaxNumberOfTrainingJobsNotImproving",
            absent="the tuning job has no such criterion",
            example='sagemaker_tuning_job_training_jobs_not_improving / sagemaker_tuning_job_max_training_jobs_not_improving > 0.8 and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status="InProgress"} == 1',
            samples=fact(lambda job: job.criteria.max_training_jobs_not_improving),
        ),
    ),
)
