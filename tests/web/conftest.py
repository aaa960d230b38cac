"""A site that serves what a test tells it to, on a real server; raw clients; and a scraper that must never fail."""

from __future__ import annotations

import gzip
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from support.pace import here
from support.processes import PATIENCE
from support.snapshots import snapshot, watched
from support.tls import Authority, Pair, TlsSocket, tls_section
from support.views import facts, view

from exporter.clock import SystemClock
from exporter.exposition.format import Format
from exporter.web.app import Check, create_app
from exporter.web.listen import open_socket, parse_address
from exporter.web.pages import Snapshot
from exporter.web.protocol import Limits
from exporter.web.server import WebServer
from exporter.web.webconfig.file import WebConfigFile

PIECE = b"a_metric 1\n" * 4096

_BETWEEN_SCRAPES = 0.02


@lru_cache
def compressed(pieces: int) -> bytes:
    return gzip.compress(PIECE * pieces, mtime=0)


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
        body = compressed(self.pieces)
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
    tls: ssl.SSLContext | None = None
    opened: list[socket.socket] = field(default_factory=list)

    @property
    def scheme(self) -> str:
        return "http" if self.tls is None else "https"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def connect(self, sent: bytes = b"", buffer: int | None = None) -> Any:
        """Return a client's socket, having sent something; ``buffer`` bounds what the kernel takes for it."""
        client = self.dial(buffer)
        if self.tls is not None:
            client = TlsSocket(client, self.tls)
        client.sendall(sent)
        return client

    def dial(self, buffer: int | None = None) -> Any:
        """Return a client's socket without TLS, whatever is served."""
        client = socket.socket()
        self.opened.append(client)
        if buffer is not None:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", self.port))
        return client

    def exchange(self, sent: bytes) -> bytes:
        """Return all that the server answers until it closes the connection."""
        return read_all(self.connect(sent))


def read_all(client: Any) -> bytes:
    received = bytearray()
    try:
        while data := client.recv(1 << 16):
            received += data
    except ConnectionError:
        pass
    return bytes(received)


class Scraper:
    """Scrapes over and over, on new connections and on a kept one, and remembers what went wrong.

    A scrape that itself took longer than ``allowed`` may be dropped: the server cannot tell it from a slow peer. Such
    a scrape does not count, neither as done nor as failed.
    """

    def __init__(self, port: int, tls: ssl.SSLContext | None, headers: dict[str, str], allowed: float) -> None:
        self._port = port
        self._tls = tls
        self._headers = {"Accept-Encoding": "gzip", **headers}
        self._patience = here(10)  # as Prometheus has by default
        self._allowed = allowed
        self._kept = self._connection()
        self._changed = threading.Condition()
        self._stopping = False
        self.done = 0
        self.times: list[float] = []
        self.failures: list[Exception] = []
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stopping:
            began = time.monotonic()
            try:
                fresh = self._connection()
                self._scrape(fresh)
                fresh.close()
                self.times.append(time.monotonic() - began)
                try:
                    self._scrape(self._kept)
                except (ConnectionError, ssl.SSLEOFError):
                    # As Go's client does when the server closed a connection that it had kept.
                    self._kept.close()
                    began = time.monotonic()
                    self._scrape(self._kept)
            except Exception as error:  # noqa: BLE001 - the test asserts that there is none
                self._kept.close()
                if time.monotonic() - began >= self._allowed:
                    continue
                self.failures.append(error)
            with self._changed:
                self.done += 1
                self._changed.notify_all()
            time.sleep(_BETWEEN_SCRAPES)  # what is beside it is the test
        self._kept.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._patience)
        return http.client.HTTPSConnection("127.0.0.1", self._port, timeout=self._patience, context=self._tls)

    def _scrape(self, connection: http.client.HTTPConnection) -> None:
        connection.request("GET", "/metrics", headers=self._headers)
        answer = connection.getresponse()
        body = gzip.decompress(answer.read())
        assert answer.status == 200
        assert body.endswith(PIECE)

    def more(self, count: int) -> None:
        """Wait for so many further scrapes."""
        with self._changed:
            goal = self.done + count
            assert self._changed.wait_for(lambda: self.done >= goal, timeout=PATIENCE), self.failures

    def slowest(self) -> str:
        """Return how long scrapes on new connections took, for a note."""
        times = sorted(self.times)
        p50, p99 = (times[min(len(times) - 1, int(len(times) * share))] for share in (0.5, 0.99))
        return (
            f"{len(times)} scrapes, p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, longest {times[-1] * 1000:.0f} ms"
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._thread.join(PATIENCE)


Serve = Callable[..., Running]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the tests of a module that says so over TLS as well, but for those of a class that says otherwise."""
    over = getattr(metafunc.cls, "SERVED_OVER", getattr(metafunc.module, "SERVED_OVER", None))
    if over is not None and "serve" in metafunc.fixturenames:
        metafunc.parametrize("serve", over, indirect=True)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def server_pair(authority: Authority) -> Pair:
    return authority.issue()


@pytest.fixture
def web_config(tmp_path: Path) -> Callable[[str], WebConfigFile]:
    """Make a web configuration file of a text; it is read without waiting whether somebody still writes to it."""

    def make(text: str) -> WebConfigFile:
        path = tmp_path / "web.yaml"
        path.write_text(text)
        return WebConfigFile(path, SystemClock(), sleep=lambda _: None)

    return make


@pytest.fixture
def serve(
    request: pytest.FixtureRequest, web_config: Callable[[str], WebConfigFile], authority: Authority, server_pair: Pair
) -> Iterator[Serve]:
    started: list[Running] = []

    def run(
        limits: Limits | None = None,
        address: str = "127.0.0.1:0",
        *,
        web: str | None = None,
        client: Pair | None = None,
        **options: Any,
    ) -> Running:
        """Serve by the text of a web configuration file, or as the test's parameter says. ``client`` is for ``connect``."""
        site = FakeSite()
        if web is None and getattr(request, "param", "http") == "https":
            web = tls_section(server_pair)
        file = None if web is None else web_config(web)
        listener = open_socket(parse_address(address))
        running = Running(
            WebServer(create_app(site, **options), [listener], limits, file, options.get("prefix", "")),
            site,
            listener.getsockname()[1],
            authority.context(client) if file is not None and file.settings.context is not None else None,
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
def scraping() -> Callable[..., object]:
    @contextmanager
    def scrape(
        running: Running, headers: dict[str, str] | None = None, *, allowed: float = PATIENCE
    ) -> Iterator[Scraper]:
        scraper = Scraper(running.port, running.tls, headers or {}, allowed)
        scraper.start()
        try:
            scraper.more(1)
            yield scraper
            scraper.more(3)
        finally:
            scraper.stop()
        assert scraper.failures == []

    return scrape
