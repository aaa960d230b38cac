"""Unix times in seconds."""

from __future__ import annotations

from exporter.exposition.family import Family, Section, fact

TIMES = Section(
    "Times",
    (
        Family(
            name="convergence_detected_timestamp_seconds",
            help="When the search was found to have converged.",
            source="TuningJobCompletionDetails.ConvergenceDetectedTime",
            absent="no convergence was detected, or the tuning job is older than 31 January 2023",
            example='sagemaker_tuning_job_convergence_detected_timestamp_seconds and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status="InProgress"} == 1',
            samples=fact(lambda job: job.convergence_detected_time),
        ),
        Family(
            name="created_timestamp_seconds",
            help="When the tuning job was created.",
            source="CreationTime",
            absent="the answer does not carry it",
            example="(time() - sagemaker_tuning_job_created_timestamp_seconds) / 3600",
            samples=fact(lambda job: job.creation_time),
        ),
        Family(
            name="last_modified_timestamp_seconds",
            help="Moves about every 10 seconds while the tuning job runs, even when nothing changes; afterwards it is the end.",
            source="LastModifiedTime",
            absent="the answer does not carry it",
            example='sagemaker_tuning_job_last_modified_timestamp_seconds and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status=~"Completed|Failed|Stopped"} == 1',
            samples=fact(lambda job: job.last_modified_time),
        ),
        Family(
            name="end_timestamp_seconds",
            help="When the tuning job ended.",
            source="HyperParameterTuningEndTime",
            absent="the tuning job has not ended",
            example="sagemaker_tuning_job_end_timestamp_seconds > time() - 86400",
            samples=fact(lambda job: job.end_time),
        ),
        Family(
            name="best_training_job_end_timestamp_seconds",
            help="When the best training job so far ended: the last improvement of the search.",
            source="BestTrainingJob.TrainingEndTime",
            absent="there is no best training job yet",
            example='time() - sagemaker_tuning_job_best_training_job_end_timestamp_seconds > 6 * 3600 and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status="InProgress"} == 1',
            samples=fact(lambda job: None if job.best_training_job is None else job.best_training_job.end_time),
        ),
    ),
)
