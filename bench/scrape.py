"""Scrapes of 100, 1,000 and 10,000 tuning jobs, over HTTP and each on a new connection, read to the end."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from bench.peers import Absent, binary
from bench.process import Program, call, python
from bench.table import Row, Spread, growth, versus

if TYPE_CHECKING:
    from collections.abc import Iterator

SIZES = (100, 1_000, 10_000)
ROUNDS = 5
_TURN = 0.25  # seconds for one server's turn, in which it is scraped once at least
_COLLECTOR, _TEXTFILE = "prometheus_client, collector", "node-exporter, textfile"
_PUSHGATEWAY, _LOOPBACK = "pushgateway", "loopback, the bytes alone"
_GOALS = {(10_000, _COLLECTOR): 1 / 300, (10_000, _PUSHGATEWAY): 1 / 50}  # gzip


class Server(NamedTuple):
    """Where a server is scraped."""

    name: str
    port: int


def rows() -> list[Row]:
    """Measure; the servers of one size all run at once and are scraped in turn."""
    found: list[Row] = []
    ours: dict[tuple[int, bool], list[float]] = {}
    with TemporaryDirectory() as directory:
        call("bench.fleet:store", str(Path(directory, "fleet")), max(SIZES))
        for size in SIZES:
            texts = tuple(str(Path(directory, name)) for name in ("jobs.prom", "jobs.gz"))
            call("bench.ours:write_text", str(Path(directory, "fleet")), size, *texts)
            for gzip in (True, False):
                with ExitStack() as running:
                    servers, absent = _start(running, Path(directory), size, gzip=gzip)
                    seconds = measure(servers, gzip=gzip)
                what = f"{'gzip' if gzip else 'plain'} scrape, {size:,} jobs"
                ours[size, gzip], *others = seconds
                for server, theirs in zip(servers[1:], others, strict=True):
                    limit = _GOALS.get((size, server.name)) if gzip else None
                    found.append(versus(what, ours[size, gzip], server.name, theirs, "s", limit))
                found += [Row(what, Spread.of(ours[size, gzip], "s"), f"not measured: {why}") for why in absent]
    few, many = min(SIZES), max(SIZES)
    for gzip in (True, False):
        what = f"{'gzip' if gzip else 'plain'} scrape, {many:,} jobs"
        found.append(growth(what, ours[many, gzip], ours[few, gzip], many // few, "s"))
    return found


def measure(servers: list[Server], *, gzip: bool) -> list[list[float]]:
    """Return the seconds of a scrape of each server, the median of each of its turns."""
    for server in servers:
        fetch(server.port, gzip=gzip)
    seconds: list[list[float]] = [[] for _ in servers]
    for _ in range(ROUNDS):
        for server, taken in zip(servers, seconds, strict=True):
            turn = sorted(_turn(server, gzip=gzip))
            taken.append(turn[len(turn) // 2])
    return seconds


def _turn(server: Server, *, gzip: bool) -> Iterator[float]:
    ends = time.perf_counter() + _TURN
    while True:
        began = time.perf_counter()
        fetch(server.port, gzip=gzip)
        now = time.perf_counter()
        yield now - began
        if now > ends:
            return


def fetch(port: int, *, gzip: bool) -> int:
    """Scrape once and return the bytes that came. Raise ConnectionError on any answer but a good one."""
    encoding = b"Accept-Encoding: gzip\r\n" if gzip else b""
    buffer = bytearray(1 << 20)
    with socket.create_connection(("127.0.0.1", port), timeout=120) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: bench\r\n" + encoding + b"Connection: close\r\n\r\n")
        received = connection.recv_into(buffer)
        if buffer[:5] != b"HTTP/" or buffer[9:12] != b"200":
            raise ConnectionError(f"port {port} answered {bytes(buffer[:60])!r}")
        while count := connection.recv_into(buffer):
            received += count
    return received


def _start(running: ExitStack, directory: Path, size: int, *, gzip: bool) -> tuple[list[Server], list[str]]:
    """Start the servers, the exporter first; return also why which could not be."""
    fleet, text = str(directory / "fleet"), directory / "jobs.prom"

    def start(name: str, *command: str | Path, ready: str = r"port (\d+)") -> Server:
        match = running.enter_context(Program(command, ready)).match
        return Server(name, int(match[1]))

    servers = [
        start("exporter", *python("bench.ours:serve", fleet, size)),
        start(_COLLECTOR, *python("bench.client_library:serve", fleet, size)),
        start(_LOOPBACK, *python("bench.loopback:serve", str(directory / "jobs.gz" if gzip else text))),
    ]
    absent = []
    try:
        program = binary("prometheus-node-exporter")
        arguments = ("--collector.disable-defaults", "--collector.textfile", "--web.disable-exporter-metrics")
        place = f"--collector.textfile.directory={directory}"
        servers.append(start(_TEXTFILE, program, *arguments, place, _ANY_PORT, ready=_LISTENING))
    except Absent as error:
        absent.append(str(error))
    try:
        server = start(_PUSHGATEWAY, binary("prometheus-pushgateway"), _ANY_PORT, ready=_LISTENING)
        _push(server.port, text.read_bytes())
        servers.append(server)
    except Absent as error:
        absent.append(str(error))
    return servers, absent


_ANY_PORT = "--web.listen-address=127.0.0.1:0"
_LISTENING = r"address=127\.0\.0\.1:(\d+)"


def _push(port: int, text: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=300) as connection:
        head = f"PUT /metrics/job/bench HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + text)
        answer = connection.recv(4096)
    if b" 200 " not in answer[:20]:
        raise ConnectionError(f"the push was answered {answer[:300]!r}")
