"""Classifies failures of training jobs by their text, FailureReason.

These texts have no fixed form. They begin with AWS's own word, and the output of the algorithm follows. So out of memory may
come as ClientError or AlgorithmError. The wording depends on the framework. So only the words of a text are compared, without
case and punctuation, and the classes are tried in order.

Names that users choose mean nothing: ``--skip-oom-batch`` and ``memory_error.py`` are in texts of any class. So commands and
the places in tracebacks are ignored. And the output of the algorithm is not used for classes about instances or images.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.tuning_job.phrases import TABLE, Row
from exporter.tuning_job.texts import plain, without_commands

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|(?<=[\s:=(_])-[0-9]+|[0-9]+", re.ASCII)
"""The words of a text: ``OutOfMemoryError`` has four words, and in ``exit code: 137`` the number is the third."""

_FRAME = re.compile(r"\bFile \"[^\"]*\", line [0-9]+(?:, in \S+)?")

# Words before a number that make it an exit code.
_EXIT = frozenset({"exit", "exits", "exited", "exitcode", "returncode"})
_CODE = frozenset({"code", "status"})
_WITH = frozenset({"return", "returns", "returned", "with", "zero"})
_BETWEEN = _EXIT | _CODE | _WITH | {"a", "an", "the", "error", "of", "is", "was", "non", "value"}

# The beginning of the text if the training job had its instances and image.
_RAN = (" ^ algorithm error ", " ^ framework error ", " ^ execute user script error ", " ^ traceback ")

OTHER = "other"
REASONS: tuple[str, ...] = (*dict.fromkeys(row.reason for row in TABLE), OTHER)
"""All classes, in the order in which they are tried."""


def failure_class(text: str | None) -> str:
    """Return the class of a failure. It is ``other`` if there is no text or no class matches."""
    words = _words(text or "")
    ran = words.startswith(_RAN)
    return next((row.reason for row in TABLE if _fits(row, words) and not (ran and row.not_run)), OTHER)


def _fits(row: Row, words: str) -> bool:
    return any(f" {each} " in words for each in row.phrases)


def _words(text: str) -> str:
    """Return the words of a text, followed by the exit codes in it."""
    found = [
        word if word == "OOM" else word.lower()
        for word in _WORDS.findall(_FRAME.sub("", without_commands(plain(text))))
    ]
    return f" ^ {' '.join([*found, *(f'$ {code}' for code in _exit_codes(found))])} "


def _exit_codes(words: Iterable[str]) -> Iterator[str]:
    said: set[str] = set()
    for word in words:
        if word in _BETWEEN:
            said.add(word)
            continue
        if word.lstrip("-").isdigit() and (said & _EXIT or (said & _CODE and said & _WITH)):
            yield word
        said.clear()
