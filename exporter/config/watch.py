"""Noticing that a file's content changed, however it was put there."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from exporter.clock import Clock

PERIOD = 5.0
"""Seconds between two looks at the file."""


class Watcher:
    """Calls ``on_change`` when the content differs from what it was at the last look, or at the watcher's making.

    It reads the file through its path each time: Kubernetes replaces a symbolic link of the directory above, editors
    rename a new file over the old one, and over bind mounts no notification of either arrives. What cannot
    be read, or is no file, differs from any file that can; a pipe would lose what it holds by a look.
    """

    def __init__(self, path: Path, on_change: Callable[[], object], clock: Clock, period: float = PERIOD) -> None:
        self._path = path
        self._on_change = on_change
        self._clock = clock
        self._period = period
        self._seen = self._look()
        self._condition = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._watch, name="config-watcher", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; returns at once."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()

    def _look(self) -> bytes | None:
        try:
            if not self._path.is_file():
                return None
            with self._path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").digest()
        except (OSError, ValueError):
            return None

    def _watch(self) -> None:
        while self._pause():
            found = self._look()
            if found != self._seen:
                self._seen = found
                self._on_change()

    def _pause(self) -> bool:
        """Wait for the next look and return True, or False at the end."""
        until = self._clock.monotonic() + self._period
        with self._condition:
            while not self._stopping and self._clock.monotonic() < until:
                self._clock.wait(self._condition, until)
            return not self._stopping
