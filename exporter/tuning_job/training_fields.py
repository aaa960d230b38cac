"""What the members of answers about training jobs become. Paths are as in ``fields``."""

from __future__ import annotations

from exporter.tuning_job.fields import Label, Metric, NotExported, Uses

_ONE_OF_MANY = "One of any number of training jobs; as a label it would have no bound."
_TIMES = (
    "training_job_duration_seconds",
    "training_instance_seconds_total",
    "estimated_cost_total",
    "training_seconds_since_best",
    "estimated_cost_since_best",
)
_RUNNING = (
    "running_training_seconds",
    "running_instances",
    "oldest_running_training_job_start_timestamp_seconds",
)


def _metrics(*families: str) -> Uses:
    return tuple(Metric(family) for family in families)


def _labels(label: str, *families: str) -> Uses:
    return tuple(Label(family, label) for family in families)


_ENTRY: dict[str, Uses] = {
    # The definition in the describe's answer has the instances and spot.
    "TrainingJobDefinitionName": (
        *_labels("instance_type", "training_instance_seconds_total", "running_instances"),
        *_labels("spot", "training_instance_seconds_total", "running_instances"),
        *_metrics("training_instance_seconds_total", "running_instances", "spend_incomplete"),
        *_metrics("estimated_cost_total", "estimated_cost_since_best"),
    ),
    "TrainingJobName": (NotExported(f"{_ONE_OF_MANY} It tells which were counted already, and which is the best."),),
    "TrainingJobArn": (NotExported(_ONE_OF_MANY),),
    "TuningJobName": (NotExported("The one that was asked for."),),
    "CreationTime": (NotExported("A training job may wait for instances; what it costs begins with its start."),),
    "TrainingStartTime": _metrics(*_TIMES, *_RUNNING, "spend_incomplete"),
    "TrainingEndTime": _metrics(*_TIMES, "training_job_failures_total", "spend_incomplete"),
    "TrainingJobStatus": (
        *_labels("status", "training_job_duration_seconds", "training_instance_seconds_total", "estimated_cost_total"),
        *_metrics(*_TIMES, *_RUNNING, "training_job_failures_total", "spend_incomplete"),
    ),
    "TunedHyperParameters{key}": (NotExported("Not read. Those of the best training job come with the describe."),),
    "TunedHyperParameters{value}": (NotExported("Not read. Those of the best training job come with the describe."),),
    "FailureReason": (Label("training_job_failures_total", "reason"),),
    "FinalHyperParameterTuningJobObjectiveMetric.Type": (NotExported("Not read: the describe tells the best value."),),
    "FinalHyperParameterTuningJobObjectiveMetric.MetricName": (
        NotExported("Not read: the describe tells the best value."),
    ),
    "FinalHyperParameterTuningJobObjectiveMetric.Value": (NotExported("Not read: the describe tells the best value."),),
    "ObjectiveStatus": (NotExported("Not read: the describe counts them."),),
}

TRAINING_FIELDS: dict[str, Uses] = {
    **{f"TrainingJobSummaries[].{path}": uses for path, uses in _ENTRY.items()},
    "NextToken": (NotExported("Leads to the next page."),),
}
"""All leaves of an answer of ListTrainingJobsForHyperParameterTuningJob, and what they become."""

_BILLED = ("billable_instance_seconds_total", "estimated_cost_total")

BILL_FIELDS: dict[str, Uses] = {
    f"Results[].TrainingJob.{path}": uses
    for path, uses in {
        "TrainingJobName": (NotExported(f"{_ONE_OF_MANY} It tells whose bill it is."),),
        "TrainingJobStatus": _labels("status", "billable_instance_seconds_total"),
        "BillableTimeInSeconds": _metrics(*_BILLED, "spend_incomplete"),
        "EnableManagedSpotTraining": _labels("spot", "billable_instance_seconds_total"),
        "ResourceConfig.InstanceType": _labels("instance_type", "billable_instance_seconds_total"),
        "ResourceConfig.InstanceCount": _metrics(*_BILLED),
        "ResourceConfig.InstanceGroups[].InstanceType": _labels("instance_type", "billable_instance_seconds_total"),
        "ResourceConfig.InstanceGroups[].InstanceCount": _metrics(*_BILLED),
        "ResourceConfig.SelectedInstanceType": _labels("instance_type", "billable_instance_seconds_total"),
        "ResourceConfig.SelectedInstanceCount": _metrics(*_BILLED),
    }.items()
} | {"NextToken": (NotExported("Leads to the next page."),)}
"""All leaves that are read of an answer of Search for training jobs. Hyperparameters, environment and so on are not read."""
