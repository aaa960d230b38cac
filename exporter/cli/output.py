"""Writing what is made for programs: to standard output, or into a file that others may read at any moment."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

_MODE = 0o644


def print_bytes(content: bytes) -> None:
    """Write to standard output as it is, whatever encoding the terminal has."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def replace_file(path: Path, content: bytes) -> None:
    """Put a file in the place of another one, if there is one, so that who reads it finds the one or the other whole.

    Everybody may read it. A symbolic link stays one. Raise OSError when it cannot be written; then nothing has changed.
    """
    path = path.resolve()
    # The beginning keeps it from those that look at all files, the end from those that look at *.prom.
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
