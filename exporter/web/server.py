"""The HTTP server: one daemon thread with its own event loop, on sockets that are already open.

uvicorn's own server is not used. It needs the main thread for its signals, and wakes up ten times per second. Also, asyncio
accepts its connections, which without free file descriptors retries once for each place in the backlog.
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

# Seconds without accepting after the process ran out of file descriptors, and the shortest time between two log lines about it.
_SHORTAGE_PAUSE = 0.1
_SHORTAGE_SILENCE = 60.0

CROWD = 64
"""While more than this many connections wait to be accepted, those that their clients have closed are dropped.

Otherwise they are answered, because a client may close only its own direction and wait for the answer.
"""

# How many of those are dropped at a time, so that open connections do not wait too long.
_MOST_GONE = 256

# Of the kernel's struct tcp_info: the states in its first byte that mean closed, and where a listening socket has the number
# of waiting connections.
_CLOSED = frozenset({7, 8})
_AT_WAITING = slice(24, 28)

_SHORTAGE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

# The headers of all answers, including errors, unless a web configuration file has others.
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    # A page of another site cannot find out, by loading one as a script or an image, which pages there are.
    (b"cross-origin-resource-policy", b"same-origin"),
]

_log = structlog.get_logger(__name__)


class WebServer:
    """Serves an ASGI application on listening sockets, as a web configuration file says. It closes the sockets itself."""

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
        """Start the server, and return when it answers. Raises the error if it cannot start."""
        self._thread.start()
        self._serving.result()

    def stop(self, timeout: float) -> None:
        """Stop accepting, wait half of ``timeout`` (seconds) for answers under way, and close everything within ``timeout``."""
        if not self.alive:
            return
        stop = self._serving.result()
        with contextlib.suppress(RuntimeError):  # it has already ended by itself
            stop(timeout / 2)
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 - start() raises it, or it is logged
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
            from exporter.web.gate import Gate  # noqa: PLC0415 - imported only with a web configuration file

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
        """Return a function that makes the protocol of a new connection: HTTP, or TLS below HTTP."""
        file = self._web_config
        if file is None:
            return http
        from exporter.web.gate import without  # noqa: PLC0415 - as above
        from exporter.web.tls import TlsConnection  # noqa: PLC0415

        def carry(settings: Settings) -> None:
            # Change the list in place, because answers under way use it.
            state.default_headers[:] = [*without(_HEADERS, settings.headers), *settings.headers]

        file.watch(carry)
        if file.settings.context is None:
            return http
        return lambda: TlsConnection(http, file, state, open_connections, self._limits)


def _has_left(client: socket.socket) -> bool:
    """Return whether a client has closed its connection, or at least its own direction."""
    return client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] in _CLOSED


def _waiting(listener: socket.socket) -> int:
    """Return how many connections wait to be accepted. 0 if the kernel does not tell."""
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
        """Start accepting. Raises OSError if the socket is closed."""
        self._listener.setblocking(False)  # noqa: FBT003 - its only spelling
        self._pause = None
        self._loop.add_reader(self._listener, self._accept)

    async def close(self) -> None:
        """Stop accepting. Afterwards, all accepted connections are among the open connections."""
        self._loop.remove_reader(self._listener)
        if self._pause is not None:
            self._pause.cancel()
        self._listener.close()
        await asyncio.gather(*self._entering)

    def _accept(self) -> None:
        # Accept one at a time, so that data of earlier clients is read first. Otherwise a client whose data has not been read
        # yet would look like one that sends nothing.
        try:
            client, _ = self._listener.accept()
            # A client that sends many requests and disconnects must not make all others wait for seconds.
            for _ in range(_MOST_GONE):
                if not (_waiting(self._listener) > CROWD and _has_left(client)):
                    break
                client.close()
                client, _ = self._listener.accept()
        except OSError as error:
            if error.errno in _SHORTAGE:
                self._make_do(error)
            return  # any other error means that the client disconnected while it waited
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
        # The waiting connection keeps the socket readable. Without a pause the loop would use all of a CPU.
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
