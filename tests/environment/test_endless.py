"""Endpoints that drip, or that never come to an end: the exporter outlives them, and sees when they are well again."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

import pytest
from environment.process import configuration
from support.processes import wait_until


class Gate:
    """An endpoint in front of another: while ``bad`` is set, that is called with each connection's socket instead."""

    def __init__(self, endpoint):
        self.bad = None
        self.hung_up = 0
        self._backend = endpoint.removeprefix("http://").split(":")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with suppress(OSError), connection:
            request = _read(connection)
            if self.bad is None:
                with socket.create_connection(self._backend) as backend:
                    backend.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
                    while some := backend.recv(65_536):
                        connection.sendall(some)
                return
            try:
                self.bad(connection)
            except OSError:
                self.hung_up += 1


def _read(connection):
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65_536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def drip(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b" ")
        time.sleep(0.1)


def flood(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b'{"a": ' * 100_000)


@pytest.fixture
def gate(endpoint):
    with Gate(endpoint) as gate:
        yield gate


@pytest.mark.parametrize(("bad", "code"), [(drip, "timeout"), (flood, "malformed_answer")], ids=["drips", "floods"])
def test_an_endpoint_that_never_ends_is_cut_and_seen_when_it_is_well(run, gate, tmp_path, bad, code):
    file = tmp_path / "config.yaml"
    text = configuration(gate.url, "one", "two")
    if bad is drip:  # and no other, which a short time-out would cut before it is too long
        text = text.replace("aws: {", "aws: {connect_timeout: 500ms, read_timeout: 500ms, ")
    file.write_text(text)
    exporter = run(file)
    exporter.wait_for_up("one", "two")
    before = memory(exporter.pid)
    gate.bad = bad
    exporter.wait_for_code(code)
    wait_until(lambda: gate.hung_up >= 4, what="connections that the exporter closed")
    assert exporter.up() == {"one": 0, "two": 0}
    assert memory(exporter.pid) < before + 64 * 1024 * 1024
    gate.bad = None
    exporter.wait_for_up("one", "two")
    assert "Traceback" not in exporter.output()


def memory(pid):
    """Return the most bytes that the process ever held."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
