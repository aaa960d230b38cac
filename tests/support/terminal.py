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
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

_END = "\0"
_ESCAPE = re.compile(r"\x1b\[([0-9;]*)m")


class Terminal:
    """A terminal while its block runs; ``file`` is its end for the program, ``text`` what was written to it so far."""

    def __init__(self, columns: int = 80) -> None:
        self._ours, theirs = os.openpty()
        tty.setraw(theirs)
        termios.tcsetwinsize(theirs, (24, columns))
        self.file = open(theirs, "w", encoding="utf-8")  # noqa: SIM115 - closed at the end of the block
        self._content = bytearray()
        # It holds 4 kB, then whoever writes waits.
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        # What is still on its way when the last one closes it can be lost on a busy machine: so it is closed after its end came.
        with suppress(ValueError, OSError):  # the program has closed it
            self.file.write(_END)
            self.file.flush()
            self._reader.join()
        self.file.close()
        self._reader.join()
        os.close(self._ours)

    @property
    def text(self) -> str:
        return self._content.decode(errors="replace").removesuffix(_END)

    def _read(self) -> None:
        with suppress(OSError):  # nobody has it open any more
            while not self._content.endswith(_END.encode()) and (piece := os.read(self._ours, 4096)):
                self._content.extend(piece)


@contextmanager
def terminal(columns: int, shown: list[str]) -> Iterator[TextIO]:
    """Yield a terminal to write to; ``shown`` gains what was written, once the block has ended."""
    try:
        with Terminal(columns) as made:
            yield made.file
    finally:
        shown.append(made.text)


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
