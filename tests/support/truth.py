"""What the metrics of a tuning job must be, read from the simulator's answer alone.

Written from docs/metrics.md and sharing no code with the exporter, so that the two can disagree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

P = "sagemaker_tuning_job_"
STATUSES = ["Completed", "DeleteFailed", "Deleting", "Failed", "InProgress", "Stopped", "Stopping", "Unknown"]

Key = tuple[str, frozenset[tuple[str, str]]]
Add = Callable[..., None]


def key(name: str, labels: Mapping[str, str]) -> Key:
    """Return what tells a series from every other; an empty label is no label, as Prometheus has it."""
    return name, frozenset((label, value) for label, value in labels.items() if value and label != "__name__")


def expected_series(answer: Mapping[str, Any], identity: Mapping[str, str]) -> dict[Key, float]:
    """Return every series that a describe answer must lead to, the per-job health families left out."""
    series: dict[Key, float] = {}

    def add(name: str, value: Any, **labels: Any) -> None:
        if value is not None:
            given = {label: text for label, text in labels.items() if text is not None}
            series[key(P + name, {**identity, **given})] = float(value)

    config = answer["HyperParameterTuningJobConfig"]
    limits = config["ResourceLimits"]
    criteria = config.get("TuningJobCompletionCriteria", {})
    convergence = criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence")
    definitions = answer.get("TrainingJobDefinitions") or [answer["TrainingJobDefinition"]]
    by_definition = {d.get("DefinitionName"): d["TuningObjective"] for d in definitions if "TuningObjective" in d}
    in_config = config.get("HyperParameterTuningJobObjective")
    objectives = [in_config] if in_config else list(by_definition.values())
    agreed = objectives[0] if all(one == objectives[0] for one in objectives) else {}

    add(
        "info",
        1,
        strategy=config["Strategy"],
        objective_metric=agreed.get("MetricName"),
        objective_type=agreed.get("Type"),
        early_stopping=config.get("TrainingJobEarlyStoppingType"),
        warm_start_type=answer.get("WarmStartConfig", {}).get("WarmStartType"),
        autotune=answer.get("Autotune", {}).get("Mode"),
        complete_on_convergence=convergence,
    )
    for status in STATUSES:
        add("status", answer["HyperParameterTuningJobStatus"] == status, status=status)
    for status, count in answer["TrainingJobStatusCounters"].items():
        add("training_jobs", count, status=status)
    for status, count in answer["ObjectiveStatusCounters"].items():
        add("objectives", count, status=status)
    best = add_best(answer, by_definition, in_config or objectives[0], add)
    add_target(answer, criteria.get("TargetObjectiveMetricValue"), best or agreed, add)
    add("runtime_seconds", answer.get("ConsumedResources", {}).get("RuntimeInSeconds"))
    details = answer.get("TuningJobCompletionDetails", {})
    add("training_jobs_not_improving", details.get("NumberOfTrainingJobsObjectiveNotImproving"))
    add("convergence_detected_timestamp_seconds", details.get("ConvergenceDetectedTime"))
    add("created_timestamp_seconds", answer["CreationTime"])
    add("last_modified_timestamp_seconds", answer.get("LastModifiedTime"))
    add("end_timestamp_seconds", answer.get("HyperParameterTuningEndTime"))
    add("best_training_job_end_timestamp_seconds", answer.get("BestTrainingJob", {}).get("TrainingEndTime"))
    add("max_training_jobs", limits.get("MaxNumberOfTrainingJobs"))
    add("max_parallel_training_jobs", limits.get("MaxParallelTrainingJobs"))
    add("max_runtime_seconds", limits.get("MaxRuntimeInSeconds"))
    not_improving = criteria.get("BestObjectiveNotImproving", {})
    add("max_training_jobs_not_improving", not_improving.get("MaxNumberOfTrainingJobsNotImproving"))
    if "WarmStartConfig" in answer:
        add("warm_start_parents", len(answer["WarmStartConfig"]["ParentHyperParameterTuningJobs"]))
    add_jobs(answer, add)
    add_ranges(answer, definitions, add)
    add_definitions(definitions, in_config, add)
    return series


def add_best(
    answer: Mapping[str, Any], by_definition: Mapping[str | None, Any], default: Mapping[str, Any], add: Add
) -> Mapping[str, Any] | None:
    """Add the best objective values and return the objective that the tuning job's own is of, None without one."""
    found = {}
    for name, member in (
        ("best_objective_value", "BestTrainingJob"),
        ("overall_best_objective_value", "OverallBestTrainingJob"),
    ):
        best = answer.get(member)
        if best is not None:
            metric = best["FinalHyperParameterTuningJobObjectiveMetric"]
            objective = found[member] = by_definition.get(best.get("TrainingJobDefinitionName")) or default
            assert objective["MetricName"] == metric["MetricName"]
            add(name, metric["Value"], objective_metric=metric["MetricName"], objective_type=objective["Type"])
    return found.get("BestTrainingJob")


