"""Explains the errors of the YAML library in plain words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.config.problem import shorten

if TYPE_CHECKING:
    from yaml.error import MarkedYAMLError

# Tab, line feed and printable characters are allowed in a file. Other line breaks of YAML or editors are not, because the line
# numbers in messages would then differ from those in the editor.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")

# "%YAML 1.2" is common and allowed. Other directives are about tags, which are refused, and they are slow: the parser compares
# each with all earlier ones.
_DIRECTIVE = re.compile("^%(?!YAML[ \\t])", re.MULTILINE)

_KEY = re.compile(r"(?P<indent> +)[A-Za-z0-9_-]+:(?: |$)")
_ITEM = re.compile(r"(?P<indent> *)- +(?P<text>[A-Za-z0-9][A-Za-z0-9:/_.-]*)\s*(?:#.*)?")
_BLANK = re.compile(r"\s*(?:#.*)?")

_TAB = "tabs cannot indent in YAML: use spaces"
_QUOTE = 'put the value in quotes, for example "…"'
_NO_DIRECTIVES = (
    "directives are not used here: remove the line that begins with '%', or indent it if it is part of a text"
)
_ALIGN = "give every key of a mapping, and every '-' of a list, the same indentation, and close every quote"

# The first pattern found in "context: problem" decides. True: the mistake is at the beginning of the context.
_REMEDIES: tuple[tuple[str, bool, str], ...] = (
    (r"cannot start any token", False, f"a value cannot begin with this character: {_QUOTE}"),
    (r"quoted scalar: found unexpected end of stream", True, "this quote is never closed: add the closing quote"),
    (r"unknown escape|escape (sequence|character)|hexdecimal|hexadecimal", False,
     "in double quotes a backslash begins an escape: use single quotes, or write \\\\ for a backslash"),
    (r"flow sequence", True, "this '[' is not closed properly: separate items by commas and end with ']'"),
    (r"flow mapping", True, "this '{' is not closed properly: separate pairs by commas and end with '}'"),
    (r"flow node|node content", False, f"a value cannot begin with this character: {_QUOTE}"),
    (r"nesting depth", False, "this is nested too deeply: close the brackets, or use fewer levels"),
    (r"mapping values are not allowed", False,
     "a ': ' is not expected here: put a value that contains one in quotes, and indent keys of one mapping alike"),
    (r"sequence entries are not allowed", False, "a list begins on the line below its key: move the '-' there"),
    (r"scanning a simple key|expected ':'", True, "this line is not a key: write 'key: value', or '- item' in a list"),
    (r"scanning an (alias|anchor)", False, f"'*' and '&' are special at the beginning of a value: {_QUOTE}"),
    (r"block scalar", False, f"'|' and '>' begin a text on the lines below: {_QUOTE}"),
    (r"tag", False, f"'!' is special at the beginning of a value: {_QUOTE}"),
    (r"directive|incompatible YAML", False, _NO_DIRECTIVES),
    (r"document start", False, "this line does not continue what is above: begin every top-level key at column 1"),
    (r"block (mapping|sequence|collection)|expected key|expected '-'|block end", False,
     f"the indentation is off or a quote is misplaced: {_ALIGN}"),
)  # fmt: skip


def unreadable(text: str) -> tuple[int, str] | None:
    """Return the line of a character or directive that is not allowed, and the remedy. None if there is none."""
    found = _FORBIDDEN.search(text)
    if found:
        message = f"the character U+{ord(found[0]):04X} is not text: remove it, and save the file as plain UTF-8"
    else:
        found, message = _DIRECTIVE.search(text), _NO_DIRECTIVES
    return (text.count("\n", 0, found.start()) + 1, message) if found else None


def explain(error: MarkedYAMLError, text: str) -> tuple[int, str]:
    """Return the line of a syntax error (from 1), and the remedy."""
    said = f"{error.context or ''}: {error.problem or ''}"
    lines = text.split("\n")
    here = _line(error.problem_mark) or _line(error.context_mark) or 1
    if here <= len(lines) and lines[here - 1].lstrip(" ").startswith("\t"):
        return here, _TAB
    if named := _item_with_keys(lines, here):
        return named
    for pattern, at_context, remedy in _REMEDIES:
        if re.search(pattern, said):
            line = (_line(error.context_mark) or here) if at_context else here
            return min(line, len(lines)), remedy
    return min(here, len(lines)), f"this is not valid YAML ({error.problem}): {_ALIGN}"


def _item_with_keys(lines: list[str], here: int) -> tuple[int, str] | None:
    """Return the line of a list item that is plain text but followed by an indented key, and the remedy. None otherwise."""
    if here > len(lines):
        return None
    key = _KEY.match(lines[here - 1])
    above = [line for line in range(here - 1, 0, -1) if not _BLANK.fullmatch(lines[line - 1])]
    item = _ITEM.fullmatch(lines[above[0] - 1]) if key and above else None
    if key is None or item is None or len(key["indent"]) <= len(item["indent"]):
        return None
    return above[
        0
    ], f"'- {shorten(item['text'])}' has no keys of its own, yet one follows: write '- name: {shorten(item['text'])}'"


def _line(mark: object) -> int | None:
    line = getattr(mark, "line", None)
    return line + 1 if isinstance(line, int) else None
