"""Texts with blanks: values that only you know, such as an account, are names to fill in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Blank:
    """A value to fill in: its name in capitals, its description, and its default."""

    name: str
    description: str
    default: str = ""
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A text. Its parts are plain text or blanks."""

    parts: tuple[str | Blank, ...]

    @property
    def blanks(self) -> tuple[Blank, ...]:
        """The values to fill in."""
        return tuple(part for part in self.parts if isinstance(part, Blank))

    def written(self, blank: Callable[[Blank], str], plain: Callable[[str], str] = str) -> str:
        """Return the text with blanks and plain parts written for a format."""
        return "".join(blank(part) if isinstance(part, Blank) else plain(part) for part in self.parts)


def text(*parts: str | Blank) -> Text:
    """Return the text of these parts."""
    return Text(parts)
