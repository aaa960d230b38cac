"""Reads the configuration, checks it completely, and resolves it into targets.

``read`` and ``parse`` return settings that are ready to use, or raise one error that has all mistakes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from exporter.config import load, resolve, source, validate
from exporter.config.problem import ConfigError, Problem, nearest
from exporter.config.regions import parse_region
from exporter.config.specs import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from exporter.config.load import Document
    from exporter.config.validate import Validated

__all__ = [
    "ConfigError",
    "Examined",
    "Problem",
    "Settings",
    "decode",
    "environment_region",
    "examine",
    "nearest",
    "parse",
    "read",
]


def read(path: Path, default_region: str | None = None) -> Settings:
    """Return the settings in a UTF-8 file.

    ``default_region`` is used for entries without a region. Raises ConfigError with all mistakes, and if the file cannot be
    read or keeps changing while it is read.
    """
    return parse(decode(source.read_bytes(path), str(path)), str(path), default_region)


def decode(content: bytes, file: str) -> str:
    """Return the text of a configuration. Raises ConfigError if it is not UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"the byte 0x{content[error.start]:02x} is not UTF-8: save the file as UTF-8"
        raise ConfigError([Problem(file, line, "", message)]) from error


def parse(text: str, file: str, default_region: str | None = None) -> Settings:
    """Return the settings in a configuration's text. ``file`` is its name in messages.

    ``default_region`` is used for entries without a region. Raises ConfigError with all mistakes.
    """
    _, settings, problems = _resolved(load.load(text, file), default_region)
    if problems:
        raise ConfigError(problems)
    return settings


class Examined(NamedTuple):
    """The result of ``examine``. ``settings`` is None if there are errors. ``doubts`` are warnings."""

    settings: Settings | None
    errors: tuple[Problem, ...]
    doubts: tuple[Problem, ...]


def examine(text: str, file: str, default_region: str | None, environment: Mapping[str, str]) -> Examined:
    """Return all mistakes in a configuration's text, and warnings about values that are valid but useless or surely wrong.

    It also checks that the named files and AWS profiles exist. ``environment`` tells where the profiles are.
    """
    from exporter.config import doubts  # noqa: PLC0415 - the daemon does not need it

    try:
        document = load.load(text, file)
    except ConfigError as error:
        return Examined(None, error.problems, ())
    validated, settings, problems = _resolved(document, default_region)
    of_text = doubts.of_text(document)
    if problems:
        return Examined(None, ConfigError(problems).problems, of_text)
    found = doubts.of_settings(document, validated, settings.targets, environment)
    everything = sorted((*of_text, *found, *settings.ineffective), key=lambda problem: problem.line or 0)
    return Examined(settings, (), tuple(everything))


def _resolved(document: Document, default_region: str | None) -> tuple[Validated, Settings, list[Problem]]:
    """Return the settings in a document, and all mistakes. With a mistake, the settings must not be used."""
    validated = validate.validate(document)
    problems = [*document.problems, *validated.problems]
    # A misspelt key has already been reported.
    if {"tuning_jobs", "discover"}.isdisjoint(document.root.keys() | validated.broken):
        message = f"neither tuning_jobs nor discover is given: write for example {load.EXAMPLE}"
        problems.append(Problem(document.file, None, "", message))
    region, broken = default_region, validated.broken
    if region is not None and document.locate(("aws", "region"))[1] != ("aws", "region"):
        try:
            parse_region(region)
        except ValueError as error:
            message = f"AWS_REGION or AWS_DEFAULT_REGION in the environment: {error}"
            problems.append(Problem(document.file, None, "", message))
            broken |= {"aws.region"}
    settings, contradictions = resolve.resolve(document, replace(validated, broken=broken), region)
    return validated, settings, problems + contradictions


def environment_region(environment: Mapping[str, str]) -> str | None:
    """Return the region in the environment variables of the AWS SDK, which is the default region. None if not set."""
    return environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or None
