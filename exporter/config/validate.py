"""Converts pydantic's errors to problems, and keeps the part of the configuration without the wrong values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import ValidationError

from exporter.config.misplaced import meant_key, stands_for, unknown_key
from exporter.config.model import (
    EXTENSION,
    AwsDefaults,
    Config,
    Exclusion,
    FailureClass,
    Failures,
    Organization,
    Rule,
    Section,
    Spend,
    TuningJob,
)
from exporter.config.names import JOB_NAME
from exporter.config.problem import instead, quote
from exporter.config.shape import list_expected, mapping_expected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

    from exporter.config.load import Document
    from exporter.config.problem import Path, Problem

SectionT = TypeVar("SectionT", bound=Section)

_LISTS = ("tuning_jobs", "discover", "tag_labels", "collect")
_SECTIONS: Mapping[str, type[Section]] = {
    "aws": AwsDefaults,
    "tuning_jobs": TuningJob,
    "discover": Rule,
    "spend": Spend,
    "failures": Failures,
}
_MAPPINGS = ("aws", "account_names", "spend", "failures")
_PLURALS = {"region": "regions", "account_id": "accounts"}
_ONE_EACH = ("region", "account_id", "role_arn", "profile", "name", "arn")
_KEY_ITSELF = "[key]"  # the last step of pydantic's path to a key that is wrong, unless a key has this name
_EXPECTED = {"list_type": list_expected, "dict_type": mapping_expected, "model_type": mapping_expected}


@dataclass(frozen=True, slots=True)
class Validated:
    """The valid part of a configuration.

    ``jobs`` and ``rules`` have their index in the file's list. ``broken`` has the top-level keys, and the keys of ``aws`` as in
    ``aws.region``, that are in the file but wrong, or that an unknown key probably means. For these, no further errors are
    reported because they are missing.
    """

    config: Config
    jobs: tuple[tuple[int, TuningJob], ...]
    rules: tuple[tuple[int, Rule], ...]
    broken: frozenset[str]
    problems: tuple[Problem, ...]


def validate(document: Document) -> Validated:
    """Return the valid part of the document, and all problems with the rest."""
    problems: list[Problem] = []
    bad: set[Path] = set()
    root = {key: value for key, value in document.root.items() if not key.startswith(EXTENSION)}
    pruned: dict[str, Any] = root
    instead_of: set[str] = set()
    origins: dict[str, list[int]] = {}
    # Pydantic checks a list as a whole only when all its items are valid, so check again without the wrong ones.
    while not isinstance(result := _attempt(pruned), Config):
        for each in result:
            path = _as_written(document, _in_file(each["loc"], origins))
            if path[-1] == _KEY_ITSELF and document.locate(path)[1] != path:
                path = path[:-1]
            bad.add(path)
            if each["type"] == "extra_forbidden":
                instead_of |= stands_for(str(path[-1]), _section_of(path)) if len(path) < 3 else set()
            if path[-1] == "arn" and document.locate(path)[1] != path:
                # An ARN may be given as name.
                path = (*path[:-1], "name")
            problems.append(document.problem(path, _message(each, path)))
        pruned, origins = _without(root, bad)
    broken = frozenset(".".join(map(str, path[:2])) for path in bad if path[0] not in _LISTS) | instead_of
    if ("aws",) in bad:
        broken |= {f"aws.{key}" for key in AwsDefaults.model_fields}
    return Validated(
        result,
        tuple(zip(origins.get("tuning_jobs", range(len(result.tuning_jobs))), result.tuning_jobs, strict=True)),
        tuple(zip(origins.get("discover", range(len(result.discover))), result.discover, strict=True)),
        broken,
        tuple(problems),
    )


def validate_section(document: Document, section: type[SectionT]) -> tuple[SectionT | None, list[Problem]]:
    """Return a whole document as a section, None if anything in it is wrong, and all problems."""
    try:
        return section.model_validate(document.root), [*document.problems]
    except ValidationError as error:
        problems = [*document.problems]
        for each in error.errors(include_url=False):
            path = each["loc"][:-1] if each["loc"][-1] == _KEY_ITSELF else each["loc"]
            message = _message(each, path) if each["type"] != "extra_forbidden" else _unknown_in(path, section)
            problems.append(document.problem(path, message))
        return None, problems


def _unknown_in(path: Path, section: type[Section]) -> str:
    keys = _keys(section)
    for step in path[:-1]:
        keys = next((_keys(each) for each in _sections(keys.get(str(step)))), {})
    return f"unknown key {quote(str(path[-1]))}: {instead(str(path[-1]), keys)}"


def _keys(section: type[Section]) -> dict[str, Any]:
    """Return the keys of a section as in a file, each with its type."""
    return {field.alias or name: field.annotation for name, field in section.model_fields.items()}


def _sections(annotation: Any) -> Iterator[type[Section]]:
    """Yield the sections that a value of this type may be."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for each in get_args(annotation):
        yield from _sections(each)


