"""Messages for values that must be a list or a mapping but are something else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.config.model import Rule, TuningJob
from exporter.config.names import JOB_NAME
from exporter.config.problem import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config.problem import Path

_NO_SPACE = re.compile(r"([a-z_]+):(?!//)\S")
_WORD = re.compile(r"[A-Za-z0-9._-]+")
_EVERYTHING = frozenset({"*", ".*", "all", "true", "yes"})


def list_expected(value: object, path: Path) -> str:
    """Return what to write instead of a value that must be a list."""
    return f"a list is expected here: {_list(value, path)}"


def mapping_expected(value: object, path: Path) -> str:
    """Return what to write instead of a value that must be a mapping."""
    return f"a mapping is expected here: {_mapping(value, path)}"


def _list(value: object, path: Path) -> str:
    if isinstance(value, dict) and path == ("tuning_jobs",):
        return f"write '- name: {_job(value)}' for each job, on a line of its own, and its keys below name"
    if isinstance(value, dict) and path == ("discover",) and not Rule.model_fields.keys().isdisjoint(value):
        return (
            f"write '- ' before {next(key for key in value if key in Rule.model_fields)}, and its other keys below that"
        )
    if isinstance(value, str) and path == ("discover",):
        if value.lower() in _EVERYTHING:
            return "write [{}], a rule that finds every tuning job"
        if _WORD.fullmatch(value) and not value.startswith("-"):
            return f"write [{{name_contains: {quote(value)}}}]"
    if isinstance(value, str) and re.match(r"-\w", value):
        return "write a space after each '-'"
    if isinstance(value, str) and _WORD.fullmatch(value):
        return f"write [{quote(value)}]"
    return "write '- …' on a line of its own for each item, or [] for none"


def _mapping(value: object, path: Path) -> str:
    if isinstance(value, str):
        if missing := _NO_SPACE.match(value):
            return f"write a space after {quote(f'{missing[1]}:')}"
        if path[:1] == ("discover",) and len(path) == 2 and _WORD.fullmatch(value):
            return f"write name_contains: {quote(value)}"
    if isinstance(value, list) and value and all(isinstance(each, dict) and "Key" in each for each in value):
        return "write the tag's key and its value as key: value, without the words Key and Value"
    return "write 'key: value' on a line of its own for each"


def _job(jobs: Mapping[str, object]) -> str:
    return next((key for key in jobs if JOB_NAME.fullmatch(key) and key not in TuningJob.model_fields), "…")
