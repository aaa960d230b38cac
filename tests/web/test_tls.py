"""TLS as clients meet it, good ones and bad ones. What holds with and without it is in test_protocol and test_server."""

from __future__ import annotations

import logging
import select
import shutil
import socket
import ssl
import subprocess
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

import pytest
from structlog.testing import capture_logs
from support.pace import here, within
from support.processes import PATIENCE, wait_until
from support.tls import SERVER, Authority, Pair, tls_section
from support.tools import require

from exporter.web.protocol import Limits
from exporter.web.tls import HANDSHAKE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIECE = b"a_metric 1\n" * 4096
GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
CLOSING = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
HEALTHY = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def records(message: bytes) -> bytes:
    """Return a handshake message in records of TLS."""
    parts = [message[start : start + 16_000] for start in range(0, len(message), 16_000)]
    return b"".join(b"\x16\x03\x01" + len(part).to_bytes(2, "big") + part for part in parts)


HUGE_HELLO = records(b"\x01" + (120_000).to_bytes(3, "big") + b"\x03\x03" + bytes(119_998))
"""A ClientHello that says to be 120 KB long, and is."""

FLOODS = {
    "silent": b"",
    "half a hello": HUGE_HELLO[:200],
    "a huge hello": HUGE_HELLO,
    "plain HTTP": GET,
    "garbage": b"\x00" * 100,
    "an alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "application data at once": b"\x17\x03\x03\x40\x00" + b"y" * 16_384,
}


@pytest.fixture
def tls(server_pair: Pair) -> str:
    return tls_section(server_pair)


@contextmanager
def unheard(caplog: pytest.LogCaptureFixture) -> Iterator[list[Any]]:
    """See to it that nobody is told of anything but at level debug; give the lines that there are."""
    with caplog.at_level(logging.DEBUG), capture_logs() as logs:
        yield logs
    assert {line["log_level"] for line in logs} <= {"debug"}
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


def closed(client: socket.socket, drip: bytes = b"") -> float:
    """Wait until the server closes, sending the bytes one by one meanwhile; return the time of that."""
    with suppress(ConnectionError):
        for position in range(100_000):
            if drip:
                client.sendall(drip[position : position + 1])
            readable, _, _ = select.select([client], [], [], 0.02 if drip else PATIENCE)
            if readable and client.recv(1 << 16) == b"":
                break
    return time.monotonic()


def answered(running: Any, request: bytes) -> bytes:
    """Return all that the server answers; nothing if it does not let this client in."""
    try:
        answer: bytes = running.exchange(request)
    except (ssl.SSLError, ConnectionError):
        return b""
    return answer


