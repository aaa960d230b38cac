"""Stores only the changes of rows since they were last written, because most of a list never changes.

A row is an object with members. A JSON Pointer identifies each of its leaves. A change of a leaf is one of:

- an integer or a decimal number: it is added to a number of the same type, decimals in whole thousandths;
- null: the leaf is removed;
- a list of one item: the new value.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Changes = dict[str, Any]
"""The changes of one row, by the pointers of its leaves."""

Columns = dict[str, list[Any]]
"""The changes of several rows: for each pointer, the numbers of the rows, and their changes in the same order."""

_EXACT = 2.0**53


class Rows:
    """The last known rows of one kind. They are numbered in the order in which they were first seen."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._keys: list[str] = []
        self._leaves: list[dict[str, Any]] = []

    def __len__(self) -> int:
        return len(self._leaves)

    def __contains__(self, key: str) -> bool:
        return key in self._numbers

    def key(self, number: int) -> str:
        """Return the key of the row with this number. Raises IndexError if there is none."""
        if number < 0:
            raise IndexError(number)
        return self._keys[number]

    def add(self, key: str) -> int:
        """Return the number of the row with this key. A new row is empty."""
        number = self._numbers.setdefault(key, len(self._leaves))
        if number == len(self._leaves):
            self._keys.append(key)
            self._leaves.append({})
        return number

    def told(self, key: str, now: Mapping[str, Any]) -> Changes:
        """Store the present leaves of a row, and return what has changed."""
        number = self.add(key)
        before = self._leaves[number]
        self._leaves[number] = dict(now)
        changes: Changes = {pointer: None for pointer in before if pointer not in now}
        for pointer, value in now.items():
            change = _change(before[pointer], value) if pointer in before else [value]
            if change != 0 or isinstance(change, bool):
                changes[pointer] = change
        return changes

    def change(self, key: str, changes: Mapping[str, Any]) -> int:
        """Change a row, and return about how many values were added. Raises ValueError if a change does not fit its leaf."""
        leaves = self._leaves[self.add(key)]
        given = 0
        for pointer, change in changes.items():
            if change is None:
                leaves.pop(pointer, None)
            elif isinstance(change, list) and len(change) == 1:
                leaves[pointer] = change[0]
                given += _weight(change[0])
            else:
                leaves[pointer] = _changed(leaves.get(pointer), change)
        return given

    def row(self, key: str) -> dict[str, Any]:
        """Return the present row."""
        return _nested(self._leaves[self._numbers[key]])


def leaves(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the leaves of a row by their pointers."""
    return dict(_flat("", row))


def columns(changes: Iterable[tuple[int, Changes]]) -> Columns:
    """Return the changes of several rows by pointer."""
    found: Columns = {}
    for number, changed in changes:
        for pointer, change in changed.items():
            numbers, values = found.setdefault(pointer, [[], []])
            numbers.append(number)
            values.append(change)
    return found


def by_row(found: Mapping[str, Sequence[Any]]) -> dict[int, Changes]:
    """Return the changes by row, the inverse of ``columns``. Raises ValueError if numbers and changes differ in length."""
    rows: dict[int, Changes] = {}
    for pointer, (numbers, values) in found.items():
        for number, change in zip(numbers, values, strict=True):
            rows.setdefault(number, {})[pointer] = change
    return rows


def _weight(value: Any) -> int:
    if isinstance(value, str):
        return 1 + len(value) // 64
    if isinstance(value, list | dict):
        return 1 + sum(map(_weight, value.values() if isinstance(value, dict) else value))
    return 1


def _change(before: Any, now: Any) -> Any:
    """Return the change from one value to another, 0 if they are equal."""
    if type(before) is type(now) and isinstance(now, int | float) and not isinstance(now, bool):
        if before == now:
            return 0
        if isinstance(now, int):
            return now - before
        if _is_decimal(before) and _is_decimal(now):
            return (_thousandths(now) - _thousandths(before)) / 1000
    return 0 if type(before) is type(now) and before == now else [now]


def _changed(before: Any, change: Any) -> Any:
    numbers = (int, float)
    if type(before) is not type(change) or type(change) not in numbers:
        raise ValueError("a change does not fit what it changes")
    if isinstance(change, int):
        return before + change
    if not (_is_decimal(before) and math.isfinite(change)):
        raise ValueError("a change does not fit what it changes")
    return (_thousandths(before) + _thousandths(change)) / 1000


def _is_decimal(number: float) -> bool:
    """Return whether a number is exactly a whole number of thousandths."""
    return abs(number) < _EXACT / 1000 and round(number * 1000) / 1000 == number


def _thousandths(number: float) -> int:
    return round(number * 1000)


def _flat(pointer: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and (value or not pointer):
        for member, inner in value.items():
            yield from _flat(f"{pointer}/{str(member).replace('~', '~0').replace('/', '~1')}", inner)
    else:
        yield pointer, value


def _nested(leaves: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for pointer, value in leaves.items():
        *path, last = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
        inside = row
        for member in path:
            inner = inside.setdefault(member, {})
            if not isinstance(inner, dict):
                raise ValueError("a leaf has leaves")  # noqa: TRY004 - the error is in the file, not in the code
            inside = inner
        inside[last] = value
    return row
