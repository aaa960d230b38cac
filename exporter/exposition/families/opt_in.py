"""Families with more series. They are exposed only if ``collect`` names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.exposition.families.objective import OBJECTIVE_TYPES, objective_labels
from exporter.exposition.family import Family, Number, Sample, Section, facts, facts_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.fleet import JobView
    from exporter.tuning_job import Definition, HyperparameterRange, TuningJob

_SPOT = {True: "true", False: "false", None: ""}

# These limits are above what the API allows: 10 definitions, each with about a dozen instance types; 60 ranges in each and in
# the tuning job's configuration; 100 hyperparameters; 5 parents.
_DEFINITIONS = 20
_INSTANCE_TYPES = 200
_RANGES = 1_000
_HYPERPARAMETERS = 200
_PARENTS = 20


@facts
def _definition_info(job: TuningJob) -> Iterable[Sample]:
    for each in job.definitions:
        searches = (("spot", _SPOT[each.spot]), *objective_labels(each.objective))
        for instance_type, _ in each.instances or (("", None),):
            yield (("definition", each.name), ("instance_type", instance_type), *searches), 1


@facts
def _definition_instances(job: TuningJob) -> Iterable[Sample]:
    for each in job.definitions:
        for instance_type, count in each.instances:
            if count is not None:
                yield (("definition", each.name), ("instance_type", instance_type)), count


def _of_definitions(number_of: Callable[[Definition], Number | None]) -> Callable[[JobView], Iterable[Sample]]:
    return facts_by("definition", lambda job: ((each.name, number_of(each)) for each in job.definitions))


def _of_ranges(bound_of: Callable[[HyperparameterRange], float | None]) -> Callable[[JobView], Iterable[Sample]]:
    @facts
    def by_range(job: TuningJob) -> Iterable[Sample]:
        for each in job.ranges:
            if (bound := bound_of(each)) is not None:
                searched = ("hyperparameter", each.hyperparameter), ("definition", each.definition)
                yield (*searched, ("scale", each.scale)), bound

    return by_range


@facts
def _best_training_job_info(job: TuningJob) -> Iterable[Sample]:
    best = job.best_training_job
    if best is not None and best.name is not None:
        yield (("training_job", best.name), ("definition", best.definition_name or "")), 1


@facts
def _best_hyperparameters(job: TuningJob) -> Iterable[Sample]:
    if job.best_training_job is None:
        return
    definition = job.best_training_job.definition_name or ""
    of_definition = {each.hyperparameter for each in job.ranges if each.definition == definition}
    for name, value in job.best_training_job.hyperparameters.items():
        yield (("hyperparameter", name), ("definition", definition if name in of_definition else "")), value


OPT_IN = Section(
    "Opt-in",
    (
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
            samples=_definition_info,
        ),
        Family(
            name="definition_instances",
            help="Instances of a type that each training job of the definition runs on; not how many are in use.",
            source="TrainingJobDefinition(s).ResourceConfig, TrainingJobDefinition(s).HyperParameterTuningResourceConfig",
            absent="the definition does not state a count",
            example="max by (instance_type) (sagemaker_tuning_job_definition_instances)",
            labels=("definition", "instance_type"),
            collect="definitions",
            limit=_INSTANCE_TYPES,
            samples=_definition_instances,
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
            samples=_of_definitions(lambda definition: definition.max_runtime_seconds),
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
            samples=_of_definitions(lambda definition: definition.max_wait_seconds),
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
            samples=_of_definitions(lambda definition: definition.max_pending_seconds),
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
            samples=_best_training_job_info,
        ),
        Family(
            name="parent_info",
            help="A tuning job that this one was warm started from; always 1.",
            source="WarmStartConfig.ParentHyperParameterTuningJobs",
            absent="the tuning job has no warm start",
            example='sagemaker_tuning_job_parent_info{parent="ranker-v6-hpo"}',
            labels=("parent",),
            collect="warm_start_parents",
            limit=_PARENTS,
            samples=facts_by("parent", lambda job: ((parent, 1) for parent in job.parents or () if parent)),
        ),
        Family(
            name="best_hyperparameter_value",
            help="Value of a tuned hyperparameter in the best training job so far, where it is a number. The definition is the one that contains its range.",
            source="BestTrainingJob.TunedHyperParameters",
            absent="there is no best training job yet, or the value is not a number",
            example='sagemaker_tuning_job_best_hyperparameter_value{hyperparameter="eta"}',
            labels=("hyperparameter", "definition"),
            collect="hyperparameters",
            limit=_HYPERPARAMETERS,
            samples=_best_hyperparameters,
        ),
        Family(
            name="hyperparameter_min_value",
            help="Lower bound of the range that the tuning job searches, as given whatever its scale.",
            source="ParameterRanges, TrainingJobDefinition(s).HyperParameterRanges",
            absent="the hyperparameter is categorical, SageMaker picks its range, or the bound is not a number",
            example="sagemaker_tuning_job_best_hyperparameter_value == ignoring (scale) group_right () sagemaker_tuning_job_hyperparameter_min_value",
            labels=("hyperparameter", "definition", "scale"),
            collect="hyperparameters",
            limit=_RANGES,
            samples=_of_ranges(lambda range_: range_.min_value),
        ),
        Family(
            name="hyperparameter_max_value",
            help="Upper bound of the range that the tuning job searches, as given whatever its scale.",
            source="ParameterRanges, TrainingJobDefinition(s).HyperParameterRanges",
            absent="the hyperparameter is categorical, SageMaker picks its range, or the bound is not a number",
            example="sagemaker_tuning_job_best_hyperparameter_value == ignoring (scale) group_right () sagemaker_tuning_job_hyperparameter_max_value",
            labels=("hyperparameter", "definition", "scale"),
            collect="hyperparameters",
            limit=_RANGES,
            samples=_of_ranges(lambda range_: range_.max_value),
        ),
    ),
)
