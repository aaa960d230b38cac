"""The HTTP server: one daemon thread with an event loop of its own, on sockets made elsewhere.

uvicorn's own server is left out. It wants the main thread for its signals, wakes ten times a second, and leaves accepting
to asyncio, which on running out of file descriptors retries once for every place in the backlog.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import sys
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

import structlog
from uvicorn.config import Config
from uvicorn.server import ServerState

from exporter.web.protocol import ClientProtocol, Limits, OpenConnections

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import ASGIApp

    from exporter.web.webconfig.file import WebConfigFile
    from exporter.web.webconfig.settings import Settings

# Seconds of not accepting after the process ran out of file descriptors, and the least time between two complaints.
_SHORTAGE_PAUSE = 0.1
_SHORTAGE_SILENCE = 60.0

CROWD = 64
"""While more than so many connections wait to be accepted, those are not answered that their clients have closed by then.

Not always, since a client may close its own direction alone and wait for the answer.
"""

# How many of those are passed over at a time, lest those whose turn it is wait for too long.
_MOST_GONE = 256

# In the first byte of the kernel's struct tcp_info, and where in it a listening socket has the number that waits.
_CLOSED = frozenset({7, 8})
_AT_WAITING = slice(24, 28)

_SHORTAGE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

# What every answer carries, errors included, unless a web configuration file says otherwise.
_HEADERS = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]

_log = structlog.get_logger(__name__)


class WebServer:
    """Serves an ASGI application on listening sockets, which it owns from the start on, as a web configuration file says."""

    def __init__(
        self,
        app: ASGIApp,
        sockets: Sequence[socket.socket],
        limits: Limits | None = None,
        web_config: WebConfigFile | None = None,
        prefix: str = "",
    ) -> None:
        self._app = app
        self._prefix = prefix
        self._web_config = web_config
        self._sockets = sockets
        self._limits = limits or Limits()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._serving: Future[Callable[[float], object]] = Future()

    @property
    def alive(self) -> bool:
        """Whether the server's thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Return when the server answers. Raise what kept it from starting."""
        self._thread.start()
        self._serving.result()

    def stop(self, timeout: float) -> None:
        """Stop accepting, give the answers under way half of the time, close everything; return after ``timeout`` seconds at most."""
        if not self.alive:
            return
        stop = self._serving.result()
        with contextlib.suppress(RuntimeError):  # it ended by itself in the meantime
            stop(timeout / 2)
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - start() raises it, or else the log has it
            if self._serving.done():
                _log.exception("the web server failed and stopped")
            else:
                self._serving.set_exception(error)
        finally:
            for listener in self._sockets:
                listener.close()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        stopping: asyncio.Future[float] = loop.create_future()

        def stop(grace: float) -> None:
            if not stopping.done():
                stopping.set_result(grace)

        app = self._app
        if self._web_config is not None:
            from exporter.web.gate import Gate  # noqa: PLC0415 - costs nothing where there is no such file

            app = Gate(app, self._web_config, self._prefix)
        config = Config(
            app,
            http=ClientProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            workers=1,
        )
        config.load()
        state = ServerState()
        state.default_headers = [*_HEADERS]
        open_connections = OpenConnections(self._limits.connections)
        protocol = self._protocol(
            lambda: ClientProtocol(config, state, open_connections, self._limits), state, open_connections
        )
        acceptors = [_Acceptor(listener, protocol, open_connections) for listener in self._sockets]
        for acceptor in acceptors:
            acceptor.open()
        self._serving.set_result(lambda grace: loop.call_soon_threadsafe(stop, grace))
        grace = await stopping
        for acceptor in acceptors:
            await acceptor.close()
        for connection in open_connections:
            connection.finish()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await _all_closed(state)
        for connection in open_connections:
            connection.drop()
        await _all_closed(state)

    def _protocol(
        self, http: Callable[[], ClientProtocol], state: ServerState, open_connections: OpenConnections
    ) -> Callable[[], asyncio.Protocol]:
        """Return what makes the protocol of a new connection: HTTP, or TLS below it."""
        file = self._web_config
        if file is None:
            return http
        from exporter.web.gate import without  # noqa: PLC0415 - as above
        from exporter.web.tls import TlsConnection  # noqa: PLC0415

        def carry(settings: Settings) -> None:
            # In place: an answer under way holds the list.
            state.default_headers[:] = [*without(_HEADERS, settings.headers), *settings.headers]

        file.watch(carry)
        if file.settings.context is None:
            return http
        return lambda: TlsConnection(http, file, state, open_connections, self._limits)


def _has_left(client: socket.socket) -> bool:
    """Tell whether a client has closed its connection, or at least its own direction."""
    return client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] in _CLOSED


def _waiting(listener: socket.socket) -> int:
    """Return how many connections wait to be accepted, 0 where the kernel does not tell."""
    try:
        told = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _AT_WAITING.stop)
    except (AttributeError, OSError):
        return 0
    return int.from_bytes(told[_AT_WAITING], sys.byteorder)


async def _all_closed(state: ServerState) -> None:
    while state.connections or state.tasks:
        await asyncio.sleep(0.01)


class _Acceptor:
    """Accepts from one listening socket."""

    def __init__(
        self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol], open_connections: OpenConnections
    ) -> None:
        self._listener = listener
        self._protocol = protocol
        self._open_connections = open_connections
        self._loop = asyncio.get_running_loop()
        self._entering: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._complained = -_SHORTAGE_SILENCE

    def open(self) -> None:
        """Start accepting. Raise OSError if the socket is closed."""
        self._listener.setblocking(False)  # noqa: FBT003 - its only spelling
        self._pause = None
        self._loop.add_reader(self._listener, self._accept)

    async def close(self) -> None:
        """Stop accepting; what was accepted is among the open connections afterwards."""
        self._loop.remove_reader(self._listener)
        if self._pause is not None:
            self._pause.cancel()
        self._listener.close()
        await asyncio.gather(*self._entering)

    def _accept(self) -> None:
        # One at a time, so that what earlier clients have sent is read first: a client that was accepted but not yet
        # read would look like one that sends nothing.
        try:
            client, _ = self._listener.accept()
            # Whoever sends requests faster than they are answered, and leaves, would keep all others waiting for seconds.
            for _ in range(_MOST_GONE):
                if not (_waiting(self._listener) > CROWD and _has_left(client)):
                    break
                client.close()
                client, _ = self._listener.accept()
        except OSError as error:
            if error.errno in _SHORTAGE:
                self._make_do(error)
            return  # or else the client gave up while it waited
        client.setblocking(False)  # noqa: FBT003 - its only spelling
        task = self._loop.create_task(self._enter(client))
        self._entering.add(task)
        task.add_done_callback(self._entering.discard)

    async def _enter(self, client: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, client)
        except OSError as error:
            _log.debug("a connection was lost while it was accepted", error=str(error))
            client.close()

    def _make_do(self, error: OSError) -> None:
        # The waiting connection keeps the socket readable: without a pause the loop would spin.
        self._loop.remove_reader(self._listener)
        self._pause = self._loop.call_later(_SHORTAGE_PAUSE, self.open)
        self._open_connections.drop_oldest(1 + len(self._open_connections) // 8)
        if self._loop.time() - self._complained >= _SHORTAGE_SILENCE:
            self._complained = self._loop.time()
            _log.warning(
                "cannot accept new connections; dropped old ones",
                error=str(error),
                remedy="Raise the limit of open files, or find out which client opens so many connections.",
            )
