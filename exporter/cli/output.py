"""Writes output for programs: to standard output, or to a file that others may read at any time."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

_MODE = 0o644


def print_bytes(content: bytes) -> None:
    """Write to standard output unchanged, independent of the terminal's encoding."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def replace_file(path: Path, content: bytes) -> None:
    """Write a file atomically: readers see either the old or the new content.

    All users may read it. A symbolic link stays one. Raises OSError if it cannot be written; then nothing has changed.
    """
    path = path.resolve()
    # The first character hides it from programs that read all files, the suffix from those that read *.prom.
    descriptor, made = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), _MODE)
            os.fsync(file.fileno())
        Path(made).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(made).unlink()
        raise
