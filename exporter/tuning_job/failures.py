"""Why a training job failed: a class out of the text that AWS gives, FailureReason.

Texts have no form that holds. AWS begins them with its own word for what happened, and puts what the algorithm printed
behind it, so an out-of-memory arrives as a ClientError or as an AlgorithmError. Spellings change with the framework. So
a text is read as its words, whatever case and punctuation are between them, and the classes are tried in an order.

Names that people chose tell nothing: ``--skip-oom-batch`` and ``memory_error.py`` are in texts of any class. So commands
and the places that a trace names are not read. Nor does what the algorithm printed tell of instances or of the image.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.tuning_job.phrases import TABLE, Row
from exporter.tuning_job.texts import plain, without_commands

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|(?<=[\s:=(_])-[0-9]+|[0-9]+", re.ASCII)
"""The words of a text: those of ``OutOfMemoryError`` are four, and ``exit code: 137`` has the number as its third."""

_FRAME = re.compile(r"\bFile \"[^\"]*\", line [0-9]+(?:, in \S+)?")

# Words before a number that make it the code with which a process ended.
_EXIT = frozenset({"exit", "exits", "exited", "exitcode", "returncode"})
_CODE = frozenset({"code", "status"})
_WITH = frozenset({"return", "returns", "returned", "with", "zero"})
_BETWEEN = _EXIT | _CODE | _WITH | {"a", "an", "the", "error", "of", "is", "was", "non", "value"}

# How the text of a training job begins that had its instances and its image.
_RAN = (" ^ algorithm error ", " ^ framework error ", " ^ execute user script error ", " ^ traceback ")

OTHER = "other"
REASONS: tuple[str, ...] = (*dict.fromkeys(row.reason for row in TABLE), OTHER)
"""All classes, in the order in which they are tried."""


def failure_class(text: str | None) -> str:
    """Return the class of a failure, ``other`` where the text tells none or there is no text."""
    words = _words(text or "")
    ran = words.startswith(_RAN)
    return next((row.reason for row in TABLE if _fits(row, words) and not (ran and row.not_run)), OTHER)


def _fits(row: Row, words: str) -> bool:
    return any(f" {each} " in words for each in row.phrases)


def _words(text: str) -> str:
    """Return the words of a text, and behind them the codes with which processes ended."""
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
