"""The constant part of a tuning job's answer: what was requested at its creation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.simulator.surface import Categorical, Continuous, Integer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.simulator.scenario import Definition, Scenario
    from exporter.simulator.surface import Range, Surface

SHORTEST_RUNTIME = 120
"""The smallest MaxRuntimeInSeconds that the API accepts for a tuning job."""


def partition(region: str) -> str:
    """Return the partition of a region, as in ARNs."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def arn(kind: str, name: str, *, region: str, account_id: str) -> str:
    """Return the ARN of a SageMaker resource. Names in ARNs are in lower case."""
    return f"arn:{partition(region)}:sagemaker:{region}:{account_id}:{kind}/{name.lower()}"


def max_runtime(scenario: Scenario, speed: float) -> float | None:
    """Return the time limit in simulated seconds. It is longer if the speed would reduce it below the API's minimum."""
    return None if scenario.max_runtime is None else max(scenario.max_runtime, SHORTEST_RUNTIME * speed)


def configuration(scenario: Scenario, *, region: str, account_id: str, speed: float) -> dict[str, Any]:
    """Return the constant members of the answer. Durations are divided by the speed."""
    definitions = [
        _definition(definition, region=region, account_id=account_id, speed=speed, own_search=not scenario.in_config)
        for definition in scenario.definitions
    ]
    answer: dict[str, Any] = {"HyperParameterTuningJobConfig": _config(scenario, speed)}
    if scenario.in_config:
        answer["TrainingJobDefinition"] = definitions[0]
    else:
        answer["TrainingJobDefinitions"] = definitions
    if scenario.parents:
        answer["WarmStartConfig"] = {
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": name} for name in scenario.parents],
            "WarmStartType": "IdenticalDataAndAlgorithm",
        }
    if scenario.autotune:
        answer["Autotune"] = {"Mode": "Enabled"}
    return answer


def _config(scenario: Scenario, speed: float) -> dict[str, Any]:
    config: dict[str, Any] = {"Strategy": scenario.strategy}
    if scenario.strategy == "Hyperband":
        config["StrategyConfig"] = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 27}}
    if scenario.in_config:
        surface = scenario.definitions[0].surface
        config["HyperParameterTuningJobObjective"] = _objective(surface)
        config["ParameterRanges"] = _ranges(surface.ranges)
    config["ResourceLimits"] = _limits(scenario, speed)
    if scenario.early_stopping is not None:
        config["TrainingJobEarlyStoppingType"] = scenario.early_stopping
    criteria = _criteria(scenario)
    if criteria:
        config["TuningJobCompletionCriteria"] = criteria
    if scenario.random_seed is not None:
        config["RandomSeed"] = scenario.random_seed
    return config


def _limits(scenario: Scenario, speed: float) -> dict[str, int]:
    limits = {"MaxParallelTrainingJobs": scenario.parallel}
    if scenario.max_jobs is not None:
        limits["MaxNumberOfTrainingJobs"] = scenario.max_jobs
    limit = max_runtime(scenario, speed)
    if limit is not None:
        limits["MaxRuntimeInSeconds"] = round(limit / speed)
    return limits


def _criteria(scenario: Scenario) -> dict[str, Any]:
    criteria: dict[str, Any] = {}
    if scenario.target is not None:
        criteria["TargetObjectiveMetricValue"] = scenario.target
    if scenario.max_not_improving is not None:
        criteria["BestObjectiveNotImproving"] = {"MaxNumberOfTrainingJobsNotImproving": scenario.max_not_improving}
    if scenario.on_convergence is not None:
        criteria["ConvergenceDetected"] = {"CompleteOnConvergence": scenario.on_convergence}
    return criteria


def _objective(surface: Surface) -> dict[str, str]:
    return {"Type": surface.direction, "MetricName": surface.metric}


def _ranges(ranges: Sequence[Range]) -> dict[str, list[dict[str, Any]]]:
    spelled: dict[str, list[dict[str, Any]]] = {
        "IntegerParameterRanges": [],
        "ContinuousParameterRanges": [],
        "CategoricalParameterRanges": [],
    }
    for range_ in ranges:
        match range_:
            case Categorical(name, values):
                spelled["CategoricalParameterRanges"].append({"Name": name, "Values": [*values]})
            case Integer(name, lowest, highest):
                spelled["IntegerParameterRanges"].append(
                    {"Name": name, "MinValue": str(lowest), "MaxValue": str(highest), "ScalingType": "Linear"}
                )
            case Continuous(name, low, high, logarithmic):
                scaling = "Logarithmic" if logarithmic else "Linear"
                spelled["ContinuousParameterRanges"].append(
                    {"Name": name, "MinValue": repr(low), "MaxValue": repr(high), "ScalingType": scaling}
                )
    return spelled


def _definition(
    definition: Definition, *, region: str, account_id: str, speed: float, own_search: bool
) -> dict[str, Any]:
    surface = definition.surface
    bucket = f"sagemaker-{region}-{account_id}"
    stopping = {"MaxRuntimeInSeconds": max(1, round(definition.max_runtime / speed))}
    if definition.max_wait is not None:
        stopping["MaxWaitTimeInSeconds"] = max(1, round(definition.max_wait / speed))
    answer: dict[str, Any] = {
        "StaticHyperParameters": {"_tuning_objective_metric": surface.metric, **dict(definition.static)},
        "AlgorithmSpecification": {
            "TrainingImage": f"{account_id}.dkr.ecr.{region}.amazonaws.com/{definition.image}:1",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": surface.metric, "Regex": r"metric=(\S+)"}],
        },
        "RoleArn": f"arn:{partition(region)}:iam::{account_id}:role/service-role/training",
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/train/"}},
            }
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/models/"},
        **_instances(definition),
        "StoppingCondition": stopping,
        "EnableManagedSpotTraining": definition.max_wait is not None,
    }
    if definition.name is not None:
        answer["DefinitionName"] = definition.name
    if own_search:
        answer["TuningObjective"] = _objective(surface)
        answer["HyperParameterRanges"] = _ranges(surface.ranges)
    return answer


def _instances(definition: Definition) -> dict[str, Any]:
    if definition.layout == "plain":
        instance_type, count = definition.instances[0]
        return {"ResourceConfig": {"InstanceType": instance_type, "InstanceCount": count, "VolumeSizeInGB": 30}}
    each = [{"InstanceType": instance_type, "InstanceCount": count} for instance_type, count in definition.instances]
    if definition.layout == "groups":
        groups = [{**one, "InstanceGroupName": f"group-{i}"} for i, one in enumerate(each, start=1)]
        return {"ResourceConfig": {"InstanceGroups": groups, "VolumeSizeInGB": 30}}
    configs = [{**one, "VolumeSizeInGB": 30} for one in each]
    return {"HyperParameterTuningResourceConfig": {"AllocationStrategy": "Prioritized", "InstanceConfigs": configs}}
