"""What a Search asks for: properties of a tuning job, and conditions on them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.simulator import reading

if TYPE_CHECKING:
    from exporter.simulator.life import Life

LARGEST_LIST = 20
"""How many filters, or subexpressions, one expression may hold."""

LARGEST_EXPRESSION = 50
"""How many filters and subexpressions an expression may hold in all."""

Matcher = Callable[["Life", float], bool]
"""Whether a job meets a condition at a moment."""

_TAG = "Tags."
_EQUALITY: Mapping[str, Callable[[Any, Any], bool]] = {"Equals": operator.eq, "NotEquals": operator.ne}
_OF_TEXTS = {
    **_EQUALITY,
    "Contains": operator.contains,
    "In": lambda found, value: found in value.split(","),
}
_OF_NAMES = {
    name: lambda found, value, compare=compare: compare(found.lower(), value.lower())
    for name, compare in _OF_TEXTS.items()
}
"""Names know no case."""
_OF_MOMENTS = {
    **_EQUALITY,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


class Property(NamedTuple):
    """Something of a job that can be searched for and sorted by.

    ``find`` returns it as of a moment, None when the job has none. ``read`` turns the text of a filter into a value to compare with,
    by one of the ``operators``, and raises ValueError when it cannot.
    """

    find: Callable[[Life, float], Any]
    operators: Mapping[str, Callable[[Any, Any], bool]]
    read: Callable[[str], Any]


def property_of(name: str) -> Property | None:
    """Return the property of a name, if there is one."""
    key = name.removeprefix(_TAG)
    if key and key != name:
        return Property(lambda life, _: life.tags.get(key), _OF_TEXTS, _text)
    return _PROPERTIES.get(name)


def read(content: Mapping[str, Any], problems: list[str]) -> Matcher:
    """Return the condition of a SearchExpression; tell ``problems`` of wrong values. Raise ApiError on wrong types."""
    return _Reader(problems).expression(content)


class _Reader:
    def __init__(self, problems: list[str]) -> None:
        self._problems = problems
        self._size = 0

    def expression(self, content: Mapping[str, Any]) -> Matcher:
        joined = reading.choice(content, "Operator", ("And", "Or"), self._problems)
        matchers = [
            *map(self._filter, self._list(content, "Filters")),
            *map(self.expression, self._list(content, "SubExpressions")),
        ]
        if "NestedFilters" in content:
            self._problems.append("Value at 'NestedFilters' names no property of a tuning job that is a list")
        elif not {"Filters", "SubExpressions"} & content.keys():
            self._problems.append("Value at 'SearchExpression' must hold at least one filter or subexpression")
        met = any if joined == "Or" else all
        return lambda life, t: met(matches(life, t) for matches in matchers)

    def _list(self, content: Mapping[str, Any], member: str) -> list[Mapping[str, Any]]:
        found = reading.structures(content, member)
        if member in content and not 1 <= len(found) <= LARGEST_LIST:
            self._problems.append(f"Value at '{member}' must hold 1 to {LARGEST_LIST} items")
        self._size += len(found)
        if self._size > LARGEST_EXPRESSION >= self._size - len(found):
            self._problems.append(f"Value at 'SearchExpression' must hold at most {LARGEST_EXPRESSION} items in all")
        # What is too large is not read any further, deep as it may be.
        return found if self._size <= LARGEST_EXPRESSION else []

    def _filter(self, content: Mapping[str, Any]) -> Matcher:
        name = reading.text(content, "Name") or ""
        text = reading.text(content, "Value")
        comparison = reading.text(content, "Operator") or ("Exists" if text is None else "Equals")
        searched = property_of(name)
        if searched is None:
            return self._refuse(f"Value '{name}' at 'Name' is no property of a tuning job")
        find, operators, read_value = searched
        if comparison in {"Exists", "NotExists"}:
            return lambda life, t: (find(life, t) is None) is (comparison == "NotExists")
        compare = operators.get(comparison)
        if compare is None:
            return self._refuse(f"Value '{comparison}' at 'Operator' is not for {name}")
        try:
            value = read_value(text or "")
        except ValueError:
            return self._refuse(f"Value '{text}' at 'Value' is not for {name}")
        absent = comparison == "NotEquals"

        def matches(life: Life, t: float) -> bool:
            found = find(life, t)
            return absent if found is None else compare(found, value)

        return matches

    def _refuse(self, problem: str) -> Matcher:
        self._problems.append(problem)
        return lambda _life, _t: False


def _text(text: str) -> str:
    if not text:
        raise ValueError("a filter's value cannot be empty")
    return text


def _moment(text: str) -> float:
    """Return the Unix seconds of a moment in UTC; fractions of a second and Z may be added, as callers do."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z?", text):
        raise ValueError(f"no moment: {text}")
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


_PROPERTIES = {
    "HyperParameterTuningJobName": Property(lambda life, _: life.name, _OF_NAMES, _text),
    "HyperParameterTuningJobArn": Property(lambda life, _: life.arn, _OF_NAMES, _text),
    "HyperParameterTuningJobStatus": Property(lambda life, t: life.state(t).status, _OF_TEXTS, _text),
    "FailureReason": Property(lambda life, t: life.state(t).failure, _OF_TEXTS, _text),
    "CreationTime": Property(lambda life, _: life.created, _OF_MOMENTS, _moment),
    "LastModifiedTime": Property(lambda life, t: life.last_modified(t), _OF_MOMENTS, _moment),
    "HyperParameterTuningEndTime": Property(lambda life, t: life.state(t).ended, _OF_MOMENTS, _moment),
}
