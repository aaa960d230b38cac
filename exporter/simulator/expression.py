"""The expression of a Search: properties of a tuning job or training job, and conditions on them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from exporter.simulator import reading

LARGEST_LIST = 20
"""The most filters, or subexpressions, of one expression."""

LARGEST_EXPRESSION = 50
"""The most filters and subexpressions of an expression in total, at all levels."""

LONGEST_VALUE = 1024
"""The most characters of a filter's value."""

Matcher = Callable[[Any, float], bool]
"""Returns whether a tuning job or training job meets a condition at a time (Unix seconds)."""

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
"""Names are compared without case."""
_OF_NUMBERS = {
    **_EQUALITY,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


class Property(NamedTuple):
    """A property of a tuning job or training job, to search for and to sort by.

    ``find`` returns its value at a time, None if the job has none. ``operators`` are those that a filter may use. ``read``
    converts the text of a filter into a value to compare with. It raises ValueError if it cannot.
    """

    find: Callable[[Any, float], Any]
    operators: Mapping[str, Callable[[Any, Any], bool]]
    read: Callable[[str], Any]


def property_of(name: str, properties: Mapping[str, Property]) -> Property | None:
    """Return the property with this name, or the property of a tag. None if there is none."""
    key = name.removeprefix(_TAG)
    if key and key != name:
        return Property(lambda job, _: job.tags.get(key), _OF_TEXTS, _text)
    return properties.get(name)


def read(content: Mapping[str, Any], problems: list[str], properties: Mapping[str, Property]) -> Matcher:
    """Return the condition of a SearchExpression. Adds wrong values to ``problems``. Raises ApiError on wrong types."""
    return _Reader(problems, properties).expression(content)


def only_among(content: Mapping[str, Any], name: str) -> set[str] | None:
    """Return the only values, in lower case, of the property ``name`` with which a job can match a SearchExpression.

    None if a job with any value can match it.
    """
    parts = [*map(_only_among_filter(name), content.get("Filters", []))]
    parts += [only_among(part, name) for part in content.get("SubExpressions", [])]
    known = [part for part in parts if part is not None]
    if content.get("Operator", "And") == "Or":
        return set().union(*known) if len(known) == len(parts) else None
    return set.intersection(*known) if known else None


def _only_among_filter(name: str) -> Callable[[Mapping[str, Any]], set[str] | None]:
    def values(content: Mapping[str, Any]) -> set[str] | None:
        text = content.get("Value")
        if content.get("Name") != name or text is None:
            return None
        match content.get("Operator", "Equals"):
            case "Equals":
                return {text.lower()}
            case "In":
                return {*text.lower().split(",")}
            case _:
                return None

    return values


class _Reader:
    def __init__(self, problems: list[str], properties: Mapping[str, Property]) -> None:
        self._problems = problems
        self._properties = properties
        self._size = 0

    def expression(self, content: Mapping[str, Any]) -> Matcher:
        joined = reading.choice(content, "Operator", ("And", "Or"), self._problems)
        matchers = [
            *map(self._filter, self._list(content, "Filters")),
            *map(self.expression, self._list(content, "SubExpressions")),
        ]
        if "NestedFilters" in content:
            self._problems.append("Value at 'NestedFilters' names no property that is a list")
        elif not {"Filters", "SubExpressions"} & content.keys():
            self._problems.append("Value at 'SearchExpression' must hold at least one filter or subexpression")
        met = any if joined == "Or" else all
        return lambda job, t: met(matches(job, t) for matches in matchers)

    def _list(self, content: Mapping[str, Any], member: str) -> list[Mapping[str, Any]]:
        found = reading.structures(content, member)
        if member in content and not 1 <= len(found) <= LARGEST_LIST:
            self._problems.append(f"Value at '{member}' must hold 1 to {LARGEST_LIST} items")
        self._size += len(found)
        if self._size > LARGEST_EXPRESSION >= self._size - len(found):
            self._problems.append(f"Value at 'SearchExpression' must hold at most {LARGEST_EXPRESSION} items in all")
        # Stop reading an expression that is too large, however deep it is.
        return found if self._size <= LARGEST_EXPRESSION else []

    def _filter(self, content: Mapping[str, Any]) -> Matcher:
        name = reading.text(content, "Name") or ""
        text = reading.text(content, "Value")
        comparison = reading.text(content, "Operator") or ("Exists" if text is None else "Equals")
        searched = property_of(name, self._properties)
        if searched is None:
            return self._refuse(f"Value '{name}' at 'Name' is no property to search for")
        if text is not None and len(text) > LONGEST_VALUE:
            return self._refuse(f"Value at 'Value' for {name} is longer than {LONGEST_VALUE} characters")
        find, operators, read_value = searched
        if comparison in {"Exists", "NotExists"}:
            return lambda job, t: (find(job, t) is None) is (comparison == "NotExists")
        compare = operators.get(comparison)
        if compare is None:
            return self._refuse(f"Value '{comparison}' at 'Operator' is not for {name}")
        try:
            value = read_value(text or "")
        except ValueError:
            return self._refuse(f"Value '{text}' at 'Value' is not for {name}")
        absent = comparison == "NotEquals"

        def matches(job: Any, t: float) -> bool:
            found = find(job, t)
            return absent if found is None else compare(found, value)

        return matches

    def _refuse(self, problem: str) -> Matcher:
        self._problems.append(problem)
        return lambda _job, _t: False


def _text(text: str) -> str:
    if not text:
        raise ValueError("a filter's value cannot be empty")
    return text


def _moment(text: str) -> float:
    """Return a time in UTC as Unix seconds. Fractions of a second and a Z are accepted, because callers send them."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z?", text):
        raise ValueError(f"no moment: {text}")
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def _truth(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError(f"neither true nor false: {text}")
    return text.lower() == "true"


def texts(find: Callable[[Any, float], str | None]) -> Property:
    """Return a property that is a text."""
    return Property(find, _OF_TEXTS, _text)


def names(find: Callable[[Any, float], str | None]) -> Property:
    """Return a property that is a name or an ARN."""
    return Property(find, _OF_NAMES, _text)


def moments(find: Callable[[Any, float], float | None]) -> Property:
    """Return a property that is a time."""
    return Property(find, _OF_NUMBERS, _moment)


def numbers(find: Callable[[Any, float], float | None]) -> Property:
    """Return a property that is a number."""
    return Property(find, _OF_NUMBERS, float)


def truths(find: Callable[[Any, float], bool]) -> Property:
    """Return a property that is true or false."""
    return Property(find, _EQUALITY, _truth)
