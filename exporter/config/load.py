"""Reads YAML. All scalars are texts, and each key and item has its line.

Scalars are not converted, because YAML 1.1 would read the account ``012345670123`` as a number and ``12:30`` as 750.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn, TypeAlias

import yaml

from exporter.config.problem import ConfigError, Path, Problem, shorten, show_path
from exporter.config.syntax import explain, unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_DEPTH = 50
MAX_VALUES = 1_000_000
"""The most values of a document with its aliases expanded. A text counts as one value more for each 16 characters."""

_COUNTED = 16

EXAMPLE = "tuning_jobs: [my-tuning-job]"
_NULLS = ("", "~", "null", "Null", "NULL")
_MERGE = "<<"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Value: TypeAlias = "str | Block | Items | None"


class Block(dict[str, Value]):
    """A mapping. ``lines`` has the line of each key."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class Items(list[Value]):
    """A list. ``lines`` has the line of each item."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


@dataclass(frozen=True, slots=True)
class Document:
    """A loaded file: its name, its top mapping, and the problems found so far."""

    file: str
    root: Block
    problems: Sequence[Problem] = ()

    def problem(self, path: Path, message: str) -> Problem:
        """Return a problem at the longest part of ``path`` that is in the file."""
        line, known = self.locate(path)
        return Problem(self.file, line, show_path(known), message)

    def locate(self, path: Path) -> tuple[int | None, Path]:
        """Return the line of the longest part of ``path`` that is in the file, and this part.

        A short form has no keys, so its problems are reported at the item.
        """
        value: Value = self.root
        line: int | None = None
        for depth, step in enumerate(path):
            match value, step:
                case Block(), str() if step in value:
                    line, value = value.lines[step], value[step]
                case Items(), int() if step < len(value):
                    line, value = value.lines[step], value[step]
                case _:
                    return line, path[:depth]
        return line, path


def load(text: str, source: str, example: str = EXAMPLE) -> Document:
    """Return the document in ``text``. ``source`` is the file's name in messages, ``example`` a valid beginning of such a file.

    Duplicate keys and tags become problems of the document. Raises ConfigError if nothing can be read: wrong syntax, no mapping
    at the top, more than one document, recursive aliases.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    bad = unreadable(text)
    if bad:
        raise ConfigError([Problem(source, bad[0], "", bad[1])])
    composer = _Composer(source)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        line, remedy = explain(error, text)
        raise ConfigError([*composer.problems, Problem(source, line, "", remedy)]) from None
    root = composer.root
    if isinstance(root, Block):
        return Document(source, root, composer.problems)
    if root is None:
        raise ConfigError([Problem(source, None, "", f"the file is empty: write for example {example}")])
    kind = "a list" if isinstance(root, Items) else "a single value"
    message = f"the file contains {kind} where a mapping of keys is expected: write for example {example}"
    raise ConfigError([Problem(source, composer.root_line, "", message)])


@dataclass(slots=True)
class _Open:
    """A mapping or list that is still being read."""

    value: Block | Items
    anchor: str | None
    key: str | None = None
    key_line: int = 0
    merging: bool = False
    merged: list[Block] = field(default_factory=list)
    size: int = 1
    depth: int = 1


@dataclass(frozen=True, slots=True)
class _Anchored:
    value: Value
    size: int
    depth: int


