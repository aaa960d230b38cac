"""Detects that the content of a file has changed, however it was replaced."""

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
"""Seconds between two checks of the file."""

SETTLE = 2.0
"""Seconds until the next check after one has found a change."""


class Watcher:
    """Calls ``on_change`` when two checks in a row have found the same new content.

    Two are needed because a file may be half written at the first one.

    Each check opens the file by its path: Kubernetes replaces a symbolic link of the directory, editors rename a new file over
    the old one, and bind mounts give no notification of either. Anything that cannot be read, is too long or is not a file
    counts as different content. A pipe is not read, because that would empty it.
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
        """Start to check."""
        self._thread.start()

    def stop(self) -> None:
        """Stop checking. Returns at once."""
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
        """Wait until the next check. Return False if the watcher was stopped."""
        until = self._clock.monotonic() + seconds
        with self._condition:
            while not self._stopping and self._clock.monotonic() < until:
                self._clock.wait(self._condition, until)
            return not self._stopping
