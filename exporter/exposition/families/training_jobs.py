"""Families of sums over a tuning job's training jobs. They are exposed only if ``collect`` names them.

The number of training jobs has no limit, so they have no series of their own. Ended ones are counted and summed, running ones
are gauges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.exposition.family import Family, Number, Sample, Section
from exporter.statuses import ENDED_TRAINING_JOB_STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.fleet import JobView, Spend

_COLLECT = "training_jobs"
_LIST = "ListTrainingJobsForHyperParameterTuningJob: TrainingJobSummaries"
_SEARCH = "Search: Results.TrainingJob"
_SPOT = ("true", "false", "")
_BY_STATUS = {"status": ENDED_TRAINING_JOB_STATUSES}

# These limits are above what is possible: 20 instance types in a tuning job's definitions, each with or without spot; eleven
# built-in reasons and ten configured ones.
_INSTANCES = 60
_REASONS = 30
_INCOMPLETE = ("page_limit", "records_missing", "billable_unknown", "unpriced")


def _spent(samples_of: Callable[[Spend], Iterable[Sample]]) -> Callable[[JobView], Iterable[Sample]]:
    """Return a function that computes samples from the sums. It returns none before the first reading, or without facts."""

    def samples(view: JobView) -> Iterable[Sample]:
        return () if view.facts is None or view.spend is None else samples_of(view.spend)

    return samples


def _number(number_of: Callable[[Spend], Number | None]) -> Callable[[JobView], Iterable[Sample]]:
    return _spent(lambda spend: () if (number := number_of(spend)) is None else (((), number),))


def _instance_seconds(spend: Spend) -> Iterable[Sample]:
    for (instance_type, spot, status), seconds in spend.instance_seconds:
        yield (("instance_type", instance_type), ("spot", spot), ("status", status)), seconds


def _billed_seconds(spend: Spend) -> Iterable[Sample]:
    for (instance_type, spot, status), seconds in spend.billed_seconds:
        yield (("instance_type", instance_type), ("spot", spot), ("status", status)), seconds


def _running_instances(spend: Spend) -> Iterable[Sample]:
    for (instance_type, spot), count in spend.running_instances:
        yield (("instance_type", instance_type), ("spot", spot)), count


TRAINING_JOBS = Section(
    "Training jobs",
    (
        Family(
            name="training_job_duration_seconds",
            help="Time from start to end of the training jobs that have ended; those that never began are not counted.",
            source=f"{_LIST}.TrainingStartTime, {_LIST}.TrainingEndTime",
            absent="no training job of that status has trained",
            example="sum by (tuning_job) (sagemaker_tuning_job_training_job_duration_seconds_sum) / sum by (tuning_job) (sagemaker_tuning_job_training_job_duration_seconds_count)",
            labels=("status",),
            values=_BY_STATUS,
            collect=_COLLECT,
            samples=_spent(lambda spend: [((("status", status),), seconds) for status, _, seconds in spend.trained]),
            counts=_spent(lambda spend: [((("status", status),), count) for status, count, _ in spend.trained]),
        ),
        Family(
            name="running_training_seconds",
            help="How long the running training jobs have been training in total, when their list was last read.",
            source=f"{_LIST}.TrainingStartTime",
            absent="the list of training jobs cannot be read",
            example="topk(10, sagemaker_tuning_job_running_training_seconds)",
            collect=_COLLECT,
            samples=_number(lambda spend: spend.running_seconds),
        ),
        Family(
            name="training_instance_seconds_total",
            help="Time of the training jobs that have ended times the instances that their definition gives them.",
            source=f"{_LIST}.TrainingStartTime, {_LIST}.TrainingEndTime, {_LIST}.TrainingJobStatus",
            absent="no training job has trained on instances of the type, or a definition does not say which it gets",
            example="sum by (instance_type) (rate(sagemaker_tuning_job_training_instance_seconds_total[1h]))",
            labels=("instance_type", "spot", "status"),
            values={"spot": _SPOT} | _BY_STATUS,
            collect=_COLLECT,
            limit=_INSTANCES * len(ENDED_TRAINING_JOB_STATUSES),
            samples=_spent(_instance_seconds),
        ),
        Family(
            name="running_instances",
            help="Instances that training jobs ran on when their list was last read.",
            source=f"{_LIST}.TrainingStartTime",
            absent="the list of training jobs cannot be read, or a definition does not say which instances it gets",
            example="sum by (instance_type) (sagemaker_tuning_job_running_instances)",
            labels=("instance_type", "spot"),
            values={"spot": _SPOT},
            collect=_COLLECT,
            limit=_INSTANCES,
            samples=_spent(_running_instances),
        ),
        Family(
            name="billable_instance_seconds_total",
            help="Seconds that SageMaker bills for the training jobs that have ended, times their instances.",
            source=f"{_SEARCH}.BillableTimeInSeconds, {_SEARCH}.ResourceConfig, {_SEARCH}.EnableManagedSpotTraining",
            absent="the configuration does not ask for it, or no bill is known",
            example='1 - sum by (tuning_job) (sagemaker_tuning_job_billable_instance_seconds_total{spot="true"}) / sum by (tuning_job) (sagemaker_tuning_job_training_instance_seconds_total{spot="true"})',
            labels=("instance_type", "spot", "status"),
            values={"spot": _SPOT} | _BY_STATUS,
            collect=_COLLECT,
            limit=_INSTANCES * len(ENDED_TRAINING_JOB_STATUSES),
            samples=_spent(_billed_seconds),
        ),
        Family(
            name="estimated_cost_total",
            help="Time of the training jobs that have ended, or billed seconds, times their instances and the configured prices.",
            source=f"{_LIST}.TrainingStartTime, {_LIST}.TrainingEndTime, {_LIST}.TrainingJobStatus",
            absent="no training job of that status ran on instances that have a price",
            example="sum by (currency) (increase(sagemaker_tuning_job_estimated_cost_total[1d]))",
            labels=("currency", "status"),
            values=_BY_STATUS,
            collect=_COLLECT,
            limit=len(ENDED_TRAINING_JOB_STATUSES),
            samples=_spent(
                lambda spend: [((("currency", spend.currency), ("status", each)), cost) for each, cost in spend.cost]
            ),
        ),
        Family(
            name="training_job_failures_total",
            help="Training jobs that failed, by the class of their failure text.",
            source=f"{_LIST}.FailureReason",
            absent="no training job has failed for that reason",
            example='sagemaker_tuning_job_training_job_failures_total{reason="out_of_memory"} > 0',
            labels=("reason",),
            collect=_COLLECT,
            limit=_REASONS,
            samples=_spent(lambda spend: [((("reason", reason),), count) for reason, count in spend.failures]),
        ),
        Family(
            name="oldest_running_training_job_start_timestamp_seconds",
            help="When the training job that has been training for longest began.",
            source=f"{_LIST}.TrainingStartTime",
            absent="no training job is training, or the list of training jobs cannot be read",
            example="time() - sagemaker_tuning_job_oldest_running_training_job_start_timestamp_seconds > 86400",
            collect=_COLLECT,
            samples=_number(lambda spend: spend.oldest_start),
        ),
        Family(
            name="training_seconds_since_best",
            help="Time of the training jobs that ended after the best one or still run. Those that run count until their list was last read.",
            source=f"{_LIST}.TrainingStartTime, {_LIST}.TrainingEndTime",
            absent="there is no best training job yet, or the list of training jobs cannot be read",
            example="sagemaker_tuning_job_training_seconds_since_best > 86400",
            collect=_COLLECT,
            samples=_number(lambda spend: spend.seconds_since_best),
        ),
        Family(
            name="estimated_cost_since_best",
            help="Cost of the training jobs that ended after the best one or still run, at the configured prices. Those that run count until their list was last read.",
            source=f"{_LIST}.TrainingStartTime, {_LIST}.TrainingEndTime",
            absent="there is no best training job yet, no price, or the list of training jobs cannot be read",
            example="topk(10, sagemaker_tuning_job_estimated_cost_since_best)",
            labels=("currency",),
            collect=_COLLECT,
            limit=1,
            samples=_spent(
                lambda spend: (
                    () if spend.cost_since_best is None else (((("currency", spend.currency),), spend.cost_since_best),)
                )
            ),
        ),
        Family(
            name="budget",
            help="What the training jobs of the tuning job may cost, as configured.",
            source="budget in the configuration",
            absent="the configuration gives the tuning job no budget",
            example="sum without (status) (sagemaker_tuning_job_estimated_cost_total) > sagemaker_tuning_job_budget",
            labels=("currency",),
            collect=_COLLECT,
            limit=1,
            samples=lambda view: (
                ()
                if view.facts is None or view.budget is None
                else (((("currency", view.budget.currency),), view.budget.amount),)
            ),
        ),
        Family(
            name="spend_incomplete",
            help="Whether the sums over training jobs are known to be too low, for each reason.",
            source=_LIST,
            absent="the training jobs have not been read yet",
            example="max by (aws_account_id, aws_region, tuning_job, reason) (min_over_time(sagemaker_tuning_job_spend_incomplete[30m])) == 1",
            labels=("reason",),
            values={"reason": _INCOMPLETE},
            collect=_COLLECT,
            samples=_spent(
                lambda spend: [((("reason", each),), int(getattr(spend.incomplete, each))) for each in _INCOMPLETE]
            ),
        ),
    ),
)
