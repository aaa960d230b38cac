"""The files that a web configuration is made of: how they look, and what is in them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from exporter.config.problem import ConfigError
from exporter.config.source import look

if TYPE_CHECKING:
    from pathlib import Path

Look = tuple[int, ...]


def looks(path: Path) -> Look | None:
    """Return what tells that a file was changed or replaced, behind whatever links; None if there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev)


class Files:
    """What was read of each file, and how it looked just before.

    So a change during the reading is one that the next look finds.
    """

    def __init__(self) -> None:
        self.seen: dict[Path, Look | None] = {}
        self._digest = hashlib.sha256()

    @property
    def digest(self) -> bytes:
        """Return what differs when anything that was read does."""
        return self._digest.digest()

    def read(self, path: Path) -> bytes:
        """Return what is in a file. Raise ValueError with the reason why it cannot be read."""
        self.seen[path] = looks(path)
        try:
            content = look(path)
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            self._note(path, f"error: {reason}".encode())
            raise ValueError(reason) from None
        except ConfigError:
            self._note(path, b"error: odd")
            raise ValueError("it is not a regular file, or it is larger than 16 MiB") from None
        self._note(path, content)
        return content

    def _note(self, path: Path, content: bytes) -> None:
        for part in (str(path).encode(errors="surrogateescape"), content):
            self._digest.update(b"%d:" % len(part) + part)