def _attempt(root: dict[str, Any]) -> Config | list[ErrorDetails]:
    try:
        return Config.model_validate(root)
    except ValidationError as error:
        return error.errors(include_url=False)


def _in_file(path: Path, origins: Mapping[str, Sequence[int]]) -> Path:
    """Return the path in the file for a path of pydantic in the remaining values."""
    head = path[0]
    if isinstance(head, str) and head in origins and len(path) > 1 and isinstance(path[1], int):
        return (head, origins[head][path[1]], *path[2:])
    return path


def _as_written(document: Document, path: Path) -> Path:
    """Return a path without the index of a list if the file has its only item without a list."""
    value: Any = document.root
    written: list[str | int] = []
    for step in path:
        if isinstance(step, int) and isinstance(value, dict):
            continue
        written.append(step)
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            value = None
    return tuple(written)


def _without(root: dict[str, Any], bad: set[Path]) -> tuple[dict[str, Any], dict[str, list[int]]]:
    """Return the top mapping without wrong items and keys, and for each list the indexes of the remaining items."""
    pruned: dict[str, Any] = {}
    origins: dict[str, list[int]] = {}
    heads = {path[:2] for path in bad}
    for key, value in root.items():
        if (key,) in heads:
            continue
        if key in _LISTS:
            origins[key] = [place for place in range(len(value)) if (key, place) not in heads]
            pruned[key] = [value[place] for place in origins[key]]
        elif key in _MAPPINGS:
            pruned[key] = {name: member for name, member in value.items() if (key, name) not in heads}
        else:
            pruned[key] = value
    return pruned, origins


def _message(error: ErrorDetails, path: Path) -> str:
    kind = error["type"]
    if isinstance(error["input"], list) and path[-1] in _ONE_EACH and (path[-2:-1] == ("aws",) or len(path) == 3):
        plural = _PLURALS.get(str(path[-1])) if path[0] != "tuning_jobs" else None
        many = (
            f"write {plural} for a list of them, in which rules of discover look"
            if plural
            else "write an entry of tuning_jobs or discover for each"
        )
        return f"one {path[-1]} per entry: {many}"
    if error["input"] is None and path in {("tuning_jobs",), ("discover",)}:
        return "there is no value: write [] for none, or remove the key"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "extra_forbidden":
        return _unknown_key(path, error["input"])
    if error["input"] is None:
        return "there is no value: write one, or remove the line"
    if kind in _EXPECTED:
        return _EXPECTED[kind](error["input"], path)
    return "this does not fit here: write what config.example.yaml shows for the key"


def _section_of(path: Path) -> type[Section]:
    """Return the section of the key at the end of a path."""
    section = _SECTIONS.get(str(path[0]), Config) if len(path) > 1 else Config
    if section is Failures and len(path) > 2:  # failures.classes[0].regex
        return FailureClass
    if "organization" in path[1:-1]:
        return Organization
    return Exclusion if section is Rule and "exclude" in path[2:-1] else section


def _unknown_key(path: Path, value: object) -> str:
    key, section = str(path[-1]), _section_of(path)
    if section in {FailureClass, Organization}:
        return f"unknown key {quote(key)}: {instead(key, section.model_fields)}"
    if (
        section is TuningJob
        and not isinstance(value, str)
        and JOB_NAME.fullmatch(key)
        and meant_key(key, section) is None
    ):
        return f"unknown key {quote(key)}: if that is a job's name, write '- name: {key}', and its keys below name"
    return unknown_key(key, section, at_top=len(path) == 1)
