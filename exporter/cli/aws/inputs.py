"""The parameters of the call, from ``--cli-input-json`` and ``--cli-input-yaml``, and arguments from files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import yaml

from exporter.config.problem import quote

NAME = "HyperParameterTuningJobName"
"""The one parameter of DescribeHyperParameterTuningJob."""

_FILES = ("file://", "fileb://")
_LONGEST = 1 << 20
"""The most characters of a file. Parameters have a few dozen, and a device may have no end."""


def argument(text: str, flag: str) -> tuple[str, str]:
    """Return the value of an argument and its place. For ``file://PATH`` this is the content of the file.

    Raises ValueError with the name of the file if it cannot be read.
    """
    prefix = next(filter(text.startswith, _FILES), None)
    if prefix is None:
        return text, flag
    file = Path(os.path.expanduser(os.path.expandvars(text.removeprefix(prefix))))  # noqa: PTH111 - that of Path raises an error for an unknown user
    try:
        with file.open(encoding="utf-8-sig") as opened:
            content = opened.read(_LONGEST + 1)
    except OSError as error:
        raise ValueError(f"{flag}: {file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{flag}: {file} is not UTF-8: save it as UTF-8") from error
    if len(content) > _LONGEST:
        raise ValueError(f"{flag}: {file} has more than {_LONGEST:,} characters: name the file with the parameters")
    return content, str(file)


def name_in_json(text: str, place: str) -> str | None:
    """Return the name in parameters as JSON, None if they have none. ``place`` is the place of the text for messages.

    Raises ValueError with place and line if they are not parameters of the call.
    """
    try:
        parameters = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{place}, line {error.lineno}: this is not JSON: {error.msg}") from error
    except RecursionError as error:
        raise ValueError(f"{place}: this is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"{place}: a number has too many digits") from error
    return _name(parameters, place)


def name_in_yaml(text: str, place: str) -> str | None:
    """Return the same for parameters as YAML."""
    try:
        parameters = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f", line {error.problem_mark.line + 1}"
        raise ValueError(f"{place}{line}: this is not YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as error:
        # Except for the first and last, these are for a value that does not match its tag or form, such as 2025-99-99.
        raise ValueError(f"{place}: this is not YAML") from error
    return _name(parameters, place)


def checked_name(name: str, place: str) -> str:
    """Return a tuning job's name. Raises ValueError if it is empty, which is not sent to AWS."""
    if not name:
        raise ValueError(f"{place}: the name is empty: write the tuning job's name")
    return name


def _name(parameters: Any, place: str) -> str | None:
    example = f'write {{"{NAME}": "my-job"}}'
    if not isinstance(parameters, dict):
        raise ValueError(f"{place}: this is not an object with parameters: {example}")  # noqa: TRY004 - the same type as for its content
    for other in parameters.keys() - {NAME}:
        raise ValueError(f"{place}: the call has no parameter {quote(str(other))}: {example}")
    if NAME not in parameters:
        return None
    name = parameters[NAME]
    if not isinstance(name, str):
        raise ValueError(f"{place}: {NAME} is not a text: write it in quotes")  # noqa: TRY004
    return checked_name(name, place)
