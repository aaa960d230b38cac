"""THE metric table: every family of a tuning job, in the order in which it is exposed.

Everything that names a metric reads this: rendering, the documentation and the checks of rules and dashboards.
A fact that the API did not state has no series: a function returns None or no pair, never a 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.errors import ErrorCode
from exporter.exposition.family import Family, LabelValues, Number
from exporter.statuses import OBJECTIVE_STATUSES, TRAINING_JOB_STATUSES, TUNING_JOB_STATUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from collections.abc import Set as AbstractSet

    from exporter.fleet import JobView
    from exporter.tuning_job import Definition, HyperparameterRange, TrainingJob, TuningJob

UNKNOWN_STATUS = "Unknown"
"""Stands for a status that the API added later."""

# An empty value is no value: the label is not there.
OBJECTIVE_TYPES = ("Minimize", "Maximize", "")
_INFO_VALUES = {
    "strategy": ("Bayesian", "Random", "Hyperband", "Grid", ""),
    "objective_type": OBJECTIVE_TYPES,
    "early_stopping": ("Off", "Auto", ""),
    "warm_start_type": ("IdenticalDataAndAlgorithm", "TransferLearning", ""),
    "autotune": ("Enabled", ""),
    "complete_on_convergence": ("Enabled", "Disabled", ""),
}
_SPOT = {True: "true", False: "false", None: ""}

# Above what the API's model allows: 10 definitions or a single one, each with a dozen or so instance types; 60 ranges in
# each and in the tuning job's own configuration; 100 hyperparameters; 5 parents.
_DEFINITIONS = 20
_INSTANCE_TYPES = 200
_RANGES = 1_000
_HYPERPARAMETERS = 200
_PARENTS = 20


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
    shown = job.status if job.status in TUNING_JOB_STATUSES else UNKNOWN_STATUS
    return [((status,), int(status == shown)) for status in (*TUNING_JOB_STATUSES, UNKNOWN_STATUS)]


def _objective_value(training_job: TrainingJob | None) -> Iterable[tuple[LabelValues, Number]]:
    if training_job is None or training_job.objective_value is None:
        return ()
    objective = training_job.objective
    return (((objective.metric_name or "", objective.type or ""), training_job.objective_value),)


def _definition_info(job: TuningJob) -> Iterable[tuple[LabelValues, Number]]:
    for each in job.definitions:
        objective = (each.objective.metric_name or "", each.objective.type or "")
        for instance_type, _ in each.instances or (("", None),):
            yield (each.name, instance_type, _SPOT[each.spot], *objective), 1


def _definition_instances(job: TuningJob) -> Iterable[tuple[LabelValues, Number]]:
    for each in job.definitions:
        for instance_type, count in each.instances:
            if count is not None:
                yield (each.name, instance_type), count


def _of_definitions(
    number_of: Callable[[Definition], Number | None],
) -> Callable[[TuningJob], Iterable[tuple[LabelValues, Number]]]:
    def by_definition(job: TuningJob) -> Iterable[tuple[LabelValues, Number]]:
        numbers = (((each.name,), number_of(each)) for each in job.definitions)
        return ((name, number) for name, number in numbers if number is not None)

    return by_definition


def _of_ranges(
    bound_of: Callable[[HyperparameterRange], float | None],
) -> Callable[[TuningJob], Iterable[tuple[LabelValues, Number]]]:
    def by_range(job: TuningJob) -> Iterable[tuple[LabelValues, Number]]:
        bounds = (((each.hyperparameter, each.definition), bound_of(each)) for each in job.ranges)
        return ((labels, bound) for labels, bound in bounds if bound is not None)

    return by_range


def _best_training_job_info(job: TuningJob) -> Iterable[tuple[LabelValues, Number]]:
    best = job.best_training_job
    return () if best is None or best.name is None else (((best.name, best.definition_name or ""), 1),)


def _best_hyperparameters(job: TuningJob) -> Iterable[tuple[LabelValues, Number]]:
    best = job.best_training_job
    return () if best is None else (((name,), number) for name, number in best.hyperparameters.items())


def _target_reached(job: TuningJob) -> Number | None:
    return None if job.target_reached is None else int(job.target_reached)


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
        absent="no describe has ended yet",
        example="max by (aws_account_id, aws_region, tuning_job) (sagemaker_tuning_job_up) == 0",
        view=_up,
    ),
    Family(
        name="error_info",
        help="Why the last describe failed; always 1, and only there while it fails.",
        source="the last DescribeHyperParameterTuningJob call",
        absent="describes succeed",
        example="count by (code) (sagemaker_tuning_job_error_info)",
        values={"code": tuple(ErrorCode)},
        labels=("code",),
        view=_error_info,
    ),
    Family(
        name="last_success_timestamp_seconds",
        help="When the tuning job was last described successfully.",
        source="the last successful DescribeHyperParameterTuningJob call",
        absent="no describe has succeeded yet",
        example="time() - sagemaker_tuning_job_last_success_timestamp_seconds and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_up == 0",
        view=_last_success,
    ),
    Family(
        name="next_describe_timestamp_seconds",
        help="When the next describe of the tuning job is due.",
        source="the schedule",
        absent="never",
        example="time() - sagemaker_tuning_job_next_describe_timestamp_seconds > 600",
        view=lambda view: (((), view.next_describe),),
    ),
    Family(
        name="labels",
        help="Labels from the configuration and AWS tags of the tuning job; always 1.",
        source="labels in the configuration, ListTags",
        absent="never",
        example='sagemaker_tuning_job_up == 0 and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_labels{label_team="search"}',
        label_pairs=lambda view: [
            *((f"label_{key}", value) for key, value in view.labels.items()),
            *((f"tag_{key}", value) for key, value in view.tags.items()),
        ],
    ),
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
        facts_by_label=_info,
    ),
    Family(
        name="status",
        help="Whether the tuning job is in this status: 1 for the one it is in, else 0.",
        source="HyperParameterTuningJobStatus",
        absent="never",
        example="count by (status) (sagemaker_tuning_job_status == 1)",
        values={"status": (*TUNING_JOB_STATUSES, UNKNOWN_STATUS)},
        labels=("status",),
        facts_by_label=_status,
    ),
    Family(
        name="training_jobs",
        help="Training jobs that the tuning job launched, by their status now.",
        source="TrainingJobStatusCounters",
        absent="the counter is not in the answer",
        example='sagemaker_tuning_job_training_jobs{status="NonRetryableError"} / on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_max_training_jobs',
        values={"status": TRAINING_JOB_STATUSES},
        labels=("status",),
        facts_by_label=lambda job: (((status,), count) for status, count in job.training_jobs.items()),
    ),
    Family(
        name="objectives",
        help="Training jobs by the status of their objective metric now.",
        source="ObjectiveStatusCounters",
        absent="the counter is not in the answer",
        example='sagemaker_tuning_job_objectives{status="Succeeded"} == 0 and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_training_jobs{status="Completed"} > 0',
        values={"status": OBJECTIVE_STATUSES},
        labels=("status",),
        facts_by_label=lambda job: (((status,), count) for status, count in job.objectives.items()),
    ),
    Family(
        name="best_objective_value",
        help="Objective value of the best training job so far, as the algorithm printed it.",
        source="BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value",
        absent="no training job has reported the objective yet",
        example='min by (objective_metric) (sagemaker_tuning_job_best_objective_value{objective_type="Minimize"})',
        values={"objective_type": OBJECTIVE_TYPES},
        labels=("objective_metric", "objective_type"),
        facts_by_label=lambda job: _objective_value(job.best_training_job),
    ),
    Family(
        name="overall_best_objective_value",
        help="Objective value of the best training job of this tuning job and all its warm start parents.",
        source="OverallBestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value",
        absent="neither the tuning job nor a parent has reported the objective",
        example="sagemaker_tuning_job_overall_best_objective_value - on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_best_objective_value",
        values={"objective_type": OBJECTIVE_TYPES},
        labels=("objective_metric", "objective_type"),
        facts_by_label=lambda job: _objective_value(job.overall_best_training_job),
    ),
    Family(
        name="runtime_seconds",
        help="Wall clock time that the tuning job has run, up to describe_max_age old while it runs; no measure of cost.",
        source="ConsumedResources.RuntimeInSeconds",
        absent="the tuning job is older than 31 January 2023",
        example='sum by (aws_account_id) (sagemaker_tuning_job_runtime_seconds and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status=~"Completed|Failed|Stopped"} == 1)',
        facts=lambda job: job.runtime_seconds,
    ),
    Family(
        name="training_jobs_not_improving",
        help="Training jobs in a row that improved the best objective by 1 percent or less.",
        source="TuningJobCompletionDetails.NumberOfTrainingJobsObjectiveNotImproving",
        absent="the tuning job is older than 31 January 2023",
        example='sagemaker_tuning_job_training_jobs_not_improving / on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_max_training_jobs > 0.5 and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status="InProgress"} == 1',
        facts=lambda job: job.training_jobs_not_improving,
    ),
    Family(
        name="convergence_detected_timestamp_seconds",
        help="When the search was found to have converged.",
        source="TuningJobCompletionDetails.ConvergenceDetectedTime",
        absent="no convergence was detected, or the tuning job is older than 31 January 2023",
        example='sagemaker_tuning_job_convergence_detected_timestamp_seconds and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status="InProgress"} == 1',
        facts=lambda job: job.convergence_detected_time,
    ),
    Family(
        name="created_timestamp_seconds",
        help="When the tuning job was created.",
        source="CreationTime",
        absent="the answer does not carry it",
        example="(time() - sagemaker_tuning_job_created_timestamp_seconds) / 3600",
        facts=lambda job: job.creation_time,
    ),
    Family(
        name="last_modified_timestamp_seconds",
        help="Moves on every 10 seconds or so while the tuning job runs, even when nothing changes; after that it is the end.",
        source="LastModifiedTime",
        absent="the answer does not carry it",
        example='sagemaker_tuning_job_last_modified_timestamp_seconds and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status=~"Completed|Failed|Stopped"} == 1',
        facts=lambda job: job.last_modified_time,
    ),
    Family(
        name="end_timestamp_seconds",
        help="When the tuning job ended.",
        source="HyperParameterTuningEndTime",
        absent="the tuning job has not ended",
        example="sagemaker_tuning_job_end_timestamp_seconds > time() - 86400",
        facts=lambda job: job.end_time,
    ),
    Family(
        name="best_training_job_end_timestamp_seconds",
        help="When the best training job so far ended: the last improvement of the search.",
        source="BestTrainingJob.TrainingEndTime",
        absent="there is no best training job yet",
        example='time() - sagemaker_tuning_job_best_training_job_end_timestamp_seconds > 6 * 3600 and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status="InProgress"} == 1',
        facts=lambda job: None if job.best_training_job is None else job.best_training_job.end_time,
    ),
    Family(
        name="max_training_jobs",
        help="Training jobs that the tuning job may launch in all.",
        source="ResourceLimits.MaxNumberOfTrainingJobs",
        absent="the tuning job has no such limit",
        example="sum by (aws_account_id) (sagemaker_tuning_job_max_training_jobs)",
        facts=lambda job: job.limits.max_training_jobs,
    ),
    Family(
        name="max_parallel_training_jobs",
        help="Training jobs that the tuning job may run at once.",
        source="ResourceLimits.MaxParallelTrainingJobs",
        absent="the tuning job has no such limit",
        example='sagemaker_tuning_job_training_jobs{status="InProgress"} / on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_max_parallel_training_jobs',
        facts=lambda job: job.limits.max_parallel_training_jobs,
    ),
    Family(
        name="max_runtime_seconds",
        help="Wall clock time that the tuning job may run.",
        source="ResourceLimits.MaxRuntimeInSeconds",
        absent="the tuning job has no such limit",
        example='sagemaker_tuning_job_max_runtime_seconds - on (aws_account_id, aws_region, tuning_job) (time() - sagemaker_tuning_job_created_timestamp_seconds) < 1800 and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status="InProgress"} == 1',
        facts=lambda job: job.limits.max_runtime_seconds,
    ),
    Family(
        name="max_training_jobs_not_improving",
        help="Training jobs in a row without improvement after which the tuning job stops.",
        source="TuningJobCompletionCriteria.BestObjectiveNotImproving.MaxNumberOfTrainingJobsNotImproving",
        absent="the tuning job has no such criterion",
        example='sagemaker_tuning_job_training_jobs_not_improving / on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_max_training_jobs_not_improving > 0.8 and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status="InProgress"} == 1',
        facts=lambda job: job.criteria.max_training_jobs_not_improving,
    ),
    Family(
        name="target_objective_value",
        help="Objective value at which the tuning job stops.",
        source="TuningJobCompletionCriteria.TargetObjectiveMetricValue",
        absent="the tuning job has no such criterion",
        example="sagemaker_tuning_job_best_objective_value - on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_target_objective_value",
        facts=lambda job: job.criteria.target_objective_value,
    ),
    Family(
        name="target_reached",
        help="Whether the best objective value is at the target or past it, in the direction of the objective.",
        source="TuningJobCompletionCriteria.TargetObjectiveMetricValue, BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric",
        absent="there is no target, no best objective value, no known direction, or one of the two is no number",
        example='sagemaker_tuning_job_target_reached == 1 and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status="InProgress"} == 1',
        facts=_target_reached,
    ),
    Family(
        name="parents",
        help="Tuning jobs that this one was warm started from.",
        source="WarmStartConfig.ParentHyperParameterTuningJobs",
        absent="the tuning job has no warm start",
        example="sagemaker_tuning_job_parents > 0",
        facts=lambda job: None if job.parents is None else len(job.parents),
    ),
    Family(
        name="definition_info",
        help="What a training job definition runs on and searches by; always 1, one series for each instance type.",
        source="TrainingJobDefinition(s)",
        absent="the answer carries no training job definition",
        example='count by (instance_type) (sagemaker_tuning_job_definition_info{spot="false"})',
        values={"spot": tuple(_SPOT.values()), "objective_type": OBJECTIVE_TYPES},
        labels=("definition", "instance_type", "spot", "objective_metric", "objective_type"),
        collect="definitions",
        limit=_INSTANCE_TYPES,
        facts_by_label=_definition_info,
    ),
    Family(
        name="definition_instances",
        help="Instances of a type that each training job of the definition runs on.",
        source="TrainingJobDefinition(s).ResourceConfig, TrainingJobDefinition(s).HyperParameterTuningResourceConfig",
        absent="the definition does not state a count",
        example='sum by (instance_type) (sagemaker_tuning_job_definition_instances) * on () group_left () sum (sagemaker_tuning_job_training_jobs{status="InProgress"})',
        labels=("definition", "instance_type"),
        collect="definitions",
        limit=_INSTANCE_TYPES,
        facts_by_label=_definition_instances,
    ),
    Family(
        name="definition_max_runtime_seconds",
        help="Time that each training job of the definition may run.",
        source="TrainingJobDefinition(s).StoppingCondition.MaxRuntimeInSeconds",
        absent="the definition has no such limit",
        example="max by (aws_account_id, aws_region, tuning_job) (sagemaker_tuning_job_definition_max_runtime_seconds) > 86400",
        labels=("definition",),
        collect="definitions",
        limit=_DEFINITIONS,
        facts_by_label=_of_definitions(lambda definition: definition.max_runtime_seconds),
    ),
    Family(
        name="definition_max_wait_seconds",
        help="Time that each training job of the definition may take on spot instances, waiting for them included.",
        source="TrainingJobDefinition(s).StoppingCondition.MaxWaitTimeInSeconds",
        absent="the definition has no such limit",
        example="sagemaker_tuning_job_definition_max_wait_seconds - sagemaker_tuning_job_definition_max_runtime_seconds",
        labels=("definition",),
        collect="definitions",
        limit=_DEFINITIONS,
        facts_by_label=_of_definitions(lambda definition: definition.max_wait_seconds),
    ),
    Family(
        name="definition_max_pending_seconds",
        help="Time that each training job of the definition may be pending.",
        source="TrainingJobDefinition(s).StoppingCondition.MaxPendingTimeInSeconds",
        absent="the definition has no such limit",
        example="sagemaker_tuning_job_definition_max_pending_seconds > 86400",
        labels=("definition",),
        collect="definitions",
        limit=_DEFINITIONS,
        facts_by_label=_of_definitions(lambda definition: definition.max_pending_seconds),
    ),
    Family(
        name="best_training_job_info",
        help="The best training job so far; always 1. The definition is empty where the answer names none.",
        source="BestTrainingJob",
        absent="there is no best training job yet",
        example="count by (definition) (sagemaker_tuning_job_best_training_job_info)",
        labels=("training_job", "definition"),
        collect="best_training_job",
        limit=1,
        facts_by_label=_best_training_job_info,
    ),
    Family(
        name="parent_info",
        help="A tuning job that this one was warm started from; always 1.",
        source="WarmStartConfig.ParentHyperParameterTuningJobs",
        absent="the tuning job has no warm start",
        example='sagemaker_tuning_job_parent_info{parent="ranker-v6-hpo"}',
        labels=("parent",),
        collect="parents",
        limit=_PARENTS,
        facts_by_label=lambda job: (((parent,), 1) for parent in job.parents or () if parent),
    ),
    Family(
        name="best_hyperparameter_value",
        help="Value of a tuned hyperparameter in the best training job so far, where it is a number.",
        source="BestTrainingJob.TunedHyperParameters",
        absent="there is no best training job yet, or the value is not a number",
        example='sagemaker_tuning_job_best_hyperparameter_value{hyperparameter="eta"}',
        labels=("hyperparameter",),
        collect="hyperparameters",
        limit=_HYPERPARAMETERS,
        facts_by_label=_best_hyperparameters,
    ),
    Family(
        name="hyperparameter_min_value",
        help="Lower bound of the range that the tuning job searches, whatever its scale.",
        source="ParameterRanges, TrainingJobDefinition(s).HyperParameterRanges",
        absent="the hyperparameter is categorical, SageMaker picks its range, or the bound is not a number",
        example="sagemaker_tuning_job_best_hyperparameter_value == on (aws_account_id, aws_region, tuning_job, hyperparameter) group_right () sagemaker_tuning_job_hyperparameter_min_value",
        labels=("hyperparameter", "definition"),
        collect="hyperparameters",
        limit=_RANGES,
        facts_by_label=_of_ranges(lambda range_: range_.min_value),
    ),
    Family(
        name="hyperparameter_max_value",
        help="Upper bound of the range that the tuning job searches, whatever its scale.",
        source="ParameterRanges, TrainingJobDefinition(s).HyperParameterRanges",
        absent="the hyperparameter is categorical, SageMaker picks its range, or the bound is not a number",
        example="sagemaker_tuning_job_best_hyperparameter_value == on (aws_account_id, aws_region, tuning_job, hyperparameter) group_right () sagemaker_tuning_job_hyperparameter_max_value",
        labels=("hyperparameter", "definition"),
        collect="hyperparameters",
        limit=_RANGES,
        facts_by_label=_of_ranges(lambda range_: range_.max_value),
    ),
)


def families_in_force(collect: AbstractSet[str]) -> tuple[Family, ...]:
    """Return the families that are exposed when these opt-ins are collected, in the order of the table."""
    return tuple(family for family in FAMILIES if family.collect is None or family.collect in collect)
