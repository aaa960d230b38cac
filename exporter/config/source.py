"""Reads the bytes of a configuration file, up to a maximum length, and only when it is completely written."""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from typing import TYPE_CHECKING

from exporter.config.problem import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MAX_BYTES = 16 << 20
"""The most bytes of a configuration."""

PIPE_SECONDS = 30.0
"""The most seconds that the writer of a pipe may take."""

SETTLE_SECONDS = 2.0
"""The most seconds for which a file may keep changing while it is read."""

_TOO_LONG = f"it has more than {MAX_BYTES >> 20} MiB"
_LOOK_SECONDS = 0.2
_CHUNK = 1 << 16


def read_bytes(path: Path, sleep: Callable[[float], object] = time.sleep) -> bytes:
    """Return the content of a file when it was the same twice, 0.2 s apart. Of a pipe, return everything up to its end.

    Raises ConfigError if it cannot be read, is too long, keeps changing, or is a pipe that does not end in time.
    """
    try:
        if stat.S_ISFIFO(path.stat().st_mode):
            return _drained(path)
        seen = look(path)
        for _ in range(round(SETTLE_SECONDS / _LOOK_SECONDS)):
            sleep(_LOOK_SECONDS)
            before, seen = seen, look(path)
            if seen == before:
                return seen
    except (OSError, ValueError) as error:
        raise _refusal(path, f"cannot be read ({reason(error)}): {_remedy(error)}") from error
    message = f"was still changing after {SETTLE_SECONDS:g} s: load it again when it is written completely"
    raise _refusal(path, message)


def look(path: Path) -> bytes:
    """Return the present content of a file, even if it is only half written.

    Raises OSError or ValueError if it cannot be read, is too long, or is a pipe or device; ``reason`` says why. Pipes and
    devices are not opened, because opening may take data from a pipe or start an action of a device.
    """
    mode = path.stat().st_mode
    if stat.S_ISFIFO(mode):
        raise ValueError("it is a pipe")
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise ValueError("it is a device")
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    # If a pipe has replaced the file since the check, opening it without O_NONBLOCK would never return.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_size > MAX_BYTES:
            raise ValueError(_TOO_LONG)
        return _joined(iter(lambda: os.read(descriptor, _CHUNK), b""))
    finally:
        os.close(descriptor)


def reason(error: OSError | ValueError) -> str:
    """Return why a file cannot be read, in a few words."""
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)


def _remedy(error: OSError | ValueError) -> str:
    if isinstance(error, PermissionError):
        return "let this user read it, or name another file with --config.file"
    return "name the right file with --config.file"


def _drained(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        content = _joined(_pieces(path, descriptor))
    finally:
        os.close(descriptor)
    if not content:
        raise _refusal(path, "is an empty pipe that no process writes to: start writing first, or name a file")
    return content


def _pieces(path: Path, descriptor: int) -> Iterator[bytes]:
    """Yield the content of a pipe until all writers have closed it. End at once if there is no writer."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + PIPE_SECONDS
    while time.monotonic() < deadline:
        try:
            piece = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            continue
        if not piece:
            return
        yield piece
    raise _refusal(path, f"is a pipe that did not end within {PIPE_SECONDS:g} s: close it when all is written")


def _joined(pieces: Iterator[bytes]) -> bytes:
    content = bytearray()
    for piece in pieces:
        content += piece
        if len(content) > MAX_BYTES:
            raise ValueError(_TOO_LONG)
    return bytes(content)


def _refusal(path: Path, message: str) -> ConfigError:
    return ConfigError([Problem(str(path), None, "", message)])
