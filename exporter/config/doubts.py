"""Finds values that are valid but surely not what you mean. This is only done on request."""

from __future__ import annotations

import os
import re
from configparser import Error, RawConfigParser
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.config import regions
from exporter.config.duration import format_duration
from exporter.config.load import Block, Items
from exporter.config.names import JOB_NAME_LENGTH
from exporter.config.problem import quote
from exporter.statuses import TERMINAL_STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from exporter.config.load import Document, Value
    from exporter.config.model import Aws
    from exporter.config.problem import Path as Way
    from exporter.config.problem import Problem
    from exporter.config.specs import RuleSpec, TargetSpec
    from exporter.config.validate import Validated

_VARIABLE = re.compile(r"\$\{[^}$]*\}|\$\([^)$]*\)|\{\{[^{}]*\}\}")
_MOST_VARIABLES = 20
_TURNED_OFF = re.compile(r"off|off:[ ,]*[A-Za-z]+(?:[ ,]+[A-Za-z]+)*[ ,]*")
"""The values of the label ``alerts`` that the exporter's alerts use: ``off``, or ``off:`` and names of alerts."""
_LONGEST_START = 3_600.0
"""The most seconds that it may take to describe all listed tuning jobs once."""


def of_text(document: Document) -> tuple[Problem, ...]:
    """Return warnings about the values as written: variables, which are not expanded."""
    found = []
    for way, value in _texts((), document.root):
        if variable := _VARIABLE.search(value):
            message = (
                f"{quote(variable[0])} is taken literally, because variables are not expanded:"
                " write the value, or let a tool such as envsubst write the file"
            )
            found.append(document.problem(way, message))
    return tuple(found[:_MOST_VARIABLES])


def of_settings(
    document: Document, validated: Validated, targets: Iterable[TargetSpec], environment: Mapping[str, str]
) -> tuple[Problem, ...]:
    """Return warnings about a valid configuration.

    If a profile is used, it reads the AWS configuration files that ``environment`` names.
    """
    targets = tuple(targets)
    told = [
        *_regions(validated),
        *_files(validated, environment),
        *_budgets(document, targets),
        *_rules(document, validated, targets),
        *_muted(validated),
    ]
    aws = validated.config.aws
    if not targets and not any(rule.organization or aws.organization for _, rule in validated.rules):
        told.append(((), "nothing is watched: add entries under tuning_jobs or discover"))
    return tuple(document.problem(way, message) for way, message in told)


def _texts(way: Way, value: Value) -> Iterator[tuple[Way, str]]:
    """Yield all values that are texts, each with its path."""
    if isinstance(value, str):
        yield way, value
    elif isinstance(value, Block):
        for key, member in value.items():
            yield from _texts((*way, key), member)
    elif isinstance(value, Items):
        for place, member in enumerate(value):
            yield from _texts((*way, place), member)


def _files(validated: Validated, environment: Mapping[str, str]) -> Iterator[tuple[Way, str]]:
    """Yield warnings about named files and profiles that do not exist."""
    profiles: AbstractSet[str] | None = None
    for way, entry in _entries(validated):
        if entry.ca_bundle and not os.path.exists(entry.ca_bundle):  # noqa: PTH110 - Path's raises if the name is too long
            yield (
                (*way, "ca_bundle"),
                f"there is no file {quote(entry.ca_bundle)} on this machine: the exporter makes no calls until the file exists",
            )
        if entry.profile:
            profiles = known_profiles(environment) if profiles is None else profiles
            if entry.profile not in profiles:
                known = f"those known here are {', '.join(sorted(profiles))}" if profiles else "none is known here"
                yield (
                    (*way, "profile"),
                    f"the AWS configuration files have no profile {quote(entry.profile)}: {known}",
                )


def _regions(validated: Validated) -> Iterator[tuple[Way, str]]:
    """Yield warnings about regions that have a valid form but do not exist."""
    for way, entry in _entries(validated):
        if entry.region and (message := regions.doubt(entry.region)):
            yield (*way, "region"), message


def _entries(validated: Validated) -> Iterator[tuple[Way, Aws]]:
    yield ("aws",), validated.config.aws
    for name, entries in (("tuning_jobs", validated.jobs), ("discover", validated.rules)):
        for place, entry in entries:
            yield (name, place), entry


def _muted(validated: Validated) -> Iterator[tuple[Way, str]]:
    """Yield warnings about labels that should turn alerts off but have no effect."""
    for name, entries in (("tuning_jobs", validated.jobs), ("discover", validated.rules)):
        for place, entry in entries:
            said = entry.labels.get("alerts")
            if said is not None and not _TURNED_OFF.fullmatch(said):
                yield (
                    (name, place, "labels", "alerts"),
                    f'{quote(said)} turns no alert off: write "off" for all of them, or "off: Stuck Failed" for some',
                )