class _Composer:
    """Builds the document from the parser's events, without recursion and within limits."""

    def __init__(self, source: str) -> None:
        self.root: Value = None
        self.root_line = 1
        self.problems: list[Problem] = []
        self._source = source
        self._documents = 0
        self._values = 0
        self._open: list[_Open] = []
        self._anchors: dict[str, _Anchored] = {}

    def take(self, event: yaml.Event) -> None:
        """Process the next event. Raises ConfigError if the rest of the document cannot be read."""
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, yaml.MappingStartEvent):
            self._start(Block(line), event, line)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._start(Items(line), event, line)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._end()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(str(event.anchor), line)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._refuse(line, "a second document begins here: remove the '---', and keep one document in the file")

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        self._check_tag(event.tag, line)
        plain = event.implicit[0]
        holder = self._open[-1] if self._open else None
        size = 1 + len(event.value) // _COUNTED
        if holder and isinstance(holder.value, Block) and holder.key is None:
            self._key(holder, event.value, line, plain=plain)
            if event.anchor:
                self._anchors[event.anchor] = _Anchored(event.value, size, 0)
            return
        self._values += size
        value = None if plain and event.value in _NULLS else event.value
        if event.anchor:
            self._anchors[event.anchor] = _Anchored(value, size, 0)
        self._add(value, line, size=size, depth=0)

    def _key(self, holder: _Open, key: str, line: int, *, plain: bool) -> None:
        if plain and not key:
            self._refuse(line, "a key is missing before the ':': write 'key: value'")
        holder.key, holder.key_line, holder.merging = key, line, plain and key == _MERGE
        size = len(key) // _COUNTED
        holder.size += size
        self._values += size

    def _start(self, value: Block | Items, event: yaml.CollectionStartEvent, line: int) -> None:
        self._check_tag(event.tag, line)
        self._values += 1
        holder = self._open[-1] if self._open else None
        if holder and isinstance(holder.value, Block) and holder.key is None:
            self._refuse(line, "a mapping or list cannot be a key: write a plain word before the ':'")
        if event.anchor:
            self._anchors.pop(event.anchor, None)
        self._open.append(_Open(value, event.anchor))
        if len(self._open) > MAX_DEPTH:
            self._refuse(line, f"this is nested more than {MAX_DEPTH} deep: use fewer levels")

    def _end(self) -> None:
        ended = self._open.pop()
        value = ended.value
        if isinstance(value, Block):
            for other in ended.merged:
                for key, member in other.items():
                    if key not in value:
                        value[key], value.lines[key] = member, other.lines[key]
        if ended.anchor:
            self._anchors[ended.anchor] = _Anchored(value, ended.size, ended.depth)
        self._add(value, value.line, ended.size, ended.depth)

    def _alias(self, anchor: str, line: int) -> None:
        if any(holder.anchor == anchor for holder in self._open) and anchor not in self._anchors:
            message = "is inside the value that it names: an alias cannot contain itself, write the value"
            self._refuse(line, f"*{shorten(anchor)} {message}")
        found = self._anchors.get(anchor)
        if found is None:
            # Do not quote its name: it may be a secret that begins with *.
            self._refuse(line, "no anchor of this name is defined above: define it first, or put the value in quotes")
        holder = self._open[-1]
        if isinstance(holder.value, Block) and holder.key is None:
            if not isinstance(found.value, str):
                self._refuse(line, "a mapping or list cannot be a key: write a plain word before the ':'")
            self._key(holder, found.value, line, plain=False)
            return
        self._values += found.size
        self._add(found.value, line, found.size, found.depth)

    def _add(self, value: Value, line: int, size: int, depth: int) -> None:
        """Add a complete value to the open mapping or list."""
        if self._values > MAX_VALUES:
            self._refuse(
                line, f"the file contains more than {MAX_VALUES:,} values, aliases expanded: use fewer aliases"
            )
        if not self._open:
            self.root, self.root_line = value, line
            return
        holder = self._open[-1]
        holder.size += size
        holder.depth = max(holder.depth, depth + 1)
        if len(self._open) + depth > MAX_DEPTH:
            self._refuse(line, f"this is nested more than {MAX_DEPTH} deep: use fewer levels")
        target, key = holder.value, holder.key
        if isinstance(target, Items):
            target.append(value)
            target.lines.append(line)
            return
        assert key is not None  # noqa: S101 - a value in a mapping always follows its key
        if holder.merging:
            self._merge(holder, value)
        elif key in target:
            message = f"the key is given twice, first on line {target.lines[key]}: keep one of them"
            self._complain(holder.key_line, message)
        else:
            target[key], target.lines[key] = value, holder.key_line
        holder.key = None

    def _merge(self, holder: _Open, value: Value) -> None:
        several = list(value) if isinstance(value, Items) else [value]
        blocks = [each for each in several if isinstance(each, Block)]
        if len(blocks) < len(several):
            self._complain(
                holder.key_line, "only mappings can be merged: write '<<: *name' with the anchor of a mapping"
            )
        holder.merged += blocks

    def _check_tag(self, tag: str | None, line: int) -> None:
        if tag is not None:
            # Do not quote it: it may be a secret that begins with !.
            self._complain(line, "YAML tags are not used here: remove what begins with a !, or put the value in quotes")

    def _path(self) -> Iterator[str | int]:
        for holder in self._open:
            if isinstance(holder.value, Items):
                yield len(holder.value)
            elif holder.key is not None:
                yield holder.key

    def _complain(self, line: int, message: str) -> None:
        self.problems.append(Problem(self._source, line, show_path(tuple(self._path())), message))

    def _refuse(self, line: int, message: str) -> NoReturn:
        self._complain(line, message)
        raise ConfigError(self.problems)
