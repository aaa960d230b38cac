"""One connection to the server's protocol, without a socket: what a client sends, and what it gets back."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from typing import TYPE_CHECKING, Any

import h11
from fuzz.target import Defect
from uvicorn.config import Config
from uvicorn.server import ServerState

from exporter.web.protocol import ClientProtocol, Limits, OpenConnections

if TYPE_CHECKING:
    from collections.abc import Sequence

_STATUSES = {200, 204, 307, 400, 401, 403, 404, 405, 408, 411, 413, 414, 429, 431, 500, 501, 503, 505}


class _Transport(asyncio.Transport):
    """A connection whose client takes everything at once."""

    def __init__(self, protocol: ClientProtocol) -> None:
        super().__init__({"socket": _Socket(), "peername": ("127.0.0.1", 5), "sockname": ("127.0.0.1", 10980)})
        self.received = bytearray()
        self.paused = self.closing = self.aborted = False
        self._protocol = protocol

    def write(self, data: Any) -> None:
        if not self.closing:
            self.received += data

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        self.aborted = True
        self.close()

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass


class _Socket:
    """What is asked of a socket beside the connection."""

    def setsockopt(self, *_: object) -> None:
        pass

    def getpeername(self) -> tuple[str, int]:
        return ("127.0.0.1", 5)

    def getsockname(self) -> tuple[str, int]:
        return ("127.0.0.1", 10980)


class Received:
    """What a client got: the bytes, how the connection ended, and by which methods the application was asked."""

    def __init__(self, transport: _Transport, methods: Sequence[str]) -> None:
        self.sent = bytes(transport.received)
        self.closed, self.aborted = transport.closing, transport.aborted
        self.methods = methods


def server_config(app: Any) -> Config:
    """Return how an application is served, as the daemon has it."""

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        _methods.append(scope["method"])
        await app(scope, receive, send)

    config = Config(
        counted, http=ClientProtocol, ws="none", lifespan="off", interface="asgi3", log_config=None, access_log=False,
        proxy_headers=False, server_header=False, workers=1,
    )  # fmt: skip
    config.load()
    return config


_methods: list[str] = []


async def exchange(config: Config, pieces: Sequence[bytes]) -> Received:
    """Send the pieces one after the other, wait until all is answered, and close."""
    _methods.clear()
    state = ServerState()
    state.default_headers = [(b"x-content-type-options", b"nosniff")]
    protocol = ClientProtocol(config, state, OpenConnections(4), Limits())
    transport = _Transport(protocol)
    protocol.connection_made(transport)
    for number, piece in enumerate(pieces):
        if transport.paused or number % 3 == 2:
            await _answered(state)
        if transport.paused or transport.closing:
            break
        protocol.data_received(piece)
    await _answered(state)
    if not transport.closing and not protocol.eof_received():
        transport.close()
    await _answered(state)
    found = Received(transport, tuple(_methods))
    transport.close()
    while state.connections:
        await asyncio.sleep(0)
    return found


async def _answered(state: ServerState) -> None:
    await asyncio.sleep(0)
    while state.tasks:
        await asyncio.wait(state.tasks)
        await asyncio.sleep(0)


def statuses_of(received: Received) -> list[int]:
    """Return the statuses of all answers; raise Defect for what is none."""
    statuses: list[int] = []
    left = received.sent
    while left:
        method = received.methods[len(statuses)] if len(statuses) < len(received.methods) else "GET"
        client = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        with contextlib.suppress(h11.LocalProtocolError):  # methods that h11 would not send
            client.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
            client.send(h11.EndOfMessage())
        client.receive_data(left)
        if received.closed:
            client.receive_data(b"")
        try:
            head, body = _answer(client)
        except h11.RemoteProtocolError as error:
            if received.aborted:
                return statuses
            raise Defect(f"an answer is not HTTP: {error}") from error
        _check(head, body)
        statuses.append(head.status_code)
        left = client.trailing_data[0]
    if len(statuses) > len(received.methods) + 1:
        raise Defect("more answers than requests")
    return statuses


def _answer(client: h11.Connection) -> tuple[h11.Response, bytes]:
    body, head = bytearray(), None
    while not isinstance(event := client.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif not isinstance(event, h11.InformationalResponse):
            break
    if head is None:
        raise Defect("an answer does not begin")
    return head, bytes(body)


def _check(head: h11.Response, body: bytes) -> None:
    if head.status_code not in _STATUSES:
        raise Defect(f"an answer of status {head.status_code}")
    fields = dict(head.headers)
    if fields.get(b"x-content-type-options") != b"nosniff":
        raise Defect("an answer without its headers")
    if body and fields.get(b"content-encoding") == b"gzip":
        body = gzip.decompress(body)
    if fields.get(b"content-type", b"").startswith(b"text/html") and b"<script>alert(" in body:
        raise Defect("a page runs what was in a text")