class TestGoodClients:
    def test_an_answer_ends_with_the_end_of_tls(self, serve, tls: str, authority: Authority) -> None:
        running = serve(web=tls)
        raw = running.dial()
        with authority.context().wrap_socket(raw, server_hostname=SERVER, suppress_ragged_eofs=False) as client:
            client.sendall(CLOSING)
            received = b""
            while data := client.recv(1 << 16):  # raises SSLEOFError without that end
                received += data
        assert received.endswith(PIECE)

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    def test_either_version_is_spoken(self, serve, tls: str, version: ssl.TLSVersion) -> None:
        running = serve(web=tls)
        running.tls.minimum_version = running.tls.maximum_version = version
        running.site.pieces = 100
        assert running.exchange(CLOSING).count(b"a_metric") == 100 * 4096

    def test_each_connection_gets_the_certificate_of_its_moment(
        self, serve, authority: Authority, tmp_path: Path
    ) -> None:
        first, second = authority.issue(), authority.issue()
        shutil.copy(first.cert, tmp_path / "cert.pem")
        shutil.copy(first.key, tmp_path / "key.pem")
        running = serve(web="tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
        kept = running.connect()
        before = kept.tls.getpeercert()["serialNumber"]
        assert running.connect().tls.getpeercert()["serialNumber"] == before
        shutil.copy(second.cert, tmp_path / "cert.pem")
        # Between the two they do not fit.
        assert running.connect().tls.getpeercert()["serialNumber"] == before
        shutil.copy(second.key, tmp_path / "key.pem")
        assert running.connect().tls.getpeercert()["serialNumber"] != before
        kept.sendall(CLOSING)
        assert b"".join(iter(lambda: kept.recv(1 << 16), b"")).endswith(PIECE)


class TestClientCertificates:
    @pytest.fixture
    def required(self, tls: str, authority: Authority) -> str:
        return tls + f"  client_ca_file: {authority.file}\n  client_auth_type: RequireAndVerifyClientCert\n"

    def test_with_one_of_the_ca_all_is_served(self, serve, required: str, authority: Authority) -> None:
        running = serve(web=required, client=authority.issue("prometheus.example"))
        assert running.exchange(CLOSING).endswith(PIECE)

    def test_without_one_nothing_is_not_even_a_probe(self, serve, required: str, caplog) -> None:
        running = serve(web=required)
        with unheard(caplog) as logs:
            for request in (CLOSING, HEALTHY):
                assert answered(running, request) == b""
        assert running.site.asked == []
        assert {line["event"] for line in logs} == {"a TLS connection failed"}

    def test_with_one_of_another_ca_neither(self, serve, required: str, tmp_path: Path, caplog) -> None:
        running = serve(web=required, client=Authority(tmp_path).issue("prometheus.example"))
        with unheard(caplog) as logs:
            assert answered(running, CLOSING) == b""
        assert running.site.asked == []
        assert logs[0]["error"].startswith("the client's certificate was refused: ")
        assert logs[0]["client"] == "127.0.0.1"

    @pytest.mark.parametrize(
        ("allowed", "names", "passes"),
        [
            ("[prometheus.example]", ("prometheus.example",), True),
            ("[a.example, prometheus.example]", ("b.example", "prometheus.example"), True),
            ("['2001:DB8::1']", ("2001:db8:0:0::1",), True),
            ("[me@example.org]", ("me@example.org",), True),
            ("[prometheus.example]", ("grafana.example",), False),
            ("[prometheus.example]", ("x.prometheus.example",), False),
            ("[Prometheus.example]", ("prometheus.example",), False),
            ("['*.example']", ("prometheus.example",), False),
        ],
    )
    def test_names_are_compared_before_http(
        self, serve, required: str, authority: Authority, caplog, allowed: str, names: tuple[str, ...], passes: bool
    ) -> None:
        running = serve(web=f"{required}  client_allowed_sans: {allowed}\n", client=authority.issue(*names))
        with unheard(caplog) as logs:
            assert answered(running, CLOSING).endswith(PIECE) is passes
            assert bool(running.site.asked) is passes
        if not passes:
            assert logs == [
                {
                    "event": "dropped a client whose certificate has no allowed name",
                    "client": "127.0.0.1",
                    "sans": list(names),
                    "log_level": "debug",
                }
            ]

    def test_names_that_cannot_be_read_are_none(self, serve, required: str, authority: Authority, caplog) -> None:
        # One DNS name, which is no text.
        own = authority.issue_with_names(b"\x30\x04\x82\x02\xff\xfe")
        running = serve(web=f"{required}  client_allowed_sans: [prometheus.example]\n", client=own)
        with unheard(caplog) as logs:
            assert not answered(running, CLOSING)
        assert [line["sans"] for line in logs] == [[]]

    def test_it_needs_no_password_less_and_no_probe_more(self, serve, required: str, authority: Authority) -> None:
        hash_ = "$2b$04$" + "." * 53
        web = f"{required}basic_auth_users: {{alice: {hash_}}}\n"
        running = serve(web=web, client=authority.issue("prometheus.example"))
        assert running.exchange(CLOSING).startswith(b"HTTP/1.1 401 ")
        assert running.exchange(HEALTHY).startswith(b"HTTP/1.1 200 ")


class TestOddClients:
    def test_plain_http_is_told_what_to_write(self, serve, tls: str, caplog) -> None:
        headers = "http_server_config: {headers: {X-Frame-Options: deny}}\n"
        running = serve(web=tls + headers)
        client = running.dial()
        with unheard(caplog):
            client.sendall(GET)
            answer = client.recv(1 << 16)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert b"\r\nx-frame-options: deny" in head
        assert body == b"this port speaks HTTPS: write https:// in place of http://, or in Prometheus scheme: https\n"
        assert f"content-length: {len(body)}".encode() in head

    @pytest.mark.parametrize("sent", FLOODS.values(), ids=FLOODS.keys())
    def test_whoever_comes_to_no_handshake_is_closed_and_nobody_hears_of_it(
        self, serve, tls: str, caplog, sent: bytes
    ) -> None:
        running = serve(Limits(handshake=0.3), web=tls)
        with unheard(caplog):
            client = running.dial()
            with suppress(ConnectionError):
                client.sendall(sent)
            closed(client)
        assert running.exchange(CLOSING).endswith(PIECE)

    def test_a_silent_handshake_has_a_deadline(self, serve, tls: str) -> None:
        running, began = serve(Limits(handshake=0.3), web=tls), time.monotonic()
        assert 0.3 <= closed(running.dial()) - began < here(3)

    def test_that_dripped_bytes_do_not_prolong(self, serve, tls: str) -> None:
        running, began = serve(Limits(handshake=0.5), web=tls), time.monotonic()
        assert 0.5 <= closed(running.dial(), HUGE_HELLO) - began < here(3)

    def test_a_huge_hello_is_not_kept(self, serve, tls: str, caplog) -> None:
        running = serve(Limits(handshake=60), web=tls)
        with unheard(caplog) as logs:
            client = running.dial()
            with suppress(ConnectionError):
                client.sendall(HUGE_HELLO[:-1])
            closed(client)
        assert len(HUGE_HELLO) > HANDSHAKE_BYTES
        assert [line["event"] for line in logs] == ["dropped a client whose TLS handshake is too long"]

    @pytest.mark.parametrize("reset", [False, True])
    @pytest.mark.parametrize("sent", [b"", GET[:9], GET])
    def test_a_client_that_leaves_without_a_word_disturbs_nobody(
        self, serve, tls: str, caplog, sent: bytes, reset: bool
    ) -> None:
        running = serve(web=tls)
        running.site.pieces = 500
        with unheard(caplog):
            client = running.connect(sent, buffer=4096)
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.close()
            running.site.pieces = 1
            assert running.exchange(CLOSING).endswith(PIECE)

    def test_a_broken_record_ends_its_connection_and_no_other(self, serve, tls: str, caplog) -> None:
        running = serve(web=tls)
        with unheard(caplog) as logs:
            client = running.connect()
            raw = running.opened[-1]
            raw.sendall(b"\x17\x03\x03\x00\x20" + b"y" * 32)
            closed(raw)
            assert running.exchange(CLOSING).endswith(PIECE)
        assert client.tls.version() == "TLSv1.3"
        assert [line["event"] for line in logs] == ["a TLS connection failed"]

    def test_the_stop_does_not_wait_for_handshakes(self, serve, tls: str) -> None:
        running = serve(Limits(handshake=60), web=tls)
        clients = [running.dial() for _ in range(5)]
        running.exchange(CLOSING)
        with within(3):
            running.server.stop(10)
        assert not running.server.alive
        for client in clients:
            closed(client)


@pytest.mark.parametrize("sent", FLOODS.values(), ids=FLOODS.keys())
def test_no_flood_of_handshakes_costs_a_scrape(serve, scraping, tls: str, caplog, sent: bytes) -> None:
    places = 20
    running = serve(Limits(connections=places, handshake=60, head=60, answer=60, idle=60), web=tls)
    running.site.pieces = 20
    with unheard(caplog), scraping(running) as scraper:
        for _ in range(5):
            for _ in range(places // 2):
                with suppress(ConnectionError):
                    running.dial().sendall(sent)
            scraper.more(2)
        wait_until(lambda: sum(not is_closed(client) for client in running.opened) <= places, what="room to be made")
    print(scraper.slowest())


def is_closed(client: socket.socket) -> bool:
    poll = select.poll()
    poll.register(client, select.POLLRDHUP)
    return bool(poll.poll(0))


class Openssl:
    """``openssl s_client``, which does what no client should."""

    def __init__(self, port: int, authority: Authority, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [require("openssl"), "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", authority.file, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._output = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate(timeout=PATIENCE)

    def type(self, text: bytes) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(text)
            self._process.stdin.flush()

    def read_until(self, *words: bytes) -> bytes:
        """Return all output once it holds one of the words, or ends."""
        assert self._process.stdout is not None
        while not any(word in self._output for word in words):
            readable, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
            data = self._process.stdout.read1(1 << 16) if readable else b""  # type: ignore[attr-defined]
            if not data:
                break
            self._output += data
        return self._output


def test_nobody_renegotiates(serve, tls: str, authority: Authority, caplog) -> None:
    running = serve(web=tls)
    with unheard(caplog), Openssl(running.port, authority, "-tls1_2") as client:
        client.read_until(b"Verify return code: 0 (ok)")
        client.type(b"R\n")
        assert b"no renegotiation" in client.read_until(b"no renegotiation")
        assert running.exchange(CLOSING).endswith(PIECE)


def test_keys_are_renewed_as_a_client_asks(serve, tls: str, authority: Authority, caplog) -> None:
    running = serve(web=tls)
    with unheard(caplog), Openssl(running.port, authority, "-tls1_3") as client:
        client.read_until(b"Verify return code: 0 (ok)")
        client.type(b"K\n")
        assert b"KEYUPDATE" in client.read_until(b"KEYUPDATE")
        client.type(HEALTHY)
        assert b"all threads run" in client.read_until(b"all threads run")
