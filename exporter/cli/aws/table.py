"""``--output table``: a box for each object, with the objects in it indented. All boxes have the same width.

If the terminal is too narrow for a row, its names and values are printed as two columns.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_CELL = 4  # characters of a cell besides its text: an edge and padding
_EDGES = 2
_PADDING = 2
_LEFT, _RIGHT = "|", "|"

_VALUE = "\x1b[1m\x1b[34m{}\x1b[0m"  # bright blue
_INDENTATION = "\x1b[2m\x1b[33m{}\x1b[0m"  # dim yellow


_NO_TABLE = "a table cannot show {}: change --query, or take --output json"


class NoTable(ValueError):
    """The items of a list are too different to be rows of one table."""

    def __init__(self, what: str) -> None:
        super().__init__(_NO_TABLE.format(what))


def as_table(title: str, value: Any, columns: int, *, color: bool) -> str:
    """Return an answer, or the result of a query, as the AWS CLI prints it with ``--output table``.

    ``columns`` is the width of the terminal. Empty values are not shown. Raises NoTable.
    """
    if not value:
        return ""
    boxes = _Boxes()
    boxes.add(title, value, 0)
    found = boxes.found
    width = max(box.width for box in found)
    if width > columns:
        found = [box.upright() for box in found]
        width = max(box.width for box in found)
    drawing = _Drawing(color)
    lines = ["-" * width, *(line for box in found for line in drawing.lines(box, width))]
    return "".join(f"{line}\n" for line in lines)


@dataclass
class _Box:
    """A part of the table, at a depth of ``depth`` objects. ``header`` is empty if there are no column names."""

    title: str
    depth: int
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    _count: int | None = None

    def head(self, names: Sequence[str]) -> None:
        """Set the names of the columns."""
        self._fit(names)
        self.header = [*names]

    def add(self, values: Iterable[Any]) -> None:
        """Add a row. Raises NoTable if its length differs from that of the others."""
        row = [str(value) for value in values]
        self._fit(row)
        self.rows.append(row)

    @property
    def width(self) -> int:
        """The number of characters that it needs."""
        around = _EDGES + 2 * self.depth
        return max(_length(self.title), sum(width + _CELL for width in self._widths())) + around

    def column_widths(self, width: int) -> list[int]:
        """Return the width of each column with its edges. Together they are ``width`` wide."""
        needed = [each + _CELL for each in self._widths()]
        if not needed:
            return []
        factor = width / float(sum(needed))
        scaled = [round(factor * each) for each in needed]
        # After rounding, extra characters are taken from the first columns, and missing ones are added to the last.
        step = -1 if sum(scaled) > width else 1
        order = range(len(scaled)) if step < 0 else range(len(scaled) - 1, -1, -1)
        while sum(scaled) != width:
            for at in order:
                if sum(scaled) != width:
                    scaled[at] += step
        return scaled

    def upright(self) -> _Box:
        """Return a single row as two columns of names and values. Other boxes are returned unchanged."""
        if not self.header or len(self.rows) != 1:
            return self
        return _Box(self.title, self.depth, rows=[[*pair] for pair in zip(self.header, self.rows[0], strict=True)])

    def _fit(self, row: Sequence[str]) -> None:
        if self._count is None:
            self._count = len(row)
        if len(row) != self._count:
            raise NoTable(f"rows of {self._count} and of {len(row)} values")

    def _widths(self) -> list[int]:
        lines = [self.header, *self.rows] if self.header else self.rows
        return [max(map(_length, column)) for column in zip(*lines, strict=True)]


class _Boxes:
    """Splits an answer into boxes."""

    def __init__(self) -> None:
        self.found: list[_Box] = []

    def add(self, title: str | None, value: Any, depth: int) -> None:
        """Add the boxes of a value that is not empty. Without a title it continues the last box."""
        if not value:
            return
        if title is not None:
            self.found.append(_Box(title, depth))
        if isinstance(value, dict):
            self._add_object(value, depth)
        elif isinstance(value, list) and isinstance(value[0], dict):
            if not all(isinstance(item, dict) for item in value):
                raise NoTable("objects and other values in one list")
            self._add_objects(title or "", value, depth)
        elif isinstance(value, list):
            self._add_list(value)

    def _add_object(self, members: Mapping[str, Any], depth: int) -> None:
        scalars, others = _parted([members])
        if len(scalars) == 1:
            self.found[-1].add([scalars[0], members[scalars[0]]])
        elif scalars:
            self.found[-1].head(scalars)
            self.found[-1].add(members[name] for name in scalars)
        for name in others:
            self.add(name, members[name], depth + 1)

    def _add_objects(self, title: str, objects: Sequence[Mapping[str, Any]], depth: int) -> None:
        scalars, others = _parted(objects)
        self.found[-1].head(scalars)
        for number, members in enumerate(objects):
            if others and number > 0:
                self.found.append(_Box(title, depth))
                self.found[-1].head(scalars)
            self.found[-1].add(members.get(name, "") for name in scalars)
            for name in others:
                self.add(name, members.get(name), depth + 1)

    def _add_list(self, items: Sequence[Any]) -> None:
        for item in items:
            if not isinstance(item, dict | list):
                self.found[-1].add([item])
            elif not any(isinstance(each, dict | list) for each in item):
                self.found[-1].add(item)
            else:
                self.add(None, item, 0)  # like the AWS CLI, begin at the left again


class _Drawing:
    def __init__(self, color: bool) -> None:
        self._value = _VALUE if color else "{}"
        self._indentation = _INDENTATION if color else "{}"

    def lines(self, box: _Box, width: int) -> Iterator[str]:
        """Yield the lines of a box in a table of this width."""
        edge = self._indentation.format("|") * box.depth
        return (f"{edge}{line}{edge}" for line in self._inner(box, width - 2 * box.depth))

    def _inner(self, box: _Box, width: int) -> Iterator[str]:
        if box.title:
            yield _centered(box.title, width, _LEFT)
            if not box.header and not box.rows:
                yield f"+{'-' * (width - _EDGES)}+"
        widths = box.column_widths(width)
        if not widths:
            return
        rule = "+" + "".join(f"{'-' * (each - (2 if at == 0 else 1))}+" for at, each in enumerate(widths))
        if box.header:
            yield rule
            yield "".join(
                _centered(name, each, _LEFT if at == 0 else "")
                for at, (name, each) in enumerate(zip(box.header, widths, strict=True))
            )
        if box.rows:
            yield rule
            for row in box.rows:
                yield "".join(
                    self._cell(text, each, _LEFT if at == 0 else "")
                    for at, (text, each) in enumerate(zip(row, widths, strict=True))
                )
            yield rule

    def _cell(self, text: str, width: int, left: str) -> str:
        free = width - len(left) - len(_RIGHT) - _length(text)
        padding = _PADDING if free >= _PADDING else 0
        return f"{left}{' ' * padding}{self._value.format(text)}{' ' * (free - padding)}{_RIGHT}"


def _parted(objects: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the names of the members that are scalars, and of the others, in any of the objects."""
    scalars: set[str] = set()
    others: set[str] = set()
    for members in objects:
        for name, value in members.items():
            (others if isinstance(value, dict | list) else scalars).add(name)
    return sorted(scalars), sorted(others)


def _centered(text: str, width: int, left: str) -> str:
    before = width // 2 - _length(text) // 2 - 1
    after = width - len(left) - before - _length(text) - len(_RIGHT)
    return f"{left}{' ' * before}{text}{' ' * after}{_RIGHT}"


def _length(text: str) -> int:
    """Return the width of a text in columns of a terminal."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WFA" else 1 for letter in text)
