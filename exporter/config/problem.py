"""Problems of a configuration, with what to do about them."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

Path = tuple[str | int, ...]
"""The path to a value: keys of mappings, and indexes of lists from 0."""

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_<-]+")
_SHOWN = 80
_TOLD = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: its file, line (from 1, None for the whole file), path and message, which has the remedy."""

    file: str
    line: int | None
    path: str
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.path, self.message) if part)


class ConfigError(UserError):
    """The configuration cannot be used. ``problems`` has all mistakes, in the order of the lines.

    Its text becomes one line of the log and has only the first 100.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        told = [str(problem) for problem in self.problems[:_TOLD]]
        if len(self.problems) > _TOLD:
            left = len(self.problems) - _TOLD
            more = f"{counted(left, 'more mistake')} {'is' if left == 1 else 'are'} not shown: fix these first"
            told.append(str(Problem(self.problems[0].file, None, "", more)))
        super().__init__("\n".join(told))


def show_path(path: Path) -> str:
    """Return a path as text, such as ``tuning_jobs[2].labels.team``."""
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += f"[{step}]"
        elif len(step) <= _SHOWN and _PLAIN_KEY.fullmatch(step):
            shown += f".{step}" if shown else step
        else:
            shown += f"[{quote(step)}]"
    return shown


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 mistake``, ``2 mistakes``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def quote(text: str) -> str:
    """Return a text of the user in double quotes, on one line and shortened."""
    cut = shorten(text)
    return f'"{cut}"' if cut.isprintable() else json.dumps(cut)


def shorten(text: str) -> str:
    """Return a text, shortened if it is long."""
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the most similar known word, independent of case. None if no known word is similar."""
    by_folded = {_fold(each): each for each in known}
    close = difflib.get_close_matches(_fold(word[:_SHOWN]), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def instead(word: str, known: Iterable[str]) -> str:
    """Return what to write instead of an unknown word: the most similar known one, else all of them."""
    known = list(known)
    close = nearest(word, known)
    return f"did you mean {quote(close)}?" if close else f"write one of {', '.join(known)}"


def _fold(word: str) -> str:
    return word.casefold().replace("-", "_")
