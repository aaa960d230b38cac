"""Normalizes texts such as FailureReason, and removes commands from them."""

from __future__ import annotations

import re
import unicodedata

_COLOR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

_COMMAND = re.compile(r"\b(command)[\s_:=]*([\"'])", re.IGNORECASE)
# A quote in a command ends the command only if it does not close an argument, and if the text after it is typical after a
# command.
_BEGINS_A_VALUE = " \t\r\n=:,{[("
_AFTER_A_COMMAND = re.compile(
    r"[.,;:)]{0,3}(?:[\s_]*(?:\Z|(?:returned|died|timed|exit|failed|not[\s_]found|traceback))|[ \t]*[\r\n])",
    re.IGNORECASE,
)
_ONE_WORD = re.compile(r"[\w./+-]*\w")

_UNRECOGNIZED = re.compile(r"\b(unrecognized arguments: )[^\n]*")
_OPTION = re.compile(
    r"(?<![\w-])--?[A-Za-z][\w-]*(?:=(?:\\*(?:\"[^\"]*\"?|'[^']*'?|[^\s\"'\\]\S*))?"
    r"| \\*(?:\"[^\"]*\"?|'[^']*'?|[^\s\"'\\-]\S*))?"
)

# In lists of strings of Python and JSON.
_LIST = re.compile(r"([\[(,]\s*)[\"']")
_LISTED_OPTION = re.compile(r"[\"']--?[A-Za-z*]")  # a star if it is already masked
_ITEM = re.compile(
    r"\s*(?:'(?:[^'\\]|\\.)*(?:'|\Z)|\"(?:[^\"\\]|\\.)*(?:\"|\Z)|[0-9.eE+-]+|None|True|False)\s*(?:[,\])]|\Z)",
    re.DOTALL,
)


def plain(text: str) -> str:
    """Return a text with letters of normal width, without colors and invisible characters."""
    text = unicodedata.normalize("NFKC", _COLOR.sub("", text))
    return "".join(each for each in text if unicodedata.category(each) != "Cf")


def without_commands(text: str) -> str:
    """Return a text with ``***`` instead of each command and each argument.

    Commands have hyperparameters, whose names and values are private. Script mode ends each FailureReason with the command of
    the container, ``Command "python train.py …"``. Python writes ``Command '['python', …]'``. If the end of a command is not
    found, such as in a text that is cut, everything up to the end of the text is replaced.
    """
    return _OPTION.sub("--***", _UNRECOGNIZED.sub(r"\1***", _without_lists(_without_quoted(text))))


def _without_quoted(text: str) -> str:
    kept, done = [], 0
    while (found := _COMMAND.search(text, done)) is not None:
        kept += [text[done : found.end(1)], " ***"]
        done = _end_of_command(text, found.end(), found[2])
    return "".join([*kept, text[done:]])


def _end_of_command(text: str, start: int, quote: str) -> int:
    """Return the end of a command that begins after a quote. Arguments in it may have the same quotes."""
    is_list, closes = text.startswith("[", start), True
    at = text.find(quote, start)
    if at > start and not is_list and _ONE_WORD.fullmatch(text, start, at):  # a command without arguments
        return at + 1
    at = start - 1
    while (at := text.find(quote, at + 1)) >= 0:
        ends = text[at - 1] == "]" if is_list else closes and text[at - 1] not in _BEGINS_A_VALUE
        if ends and _AFTER_A_COMMAND.match(text, at + 1):
            return at + 1
        closes = not closes
    return len(text)


def _without_lists(text: str) -> str:
    """Return a text without lists of strings that have an option."""
    kept, done = [], 0
    while (found := _LIST.search(text, done)) is not None:
        end = at = found.end(1)
        while end == at or text[end - 1] == ",":
            if (item := _ITEM.match(text, end)) is None:
                break
            end = item.end()
        if _LISTED_OPTION.search(text, at, end) is None:
            end = max(end, found.end())
            kept.append(text[done:end])
        else:
            kept += [text[done:at], "***", text[end - 1] if text[end - 1] in ",])" else ""]
        done = end
    return "".join([*kept, text[done:]])
