"""HTTP/1.1 towards strangers: nothing that a client does, or fails to do, may cost somebody else a scrape.

uvicorn speaks HTTP; this adds what it leaves open: a deadline for each phase of a connection, and a bounded number of
connections in which the oldest of the most crowded phase is closed for the newest. Refusing newcomers instead would
shut out the scraper, which is always the newest.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from dataclasses import dataclass
from email.utils import formatdate
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

import h11
import structlog
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from exporter.web.heads import HEAD_SIZE, RequestReader

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Message, Receive, Scope, Send
    from uvicorn.config import Config
    from uvicorn.server import ServerState

# An answer goes out in slices of so many bytes: what one slow reader costs in memory, and how long (a fraction of a
# millisecond) a fast one keeps the others waiting.
_SLICE = 32 * 1024

RESET = struct.pack("ii", 1, 0)
"""For SO_LINGER: to close is to reset. Else the kernel keeps what the client never reads, out of anybody's sight, for minutes."""

_log = structlog.get_logger(__name__)

# uvicorn warns about every malformed request; strangers must not fill our log.
_uvicorn_log = logging.getLogger(__name__)
_uvicorn_log.setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Limits:
    """What strangers may take: how many connections at once, and seconds for each phase of one.

    A connection costs up to 150 KB while its client does not read a long answer, and scrapers need only a few.
    ``handshake`` runs from the connection until TLS is agreed on. ``head`` runs from then, or from the first byte of a
    further request, until its head is complete. ``answer`` runs until the last byte of the answer has left for the
    client; a scrape that took longer than Prometheus' default interval would be useless. ``idle`` exceeds that
    interval, so that Prometheus keeps its connection.
    """

    connections: int = 256
    handshake: float = 10.0
    head: float = 10.0
    answer: float = 60.0
    idle: float = 75.0


class Phase(Enum):
    """What a connection is doing."""

    HANDSHAKE = auto()
    HEAD = auto()
    ANSWER = auto()
    IDLE = auto()


class Connection(Protocol):
    """What is counted as an open connection."""

    def drop(self) -> None:
        """Close at once, whatever is under way."""

    def finish(self) -> None:
        """Close as soon as what is under way is done."""


