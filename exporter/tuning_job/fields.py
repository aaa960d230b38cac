"""The table of all members of an answer of DescribeHyperParameterTuningJob, and what they become.

A path identifies a leaf of the answer's shape. ``[]`` means the items of a list, ``{key}`` and ``{value}`` the entries of a
map.
"""

from __future__ import annotations

from dataclasses import dataclass

from exporter.statuses import OBJECTIVE_STATUSES, TRAINING_JOB_STATUSES


@dataclass(frozen=True, slots=True)
class Metric:
    """The leaf is the value of a family, or decides whether it has a series."""

    family: str


@dataclass(frozen=True, slots=True)
class Label:
    """The leaf is the value of a label of a family."""

    family: str
    label: str


@dataclass(frozen=True, slots=True)
class Identity:
    """The leaf identifies the tuning job: it is a label of all its series."""

    label: str


@dataclass(frozen=True, slots=True)
class NotExported:
    """The leaf is in no series."""

    reason: str


Uses = tuple[Metric | Label | Identity | NotExported, ...]

_CONFIG = "HyperParameterTuningJobConfig"
_SENSITIVE = "May name secrets or people: locations, keys and networks stay out of metrics."
_CODE = "Says what is trained, not how the search is doing."
_FREE_TEXT = "Free text, without bound as a label; logged once for each change."
_STATIC = "Chosen by the user and often secret; only what the search varies is of interest."
_NO_NUMBER = "A set of texts has no bounds."
_TUNING = "A detail of the search algorithm that changes no reading of its results."
_PLACEMENT = "A detail of where instances run that changes neither their type nor their number."
_TRIAL = "A training job's own life; SageMaker's metrics of training jobs tell it."
_OTHERS = "Only the objective value of it is of interest here: the training job may be another tuning job's."


def _left_out(prefix: str, reason: str, *leaves: str) -> dict[str, Uses]:
    return {prefix + leaf: (NotExported(reason),) for leaf in leaves}


def _below(prefix: str, fields: dict[str, Uses]) -> dict[str, Uses]:
    return {prefix + path: uses for path, uses in fields.items()}


def _bounded(kind: str, *names: Label) -> dict[str, Uses]:
    low, high = "hyperparameter_min_value", "hyperparameter_max_value"
    return {
        f"{kind}[].Name": (Label(low, "hyperparameter"), Label(high, "hyperparameter"), *names),
        f"{kind}[].MinValue": (Metric(low),),
        f"{kind}[].MaxValue": (Metric(high),),
        f"{kind}[].ScalingType": (Label(low, "scale"), Label(high, "scale")),
    }


_OTHER_RANGES: dict[str, Uses] = {
    **_left_out("CategoricalParameterRanges[].", _NO_NUMBER, "Name", "Values[]"),
    **_left_out("AutoParameters[].", "SageMaker picks the range and does not tell it.", "Name", "ValueHint"),
}
_RANGES = _bounded("IntegerParameterRanges") | _bounded("ContinuousParameterRanges") | _OTHER_RANGES
_OF_DEFINITION = Label("best_hyperparameter_value", "definition")
_RANGES_OF_DEFINITION = (
    _bounded("IntegerParameterRanges", _OF_DEFINITION)
    | _bounded("ContinuousParameterRanges", _OF_DEFINITION)
    | _OTHER_RANGES
)

_DEFINITION_FAMILIES = (
    "definition_info",
    "definition_instances",
    "definition_max_runtime_seconds",
    "definition_max_wait_seconds",
    "definition_max_pending_seconds",
    "hyperparameter_min_value",
    "hyperparameter_max_value",
    "best_hyperparameter_value",
)
_INSTANCES: dict[str, Uses] = {
    "InstanceType": (Label("definition_info", "instance_type"), Label("definition_instances", "instance_type")),
    "InstanceCount": (Metric("definition_instances"),),
}
_OF_BEST = ("best_objective_value", "target_objective_value", "target_reached")
"""The families that have the objective of the best training job as labels."""
_OBJECTIVE_VALUES = (*_OF_BEST, "overall_best_objective_value")


def _labels(label: str, *families: str) -> Uses:
    return tuple(Label(family, label) for family in families)


