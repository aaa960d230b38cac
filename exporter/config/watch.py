"""Noticing that a file's content changed, however it was put there."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

from exporter.config.source import look

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from exporter.clock import Clock

PERIOD = 5.0
"""Seconds between two looks at the file."""

SETTLE = 2.0
"""Seconds to the next look when one has found a change."""


class Watcher:
    """Calls ``on_change`` when two looks in a row found the same change of the content since the watcher's making.

    One look may find half of what somebody is writing.

    It reads the file through its path each time: Kubernetes replaces a symbolic link of the directory above, editors
    rename a new file over the old one, and over bind mounts no notification of either arrives. What cannot be
    read, is too long or is not a file counts as different from any file; a pipe is not read, as that would empty it.
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
            return hashlib.sha256(look(self._path)).digest()
        except (OSError, ValueError):
            return None

    def _watch(self) -> None:
        before = self._seen
        while self._pause(self._period if before == self._seen else min(SETTLE, self._period)):
            found = self._look()
            if found == before != self._seen:
                self._seen = found
                self._on_change()
            before = found

    def _pause(self, seconds: float) -> bool:
        """Wait for the next look and return True, or False at the end."""
        until = self._clock.monotonic() + seconds
        with self._condition:
            while not self._stopping and self._clock.monotonic() < until:
                self._clock.wait(self._condition, until)
            return not self._stopping
