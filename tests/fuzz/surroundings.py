"""Where a command runs that may do nothing to the machine: its streams, its process, and what it is kept from."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from exporter import logs
from exporter.cli import drive, early
from exporter.daemon import Daemon

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ELSEWHERE = ("/dev", "/proc", "/sys")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_BLOCKED = {
    "socket.bind": errno.EADDRINUSE,
    "socket.connect": errno.ECONNREFUSED,
    "socket.getaddrinfo": errno.ECONNREFUSED,
    "subprocess.Popen": errno.EACCES,
    "os.exec": errno.EACCES,
    "os.posix_spawn": errno.EACCES,
    "os.system": errno.EACCES,
    "os.fork": errno.EACCES,
    "os.kill": errno.EACCES,
}
_CHANGES = {
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "shutil.rmtree",
}


def stream() -> io.TextIOWrapper:
    """Return an output that is kept in memory."""
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace", write_through=True)


def text_of(stream: io.TextIOWrapper) -> str:
    """Return what was printed there."""
    with contextlib.suppress(ValueError):  # it was closed, as by a pipe that nobody reads
        return stream.buffer.getvalue().decode("utf-8", "replace")  # type: ignore[attr-defined]
    return ""


@contextlib.contextmanager
def streams(given: bytes, out: io.TextIOWrapper, error: io.TextIOWrapper) -> Iterator[None]:
    before = sys.stdin, sys.stdout, sys.stderr
    sys.stdin, sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO(given)), out, error
    try:
        yield
    finally:
        sys.stdin, sys.stdout, sys.stderr = before


@contextlib.contextmanager
def process_as_it_was() -> Iterator[None]:
    """Undo what a command does to its process: signals, variables, and the modules that it leaves out."""
    environment, rich = dict(os.environ), sys.modules.get("rich", sys)
    root = logging.getLogger()
    level, handlers_of_log = root.level, [*root.handlers]
    handlers = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
    try:
        yield
    finally:
        early.hand_over()
        root.handlers[:] = handlers_of_log
        root.setLevel(level)
        for number, handler in handlers:
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        os.environ.clear()
        os.environ.update(environment)
        if rich is sys:
            sys.modules.pop("rich", None)


@contextlib.contextmanager
def without_waiting() -> Iterator[None]:
    """Let a command that lasts end as soon as it has begun, one that would try again give up, and log lines leave no thread."""
    with (
        patch.object(Daemon, "run", Daemon.stop),
        patch.object(drive, "_SOON", 0.0),
        patch.object(logs, "Background", lambda _: sys.stderr),
    ):
        yield


class Wall:
    """What keeps commands from the rest of the machine, by the hook that Python asks before it does such things."""

    def __init__(self, directory: Path) -> None:
        self._inside = f"{directory}{os.sep}"
        self._up = False
        sys.addaudithook(self._asked)

    @contextlib.contextmanager
    def up(self) -> Iterator[None]:
        self._up = True
        try:
            yield
        finally:
            self._up = False

    def _asked(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._up:
            return
        if (number := _BLOCKED.get(event)) is not None:
            raise OSError(number, os.strerror(number))
        if event == "open":
            path, _, flags = arguments
            writes = isinstance(flags, int) and flags & _WRITES
            if isinstance(path, str | bytes) and not self._allows(os.fsdecode(path), writes=bool(writes)):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        elif event in _CHANGES and not all(
            self._allows(os.fsdecode(each), writes=True) for each in arguments if isinstance(each, str | bytes)
        ):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), arguments[0])

    def _allows(self, path: str, *, writes: bool) -> bool:
        real = os.path.realpath(path)
        if real == os.devnull:
            return True
        return real.startswith(self._inside) if writes else not real.startswith(_ELSEWHERE)
