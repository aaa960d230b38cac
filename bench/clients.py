"""What do badly behaved clients cost the scraper?

Holds one attack after the other against a server in a process of its own, beside a scraper like Prometheus (once a
second, on a kept connection), a quick one (20 times a second, each on a new connection) and a probe of its health (10
times a second, each on a new connection). Loopback only.

    python bench/clients.py [--seconds 20] [--connections 2000] [--attack NAME]...
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import multiprocessing
import os
import resource
import select
import socket
import statistics
import struct
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import structlog

from exporter.web.app import Check, create_app
from exporter.web.listen import open_socket, parse_address
from exporter.web.server import WebServer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Event

    from exporter.exposition.format import Format
    from exporter.web.pages import Snapshot

ASK = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
# By HEAD, so that what is measured is reading the request, not sending the answer.
MEMBERS = ASK.replace(b"GET", b"HEAD")[:-2] + b"Accept: " + b"a," * 8100 + b"a\r\n\r\n"
LONG = ASK[:-2] + b"Accept: " + b"a," * 30_000 + b"a\r\n\r\n"
LINES = ASK[:-2] + b"a:b\r\n" * 3200 + b"\r\n"
CHUNKS = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 40_000


class Attack(NamedTuple):
    """What each connection sends at once, then every second; and whether it reads, or closes its own direction."""

    sent: bytes = b""
    dripped: bytes = b""
    reads: bool = True
    half_closes: bool = False
    resets: bool = False


ATTACKS = {
    "silent": Attack(),
    "dripped head": Attack(b"GET /metrics HTTP/1.1\r\nX: ", b"y"),
    "idle after a request": Attack(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"),
    "request, no reading": Attack(ASK, reads=False),
    "half-closed, no reading": Attack(ASK, reads=False, half_closes=True),
    "pipelined, no reading": Attack(ASK * 200, reads=False),
    "body without end": Attack(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n", b"x" * 100),
    "huge head": Attack(b"GET /metrics HTTP/1.1\r\nX: " + b"y" * 50_000),
    "garbage": Attack(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10),
    "reset after a request": Attack(ASK, resets=True),
    "a member a byte": Attack(MEMBERS, MEMBERS),
    "a long head": Attack(LONG, LONG),
    "a line a few bytes": Attack(LINES, LINES),
    "a chunk a byte": Attack(CHUNKS, CHUNKS),
    "HEAD, broken body": Attack(ASK.replace(b"GET", b"HEAD")[:-2] + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"),
}


class Site:
    """About 300,000 series: 27 MB, and a twentieth of it compressed."""

    def __init__(self) -> None:
        lines = (
            f'sagemaker_tuning_job_training_jobs{{tuning_job="search-{n // 5}",status="Completed"}} {n % 97}\n'
            for n in range(300_000)
        )
        self._body = "".join(lines).encode()
        self._compressed = gzip.compress(self._body, 1)

    def scrape(self, format: Format, gzip: bool) -> Iterable[bytes]:  # noqa: A002, ARG002
        return [self._compressed] if gzip else self._pieces()

    def _pieces(self) -> Iterator[bytes]:
        for start in range(0, len(self._body), 65536):
            yield self._body[start : start + 65536]

    def healthy(self) -> Check:
        return Check(ok=True, detail="ok")

    ready = healthy

    def snapshot(self) -> Snapshot:
        raise NotImplementedError("nobody asks for a page")

    def request_reload(self, trigger: str) -> Future[None]:
        raise NotImplementedError(f"nobody may ask for it: {trigger}")


def serve(port: Connection, stop: Event) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(20))
    listener = open_socket(parse_address("127.0.0.1:0"))
    server = WebServer(create_app(Site()), [listener])
    server.start()
    port.send(listener.getsockname()[1])
    stop.wait()
    server.stop(5)


class Attacker:
    """Keeps so many connections attacking; what the server closed comes back a second later."""

    def __init__(self, kind: str, port: int, count: int) -> None:
        self._plan = ATTACKS[kind]
        self._port = port
        self._poll = select.epoll()
        self._clients: dict[int, socket.socket] = {}
        self._returning = deque([0.0] * count)

    def run(self, stop: Event) -> None:
        dripped_at = time.monotonic()
        while not stop.is_set():
            now = time.monotonic()
            while self._returning and self._returning[0] <= now:
                self._returning.popleft()
                self._connect()
            if now - dripped_at >= 1:
                dripped_at = now
                self._drip()
            for number, event in self._poll.poll(0.02):
                self._react(self._clients[number], event)

    def _connect(self) -> None:
        client = socket.socket()
        client.settimeout(0)
        if not self._plan.reads:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect_ex(("127.0.0.1", self._port))
        self._clients[client.fileno()] = client
        self._poll.register(client, select.EPOLLOUT | select.EPOLLRDHUP)

    def _drip(self) -> None:
        for client in self._clients.values():
            with suppress(OSError):
                client.send(self._plan.dripped)

    def _react(self, client: socket.socket, event: int) -> None:
        try:
            if event & (select.EPOLLERR | select.EPOLLHUP | select.EPOLLRDHUP):
                self._give_up(client)
            elif event & select.EPOLLOUT:
                self._attack(client)
            else:
                client.recv(65536)
        except OSError:
            self._give_up(client)

    def _attack(self, client: socket.socket) -> None:
        client.send(self._plan.sent)
        if self._plan.half_closes:
            client.shutdown(socket.SHUT_WR)
        self._poll.modify(client, select.EPOLLRDHUP | (select.EPOLLIN if self._plan.reads else 0))
        if self._plan.resets:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._give_up(client)

    def _give_up(self, client: socket.socket) -> None:
        self._poll.unregister(client)
        del self._clients[client.fileno()]
        client.close()
        self._returning.append(time.monotonic() + 1)


def attack(kind: str, port: int, count: int, stop: Event) -> None:
    Attacker(kind, port, count).run(stop)


class Scraper(threading.Thread):
    """Scrapes at a rate until told to stop; keeps the seconds that each scrape took, and counts the lost ones."""

    path, least = "/metrics", 100_000

    def __init__(self, port: int, interval: float, *, keeps: bool) -> None:
        super().__init__()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self._interval, self._keeps = interval, keeps
        self._stopping = threading.Event()
        self.times: list[float] = []
        self.lost: list[Exception] = []
        self.renewed = 0

    def run(self) -> None:
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            due += self._interval
            began = time.monotonic()
            kept = self._connection.sock is not None
            try:
                try:
                    self._scrape()
                except ConnectionError:
                    # Like Go's client: a connection that was kept may have been closed in the meantime.
                    self._connection.close()
                    if not kept:
                        raise
                    self.renewed += 1
                    self._scrape()
            except Exception as error:  # noqa: BLE001 - that is what we count
                self._connection.close()
                self.lost.append(error)
            else:
                self.times.append(time.monotonic() - began)
            if not self._keeps:
                self._connection.close()
        self._connection.close()

    def _scrape(self) -> None:
        self._connection.request("GET", self.path, headers={"Accept-Encoding": "gzip"})
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200 or len(body) < self.least:
            raise ValueError(f"status {answer.status}, {len(body)} bytes")

    def stop(self) -> None:
        self._stopping.set()
        self.join()

    def row(self) -> str:
        if not self.times:
            return f"{len(self.lost):>5} of {len(self.lost):>3} lost"
        cuts = statistics.quantiles([1000 * second for second in self.times], n=100, method="inclusive")
        total = len(self.times) + len(self.lost)
        return f"{len(self.lost):>4} of {total:<4}{cuts[49]:>8.1f}{cuts[98]:>8.1f}"


class Probe(Scraper):
    """Asks for the health in the same way."""

    path, least = "/-/healthy", 1


def resident(pid: int) -> float:
    """Return the process's resident memory in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def busy(pid: int) -> float:
    """Return the seconds of CPU that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def kernel() -> float:
    """Return the memory of all TCP sockets of the machine, in MB."""
    line = next(line for line in Path("/proc/net/sockstat").read_text().splitlines() if line.startswith("TCP:"))
    return int(line.split()[-1]) * resource.getpagesize() / 1e6


def measure(name: str | None, seconds: float, connections: int) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    stop_server, stop_attack = context.Event(), context.Event()
    server = context.Process(target=serve, args=(theirs, stop_server))
    server.start()
    pid = server.pid
    assert pid is not None
    port = ours.recv()
    attacker = context.Process(target=attack, args=(name, port, connections, stop_attack)) if name else None
    if attacker:
        attacker.start()
    scrapers = [Scraper(port, 1.0, keeps=True), Scraper(port, 0.05, keeps=False), Probe(port, 0.1, keeps=False)]
    for scraper in scrapers:
        scraper.start()
    memory, buffers, used, began = 0.0, 0.0, busy(pid), time.monotonic()
    while time.monotonic() - began < seconds:
        time.sleep(0.25)
        memory, buffers = max(memory, resident(pid)), max(buffers, kernel())
    cpu = (busy(pid) - used) / (time.monotonic() - began)
    for scraper in scrapers:
        scraper.stop()
    stop_attack.set()
    if attacker:
        attacker.join()
    stop_server.set()
    server.join()
    slow, quick, probe = scrapers
    print(
        f"{name or 'none':<24}{slow.row()}{slow.renewed:>8}  {quick.row()}  {probe.row()}"
        f"{cpu:>8.0%}{memory:>7.0f}{buffers:>7.0f}"
    )
    for error in {repr(error) for scraper in scrapers for error in scraper.lost}:
        print(f"    {error}")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--connections", type=int, default=2000)
    parser.add_argument("--attack", action="append", choices=ATTACKS)
    arguments = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = arguments.connections + 100
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(needed, hard), hard))
    connections = min(arguments.connections, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100)
    print(f"{connections} attacking connections, {arguments.seconds:g} s each; times in ms, memory in MB")
    print(f"{'':<24}{'once a second, kept':<36}{'20/s, new':<28}{'health, 10/s, new':<28}server")
    print(
        f"{'attack':<24}{'lost':>5}{'p50':>13}{'p99':>8}{'renewed':>8}  {'lost':>5}{'p50':>13}{'p99':>8}"
        f"  {'lost':>5}{'p50':>13}{'p99':>8}{'CPU':>8}{'RSS':>7}{'TCP':>7}"
    )
    for name in [None, *(arguments.attack or ATTACKS)]:
        measure(name, arguments.seconds, connections)


if __name__ == "__main__":
    main()
