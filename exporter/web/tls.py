"""TLS between a connection and HTTP.

asyncio's own TLS is not used. It needs 256 KB for each connection, passes data that comes with the end of a handshake to the
protocol before this has its transport, cuts off answers that a client has not read yet, and waits for clients to confirm a
close. This layer buffers nothing: it passes data to the transport at once. So the limits of exporter.web.protocol are effective
with TLS too.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import TYPE_CHECKING, Any

import structlog

from exporter.web.protocol import RESET, Limits, OpenConnections, Phase
from exporter.web.webconfig.sans import sans_of_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn.server import ServerState

    from exporter.web.webconfig.file import WebConfigFile

# The most bytes before a handshake is complete. A client hello has 2 KB, a chain of certificates 10 KB.
HANDSHAKE_BYTES = 64 * 1024

_RECORD = 16 * 1024

_PLAIN_HTTP = b"this port speaks HTTPS: write https:// in place of http://, or in Prometheus scheme: https\n"

_log = structlog.get_logger(__name__)


class TlsConnection(asyncio.Protocol, asyncio.Transport):
    """One connection. It is the protocol of the socket and, after the handshake, the transport of HTTP."""

    def __init__(
        self,
        make: Callable[[], asyncio.Protocol],
        file: WebConfigFile,
        state: ServerState,
        open_connections: OpenConnections,
        limits: Limits,
    ) -> None:
        super().__init__()
        self._make = make
        self._file = file
        self._state = state
        self._open_connections = open_connections
        self._limits = limits
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        self._allowed_sans: frozenset[str] = frozenset()
        self._below: asyncio.Transport
        self._above: asyncio.Protocol | None = None
        self._client = ""
        self._received = 0
        self._writing_paused = False
        self._closing = False
        self._ended = False
        self._beginning: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None

    # The methods of an open connection, used until the handshake is complete.

    def drop(self) -> None:
        """Close at once."""
        self._closing = True
        self._below.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._below.abort()

    def finish(self) -> None:
        """Close at once, because no answer is under way yet."""
        self.drop()

    # The methods of a protocol, for the socket's transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Pause reading until the TLS settings are known."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - true for sockets
        self._below = transport
        peer = transport.get_extra_info("peername")
        self._client = peer[0] if peer else ""
        transport.pause_reading()
        transport.set_write_buffer_limits(high=0)
        loop = asyncio.get_running_loop()
        self._deadline = loop.call_later(self._limits.handshake, self._expire)
        self._state.connections.add(self)  # type: ignore[arg-type]  # only counted
        self._open_connections.enter(self, Phase.HANDSHAKE)
        self._beginning = loop.create_task(self._begin())

    async def _begin(self) -> None:
        settings = await self._file.current()
        assert settings.context is not None  # noqa: S101 - TLS is not turned off at run time
        self._allowed_sans = settings.allowed_sans
        self._tls = settings.context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._below.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Continue the handshake, or pass decrypted data to HTTP."""
        if self._closing:
            return
        self._incoming.write(data)
        if self._above is None:
            self._received += len(data)
            if not self._shake_hands():
                return
        self._read()

    def eof_received(self) -> bool:
        """Keep a connection whose client has only closed its own direction, if HTTP wants this."""
        self._end()
        return True  # otherwise the transport would close without the close message of TLS

    def pause_writing(self) -> None:
        """Pass it on, because nothing is buffered here."""
        self._writing_paused = True
        if self._above is not None:
            self._above.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._writing_paused = False
        if self._above is not None:
            self._above.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass it on."""
        self._closing = True
        self._leave()
        if self._beginning is not None:
            self._beginning.cancel()
        if self._above is not None:
            self._above.connection_lost(exc)

    # The methods of a transport, for HTTP.

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return information on the connection: ``ssl_object``, ``sslcontext``, and that of the socket's transport."""
        if name == "ssl_object":
            return self._tls
        if name == "sslcontext":
            return self._tls and self._tls.context
        return self._below.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """Return whether it is closed or closing."""
        return self._closing or self._below.is_closing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Pass it on."""
        self._below.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        """Return how many bytes wait to be sent."""
        return self._below.get_write_buffer_size()

    def is_reading(self) -> bool:
        """Return whether data is read from the client."""
        return self._below.is_reading()

    def pause_reading(self) -> None:
        """Pause reading from the client."""
        self._below.pause_reading()

    def resume_reading(self) -> None:
        """Resume reading from the client."""
        if not self._ended:
            self._below.resume_reading()

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send data."""
        if self._closing or self._tls is None:
            return
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._tls.write(rest) :]
        except ssl.SSLError as error:
            self._fail(error)
            return
        self._send()

    def close(self) -> None:
        """Close after everything is sent. The client gets the close message of TLS, but its reply is not waited for."""
        if self._closing:
            return
        self._closing = True
        if self._tls is not None:
            with contextlib.suppress(ssl.SSLError):
                self._tls.unwrap()
            self._send()
        self._below.close()

    def abort(self) -> None:
        """Close at once."""
        self._closing = True
        self._below.abort()

    # Private methods.

    def _shake_hands(self) -> bool:
        """Continue the handshake. Return whether it is complete and HTTP may begin."""
        assert self._tls is not None  # noqa: S101 - nothing is read before
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._send()
            if self._received > HANDSHAKE_BYTES:
                _log.debug("dropped a client whose TLS handshake is too long", client=self._client)
                self.drop()
            return False
        except ssl.SSLError as error:
            self._fail(error)
            return False
        self._send()
        if self._allowed_sans:
            names = sans_of_client(self._tls)
            if self._allowed_sans.isdisjoint(names):
                _log.debug(
                    "dropped a client whose certificate has no allowed name", client=self._client, sans=sorted(names)
                )
                self.drop()
                return False
        self._leave()
        self._above = self._make()
        self._above.connection_made(self)
        if self._writing_paused:
            self._above.pause_writing()
        return True

    def _read(self) -> None:
        assert self._tls is not None  # noqa: S101 - nothing is read before
        assert self._above is not None  # noqa: S101 - nor handed over
        pieces, ended = [], False
        try:
            while not ended:
                piece = self._tls.read(_RECORD)
                pieces.append(piece)
                ended = not piece
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._fail(error)
            return
        if self._outgoing.pending and self._writing_paused:
            # The client requests new keys again and again and reads none of the answers.
            _log.debug("dropped a client that does not read what it asks TLS for", client=self._client)
            self.drop()
            return
        self._send()
        data = b"".join(pieces)
        if data:
            self._above.data_received(data)
        if ended:
            self._end()

    def _send(self) -> None:
        if self._outgoing.pending and not self._below.is_closing():
            self._below.write(self._outgoing.read())

    def _end(self) -> None:
        """Handle the end of the client's data."""
        if self._ended:
            return
        self._ended = True
        if self._above is not None and self._above.eof_received():
            self._below.pause_reading()
        else:
            self.close()

    def _fail(self, error: ssl.SSLError) -> None:
        """Close after data that is not TLS, or a failed handshake. The client is told why."""
        _log.debug("a TLS connection failed", client=self._client, error=_reason(error))
        self._closing = True
        if error.reason == "HTTP_REQUEST":
            self._outgoing.read()
            self._below.write(self._plain_answer())
        self._send()
        self._below.close()

    def _plain_answer(self) -> bytes:
        """Return the answer to a client that uses HTTP without TLS."""
        own = ((b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(_PLAIN_HTTP)))
        headers = [*self._state.default_headers, *own, (b"connection", b"close")]
        lines = [b"HTTP/1.1 400 Bad Request", *(name + b": " + value for name, value in headers), b"", _PLAIN_HTTP]
        return b"\r\n".join(lines)

    def _leave(self) -> None:
        self._open_connections.leave(self)
        self._state.connections.discard(self)
        if self._deadline is not None:
            self._deadline.cancel()

    def _expire(self) -> None:
        _log.debug("dropped a client that was too slow", client=self._client, phase=Phase.HANDSHAKE.name.lower())
        self.drop()


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the client's certificate was refused: {error.verify_message}"
    return error.reason or "the handshake was aborted"