_DEFINITION: dict[str, Uses] = {
    "DefinitionName": (
        *_labels("definition", *_DEFINITION_FAMILIES),
        # A best training job may name its definition, whose objective applies to its value.
        *_labels("objective_type", *_OBJECTIVE_VALUES),
        Metric("target_reached"),
    ),
    "TuningObjective.Type": (
        *_labels("objective_type", "definition_info", "info", *_OBJECTIVE_VALUES),
        Metric("target_reached"),
    ),
    "TuningObjective.MetricName": (
        *_labels("objective_metric", "definition_info", "info", *_OBJECTIVE_VALUES),
        Metric("target_reached"),  # a direction counts only for its own metric
    ),
    **_below("HyperParameterRanges.", _RANGES_OF_DEFINITION),
    **_left_out("StaticHyperParameters", _STATIC, "{key}", "{value}"),
    **_left_out(
        "AlgorithmSpecification.",
        _CODE,
        "TrainingImage",
        "TrainingInputMode",
        "AlgorithmName",
        "MetricDefinitions[].Name",
        "MetricDefinitions[].Regex",
    ),
    **_left_out("", _SENSITIVE, "RoleArn"),
    **_left_out(
        "InputDataConfig[].",
        _SENSITIVE,
        "ChannelName",
        "DataSource.S3DataSource.S3DataType",
        "DataSource.S3DataSource.S3Uri",
        "DataSource.S3DataSource.S3DataDistributionType",
        "DataSource.S3DataSource.AttributeNames[]",
        "DataSource.S3DataSource.InstanceGroupNames[]",
        "DataSource.S3DataSource.ModelAccessConfig.AcceptEula",
        "DataSource.S3DataSource.HubAccessConfig.HubContentArn",
        "DataSource.FileSystemDataSource.FileSystemId",
        "DataSource.FileSystemDataSource.FileSystemAccessMode",
        "DataSource.FileSystemDataSource.FileSystemType",
        "DataSource.FileSystemDataSource.DirectoryPath",
        "DataSource.DatasetSource.DatasetArn",
        "ContentType",
        "CompressionType",
        "RecordWrapperType",
        "InputMode",
        "ShuffleConfig.Seed",
    ),
    **_left_out("VpcConfig.", _SENSITIVE, "SecurityGroupIds[]", "Subnets[]"),
    **_left_out("OutputDataConfig.", _SENSITIVE, "KmsKeyId", "S3OutputPath", "CompressionType"),
    **_below("ResourceConfig.", _INSTANCES),
    **_below("ResourceConfig.InstanceGroups[].", _INSTANCES),
    **_below("ResourceConfig.InstancePreferences[].", _INSTANCES),
    **_left_out(
        "ResourceConfig.",
        "Known of a single training job only.",
        "SelectedInstanceType",
        "SelectedInstanceCount",
    ),
    **_left_out(
        "ResourceConfig.",
        _PLACEMENT,
        "VolumeSizeInGB",
        "KeepAlivePeriodInSeconds",
        "InstanceGroups[].InstanceGroupName",
        "TrainingPlanArn",
        "InstancePreferences[].TrainingPlanArns[]",
        "InstancePlacementConfig.EnableMultipleJobs",
        "InstancePlacementConfig.PlacementSpecifications[].UltraServerId",
        "InstancePlacementConfig.PlacementSpecifications[].InstanceCount",
    ),
    **_left_out("ResourceConfig.", _SENSITIVE, "VolumeKmsKeyId"),
    **_below("HyperParameterTuningResourceConfig.", _INSTANCES),
    **_below("HyperParameterTuningResourceConfig.InstanceConfigs[].", _INSTANCES),
    **_left_out(
        "HyperParameterTuningResourceConfig.",
        _PLACEMENT,
        "VolumeSizeInGB",
        "AllocationStrategy",
        "InstanceConfigs[].VolumeSizeInGB",
    ),
    **_left_out("HyperParameterTuningResourceConfig.", _SENSITIVE, "VolumeKmsKeyId"),
    "StoppingCondition.MaxRuntimeInSeconds": (Metric("definition_max_runtime_seconds"),),
    "StoppingCondition.MaxWaitTimeInSeconds": (Metric("definition_max_wait_seconds"),),
    "StoppingCondition.MaxPendingTimeInSeconds": (Metric("definition_max_pending_seconds"),),
    "EnableManagedSpotTraining": (Label("definition_info", "spot"),),
    **_left_out("", _CODE, "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption"),
    **_left_out("CheckpointConfig.", _SENSITIVE, "S3Uri", "LocalPath"),
    **_left_out("", _TUNING, "RetryStrategy.MaximumRetryAttempts"),
    **_left_out("Environment", _SENSITIVE, "{key}", "{value}"),
}

_FINAL_METRIC = "FinalHyperParameterTuningJobObjectiveMetric."

