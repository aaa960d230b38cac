"""A terminal for code that runs in this process."""

from __future__ import annotations

import os
import pty
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    pass


class Terminal:
    """A pseudo-terminal; ``file`` is its end for the program, ``text`` what the program has written to it."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        self.file = os.fdopen(slave, "w", encoding="utf-8")
        self._read = bytearray()
        # A terminal holds 4 kB, then whoever writes waits.
        self._thread = threading.Thread(target=self._take)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self._thread.join()
        os.close(self._master)

    @property
    def text(self) -> str:
        return self._read.decode(errors="replace").replace("\r\n", "\n")

    def _take(self) -> None:
        try:
            while piece := os.read(self._master, 4096):
                self._read += piece
        except OSError:  # the other end is closed
            pass
