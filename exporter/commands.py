"""The commands to the daemon's main thread, and the queue that it waits on."""

from __future__ import annotations

import queue
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_WAIT = 0.5


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the daemon."""


@dataclass(frozen=True, slots=True)
class Reload:
    """Load the configuration again. ``done`` is resolved afterwards, with the error if it failed."""

    trigger: str
    done: Future[None] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class FollowAccounts:
    """Apply the present accounts of the organizations."""


Command = Stop | Reload | FollowAccounts


class Commands:
    """A queue of commands. ``put`` is safe in signal handlers and in any thread."""

    def __init__(self) -> None:
        # Its put is safe in signal handlers, unlike that of queue.Queue.
        self._queue: queue.SimpleQueue[Command] = queue.SimpleQueue()

    def put(self, command: Command) -> None:
        """Add a command."""
        self._queue.put(command)

    def wait(self) -> list[Command]:
        """Wait for a command, and return all that there are by then."""
        return [self._first(), *self._others()]

    def cancel(self, commands: Iterable[Command] = ()) -> None:
        """Cancel the reloads among some commands, and among those in the queue."""
        for command in (*commands, *self._others()):
            if isinstance(command, Reload):
                command.done.cancel()

    def _first(self) -> Command:
        # A signal that comes at the beginning of a wait does not end the wait, and its handler runs only after it. So the waits
        # are short.
        while True:
            with suppress(queue.Empty):
                return self._queue.get(timeout=_LONGEST_WAIT)

    def _others(self) -> list[Command]:
        found: list[Command] = []
        with suppress(queue.Empty):
            while True:
                found.append(self._queue.get_nowait())
        return found