FIELDS: dict[str, Uses] = {
    "HyperParameterTuningJobName": (Identity("tuning_job"),),
    "HyperParameterTuningJobArn": (Identity("aws_account_id"), Identity("aws_region")),
    f"{_CONFIG}.Strategy": (Label("info", "strategy"),),
    **_left_out(f"{_CONFIG}.StrategyConfig.HyperbandStrategyConfig.", _TUNING, "MinResource", "MaxResource"),
    f"{_CONFIG}.HyperParameterTuningJobObjective.Type": _DEFINITION["TuningObjective.Type"],
    f"{_CONFIG}.HyperParameterTuningJobObjective.MetricName": _DEFINITION["TuningObjective.MetricName"],
    f"{_CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs": (Metric("max_training_jobs"),),
    f"{_CONFIG}.ResourceLimits.MaxParallelTrainingJobs": (Metric("max_parallel_training_jobs"),),
    f"{_CONFIG}.ResourceLimits.MaxRuntimeInSeconds": (Metric("max_runtime_seconds"),),
    **_below(f"{_CONFIG}.ParameterRanges.", _RANGES),
    f"{_CONFIG}.TrainingJobEarlyStoppingType": (Label("info", "early_stopping"),),
    f"{_CONFIG}.TuningJobCompletionCriteria.TargetObjectiveMetricValue": (
        Metric("target_objective_value"),
        Metric("target_reached"),
    ),
    f"{_CONFIG}.TuningJobCompletionCriteria.BestObjectiveNotImproving.MaxNumberOfTrainingJobsNotImproving": (
        Metric("max_training_jobs_not_improving"),
    ),
    f"{_CONFIG}.TuningJobCompletionCriteria.ConvergenceDetected.CompleteOnConvergence": (
        Label("info", "complete_on_convergence"),
    ),
    **_left_out(f"{_CONFIG}.", _TUNING, "RandomSeed"),
    **_below("TrainingJobDefinition.", _DEFINITION),
    **_below("TrainingJobDefinitions[].", _DEFINITION),
    "HyperParameterTuningJobStatus": (Metric("status"), Label("status", "status")),
    "CreationTime": (Metric("created_timestamp_seconds"),),
    "HyperParameterTuningEndTime": (Metric("end_timestamp_seconds"),),
    "LastModifiedTime": (Metric("last_modified_timestamp_seconds"),),
    **_below(
        "TrainingJobStatusCounters.",
        {status: (Metric("training_jobs"),) for status in TRAINING_JOB_STATUSES},
    ),
    **_below(
        "ObjectiveStatusCounters.",
        {status: (Metric("objectives"),) for status in OBJECTIVE_STATUSES},
    ),
    "BestTrainingJob.TrainingJobDefinitionName": (
        Label("best_training_job_info", "definition"),
        Label("best_hyperparameter_value", "definition"),
        # It identifies the definition whose objective applies to the value.
        *_labels("objective_metric", *_OF_BEST),
        *_labels("objective_type", *_OF_BEST),
        Metric("target_reached"),
    ),
    "BestTrainingJob.TrainingJobName": (
        Label("best_training_job_info", "training_job"),
        Metric("best_training_job_info"),
    ),
    "BestTrainingJob.TrainingEndTime": (Metric("best_training_job_end_timestamp_seconds"),),
    "BestTrainingJob.TunedHyperParameters{key}": (Label("best_hyperparameter_value", "hyperparameter"),),
    "BestTrainingJob.TunedHyperParameters{value}": (Metric("best_hyperparameter_value"),),
    f"BestTrainingJob.{_FINAL_METRIC}Type": (*_labels("objective_type", *_OF_BEST), Metric("target_reached")),
    f"BestTrainingJob.{_FINAL_METRIC}MetricName": (
        *_labels("objective_metric", *_OF_BEST),
        # A direction is used only if it is given with the same metric.
        *_labels("objective_type", *_OF_BEST),
        Metric("target_reached"),
    ),
    f"BestTrainingJob.{_FINAL_METRIC}Value": (Metric("best_objective_value"), Metric("target_reached")),
    **_left_out(
        "BestTrainingJob.",
        _TRIAL,
        "TrainingJobArn",
        "TuningJobName",
        "CreationTime",
        "TrainingStartTime",
        "TrainingJobStatus",
        "ObjectiveStatus",
    ),
    **_left_out("BestTrainingJob.", "Free text, without bound as a label.", "FailureReason"),
    "OverallBestTrainingJob.TrainingJobDefinitionName": (
        Label("overall_best_objective_value", "objective_metric"),
        Label("overall_best_objective_value", "objective_type"),
    ),
    f"OverallBestTrainingJob.{_FINAL_METRIC}Type": (Label("overall_best_objective_value", "objective_type"),),
    f"OverallBestTrainingJob.{_FINAL_METRIC}MetricName": (
        Label("overall_best_objective_value", "objective_metric"),
        Label("overall_best_objective_value", "objective_type"),
    ),
    f"OverallBestTrainingJob.{_FINAL_METRIC}Value": (Metric("overall_best_objective_value"),),
    **_left_out(
        "OverallBestTrainingJob.",
        _OTHERS,
        "TrainingJobName",
        "TrainingJobArn",
        "TuningJobName",
        "CreationTime",
        "TrainingStartTime",
        "TrainingEndTime",
        "TrainingJobStatus",
        "TunedHyperParameters{key}",
        "TunedHyperParameters{value}",
        "FailureReason",
        "ObjectiveStatus",
    ),
    "WarmStartConfig.ParentHyperParameterTuningJobs[].HyperParameterTuningJobName": (
        Metric("warm_start_parents"),
        Label("parent_info", "parent"),
    ),
    "WarmStartConfig.WarmStartType": (Label("info", "warm_start_type"),),
    "Autotune.Mode": (Label("info", "autotune"),),
    **_left_out("", _FREE_TEXT, "FailureReason"),
    "TuningJobCompletionDetails.NumberOfTrainingJobsObjectiveNotImproving": (Metric("training_jobs_not_improving"),),
    "TuningJobCompletionDetails.ConvergenceDetectedTime": (Metric("convergence_detected_timestamp_seconds"),),
    "ConsumedResources.RuntimeInSeconds": (Metric("runtime_seconds"),),
}
"""All leaves, and what they become."""
