"""Removes from answers of AWS everything that may identify people or resources.

Texts and members that are not in these tables are left out: locations, roles, keys, images, static hyperparameters,
environments, networks. The exporter does not read these either, so a redacted answer gives the same series. Numbers and times
are kept, even if they are not in the tables, because they identify nobody.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from exporter.config.money import parse_instance_type
from exporter.recording.scale import BOUNDED, Scale, Scales
from exporter.statuses import OBJECTIVE_STATUSES, TRAINING_JOB_STATUSES
from exporter.tuning_job import members
from exporter.tuning_job.hyperparameters import decimal
from exporter.tuning_job.members import is_text

if TYPE_CHECKING:
    from exporter.config.specs import Settings
    from exporter.recording.pseudonyms import Pseudonyms

_WORD = re.compile("[A-Z][A-Za-z]{0,39}")
_LONGEST_NUMBER = 1e9
_ACCOUNT = 1e11
"""A number this long may be an account id. Times in Unix seconds are shorter."""

_OBJECTIVE = {"Type": "word", "MetricName": "metric"}
_INSTANCES = {"InstanceType": "instance", "InstanceCount": "number"}
_RANGE = {"Name": "hyperparameter", "MinValue": "bound", "MaxValue": "bound", "ScalingType": "word"}
_RANGES: Mapping[str, Any] = {kind: [_RANGE] for kind in BOUNDED}
_DEFINITION: Mapping[str, Any] = {
    "DefinitionName": "definition",
    "TuningObjective": _OBJECTIVE,
    "HyperParameterRanges": _RANGES,
    "ResourceConfig": {**_INSTANCES, "InstanceGroups": [_INSTANCES], "InstancePreferences": [_INSTANCES]},
    "HyperParameterTuningResourceConfig": {**_INSTANCES, "InstanceConfigs": [_INSTANCES]},
    "StoppingCondition": dict.fromkeys(
        ("MaxRuntimeInSeconds", "MaxWaitTimeInSeconds", "MaxPendingTimeInSeconds"), "number"
    ),
    "EnableManagedSpotTraining": "flag",
}
_TRAINING_JOB: Mapping[str, Any] = {
    "TrainingJobName": "training",
    "TrainingJobDefinitionName": "definition",
    "TrainingEndTime": "time",
    "FinalHyperParameterTuningJobObjectiveMetric": {**_OBJECTIVE, "Value": "number"},
    "TunedHyperParameters": "tuned",
}
_SUMMARY: Mapping[str, Any] = {
    "HyperParameterTuningJobName": "job",
    "HyperParameterTuningJobArn": "arn",
    "HyperParameterTuningJobStatus": "word",
    "CreationTime": "time",
    "LastModifiedTime": "time",
    "HyperParameterTuningEndTime": "time",
    "TrainingJobStatusCounters": dict.fromkeys(TRAINING_JOB_STATUSES, "number"),
    "ObjectiveStatusCounters": dict.fromkeys(OBJECTIVE_STATUSES, "number"),
}
SHAPES: Mapping[str, Mapping[str, Any]] = {
    "describe": {
        **_SUMMARY,
        "HyperParameterTuningJobConfig": {
            "Strategy": "word",
            "HyperParameterTuningJobObjective": _OBJECTIVE,
            "ResourceLimits": dict.fromkeys(
                ("MaxNumberOfTrainingJobs", "MaxParallelTrainingJobs", "MaxRuntimeInSeconds"), "number"
            ),
            "ParameterRanges": _RANGES,
            "TrainingJobEarlyStoppingType": "word",
            "TuningJobCompletionCriteria": {
                "TargetObjectiveMetricValue": "number",
                "BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": "number"},
                "ConvergenceDetected": {"CompleteOnConvergence": "word"},
            },
        },
        "TrainingJobDefinition": _DEFINITION,
        "TrainingJobDefinitions": [_DEFINITION],
        "BestTrainingJob": _TRAINING_JOB,
        "OverallBestTrainingJob": _TRAINING_JOB,
        "WarmStartConfig": {
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "job"}],
            "WarmStartType": "word",
        },
        "Autotune": {"Mode": "word"},
        "FailureReason": "reason",
        "TuningJobCompletionDetails": {
            "NumberOfTrainingJobsObjectiveNotImproving": "number",
            "ConvergenceDetectedTime": "time",
        },
        "ConsumedResources": {"RuntimeInSeconds": "number"},
    },
    "summary": _SUMMARY,
    "training": {
        "TrainingJobName": "training",
        "TrainingJobStatus": "word",
        "TrainingJobDefinitionName": "definition",
        "CreationTime": "time",
        "TrainingStartTime": "time",
        "TrainingEndTime": "time",
        "FailureReason": "reason",
    },
    "tagged": {
        "HyperParameterTuningJobName": "job",
        "HyperParameterTuningJobArn": "arn",
        "CreationTime": "time",
        "Tags": "tags",
    },
    "bill": {
        "TrainingJobName": "training",
        "TrainingJobStatus": "word",
        "BillableTimeInSeconds": "number",
        "EnableManagedSpotTraining": "flag",
        "ResourceConfig": {
            **_INSTANCES,
            "InstanceGroups": [_INSTANCES],
            "SelectedInstanceType": "instance",
            "SelectedInstanceCount": "number",
        },
    },
}
"""What is kept of each kind of row, and how to redact each leaf. Other members that are numbers are kept too."""


class Redactor:
    """Redacts the answers of one recording. Used by one thread at a time."""

    def __init__(self, settings: Settings, names: Pseudonyms) -> None:
        self.names = names
        jobs = (job for target in settings.targets for job in target.jobs)
        rules = [rule for target in settings.targets for rule in target.rules]
        self._tags = {key for job in jobs for key in job.tag_labels}
        self._tags |= {key for rule in rules for key in (*rule.tag_labels, *rule.tags)}
        self._tags |= {key for rule in rules for each in rule.exclude for key in each.tags}
        self._leaves: Mapping[str, Callable[[Any], Any]] = {
            "word": _text(lambda text: text if _WORD.fullmatch(text) else "Unknown"),
            "job": _text(names.job),
            "arn": _text(names.arn),
            "metric": self._numbered("metric"),
            "definition": self._numbered("definition"),
            "training": self._numbered("training"),
            "hyperparameter": self._numbered("hyperparameter"),
            "instance": _text(self._instance),
            "time": lambda value: members.time({"": value}, ""),
            "number": _number,
            "flag": lambda flag: flag if isinstance(flag, bool) else None,
            "reason": lambda text: names.reason(text) if isinstance(text, str) and text else None,
            "tags": self._tags_of,
        }

    def row(self, kind: str, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return the redacted row. ``kind`` is one of ``SHAPES``."""
        redacted: dict[str, Any] = self._shaped(SHAPES[kind], answer, Scales(answer) if kind == "describe" else None)
        return redacted

    def tags(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Return the tags that the configuration uses, with pseudonyms for keys and values."""
        return {self.tag(key): self.names.value(value) for key, value in tags.items() if key in self._tags}

    def tag(self, key: str) -> str:
        """Return the pseudonym of a tag's key."""
        return self.names.numbered("tag", key)

    def _shaped(self, shape: Any, value: Any, scales: Scales | None) -> Any:
        if isinstance(shape, str):
            return self._tuned(value, scales) if shape == "tuned" else self._leaves[shape](value)
        if isinstance(shape, list):
            if not isinstance(value, list | tuple):
                return None
            return [self._shaped(shape[0], each, scales) for each in value]
        if not isinstance(value, Mapping):
            return None
        if shape is _RANGE:
            return self._range(value)
        if shape is _TRAINING_JOB and scales is not None:
            scales = scales.of(value.get("TrainingJobDefinitionName"))
        told = {
            member: self._shaped(inner, value[member], scales) for member, inner in shape.items() if member in value
        }
        return told | {
            member: each for member, each in value.items() if member not in shape and _is_number(member, each)
        }

    def _range(self, range_: Mapping[str, Any]) -> dict[str, Any]:
        scale = Scale(range_)
        return {
            member: scale.shown(range_[member]) if leaf == "bound" else self._leaves[leaf](range_[member])
            for member, leaf in _RANGE.items()
            if member in range_
        }

    def _tuned(self, tuned: Any, scales: Scales | None) -> Any:
        if not isinstance(tuned, Mapping):
            return None
        redacted = {}
        for name, value in tuned.items():
            if name and is_text(name):
                scale = scales.scale(name) if scales is not None else None
                redacted[self.names.numbered("hyperparameter", name)] = self._hyperparameter(name, value, scale)
        return redacted

    def _hyperparameter(self, name: str, value: Any, scale: Scale | None) -> str | None:
        if not isinstance(value, str):
            return None
        if scale is not None and (shown := scale.shown(value)) is not None:
            return shown
        category = self.names.numbered(f"category of {name}", value).rpartition("-")[2]
        return category if decimal(value) is not None else f"category-{category}"

    def _numbered(self, kind: str) -> Callable[[Any], Any]:
        return _text(lambda text: self.names.numbered(kind, text))

    def _instance(self, text: str) -> str:
        try:
            return parse_instance_type(text)
        except ValueError:
            return self.names.numbered("instance", text)

    def _tags_of(self, tags: Any) -> Any:
        if not isinstance(tags, list):
            return None
        found = [
            {"Key": key, "Value": value}
            for tag in tags
            if isinstance(tag, Mapping) and is_text(tag.get("Key")) and is_text(tag.get("Value"))
            for key, value in self.tags({tag["Key"]: tag["Value"]}).items()
        ]
        # A tag that cannot be read makes all tags unusable for the exporter. So it must stay unreadable.
        odd = any(
            not isinstance(tag, Mapping) or not is_text(tag.get("Key")) or not is_text(tag.get("Value")) for tag in tags
        )
        return [*found, None] if odd else found


class Unredacted:
    """Keeps answers unchanged, for your own use."""

    def row(self, kind: str, answer: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - like Redactor
        """Return a row as JSON values, without what the SDK adds. Raises an error if JSON has no such value."""
        row: dict[str, Any] = json.loads(json.dumps(answer, default=str))
        row.pop("ResponseMetadata", None)
        return row

    def tags(self, tags: Mapping[str, str]) -> dict[str, str]:
        """Return tags unchanged."""
        return dict(tags)


def _is_number(member: Any, value: Any) -> bool:
    """Return whether a member of the API is a number or time that may be kept."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _ACCOUNT
    return number and isinstance(member, str) and _WORD.fullmatch(member) is not None


def _text(shown: Callable[[str], str]) -> Callable[[Any], Any]:
    """Return a function that redacts a text. Empty texts stay, and values that the exporter would ignore become None."""
    return lambda value: (shown(value) if value else value) if is_text(value) else None


def _number(value: Any) -> Any:
    """Return a number, which AWS may send as a text. None if it is as long as an account id."""
    number = members.value({"": value}, "")
    long = number is not None and isinstance(value, str) and math.isfinite(number) and abs(number) >= _LONGEST_NUMBER
    return None if long else number
