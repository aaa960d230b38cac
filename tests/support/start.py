"""Starting programs; an exporter is forked from a process that has imported it, where that makes no difference to it."""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXPORTER = [sys.executable, "-m", "exporter"]

# What counts before the exporter begins, or where its modules are imported.
_EARLY = re.compile(r"PYTHON|MALLOC|LD_|LC_|LANG|OPENSSL_|PROMETHEUS_|prometheus_|GLIBC_")
_PR_SET_CHILD_SUBREAPER = 36


class Process(Protocol):
    """What tests use of a ``subprocess.Popen``."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def kill(self) -> None: ...


def start(
    arguments: Sequence[str],
    *,
    stdin: int | IO[bytes] | IO[str] = subprocess.DEVNULL,
    stdout: int | IO[bytes] | IO[str],
    stderr: int | IO[bytes] | IO[str],
    environment: Mapping[str, str] | None = None,
    session: bool = False,
    **options: Any,
) -> Process:
    """Start a program with these streams.

    ``environment`` is all of it, ``session`` gives it a session of its own, ``options`` are others of Popen.
    """
    environment = os.environ if environment is None else environment
    streams = [stdin, stdout, stderr]
    if list(arguments[:3]) == EXPORTER and not options and _early(environment) == _early(os.environ):
        return _Forked(arguments[3:], streams, environment, session=session)
    return subprocess.Popen(
        arguments,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env=environment,
        start_new_session=session,
        **options,
    )


def _early(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if _EARLY.match(name)}


class _Forked:
    """An exporter that was forked, as a Popen."""

    def __init__(
        self,
        arguments: Sequence[str],
        streams: Sequence[int | IO[bytes] | IO[str]],
        environment: Mapping[str, str],
        *,
        session: bool,
    ) -> None:
        request = {
            "arguments": list(arguments),
            "environment": dict(environment),
            "session": session,
            "directory": str(Path.cwd()),
        }
        with Path(os.devnull).open("r+b") as nothing:
            descriptors = [stream if isinstance(stream, int) else stream.fileno() for stream in streams]
            descriptors = [
                descriptors[1]
                if each == subprocess.STDOUT
                else nothing.fileno()
                if each == subprocess.DEVNULL
                else each
                for each in descriptors
            ]
            self.pid = _server().fork(json.dumps(request).encode(), descriptors)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._wait(os.WNOHANG)

    def wait(self, timeout: float | None = None) -> int:
        if timeout is None:
            self._wait(0)
        deadline = time.monotonic() + (timeout or 0.0)
        while self.poll() is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("exporter", timeout or 0.0)
            time.sleep(0.01)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _wait(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


class _Server:
    def __init__(self) -> None:
        # What the server forks becomes a child of this process.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        tests = Path(__file__).resolve().parents[1]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "support.fork_server", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=tests.parent,
                env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tests), os.environ.get("PYTHONPATH", "")))},
            )

    def fork(self, request: bytes, descriptors: list[int]) -> int:
        socket.send_fds(self._requests, [request], descriptors)
        return int(self._requests.recv(64))

    def end(self) -> None:
        self._requests.close()
        self._process.wait()


@cache
def _server() -> _Server:
    server = _Server()
    atexit.register(server.end)
    return server
