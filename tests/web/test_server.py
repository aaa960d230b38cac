from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from support.pace import here, within
from support.processes import PATIENCE, free_port
from support.web import get

from exporter.web.app import create_app
from exporter.web.listen import open_socket, parse_address
from exporter.web.protocol import Limits
from exporter.web.server import CROWD, WebServer

if TYPE_CHECKING:
    from web.conftest import FakeSite

SERVED_OVER = ("http", "https")
GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize("address", ["[::]:0", ":0"])
def test_both_families_reach_one_socket(serve, address: str) -> None:
    running = serve(address=address)
    for host in ("127.0.0.1", "[::1]"):
        assert get(f"{running.scheme}://{host}:{running.port}/-/healthy").status_code == 200


def test_several_sockets_serve_one_site(serve) -> None:
    site = serve().site
    listeners = [open_socket(parse_address(text)) for text in ("127.0.0.1:0", "[::1]:0")]
    ports = [listener.getsockname()[1] for listener in listeners]
    server = WebServer(create_app(site), listeners)
    server.start()
    try:
        for host, port in zip(("127.0.0.1", "[::1]"), ports, strict=True):
            assert get(f"http://{host}:{port}/-/healthy").status_code == 200
    finally:
        server.stop(5)
    assert not server.alive


def test_it_runs_in_a_daemon_thread_and_leaves_signals_alone(serve) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    running = serve()
    assert running.server.alive
    assert any(thread.name == "web" and thread.daemon for thread in threading.enumerate())
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_what_keeps_it_from_starting_is_raised(serve) -> None:
    closed = open_socket(parse_address("127.0.0.1:0"))
    closed.close()
    server = WebServer(create_app(serve().site), [closed])
    with pytest.raises(OSError, match="Bad file descriptor"):
        server.start()
    server.stop(1)
    assert not server.alive


def test_stop_without_start_does_nothing(serve) -> None:
    with open_socket(parse_address("127.0.0.1:0")) as listener:
        server = WebServer(create_app(serve().site), [listener])
        server.stop(1)
        assert not server.alive


def test_stop_closes_every_kind_of_connection_at_once_and_frees_the_port(serve) -> None:
    running = serve(address=f"127.0.0.1:{free_port()}")
    silent, begun, idle = running.connect(), running.connect(b"GET /me"), running.connect(GET)
    assert idle.recv(1) == b"H"
    with within(3):
        running.server.stop(10)
    assert not running.server.alive
    for client in (silent, begun, idle):
        try:
            while client.recv(1 << 20):
                pass
        except ConnectionResetError:
            pass
    open_socket(parse_address(f"127.0.0.1:{running.port}")).close()
    running.server.stop(10)


def test_an_answer_under_way_may_finish(serve) -> None:
    running = serve()
    running.site.pieces = 300
    client = running.connect(GET, buffer=4096)
    received = bytearray(client.recv(1))
    stopper = threading.Thread(target=running.server.stop, args=(PATIENCE,))
    stopper.start()
    while data := client.recv(1 << 20):
        received += data
    assert received.endswith(b"\r\n0\r\n\r\n")
    stopper.join(PATIENCE)
    assert not running.server.alive


def test_a_client_that_does_not_read_does_not_hold_up_the_stop(serve) -> None:
    running = serve(Limits(answer=60))
    running.site.pieces = 2000
    for _ in range(10):
        running.connect(GET, buffer=4096).recv(1)
    began = time.monotonic()
    running.server.stop(1)
    assert 0.4 < time.monotonic() - began < here(1.5)
    assert not running.server.alive
    assert running.site.released.is_set()


def test_nobody_is_accepted_after_the_stop(serve) -> None:
    running = serve(address=f"127.0.0.1:{free_port()}")
    running.server.stop(5)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.port), timeout=PATIENCE)


SHORT_OF_FILES = """
import json, resource, sys, time
from exporter.web.app import Check, create_app
from exporter.web.listen import open_socket, parse_address
from exporter.web.server import CROWD, WebServer

class Site:
    def healthy(self):
        return Check(True, "ok")

listener = open_socket(parse_address("127.0.0.1:0"))
server = WebServer(create_app(Site()), [listener])
server.start()
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
print(listener.getsockname()[1], flush=True)
sys.stdin.readline()
before = time.process_time(), time.monotonic()
sys.stdin.readline()
print(json.dumps([time.process_time() - before[0], time.monotonic() - before[1]]), flush=True)
sys.stdin.readline()
server.stop(5)
print(server.alive)
"""


def test_running_out_of_file_descriptors_neither_stops_it_nor_makes_it_spin() -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SHORT_OF_FILES],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = int(process.stdout.readline())
        crowd = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(60)]
        try:
            process.stdin.write("\n")
            process.stdin.flush()
            # Served although there was no descriptor left: the oldest of the crowd made room.
            for _ in range(5):
                assert get(f"http://127.0.0.1:{port}/-/healthy").status_code == 200
            crowd += [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(60)]
            assert get(f"http://127.0.0.1:{port}/-/healthy").status_code == 200
            output, _ = process.communicate("\n\n", timeout=PATIENCE)
        finally:
            for client in crowd:
                client.close()
    *complaints, times, alive = output.splitlines()
    busy, passed = json.loads(times)
    assert busy < 0.5 * passed
    assert len(complaints) == 1
    assert "Too many open files" in complaints[0]
    assert alive == "False"


class TestCrowd:
    """Many wait to be accepted at once: a server that starts late, on a socket that listens already."""

    SERVED_OVER = ("http",)

    @pytest.fixture
    def late(self, serve) -> Iterator[tuple[FakeSite, int, Callable[[], None]]]:
        """Give the site and the port of a server, and what starts it."""
        site, listener = serve().site, open_socket(parse_address("127.0.0.1:0"))
        server = WebServer(create_app(site), [listener])
        yield site, listener.getsockname()[1], server.start
        server.stop(1)
        listener.close()

    @staticmethod
    def knock(port: int) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        client.sendall(GET)
        return client

    def test_those_that_have_left_are_not_answered(self, late) -> None:
        site, port, start = late
        for _ in range(3 * CROWD):
            self.knock(port).close()
        staying = [self.knock(port) for _ in range(5)]
        start()
        for client in staying:
            assert client.recv(100).startswith(b"HTTP/1.1 200 ")
            client.close()
        assert len(site.asked) <= CROWD + len(staying)

    def test_where_the_kernel_does_not_tell_all_are_answered(self, late, monkeypatch: pytest.MonkeyPatch) -> None:
        site, port, start = late
        monkeypatch.delattr(socket, "TCP_INFO")
        for _ in range(2 * CROWD):
            self.knock(port).close()
        staying = self.knock(port)
        start()
        assert staying.recv(100).startswith(b"HTTP/1.1 200 ")
        staying.close()
        assert len(site.asked) > CROWD + 1

    def test_while_few_wait_one_may_close_its_own_direction(self, late) -> None:
        _, port, start = late
        clients = [self.knock(port) for _ in range(CROWD)]
        for client in clients:
            client.shutdown(socket.SHUT_WR)
        start()
        for client in clients:
            assert client.recv(100).startswith(b"HTTP/1.1 200 ")
            client.close()
