"""HTTP/1.1 with limits for untrusted clients: no client may prevent the scrapes of another one.

uvicorn handles HTTP. This module adds a deadline for each phase of a connection, and a limit of connections. At the limit, a
new connection replaces the oldest one in the phase with the most connections. New connections are not refused, because the
scraper is usually a new one.
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

# Answers are sent in slices of this many bytes. This limits the memory for a slow client, and the time for which a fast one
# delays the others (a fraction of a millisecond).
_SLICE = 32 * 1024

RESET = struct.pack("ii", 1, 0)
"""For SO_LINGER: close with a reset. Otherwise the kernel keeps data that the client does not read for minutes."""

_log = structlog.get_logger(__name__)

# uvicorn logs a warning for each malformed request. Clients must not be able to fill the log.
_uvicorn_log = logging.getLogger(__name__)
_uvicorn_log.setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for clients: the number of connections, and seconds for each phase of a connection.

    A connection needs up to 150 KB while its client does not read a long answer, and the compressed page too if it is a page. Scrapers need only a few connections.
    ``handshake`` is the time to the end of the TLS handshake. ``head`` is from then, or from the first byte of another request,
    until the head of the request is complete. ``answer`` is until the last byte of the answer is sent; a scrape that takes
    longer than Prometheus' default interval is useless. ``idle`` is longer than this interval, so that Prometheus can keep its
    connection.
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
    """A connection that counts as open."""

    def drop(self) -> None:
        """Close at once, whatever is under way."""

    def finish(self) -> None:
        """Close as soon as what is under way is done."""


class OpenConnections:
    """The open connections by phase, in the order in which they entered it; answers in the order of their last progress."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._phases: dict[Phase, dict[Connection, None]] = {phase: {} for phase in Phase}

    def __len__(self) -> int:
        return sum(map(len, self._phases.values()))

    def __iter__(self) -> Iterator[Connection]:
        return iter([connection for phase in self._phases.values() for connection in phase])

    def enter(self, connection: Connection, phase: Phase) -> None:
        """Note that the connection has entered the phase, or made progress in it.

        At the limit, a new connection drops another one.
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
        """Drop ``count`` connections, each time the first one of the phase with the most connections.

        So many connections in one phase only affect connections in the same phase. An answer under way is dropped only if most
        connections are slow readers.
        """
        for _ in range(min(count, len(self))):
            crowded = max(self._phases, key=lambda phase: len(self._phases[phase]))
            oldest = next(iter(self._phases[crowded]))
            self.leave(oldest)
            oldest.drop()


class ClientProtocol(H11Protocol):
    """One connection of uvicorn, with limits."""

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
            # Otherwise uvicorn reports that the application did not finish the answer.
            self.cycle.disconnected = True
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.transport.abort()

    def finish(self) -> None:
        """Close after the answer that is under way, if any."""
        if self._is_answering():
            self.headers.append(CLOSE_HEADER)
            self.cycle.keep_alive = False
        else:
            self.transport.close()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the deadline of the first request."""
        super().connection_made(transport)
        # Without a buffer of the transport, "resumed" means that everything is sent.
        transport.set_write_buffer_limits(high=0)
        self._enter(Phase.HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop everything for the connection, because nobody reads the rest of the answer."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._open_connections.leave(self)
        if self._deadline is not None:
            self._deadline.cancel()
        if self._answering is not None:
            self._answering.cancel()

    def data_received(self, data: bytes) -> None:
        """Process received data. The first byte of another request starts its deadline."""
        if self._phase is Phase.IDLE:
            self._enter(Phase.HEAD)
        # In parts, so that little data after a request is kept.
        for start in range(0, len(data), HEAD_SIZE):
            if not self.transport.is_closing():
                super().data_received(data[start : start + HEAD_SIZE])
        if self.flow.read_paused and len(self.conn.trailing_data[0]) > HEAD_SIZE:
            _log.debug("dropped a client that sent too much before its answer", client=self.client)
            self.drop()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Keep the connection until the answer is sent, if the client has only closed its own direction."""
        self._half_closed = True
        return self._is_answering() or self.flow.write_paused

    def handle_events(self) -> None:
        """Read requests. A complete request starts the deadline of its answer."""
        before = self.cycle
        super().handle_events()
        if self.cycle is before:
            return
        self._enter(Phase.ANSWER)
        if self.conn.their_state is h11.SEND_BODY:
            # No route reads a body. Answer without it, and close instead of waiting for its end.
            self.headers.append(CLOSE_HEADER)
            self.flow.pause_reading()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's signature
        """Refuse data that is not HTTP or too large. If it comes after a valid request, that request is still answered."""
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
        """Wait for the next request after the answer is sent."""
        if not self.flow.write_paused and not self.transport.is_closing():
            self._enter(Phase.IDLE)
        super().on_response_complete()  # may start to answer a pipelined request
        self._unset_keepalive_if_required()  # the phase has its own deadline
        self._settle()

    def resume_writing(self) -> None:
        """Continue the answer, or wait for the next request if the answer is complete."""
        super().resume_writing()
        self._settle()

    def _settle(self) -> None:
        if self._is_answering() or self.flow.write_paused or self.transport.is_closing():
            return
        if self._half_closed:
            self.transport.close()
        else:
            # The beginning of the next request may already have been received.
            self._enter(Phase.HEAD if self.conn.trailing_data[0] else Phase.IDLE)

    def _is_answering(self) -> bool:
        # Before the first request, cycle is None, unlike uvicorn's annotation.
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
        except Exception:  # noqa: BLE001 - any error of the application is logged here
            _log.exception("answering a request failed", path=scope["path"])
            if not cycle.response_complete:
                # Otherwise the client may take a part of the answer for the whole.
                self.drop()

    async def _take_turns(self) -> None:
        # Let other connections proceed, detect if this client is gone, and make no more slices while it does not read.
        await asyncio.sleep(0)
        await self.flow.drain()
        if not self.transport.is_closing():
            self._open_connections.enter(self, Phase.ANSWER)
