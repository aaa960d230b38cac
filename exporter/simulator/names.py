"""Reads names of tuning jobs and training jobs, and ARNs of tuning jobs, from inputs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from exporter.simulator import reading
from exporter.simulator.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}")
_LONGEST_NAME = 32
_TRAINING_JOB_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_LONGEST_TRAINING_JOB_NAME = 63
_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:([a-z0-9-]*):(\d{12}):hyper-parameter-tuning-job/(.+)")


def name_of(content: Mapping[str, Any]) -> str:
    """Return the tuning job's name in an input. Raises ApiError if it is not valid."""
    return checked(reading.text(content, "HyperParameterTuningJobName"))


def checked(name: str | None) -> str:
    """Return the name of a tuning job. Raises ApiError if it is not valid."""
    return _checked(name, "HyperParameterTuningJobName", _NAME, _LONGEST_NAME)


def training_job_name_of(content: Mapping[str, Any]) -> str:
    """Return the training job's name in an input. Raises ApiError if it is not valid."""
    name = reading.text(content, "TrainingJobName")
    return _checked(name, "TrainingJobName", _TRAINING_JOB_NAME, _LONGEST_TRAINING_JOB_NAME)


def _checked(name: str | None, member: str, pattern: re.Pattern[str], longest: int) -> str:
    if name is None:
        raise invalid([f"Value at '{member}' must be given"])
    if len(name) > longest:
        raise invalid([f"Value '{name}' at '{member}' is longer than {longest} characters"])
    if not pattern.fullmatch(name):
        raise invalid([f"Value '{name}' at '{member}' does not match the pattern {pattern.pattern}"])
    return name


def arn_of(content: Mapping[str, Any]) -> tuple[str, str]:
    """Return the tuning job's ARN in an input, in lower case, and the name in it. Raises ApiError if it is not valid."""
    arn = reading.text(content, "ResourceArn")
    named = _ARN.fullmatch((arn or "").lower())
    if named is None:
        raise invalid(["Value at 'ResourceArn' is not the ARN of a tuning job"])
    return named[0], named[3]
