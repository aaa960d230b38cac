"""A terminal of a given width in place of a file, and what is seen on it.

The AWS CLI's own Python uses this too: it imports nothing but the standard library.
"""

from __future__ import annotations

import os
import re
import termios
import threading
import tty
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

_ESCAPE = re.compile(r"\x1b\[([0-9;]*)m")


@contextmanager
def terminal(columns: int, shown: list[str]) -> Iterator[TextIO]:
    """Yield a terminal to write to; ``shown`` gains what was written, once the block has ended."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    termios.tcsetwinsize(theirs, (24, columns))
    content = bytearray()

    def read() -> None:
        with suppress(OSError):  # nobody has it open any more
            while piece := os.read(ours, 4096):
                content.extend(piece)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        with open(theirs, "w", encoding="utf-8") as file:
            yield file
    finally:
        reader.join()
        os.close(ours)
        shown.append(content.decode())


def cells(text: str) -> list[tuple[str, frozenset[str]]]:
    """Return each letter with the colors and the like that it is seen in."""
    seen: list[tuple[str, frozenset[str]]] = []
    style: frozenset[str] = frozenset()
    for at, part in enumerate(_ESCAPE.split(text)):
        if at % 2:
            style = frozenset() if part in {"", "0"} else style | {part}
        else:
            seen += [(letter, style) for letter in part]
    return seen
