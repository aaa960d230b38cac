"""Texts with blanks: what only the user of a policy knows, such as an account, is a name in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Blank:
    """Something to fill in: its name in capitals, what belongs there, and what it is unless somebody says otherwise."""

    name: str
    description: str
    default: str = ""
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A text whose parts are as they are, or to be filled in."""

    parts: tuple[str | Blank, ...]

    @property
    def blanks(self) -> tuple[Blank, ...]:
        """What is to be filled in."""
        return tuple(part for part in self.parts if isinstance(part, Blank))

    def written(self, blank: Callable[[Blank], str], plain: Callable[[str], str] = str) -> str:
        """Return it as a format writes blanks and what is between them."""
        return "".join(blank(part) if isinstance(part, Blank) else plain(part) for part in self.parts)


def text(*parts: str | Blank) -> Text:
    """Return the text of these parts."""
    return Text(parts)
