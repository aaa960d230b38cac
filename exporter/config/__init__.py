"""The configuration: read, checked completely, and resolved into targets.

``read`` and ``parse`` either return settings that are ready to run or raise one error with every mistake in it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.config import load, resolve, source, validate
from exporter.config.problem import ConfigError, Problem, nearest
from exporter.config.regions import parse_region
from exporter.config.specs import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["ConfigError", "Problem", "Settings", "environment_region", "nearest", "parse", "read"]


def read(path: Path, default_region: str | None = None) -> Settings:
    """Return the settings in a UTF-8 file.

    ``default_region`` serves the entries for which the file gives none. Raise ConfigError with every mistake, and
    when the file cannot be read, or keeps changing while it is read.
    """
    content = source.read_bytes(path)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"the byte 0x{content[error.start]:02x} is not UTF-8: save the file as UTF-8"
        raise ConfigError([Problem(str(path), line, "", message)]) from error
    return parse(text, str(path), default_region)


def parse(text: str, file: str, default_region: str | None = None) -> Settings:
    """Return the settings in a configuration's text; ``file`` is its name in problems.

    ``default_region`` serves the entries for which the text gives none. Raise ConfigError with every mistake.
    """
    document = load.load(text, file)
    validated = validate.validate(document)
    problems = [*document.problems, *validated.problems]
    # A misspelt key is told already.
    if {"tuning_jobs", "discover"}.isdisjoint(document.root.keys() | validated.broken):
        message = f"neither tuning_jobs nor discover is given: write for example {load.EXAMPLE}"
        problems.append(Problem(file, None, "", message))
    region, broken = default_region, validated.broken
    if region is not None and document.locate(("aws", "region"))[1] != ("aws", "region"):
        try:
            parse_region(region)
        except ValueError as error:
            problems.append(Problem(file, None, "", f"AWS_REGION or AWS_DEFAULT_REGION in the environment: {error}"))
            broken |= {"aws.region"}
    settings, contradictions = resolve.resolve(document, replace(validated, broken=broken), region)
    problems += contradictions
    if problems:
        raise ConfigError(problems)
    return settings


def environment_region(environment: Mapping[str, str]) -> str | None:
    """Return the region that the environment gives the AWS SDK and so the configuration; None when it gives none."""
    return environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or None
