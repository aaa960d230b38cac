"""A site that serves what a test tells it to, on a real server; raw clients; and a scraper that must never fail."""

from __future__ import annotations

import gzip
import http.client
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from support.pace import here
from support.processes import PATIENCE
from support.snapshots import snapshot, watched
from support.views import facts, view

from exporter.exposition.format import Format
from exporter.web.app import Check, create_app
from exporter.web.listen import open_socket, parse_address
from exporter.web.pages import Snapshot
from exporter.web.protocol import Limits
from exporter.web.server import WebServer

PIECE = b"a_metric 1\n" * 4096


class FakeSite:
    """Serves ``pieces`` pieces of text; counts what was taken, and notes when somebody stopped taking."""

    def __init__(self) -> None:
        self.pieces = 1
        self.taken = 0
        self.released = threading.Event()
        self.asked: list[tuple[Format, bool]] = []
        self.health = Check(ok=True, detail="all threads run")
        self.readiness = Check(ok=True, detail="ready")
        self.shown = snapshot([watched(view(facts()))])
        self.before_page: Callable[[], object] = lambda: None
        self.reloads: list[str] = []
        self.fault_before: Exception | None = None
        self.fault_within: Exception | None = None

    def scrape(self, format: Format, gzip: bool) -> Iterable[bytes]:  # noqa: A002
        self.asked.append((format, gzip))
        if self.fault_before:
            raise self.fault_before
        return self._compressed() if gzip else self._plain()

    def _compressed(self) -> list[bytes]:
        body = gzip.compress(PIECE * self.pieces, mtime=0)
        return [body[:100], body[100:]]

    def _plain(self) -> Iterator[bytes]:
        try:
            for _ in range(self.pieces):
                self.taken += 1
                yield PIECE
            if self.fault_within:
                raise self.fault_within
        finally:
            self.released.set()

    def healthy(self) -> Check:
        return self.health

    def ready(self) -> Check:
        return self.readiness

    def snapshot(self) -> Snapshot:
        self.before_page()
        return self.shown

    def request_reload(self, trigger: str) -> Future[None]:
        self.reloads.append(trigger)
        done: Future[None] = Future()
        done.set_result(None)
        return done


@dataclass
class Running:
    """A server under test and ways to reach it."""

    server: WebServer
    site: FakeSite
    port: int
    opened: list[socket.socket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self, sent: bytes = b"", buffer: int | None = None) -> socket.socket:
        """Return a client's socket, having sent something; ``buffer`` bounds what the kernel takes for it."""
        client = socket.socket()
        self.opened.append(client)
        if buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", self.port))
        client.sendall(sent)
        return client

    def exchange(self, sent: bytes) -> bytes:
        """Return all that the server answers until it closes the connection."""
        return read_all(self.connect(sent))


def read_all(client: socket.socket) -> bytes:
    received = bytearray()
    try:
        while data := client.recv(1 << 16):
            received += data
    except ConnectionError:
        pass
    return bytes(received)


class Scraper:
    """Scrapes over and over, on new connections and on a kept one, and remembers what went wrong."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._patience = here(10)  # as Prometheus has by default
        self._kept = self._connection()
        self._changed = threading.Condition()
        self._stopping = False
        self.done = 0
        self.failures: list[Exception] = []
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stopping:
            try:
                fresh = self._connection()
                self._scrape(fresh)
                fresh.close()
                try:
                    self._scrape(self._kept)
                except (ConnectionError, http.client.RemoteDisconnected):
                    # As Go's client does when the server closed a connection that it had kept.
                    self._kept.close()
                    self._scrape(self._kept)
            except Exception as error:  # noqa: BLE001 - the test asserts that there is none
                self.failures.append(error)
            with self._changed:
                self.done += 1
                self._changed.notify_all()
        self._kept.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._patience)

    def _scrape(self, connection: http.client.HTTPConnection) -> None:
        connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        body = gzip.decompress(answer.read())
        assert answer.status == 200
        assert body.endswith(PIECE)

    def more(self, count: int) -> None:
        """Wait for so many further scrapes."""
        with self._changed:
            goal = self.done + count
            assert self._changed.wait_for(lambda: self.done >= goal, timeout=PATIENCE), self.failures

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._thread.join(PATIENCE)


Serve = Callable[..., Running]


@pytest.fixture
def serve() -> Iterator[Serve]:
    started: list[Running] = []

    def run(limits: Limits | None = None, address: str = "127.0.0.1:0", *, lifecycle: bool = False) -> Running:
        site = FakeSite()
        listener = open_socket(parse_address(address))
        running = Running(
            WebServer(create_app(site, lifecycle=lifecycle), [listener], limits), site, listener.getsockname()[1]
        )
        running.server.start()
        started.append(running)
        return running

    yield run
    for running in started:
        running.server.stop(1)
        assert not running.server.alive
        for client in running.opened:
            client.close()


@pytest.fixture
def scraping() -> Callable[[Running], object]:
    @contextmanager
    def scrape(running: Running) -> Iterator[Scraper]:
        scraper = Scraper(running.port)
        scraper.start()
        try:
            scraper.more(1)
            yield scraper
            scraper.more(3)
        finally:
            scraper.stop()
        assert scraper.failures == []

    return scrape
