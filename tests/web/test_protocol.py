from __future__ import annotations

import logging
import select
import socket
import time
from contextlib import suppress
from typing import Any, BinaryIO

import pytest
from structlog.testing import capture_logs
from support.pace import here
from support.processes import PATIENCE, wait_until
from support.text import found

from exporter.web.heads import HEAD_SIZE
from exporter.web.protocol import Limits, OpenConnections, Phase

PIECE = b"a_metric 1\n" * 4096
SERVED_OVER = ("http", "https")
GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
CLOSING = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
HUGE = 2000  # pieces: 90 MB, which no kernel buffers for us


def read_answer(stream: BinaryIO) -> bytes:
    """Return one answer that has a length."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += stream.readline()
    return head + stream.read(int(found(rb"content-length: (\d+)", head)[1]))


def closed(client: Any, drip: bytes = b"") -> float:
    """Wait until the server closes, sending the bytes one by one meanwhile; return the time of that."""
    with suppress(ConnectionError):
        for position in range(100_000):
            if drip:
                client.sendall(drip[position : position + 1] or b"x")
            readable, _, _ = select.select([client], [], [], 0.02 if drip else PATIENCE)
            if readable and client.recv(1 << 16) == b"":
                break
    return time.monotonic()


class TestDeadlines:
    """A deadline runs from some moment after ``began`` on, and ends soon after its time."""

    def test_a_silent_connection_is_closed(self, serve) -> None:
        running, began = serve(Limits(head=0.3)), time.monotonic()
        assert 0.3 <= closed(running.connect()) - began < here(3)

    def test_dripped_bytes_do_not_prolong_the_head(self, serve) -> None:
        running, began = serve(Limits(head=0.5)), time.monotonic()
        client = running.connect(b"GET /metrics HTTP/1.1\r\nX: ")
        assert 0.5 <= closed(client, b"y" * 10_000) - began < here(3)

    def test_nor_that_of_a_further_request_on_a_kept_connection(self, serve) -> None:
        client = serve(Limits(head=0.5)).connect(GET)
        read_answer(client.makefile("rb"))
        began = time.monotonic()
        assert 0.5 <= closed(client, b"GET /metrics HTTP/1.1\r\nX: " + b"y" * 10_000) - began < here(3)

    def test_nor_when_its_beginning_came_with_the_request_before(self, serve) -> None:
        client = serve(Limits(head=0.3)).connect(GET + b"GET /met")
        read_answer(client.makefile("rb"))
        began = time.monotonic()
        assert closed(client) - began < here(3)

    def test_a_kept_connection_outlives_the_head_but_not_the_idle_time(self, serve) -> None:
        running, began = serve(Limits(head=0.1, idle=0.6)), time.monotonic()
        client = running.connect(GET)
        read_answer(client.makefile("rb"))
        assert 0.6 <= closed(client) - began < here(3)

    def test_a_client_that_does_not_read_is_dropped_and_costs_little(self, serve) -> None:
        running = serve(Limits(answer=0.5))
        running.site.pieces = HUGE
        began = time.monotonic()
        client = running.connect(GET, buffer=4096)
        assert running.site.released.wait(PATIENCE)
        assert 0.5 <= time.monotonic() - began < here(3)
        assert running.site.taken < 20  # the kernel alone would take sixty of its own accord
        assert len(read_to_end(client)) < HUGE * len(PIECE) / 4

    def test_a_client_that_reads_a_little_now_and_then_is_dropped_all_the_same(self, serve) -> None:
        running = serve(Limits(answer=0.5))
        running.site.pieces = HUGE
        client = running.connect(GET, buffer=4096)
        while not running.site.released.wait(0.02):
            client.recv(1000)
        assert running.site.taken < HUGE / 4

    def test_a_short_answer_that_is_not_read_is_dropped_too(self, serve) -> None:
        # Complete for HTTP, but stuck above the kernel: pipelined requests fill what is below.
        running = serve(Limits(answer=0.5, idle=60))
        running.site.pieces = 20
        client = running.connect(GET.replace(b"Host", b"Accept-Encoding: identity\r\nHost") * 100, buffer=4096)
        assert is_closed(client, within=PATIENCE)
        assert running.site.taken < 100 * 20

    def test_a_slow_reader_in_time_gets_everything(self, serve) -> None:
        running = serve(Limits(answer=20))
        running.site.pieces = 60
        client = running.connect(CLOSING, buffer=4096)
        body = read_to_end(client)
        assert body.count(PIECE[:11]) > 0
        assert unchunked(body) == PIECE * 60


def is_closed(client: Any, within: float = 0) -> bool:
    """Whether the server closes within so many seconds, seen without reading anything."""
    poll = select.poll()
    poll.register(client, select.POLLRDHUP)
    return bool(poll.poll(within * 1000))


def read_to_end(client: Any) -> bytes:
    received = bytearray()
    with suppress(ConnectionError):
        while data := client.recv(1 << 16):
            received += data
    return bytes(received)


def unchunked(answer: bytes) -> bytes:
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head.lower()
    body = bytearray()
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if int(size, 16) == 0:
            assert rest == b"\r\n"
            return bytes(body)
        body += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]


class TestOddRequests:
    """What HTTP makes of bytes: the same, whatever they come through."""

    SERVED_OVER = ("http",)

    @pytest.mark.parametrize(
        "garbage",
        [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # the beginning of TLS
            b"\x00" * 100,
            b"\r\n\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET /metrics HTTP/1.1\r\n\r\n",  # without Host
            b"GET /metrics HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
            b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            b"GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: odd\r\n\r\n",
            b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 2 * HEAD_SIZE,
            b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * HEAD_SIZE,
            b"y" * 4 * HEAD_SIZE,
        ],
    )
    def test_what_is_not_http_is_refused_and_nobody_hears_of_it(self, serve, caplog, garbage: bytes) -> None:
        running = serve()
        with caplog.at_level(logging.DEBUG), capture_logs() as logs:
            answer = running.exchange(garbage)
        # A reset may overtake the answer to who sends more than is read.
        refusals = (b"HTTP/1.1 431 ",) if len(garbage) > HEAD_SIZE else (b"HTTP/1.1 400 ", b"HTTP/1.1 501 ")
        assert answer.startswith(refusals) or (not answer and len(garbage) > HEAD_SIZE)
        assert not answer or b"x-content-type-options: nosniff" in answer
        assert {line["log_level"] for line in logs} <= {"debug"}
        assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []
        assert running.exchange(CLOSING).endswith(PIECE)

    def test_a_head_just_within_bounds_is_read(self, serve) -> None:
        head = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: "
        padded = head + b"y" * (HEAD_SIZE - len(head) - 4) + b"\r\n\r\n"
        assert serve().exchange(padded).startswith(b"HTTP/1.1 200 ")

    @pytest.mark.parametrize("size", [HEAD_SIZE + 1, 4 * HEAD_SIZE, 12 * HEAD_SIZE])
    def test_a_head_beyond_bounds_is_refused_though_it_is_complete(self, serve, size: int) -> None:
        running = serve()
        head = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: "
        padded = head + b"a," * ((size - len(head) - 4) // 2) + b"\r\n\r\n"
        assert running.exchange(padded).startswith(b"HTTP/1.1 431 ")
        assert running.site.asked == []

    def test_also_behind_a_request_that_is_answered(self, serve) -> None:
        answer = serve().exchange(GET + b"GET /metrics HTTP/1.1\r\n" + b"a: b\r\n" * 1000 + b"\r\n")
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"HTTP/1.1 431 " in answer

    @pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST"])
    @pytest.mark.parametrize("later", [False, True])
    def test_a_broken_body_takes_nothing_from_the_answer_and_nobody_hears_of_it(
        self, serve, caplog, method: bytes, later: bool
    ) -> None:
        running = serve()
        for framing in (b"Transfer-Encoding: chunked", b"Content-Length: 2", b"Connection: close"):
            head = method + b" /-/healthy HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n"
            for body in (b"nonsense\r\n", b"1\r\nx\r\n" * 2000, b"-1\r\n", b"\x00" * 3000):
                with caplog.at_level(logging.DEBUG), capture_logs() as logs, suppress(OSError):
                    client = running.connect(head if later else head + body)
                    client.sendall(body if later else b"")
                    client.shutdown(socket.SHUT_WR)
                    answer = read_to_end(client)
                    status = b"HTTP/1.1 405 " if method == b"POST" else b"HTTP/1.1 200 "
                    # A reset may overtake the answer to who sends more than is read.
                    assert answer.startswith(status) or (later and not answer)
                assert running.exchange(CLOSING).endswith(PIECE)
                assert len(logs) <= 1
                assert {line["log_level"] for line in logs} <= {"debug"}
                assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


class TestOddClients:
    @pytest.mark.parametrize("garbage", [b"\x00" * 100, b"y" * 4 * HEAD_SIZE])
    def test_what_is_not_http_is_refused(self, serve, garbage: bytes) -> None:
        running = serve()
        answer = running.exchange(garbage)
        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 ")) or (not answer and len(garbage) > HEAD_SIZE)
        assert running.exchange(CLOSING).endswith(PIECE)

    def test_a_client_of_http_2_that_did_not_ask_is_sent_away(self, serve) -> None:
        assert serve().exchange(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").startswith(b"HTTP/1.1 404 ")

    @pytest.mark.parametrize("framing", [b"Content-Length: 1000000000", b"Transfer-Encoding: chunked"])
    @pytest.mark.parametrize(("method", "status"), [(b"GET", b"200"), (b"POST", b"405")])
    def test_a_body_is_not_waited_for(self, serve, framing: bytes, method: bytes, status: bytes) -> None:
        answer = serve().exchange(method + b" /metrics HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 " + status)
        assert b"connection: close" in answer

    def test_a_body_that_came_with_its_request_is_ignored(self, serve) -> None:
        stream = serve().connect(GET.replace(b"Host", b"Content-Length: 3\r\nHost") + b"abc" + GET).makefile("rb")
        assert read_answer(stream).endswith(PIECE)
        assert read_answer(stream).endswith(PIECE)

    def test_a_client_that_waits_to_be_asked_for_its_body_gets_its_answer(self, serve) -> None:
        answer = serve().exchange(
            b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
        )
        assert answer.startswith(b"HTTP/1.1 405 ")

    @pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
    def test_an_upgrade_is_not_taken_up(self, serve, caplog, protocol: bytes) -> None:
        upgrade = CLOSING.replace(b"Connection: close", b"Connection: Upgrade, close\r\nUpgrade: " + protocol)
        assert serve().exchange(upgrade).startswith(b"HTTP/1.1 200 ")
        assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []

    def test_a_tunnel_is_refused(self, serve) -> None:
        answer = serve().exchange(b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 40")

    @pytest.mark.parametrize("pieces", [1, 60])
    def test_a_client_that_closed_its_own_direction_gets_everything(self, serve, pieces: int) -> None:
        running = serve()
        running.site.pieces = pieces
        client = running.connect(GET, buffer=4096)
        client.shutdown(socket.SHUT_WR)
        body = read_to_end(client)
        assert (unchunked(body) if pieces > 1 else body).endswith(PIECE * pieces)

    def test_also_all_that_it_asked_for_at_once(self, serve) -> None:
        client = serve().connect(GET * 5)
        client.shutdown(socket.SHUT_WR)
        assert read_to_end(client).count(b"HTTP/1.1 200 ") == 5

    def test_a_client_that_closed_its_own_direction_before_asking_is_closed(self, serve) -> None:
        client = serve(Limits(head=60)).connect(b"GET /metr")
        began = time.monotonic()
        client.shutdown(socket.SHUT_WR)
        assert closed(client) - began < here(3)

    def test_a_kept_connection_is_answered_without_delay(self, serve) -> None:
        client = serve().connect()
        stream = client.makefile("rb")
        times = []
        for _ in range(100):
            began = time.monotonic()
            client.sendall(GET.replace(b"/metrics", b"/-/healthy"))
            read_answer(stream)
            times.append(time.monotonic() - began)
        assert min(times[1:]) < 0.02  # a delayed acknowledgement takes 0.04 s, and would each time

    def test_pipelined_requests_are_answered_in_order(self, serve) -> None:
        paths = [b"/-/healthy", b"/metrics", b"/nothing", b"/-/ready"]
        stream = serve().connect(b"".join(GET.replace(b"/metrics", path) for path in paths)).makefile("rb")
        answers = [read_answer(stream) for _ in paths]
        assert [answer.split(b" ", 2)[1] for answer in answers] == [b"200", b"200", b"404", b"200"]
        assert answers[1].endswith(PIECE)
        assert answers[3].endswith(b"ready\n")

    def test_who_asks_far_ahead_is_dropped(self, serve) -> None:
        client = serve().connect()
        with suppress(ConnectionError):
            client.sendall(GET * HEAD_SIZE)
        assert read_to_end(client).count(b"HTTP/1.1 200 ") < HEAD_SIZE

    @pytest.mark.parametrize("reset", [False, True])
    def test_the_answer_to_a_client_that_left_is_given_up(self, serve, caplog, reset: bool) -> None:
        running = serve()
        running.site.pieces = HUGE
        client = running.connect(GET, buffer=4096)
        client.recv(1)
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        with capture_logs() as logs:
            client.close()
            assert running.site.released.wait(PATIENCE)
            assert running.exchange(
                GET.replace(b"/metrics", b"/-/healthy").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            )
        assert running.site.taken < HUGE / 4
        assert {line["log_level"] for line in logs} <= {"debug"}
        assert caplog.records == []


FLOODS = {
    "silent": b"",
    "half a head": b"GET /metrics HTTP/1.1\r\nX: y",
    "idle": b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n",
    "not reading": b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    "a body without end": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n",
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "pipelined": b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 100,
    "a huge head": b"GET /metrics HTTP/1.1\r\nX: " + b"y" * HEAD_SIZE,
}


@pytest.mark.parametrize("sent", FLOODS.values(), ids=FLOODS.keys())
def test_no_flood_costs_a_scrape(serve, scraping, sent: bytes) -> None:
    places = 20
    running = serve(Limits(connections=places, head=60, answer=60, idle=60))
    running.site.pieces = 50
    with scraping(running) as scraper:
        for _ in range(5):
            for _ in range(places // 2):
                with suppress(ConnectionError):
                    running.connect(sent, buffer=4096)
            scraper.more(2)
        wait_until(lambda: sum(not is_closed(client) for client in running.opened) <= places, what="room to be made")


def test_a_reader_that_gets_on_stays_while_those_that_do_not_come_and_go(serve) -> None:
    running = serve(Limits(connections=6))
    running.site.pieces = 200
    # What waits in a larger buffer is read without the server seeing that anybody does.
    reader = running.connect(CLOSING, buffer=1 << 16)
    received = bytearray()
    for _ in range(40):
        running.connect(GET, buffer=4096).recv(1)
        received += reader.recv(1 << 16)
    received += read_to_end(reader)
    assert unchunked(bytes(received)) == PIECE * running.site.pieces
    wait_until(lambda: sum(not is_closed(client) for client in running.opened[1:]) <= 6, what="room to be made")


def test_a_mixed_flood_costs_no_scrape(serve, scraping) -> None:
    brief = here(0.3)  # and yet long enough for the scraper
    running = serve(Limits(connections=20, head=brief, answer=brief, idle=brief))
    running.site.pieces = 50
    with scraping(running, allowed=brief) as scraper:
        for _ in range(12):
            for sent in FLOODS.values():
                with suppress(ConnectionError):
                    running.connect(sent, buffer=4096)
        scraper.more(5)


class _Occupant:
    """Stands for an open connection."""

    def __init__(self, name: str, dropped: list[str]) -> None:
        self.name, self._dropped = name, dropped

    def drop(self) -> None:
        self._dropped.append(self.name)


def occupant(name: str, dropped: list[str]) -> Any:
    """Return what may be taken for an open connection; its name is noted when it is dropped."""
    return _Occupant(name, dropped)


class TestOpenConnections:
    def test_room_is_made_by_the_oldest_of_the_most_crowded_phase(self) -> None:
        dropped: list[str] = []
        open_connections = OpenConnections(6)
        entries = [("a", Phase.IDLE), ("b", Phase.HEAD), ("c", Phase.HEAD), ("d", Phase.HEAD), ("e", Phase.ANSWER)]
        occupants = {name: occupant(name, dropped) for name in "abcdefgh"}
        for name, phase in entries:
            open_connections.enter(occupants[name], phase)
        open_connections.enter(occupants["b"], Phase.ANSWER)
        open_connections.enter(occupants["b"], Phase.HEAD)  # the youngest of its phase now
        open_connections.enter(occupants["f"], Phase.HEAD)
        assert dropped == []
        open_connections.enter(occupants["g"], Phase.HEAD)
        open_connections.enter(occupants["h"], Phase.IDLE)
        assert dropped == ["c", "d"]
        assert len(open_connections) == 6

    def test_answers_under_way_are_kept_unless_they_are_the_crowd(self) -> None:
        dropped: list[str] = []
        open_connections = OpenConnections(3)
        for name, phase in [("a", Phase.ANSWER), ("b", Phase.IDLE), ("c", Phase.IDLE), ("d", Phase.ANSWER)]:
            open_connections.enter(occupant(name, dropped), phase)
        assert dropped == ["b"]
        open_connections.enter(occupant("e", dropped), Phase.ANSWER)
        assert dropped == ["b", "a"]

    def test_changing_the_phase_takes_no_room(self) -> None:
        dropped: list[str] = []
        open_connections = OpenConnections(2)
        first, second = occupant("a", dropped), occupant("b", dropped)
        open_connections.enter(first, Phase.HEAD)
        open_connections.enter(second, Phase.HEAD)
        open_connections.enter(first, Phase.IDLE)
        assert dropped == []
        assert set(open_connections) == {first, second}

    def test_of_answers_the_one_that_waited_longest_for_its_reader_makes_room(self) -> None:
        dropped: list[str] = []
        open_connections = OpenConnections(2)
        first, second, third = (occupant(name, dropped) for name in "abc")
        for each in (first, second, first, third):
            open_connections.enter(each, Phase.ANSWER)
        assert dropped == ["b"]
        assert set(open_connections) == {first, third}

    def test_nobody_is_dropped_from_no_open_connections(self) -> None:
        open_connections = OpenConnections(1)
        open_connections.drop_oldest(5)
        assert len(open_connections) == 0