class OpenConnections:
    """The open connections by phase, each phase in the order of entering it, or for answers of the last progress."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._phases: dict[Phase, dict[Connection, None]] = {phase: {} for phase in Phase}

    def __len__(self) -> int:
        return sum(map(len, self._phases.values()))

    def __iter__(self) -> Iterator[Connection]:
        return iter([connection for phase in self._phases.values() for connection in phase])

    def enter(self, connection: Connection, phase: Phase) -> None:
        """Note that the connection has just entered the phase, or got on in it.

        A new one drops another if all places are taken.
        """
        self.leave(connection)
        if len(self) >= self._limit:
            self.drop_oldest()
        self._phases[phase][connection] = None

    def leave(self, connection: Connection) -> None:
        """Forget the connection, if it is known."""
        for phase in self._phases.values():
            phase.pop(connection, None)

    def drop_oldest(self, count: int = 1) -> None:
        """Drop connections so that there is space: each time the first one of the phase that holds the most.

        So a flood of one kind costs only its own kind. An answer under way is dropped only when slow readers are the
        flood: then they hold most of the places.
        """
        for _ in range(min(count, len(self))):
            crowded = max(self._phases, key=lambda phase: len(self._phases[phase]))
            oldest = next(iter(self._phases[crowded]))
            self.leave(oldest)
            oldest.drop()


class ClientProtocol(H11Protocol):
    """One connection: uvicorn's, under limits."""

    conn: RequestReader

    def __init__(self, config: Config, state: ServerState, open_connections: OpenConnections, limits: Limits) -> None:
        super().__init__(config, state, {})
        self.conn = RequestReader()
        self.logger = _uvicorn_log
        self._application = self.app
        self.app = self._run_application
        self._open_connections = open_connections
        self._seconds = {Phase.HEAD: limits.head, Phase.ANSWER: limits.answer, Phase.IDLE: limits.idle}
        self._phase = Phase.HEAD
        self._deadline: asyncio.TimerHandle | None = None
        self._answering: asyncio.Task[None] | None = None
        self._half_closed = False

    def drop(self) -> None:
        """Close at once, whatever is under way."""
        if self.cycle is not None:
            # Keeps uvicorn from taking the answer that it cannot finish for a fault of the application.
            self.cycle.disconnected = True
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.transport.abort()

    def finish(self) -> None:
        """Close as soon as the answer under way, if any, is sent."""
        if self._is_answering():
            self.headers.append(CLOSE_HEADER)
            self.cycle.keep_alive = False
        else:
            self.transport.close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the deadline of the first request."""
        super().connection_made(transport)
        # Without a buffer above the kernel's, "resumed" means "all sent".
        transport.set_write_buffer_limits(high=0)
        self._enter(Phase.HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop what runs for the connection: nobody reads the rest of the answer."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._open_connections.leave(self)
        if self._deadline is not None:
            self._deadline.cancel()
        if self._answering is not None:
            self._answering.cancel()

    def data_received(self, data: bytes) -> None:
        """Read on; the first byte of a further request starts its deadline, the bytes after it do not."""
        if self._phase is Phase.IDLE:
            self._enter(Phase.HEAD)
        # In parts, so that of what follows a request little is kept.
        for start in range(0, len(data), HEAD_SIZE):
            if not self.transport.is_closing():
                super().data_received(data[start : start + HEAD_SIZE])
        if self.flow.read_paused and len(self.conn.trailing_data[0]) > HEAD_SIZE:
            _log.debug("dropped a client that sent too much before its answer", client=self.client)
            self.drop()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep a connection whose client closed only its own direction, until it is answered."""
        self._half_closed = True
        return self._is_answering() or self.flow.write_paused

    def handle_events(self) -> None:
        """Read requests; one that is complete starts the deadline of its answer."""
        before = self.cycle
        super().handle_events()
        if self.cycle is before:
            return
        self._enter(Phase.ANSWER)
        if self.conn.their_state is h11.SEND_BODY:
            # Nothing here reads a body: answer without it, and close rather than wait for its end.
            self.headers.append(CLOSE_HEADER)
            self.flow.pause_reading()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        """Refuse what is not HTTP or too large. What comes after a request takes nothing from its answer."""
        status = self.conn.refusal
        _log.debug("refused a request", client=self.client, status=status)
        if self._is_answering():
            self.headers.append(CLOSE_HEADER)
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        reason = STATUS_PHRASES[status]
        headers = [*self.server_state.default_headers, (b"content-type", b"text/plain; charset=utf-8"), CLOSE_HEADER]
        for event in (
            h11.Response(status_code=status, headers=headers, reason=reason),
            h11.Data(data=reason + b"\n"),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event))
        self.transport.close()

    def on_response_complete(self) -> None:
        """Wait for the next request, once the answer has left."""
        if not self.flow.write_paused and not self.transport.is_closing():
            self._enter(Phase.IDLE)
        super().on_response_complete()  # may start to answer a pipelined request
        self._unset_keepalive_if_required()  # the phase has its own deadline
        self._settle()

    def resume_writing(self) -> None:
        """Go on with the answer, or wait for the next request if that was its end."""
        super().resume_writing()
        self._settle()

    def _settle(self) -> None:
        if self._is_answering() or self.flow.write_paused or self.transport.is_closing():
            return
        if self._half_closed:
            self.transport.close()
        else:
            # The beginning of a further request may have come with the one before it.
            self._enter(Phase.HEAD if self.conn.trailing_data[0] else Phase.IDLE)

    def _is_answering(self) -> bool:
        # Before the first request there is no cycle, whatever uvicorn's annotation says.
        return bool(self.cycle) and not self.cycle.response_complete

    def _enter(self, phase: Phase) -> None:
        if self._deadline is not None:
            if phase is self._phase:
                return
            self._deadline.cancel()
        self._phase = phase
        self._deadline = self.loop.call_later(self._seconds[phase], self._expire)
        self._open_connections.enter(self, phase)

    def _expire(self) -> None:
        _log.debug("dropped a client that was too slow", client=self.client, phase=self._phase.name.lower())
        self.drop()

    def _should_upgrade(self) -> bool:
        return False  # and unlike uvicorn, without a warning

    async def _run_application(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_slices(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = (b"date", formatdate(usegmt=True).encode())
                await send({**message, "headers": [*message["headers"], date]})
                return
            body, more = message.get("body", b""), message.get("more_body", False)
            last = max(0, len(body) - 1) // _SLICE * _SLICE
            for start in range(0, last, _SLICE):
                await send({"type": "http.response.body", "body": body[start : start + _SLICE], "more_body": True})
                await self._take_turns()
            await send({"type": "http.response.body", "body": body[last:], "more_body": more})
            if more:
                await self._take_turns()

        cycle = self.cycle
        self._answering = asyncio.current_task()
        try:
            await self._application(scope, receive, send_in_slices)
        except asyncio.CancelledError:
            _log.debug("a client disconnected before its answer was sent", client=self.client)
        except Exception:  # noqa: BLE001 - whatever the application raises ends here
            _log.exception("answering a request failed", path=scope["path"])
            if not cycle.response_complete:
                # The client must not take a part of the answer for all of it.
                self.drop()

    async def _take_turns(self) -> None:
        # Let the others go on, notice if this client is gone, and hold no further slice while it does not read.
        await asyncio.sleep(0)
        await self.flow.drain()
        if not self.transport.is_closing():
            self._open_connections.enter(self, Phase.ANSWER)
