"""Reads the files of a web configuration, and detects changes of them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from exporter.config.problem import ConfigError
from exporter.config.source import look

if TYPE_CHECKING:
    from pathlib import Path

Look = tuple[int, ...]


def looks(path: Path) -> Look | None:
    """Return what differs if a file was changed or replaced, with links resolved. None if there is no file."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev)


class Files:
    """The content of each file, and its state just before the reading.

    So the next check finds a change that happened during the reading.
    """

    def __init__(self) -> None:
        self.seen: dict[Path, Look | None] = {}
        self._digest = hashlib.sha256()

    @property
    def digest(self) -> bytes:
        """Return a digest of everything that was read."""
        return self._digest.digest()

    def read(self, path: Path) -> bytes:
        """Return the content of a file. Raises ValueError with the reason if it cannot be read."""
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
