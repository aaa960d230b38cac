"""The best objective values, with the sign that the algorithm printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.exposition.family import Family, Labels, Sample, Section, facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.tuning_job import Objective, TrainingJob

# An empty value is no value: the label is not there.
OBJECTIVE_TYPES = ("Minimize", "Maximize", "")


def objective_labels(objective: Objective) -> Labels:
    """Return the labels that tell what a value of an objective means."""
    return ("objective_metric", objective.metric_name or ""), ("objective_type", objective.type or "")


def _value(training_job: TrainingJob | None) -> Iterable[Sample]:
    if training_job is None or training_job.objective_value is None:
        return ()
    return ((objective_labels(training_job.objective), training_job.objective_value),)


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
            example="sagemaker_tuning_job_overall_best_objective_value - on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_best_objective_value",
            values={"objective_type": OBJECTIVE_TYPES},
            labels=("objective_metric", "objective_type"),
            samples=facts(lambda job: _value(job.overall_best_training_job)),
        ),
    ),
)
