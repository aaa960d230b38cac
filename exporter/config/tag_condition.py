"""Conditions on an AWS tag: a value, one of several values, a pattern, or whether the tag exists."""

# Pydantic reads these annotations at run time, so there is no "from __future__ import annotations".
from dataclasses import dataclass
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from exporter.config.conversions import TAG_VALUE_LENGTH, boolean, text, text_up_to
from exporter.config.pattern import PATTERN_LENGTH, found, parse_pattern
from exporter.config.problem import instead, quote

_FORMS = "write a value, a list of values, {regex: …}, or {exists: true}"


@dataclass(frozen=True, slots=True)
class TagCondition:
    """A condition on a tag. The tag must exist, or with ``exists`` False it must not exist.

    If it must exist, its value is one of ``values``, or ``regex`` matches it. If both are None, any value is accepted.
    """

    values: frozenset[str] | None = None
    regex: str | None = None
    exists: bool = True

    def holds(self, value: str | None) -> bool:
        """Return whether a tag with this value meets the condition. None means that there is no such tag."""
        if value is None or not self.exists:
            return self.exists == (value is not None)
        return (self.values is None or value in self.values) and (self.regex is None or found(self.regex, value))

    def __str__(self) -> str:
        """Return it as written in a file, without quotes."""
        if self.values is not None:
            return next(iter(self.values)) if len(self.values) == 1 else f"[{', '.join(sorted(self.values))}]"
        return f"{{exists: {str(self.exists).lower()}}}" if self.regex is None else f"{{regex: {self.regex}}}"


def parse_tag_condition(value: object) -> TagCondition:
    """Return the condition in a value of ``tags``. Raises ValueError, which says what to write instead."""
    if isinstance(value, dict):
        return _by_key(value)
    if not isinstance(value, list):
        return TagCondition(frozenset({text_up_to(TAG_VALUE_LENGTH, value)}))
    if not value:
        raise ValueError("the list has no values: write those that the tag may have, or {exists: true} for any")
    return TagCondition(frozenset(text_up_to(TAG_VALUE_LENGTH, each) for each in value))


def _by_key(value: dict[str, object]) -> TagCondition:
    unknown = next((key for key in value if key not in {"regex", "exists"}), None)
    if unknown is not None:
        raise ValueError(f"unknown key {quote(unknown)}: {instead(unknown, ['regex', 'exists'])}")
    if len(value) != 1:
        raise ValueError(f"one condition is expected here, not {len(value) or 'none'}: {_FORMS}")
    if "exists" in value:
        return TagCondition(exists=boolean(value["exists"]))
    pattern = text(value["regex"])
    if not pattern:
        raise ValueError("the expression is empty: write what is to be found, or {exists: true} for any value")
    return TagCondition(regex=parse_pattern(pattern))


_TEXT = {"type": "string", "maxLength": TAG_VALUE_LENGTH}
_PATTERN = {"type": "string", "minLength": 1, "maxLength": PATTERN_LENGTH}
_BY_KEY = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"regex": _PATTERN, "exists": {"type": "boolean"}},
    "minProperties": 1,
    "maxProperties": 1,
}

Condition = Annotated[
    TagCondition,
    PlainValidator(parse_tag_condition),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}, _BY_KEY]}),
]
