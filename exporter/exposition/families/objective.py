"""The best objective values, with the sign that the algorithm prints, and the target value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.exposition.family import Family, Labels, Sample, Section, facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.tuning_job import Objective, TrainingJob, TuningJob

# An empty value means that the label is not there.
OBJECTIVE_TYPES = ("Minimize", "Maximize", "")


def objective_labels(objective: Objective) -> Labels:
    """Return the labels that describe an objective."""
    return (("objective_metric", objective.metric_name or ""), ("objective_type", objective.type or ""))


def _value(training_job: TrainingJob | None) -> Iterable[Sample]:
    if training_job is None or training_job.objective_value is None:
        return ()
    return ((objective_labels(training_job.objective), training_job.objective_value),)


def _labels_of_target(job: TuningJob) -> Labels:
    """Return the labels of the best value as soon as there is one, because definitions may have different objectives."""
    best = job.best_training_job
    return objective_labels(job.objective if best is None else best.objective)


@facts
def _target(job: TuningJob) -> Iterable[Sample]:
    target = job.criteria.target_objective_value
    return () if target is None else ((_labels_of_target(job), target),)


@facts
def _target_reached(job: TuningJob) -> Iterable[Sample]:
    return () if job.target_reached is None else ((_labels_of_target(job), int(job.target_reached)),)


OBJECTIVE = Section(
    "Objective",
    (
        Family(
            name="best_objective_value",
            help="Objective value of the best training job so far, as the algorithm printed it.",
            source="BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value",
            absent="no training job has reported the objective yet",
            example='min by (objective_metric) (sagemaker_tuning_job_best_objective_value{objective_type="Minimize"})',
            values={"objective_type": OBJECTIVE_TYPES},
            labels=("objective_metric", "objective_type"),
            samples=facts(lambda job: _value(job.best_training_job)),
        ),
        Family(
            name="overall_best_objective_value",
            help="Objective value of the best training job of this tuning job and all its warm start parents.",
            source="OverallBestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value",
            absent="neither the tuning job nor a parent has reported the objective",
            example="sagemaker_tuning_job_overall_best_objective_value - sagemaker_tuning_job_best_objective_value",
            values={"objective_type": OBJECTIVE_TYPES},
            labels=("objective_metric", "objective_type"),
            samples=facts(lambda job: _value(job.overall_best_training_job)),
        ),
        Family(
            name="target_objective_value",
            help="Objective value at which the tuning job stops.",
            source="TuningJobCompletionCriteria.TargetObjectiveMetricValue",
            absent="the tuning job has no such criterion",
            example="sagemaker_tuning_job_best_objective_value - sagemaker_tuning_job_target_objective_value",
            values={"objective_type": OBJECTIVE_TYPES},
            labels=("objective_metric", "objective_type"),
            samples=_target,
        ),
        Family(
            name="target_reached",
            help="Whether the best objective value is at the target or past it, in the direction of the objective.",
            source="TuningJobCompletionCriteria.TargetObjectiveMetricValue, BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric",
            absent="there is no target, no best objective value, no known direction, or one of the two is not a number",
            example='sagemaker_tuning_job_target_reached == 1 and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_status{status="InProgress"} == 1',
            values={"objective_type": OBJECTIVE_TYPES},
            labels=("objective_metric", "objective_type"),
            samples=_target_reached,
        ),
    ),
)
