"""Whole daemons in this process, each served on a free port of 127.0.0.1."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from exporter.clock import SystemClock
from exporter.daemon import Daemon
from exporter.web.listen import open_socket, parse_address
from support.web import client as client_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from exporter.config import Settings


@contextmanager
def daemons() -> Iterator[Callable[[Settings], httpx.Client]]:
    """Yield a function that starts a daemon and returns a client of it; all are stopped at the end of the block."""
    with ExitStack() as running:

        def start(settings: Settings) -> httpx.Client:
            listener = open_socket(parse_address("127.0.0.1:0"))
            daemon = Daemon(lambda: settings, settings, [listener], SystemClock())
            running.callback(daemon.stop)
            host, port = listener.getsockname()
            client = client_of(f"http://{host}:{port}")
            running.callback(client.close)
            daemon.start()
            return client

        yield start
