"""Names and ARNs of tuning jobs, as inputs bring them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from exporter.simulator.errors import invalid, unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}")
_LONGEST_NAME = 32
_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:([a-z0-9-]*):(\d{12}):hyper-parameter-tuning-job/(.+)")


def name_of(content: Mapping[str, Any]) -> str:
    """Return the tuning job's name in an input. Raise ApiError when it is not valid."""
    name = content.get("HyperParameterTuningJobName")
    if name is not None and not isinstance(name, str):
        raise unreadable("HyperParameterTuningJobName must be a string")
    return checked(name)


def checked(name: str | None) -> str:
    """Return a name. Raise ApiError unless it follows the API's rule."""
    if name is None:
        raise invalid(["Value at 'HyperParameterTuningJobName' must be given"])
    if len(name) > _LONGEST_NAME:
        raise invalid([f"Value '{name}' at 'HyperParameterTuningJobName' is longer than {_LONGEST_NAME} characters"])
    if not _NAME.fullmatch(name):
        raise invalid([f"Value '{name}' at 'HyperParameterTuningJobName' does not match the pattern {_NAME.pattern}"])
    return name


def arn_of(content: Mapping[str, Any]) -> tuple[str, str]:
    """Return the tuning job's ARN that an input gives, in lower case, and the name in it. Raise ApiError on any other."""
    arn = content.get("ResourceArn")
    if arn is not None and not isinstance(arn, str):
        raise unreadable("ResourceArn must be a string")
    named = _ARN.fullmatch((arn or "").lower())
    if named is None:
        raise invalid(["Value at 'ResourceArn' is not the ARN of a tuning job"])
    return named[0], named[3]