def add_target(answer: Mapping[str, Any], target: float | None, objective: Mapping[str, Any], add: Add) -> None:
    labels = {"objective_metric": objective.get("MetricName"), "objective_type": objective.get("Type")}
    add("target_objective_value", target, **labels)
    if target is not None and "BestTrainingJob" in answer:
        best = answer["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        add("target_reached", (best - target) * {"Maximize": 1, "Minimize": -1}[objective["Type"]] >= 0, **labels)


def add_jobs(answer: Mapping[str, Any], add: Add) -> None:
    for parent in answer.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", []):
        add("parent_info", 1, parent=parent["HyperParameterTuningJobName"])
    if "BestTrainingJob" in answer:
        best = answer["BestTrainingJob"]
        add(
            "best_training_job_info",
            1,
            training_job=best["TrainingJobName"],
            definition=best.get("TrainingJobDefinitionName"),
        )
        for name, text in best["TunedHyperParameters"].items():
            where = best.get("TrainingJobDefinitionName") if name in own_ranges(answer, best) else None
            add("best_hyperparameter_value", number_in(text), hyperparameter=name, definition=where)


def own_ranges(answer: Mapping[str, Any], best: Mapping[str, Any]) -> set[str]:
    """Return the names of the ranges that stand in the definition of the best training job."""
    own = [
        each.get("HyperParameterRanges", {})
        for each in answer.get("TrainingJobDefinitions", [])
        if each["DefinitionName"] == best.get("TrainingJobDefinitionName")
    ]
    return {range_["Name"] for ranges in own for kind in ranges.values() for range_ in kind}


def add_ranges(answer: Mapping[str, Any], definitions: list[Mapping[str, Any]], add: Add) -> None:
    searched = [(None, answer["HyperParameterTuningJobConfig"].get("ParameterRanges", {}))]
    searched += [(each.get("DefinitionName"), each.get("HyperParameterRanges", {})) for each in definitions]
    for definition, ranges in searched:
        for range_ in [*ranges.get("IntegerParameterRanges", []), *ranges.get("ContinuousParameterRanges", [])]:
            labels = {"hyperparameter": range_["Name"], "definition": definition, "scale": range_["ScalingType"]}
            add("hyperparameter_min_value", float(range_["MinValue"]), **labels)
            add("hyperparameter_max_value", float(range_["MaxValue"]), **labels)


def add_definitions(definitions: list[Mapping[str, Any]], in_config: Mapping[str, str] | None, add: Add) -> None:
    for definition in definitions:
        add_definition(definition, definition.get("TuningObjective") or in_config or {}, add)


def add_definition(definition: Mapping[str, Any], objective: Mapping[str, str], add: Add) -> None:
    name = definition.get("DefinitionName")
    resources = definition.get("ResourceConfig") or definition["HyperParameterTuningResourceConfig"]
    for one in resources.get("InstanceGroups") or resources.get("InstanceConfigs") or [resources]:
        add("definition_instances", one["InstanceCount"], definition=name, instance_type=one["InstanceType"])
        add(
            "definition_info",
            1,
            definition=name,
            instance_type=one["InstanceType"],
            spot=str(definition["EnableManagedSpotTraining"]).lower(),
            objective_metric=objective.get("MetricName"),
            objective_type=objective.get("Type"),
        )
    stopping = definition["StoppingCondition"]
    add("definition_max_runtime_seconds", stopping.get("MaxRuntimeInSeconds"), definition=name)
    add("definition_max_wait_seconds", stopping.get("MaxWaitTimeInSeconds"), definition=name)
    add("definition_max_pending_seconds", stopping.get("MaxPendingTimeInSeconds"), definition=name)


def number_in(text: str) -> float | None:
    """Return the number that a hyperparameter's text is."""
    try:
        return float(text.strip('"'))
    except ValueError:
        return None
