"""Programs as children of a test: output kept, readiness polled, never left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, Self, TypeVar

from support.start import start

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

T = TypeVar("T")

POLL_SECONDS = 0.02
POLL_AT_MOST_SECONDS = 0.25
"""Who has waited for long looks less often: most looks ask a server, and a busy machine has better things to do."""

PATIENCE = 90.0
"""How many seconds any test waits for what must happen. Only a failure takes as long, however busy the machine."""


_reserved: list[socket.socket] = []


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 on which nobody listens, for programs that cannot be told 0.

    It stays bound here until this process ends: no other one is given it, and who connects is refused. A program that sets
    SO_REUSEADDR, as servers do, may still listen on it.
    """
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    _reserved.append(sock)
    port: int = sock.getsockname()[1]
    return port


def wait_until(
    condition: Callable[[], T | Literal[False] | None], *, timeout: float = PATIENCE, what: str = "the condition"
) -> T:
    """Return the first true value of ``condition``; raise TimeoutError after ``timeout`` seconds without one."""
    began = time.monotonic()
    while not (value := condition()):
        waited = time.monotonic() - began
        if waited > timeout:
            raise TimeoutError(f"waited {timeout:g} s for {what}, last seen: {value!r}")
        time.sleep(min(POLL_AT_MOST_SECONDS, max(POLL_SECONDS, waited / 10)))
    return value


class Child:
    """A running program that ends with the ``with`` block. Its output, both streams, goes to the file ``log``."""

    def __init__(
        self, arguments: Sequence[str | Path], *, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.log = log
        self._name = str(arguments[0])
        with log.open("wb") as output:
            # A session of its own, so that what the program starts itself ends with it.
            self._process = start(
                [str(argument) for argument in arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                environment=environment,
                session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.terminate()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def output(self) -> str:
        """Return what the program has printed so far."""
        return self.log.read_text(errors="replace")

    def wait_until(
        self, condition: Callable[[], T | Literal[False] | None], *, timeout: float = PATIENCE, what: str = "readiness"
    ) -> T:
        """Return the first true value of ``condition``.

        Raise TimeoutError after ``timeout`` seconds and ChildProcessError when the program ends before, both with
        the end of its output.
        """

        def checked() -> T | Literal[False] | None:
            if not self.running:
                raise ChildProcessError(
                    f"{self._name} exited with {self._process.returncode}:\n{self.output()[-4000:]}"
                )
            return condition()

        try:
            return wait_until(checked, timeout=timeout, what=what)
        except TimeoutError as error:
            error.add_note(f"{self._name} printed:\n{self.output()[-4000:]}")
            raise

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the program alone."""
        self._process.send_signal(number)

    def wait(self, timeout: float = PATIENCE) -> int:
        """Return the exit code (minus the signal's number when one ended it); raise subprocess.TimeoutExpired."""
        return self._process.wait(timeout)

    def terminate(self, timeout: float = 10.0) -> int:
        """End the program and all it started, politely for ``timeout`` seconds, then not; return the exit code."""
        if self.running:
            self.send(signal.SIGTERM)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            return self.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
