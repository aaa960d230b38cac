"""A server of the standard library that serves in a thread of its own."""

from __future__ import annotations

import socketserver
import threading
from typing import Self, cast


class Background:
    """Serves from the start of the ``with`` block to its end."""

    def __init__(self, server: socketserver.TCPServer) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Where it listens, as ``host:port``."""
        host, port, *_ = cast("tuple[str, int]", self._server.server_address)
        return f"{host}:{port}"