def known_profiles(environment: Mapping[str, str]) -> AbstractSet[str]:
    """Return the names of all profiles in the AWS configuration files that can be read."""
    home = Path(environment.get("HOME") or "~").expanduser()
    found: set[str] = set()
    for variable, file in (("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")):
        path = Path(environment.get(variable) or home / ".aws" / file).expanduser()
        parser = RawConfigParser(default_section="", strict=False, allow_no_value=True)
        try:
            parser.read_string(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, Error):
            continue
        for section in parser.sections():
            kind, _, name = section.partition(" ")
            if file == "credentials" or section == "default":
                found.add(section)
            elif kind == "profile" and name:
                found.add(name.strip().strip("\"'"))
    return found


def _budgets(document: Document, targets: Iterable[TargetSpec]) -> Iterator[tuple[Way, str]]:
    """Yield warnings about targets whose budget is too small."""
    at: Way = ("aws", "requests_per_second")
    at = at if document.locate(at)[1] == at else ()
    for target in targets:
        rate, jobs = target.requests_per_second, len(target.jobs)
        if rate * target.interval < 1.0:
            yield (
                at,
                (
                    f"{target.name}: requests_per_second {rate:g} is one call in {format_duration(1 / rate)}, fewer than one in"
                    f" each interval of {format_duration(target.interval)}: write at least {_least(1 / target.interval):g}"
                ),
            )
        elif jobs / rate > _LONGEST_START:
            least = _least(jobs / _LONGEST_START)
            yield (
                at,
                (
                    f"{target.name}: at requests_per_second {rate:g}, the first describes of its {jobs:,} tuning jobs take"
                    f" {format_duration(round(jobs / rate))}: write at least {least:g}"
                ),
            )


def _least(rate: float) -> float:
    """Return a rate rounded up to two digits, within the limits of a configuration."""
    step = 0.01 if rate < 1.0 else 0.1
    return round(-(-rate // step) * step, 2)


def _rules(document: Document, validated: Validated, targets: Iterable[TargetSpec]) -> Iterator[tuple[Way, str]]:
    """Yield warnings about rules that cannot match anything."""
    places = {rule.name or f"discover[{place}]": place for place, rule in validated.rules}
    covered: dict[str, list[str | None]] = {}
    never: dict[str, str] = {}
    for target in targets:
        if target.rules and len(target.jobs) >= target.max_tracked_jobs:
            yield (
                ("max_tracked_jobs",),
                (
                    f"{target.name}: the {len(target.jobs):,} listed tuning jobs use up max_tracked_jobs, so rules watch nothing"
                    " there: raise it"
                ),
            )
        for number, rule in enumerate(target.rules):
            first = next((each for each in target.rules[:number] if covers(each, rule)), None)
            covered.setdefault(rule.name, []).append(None if first is None else first.name)
            if (why := _never(rule, target.retention)) is not None:
                never[rule.name] = why
    for name, firsts in covered.items():
        way: Way = ("discover", places[name])
        if name in never:
            yield way, never[name]
        elif (by := firsts[0]) is not None and None not in firsts:  # one for each account and region
            line = document.locate(("discover", places[by]))[0]
            yield (
                way,
                (
                    f"the rule finds nothing, because the one on line {line} takes all that it matches: write it"
                    " before that one, or remove it"
                ),
            )


def _never(rule: RuleSpec, retention: float) -> str | None:
    """Return why a rule cannot match any tuning job. None if it can."""
    if rule.name_contains is not None and len(rule.name_contains) > JOB_NAME_LENGTH:
        return f"no tuning job's name contains {quote(rule.name_contains)}: names have {JOB_NAME_LENGTH} characters at most"
    if rule.statuses and rule.statuses <= TERMINAL_STATUSES and retention == 0.0:
        return (
            "the rule asks for tuning jobs that have ended, but with retention 0s they are not watched: raise retention"
        )
    return None


def covers(first: RuleSpec, other: RuleSpec) -> bool:
    """Return whether the first rule matches every tuning job that the other one matches."""
    if first.name_contains is not None and first.name_contains not in (other.name_contains or ""):
        return False
    if first.name_regex is not None and first.name_regex != other.name_regex:
        return False
    if first.statuses and not (other.statuses and other.statuses <= first.statuses):
        return False
    if first.created_within is not None and (
        other.created_within is None or other.created_within > first.created_within
    ):
        return False
    return first.tags.items() <= other.tags.items() and all(each in other.exclude for each in first.exclude)
