"""TlsConnection alone, between a transport and a protocol that note what reaches them: nothing listens here."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from contextlib import suppress
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.tls import SERVER, Authority, tls_section
from uvicorn.server import ServerState

from exporter.web.protocol import Limits, OpenConnections, Phase
from exporter.web.tls import TlsConnection
from exporter.web.webconfig.read import read

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable


class Socket:
    """Stands for a socket."""

    def __init__(self) -> None:
        self.options: list[tuple[Any, ...]] = []

    def setsockopt(self, *option: Any) -> None:
        self.options.append(option)


class Below(asyncio.Transport):
    """Stands for a socket's transport: keeps what is written; calls the protocol back as asyncio's does."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__({"peername": ("192.0.2.1", 4711), "socket": Socket()})
        self.protocol = protocol
        self.sent = bytearray()
        self.reading = True
        self.full = False
        self.closed = ""

    def write(self, data: Any) -> None:
        assert not self.closed
        self.sent += data
        if self.full:
            self.protocol.pause_writing()

    def close(self) -> None:
        self._end("closed")

    def abort(self) -> None:
        self._end("aborted")

    def _end(self, how: str) -> None:
        if not self.closed:
            self.closed = how
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    def is_closing(self) -> bool:
        return bool(self.closed)

    def is_reading(self) -> bool:
        return self.reading

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high == 0

    def get_write_buffer_size(self) -> int:
        return 0


class Above(asyncio.Protocol):
    """Stands for HTTP: notes what happens, in its order."""

    def __init__(self, *, keeps: bool = False) -> None:
        self.events: list[Any] = []
        self.data = bytearray()
        self.transport: Any = None
        self._keeps = keeps

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.events.append("made")

    def data_received(self, data: bytes) -> None:
        assert self.events[0] == "made"
        self.data += data

    def eof_received(self) -> bool:
        self.events.append("eof")
        return self._keeps

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.events.append("lost")
        self.transport.close()  # as uvicorn's does


class Client:
    """The other end, in memory."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=SERVER)

    def hello(self) -> bytes:
        with suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self._outgoing.read()

    def finish(self, received: bytes) -> bytes:
        self._incoming.write(received)
        self.tls.do_handshake()
        return self._outgoing.read()

    def sends(self, data: bytes) -> bytes:
        if data:
            self.tls.write(data)
        return self._outgoing.read()

    def ends(self) -> bytes:
        with suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        return self._outgoing.read()

    def reads(self, received: bytes) -> bytes:
        self._incoming.write(received)
        data = b""
        with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            while piece := self.tls.read(1 << 16):
                data += piece
        return data


class Rig:
    """A connection and both who are around it."""

    def __init__(self, server: ssl.SSLContext, above: Above, limits: Limits) -> None:
        self.state = ServerState()
        self.open_connections = OpenConnections(limits.connections)
        self.above = above
        file = SimpleNamespace(current=self._current)
        self._settings = SimpleNamespace(context=server, allowed_sans=frozenset())
        self.connection = TlsConnection(lambda: above, file, self.state, self.open_connections, limits)  # type: ignore[arg-type]
        self.below = Below(self.connection)

    async def _current(self) -> Any:
        await asyncio.sleep(0)
        return self._settings

    async def start(self) -> None:
        self.connection.connection_made(self.below)
        assert not self.below.reading  # until it is known what to accept it with
        while not self.below.reading:
            await asyncio.sleep(0)

    def takes(self, data: bytes) -> bytes:
        """Let data arrive, and return what is sent for it."""
        self.connection.data_received(data)
        return self.sent()

    def sent(self) -> bytes:
        data = bytes(self.below.sent)
        self.below.sent.clear()
        return data

    async def shake_hands(self, client: Client, more: bytes = b"") -> None:
        """Let the handshake come about; ``more`` comes with its end."""
        flight = self.takes(client.hello())
        self.takes(client.finish(flight) + client.sends(more))


@pytest.fixture(scope="session")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    folder = tmp_path_factory.mktemp("memory")
    authority = Authority(folder)
    (folder / "web.yaml").write_text(tls_section(authority.issue()))
    found = read(folder / "web.yaml")
    assert found.settings is not None
    assert found.settings.context is not None
    return found.settings.context, authority.context()


@pytest.fixture(scope="session")
def play(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> Callable[..., None]:
    """Play a scene on an event loop: it gets a rig that has been started, and a client."""

    def run(scene: Callable[[Rig, Client], Coroutine[Any, Any, None]], *, keeps: bool = False, **limits: Any) -> None:
        async def whole() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: pytest.fail(str(context)))
            rig = Rig(contexts[0], Above(keeps=keeps), Limits(**limits))
            await rig.start()
            assert len(rig.open_connections) == len(rig.state.connections) == 1
            await scene(rig, Client(contexts[1]))
            rig.below.abort()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert len(rig.open_connections) == len(rig.state.connections) == 0
            assert rig.above.events[-1:] in ([], ["lost"])

        asyncio.run(whole())

    return run


def in_pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[start:end] for start, end in pairwise(places) if end > start]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.binary(max_size=40_000), cuts=st.lists(st.integers(0, 50_000), max_size=8), early=st.booleans())
def test_what_is_sent_arrives_whole_however_it_is_cut(play, sent: bytes, cuts: list[int], early: bool) -> None:
    async def scene(rig: Rig, client: Client) -> None:
        flight = rig.takes(b"".join(in_pieces(client.hello(), ())))
        finished = client.finish(flight)
        stream = finished + client.sends(sent) if early else finished
        for piece in in_pieces(stream, cuts):
            rig.takes(piece)
        if not early:
            for piece in in_pieces(client.sends(sent), cuts):
                rig.takes(piece)
        assert rig.above.data == sent
        assert rig.above.events == ["made"]

    play(scene)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.binary(max_size=40_000), max_size=5))
def test_what_is_written_is_with_the_socket_at_once(play, parts: list[bytes]) -> None:
    async def scene(rig: Rig, client: Client) -> None:
        await rig.shake_hands(client)
        for part in parts:
            rig.above.transport.write(part)
            assert client.reads(rig.sent()) == part

    play(scene)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    noise=st.binary(min_size=1, max_size=300), place=st.integers(0, 3), cuts=st.lists(st.integers(0, 300), max_size=4)
)
def test_noise_at_any_moment_ends_the_connection_or_waits_for_more(
    play, noise: bytes, place: int, cuts: list[int]
) -> None:
    async def scene(rig: Rig, client: Client) -> None:
        if place == 1:
            rig.takes(client.hello())
        elif place > 1:
            await rig.shake_hands(client)
        if place == 3:
            stream = bytearray(client.sends(b"y" * 100))
            for position, byte in enumerate(noise[: len(stream)]):
                stream[position] ^= byte
        else:
            stream = bytearray(noise)
        for piece in in_pieces(bytes(stream), cuts):
            if not rig.below.closed:
                rig.takes(piece)
        assert rig.above.data in (b"", b"y" * 100)

    play(scene)


def test_a_client_that_ends_its_own_direction_gets_the_rest(play) -> None:
    async def scene(rig: Rig, client: Client) -> None:
        await rig.shake_hands(client, b"a request")
        rig.takes(client.ends())
        assert rig.above.events == ["made", "eof"]
        assert not rig.below.is_closing()
        assert rig.connection.eof_received() is True
        assert rig.above.events == ["made", "eof"]
        rig.above.transport.write(b"an answer")
        rig.above.transport.close()
        assert client.reads(rig.sent()) == b"an answer"
        assert rig.below.closed == "closed"

    play(scene, keeps=True)


@pytest.mark.parametrize("politely", [True, False])
def test_if_nobody_answers_the_end_is_the_end(play, politely: bool) -> None:
    async def scene(rig: Rig, client: Client) -> None:
        await rig.shake_hands(client)
        if politely:
            rig.takes(client.ends())
        else:
            assert rig.connection.eof_received() is True
        assert rig.above.events == ["made", "eof"]
        assert rig.below.closed == "closed"

    play(scene)


def test_before_the_handshake_the_end_is_the_end(play) -> None:
    async def scene(rig: Rig, client: Client) -> None:
        rig.takes(client.hello()[:50])
        assert rig.connection.eof_received() is True
        assert rig.below.closed == "closed"
        assert rig.above.events == []

    play(scene)


def test_the_socket_tells_http_when_it_is_full_and_when_all_is_sent(play) -> None:
    async def scene(rig: Rig, client: Client) -> None:
        await rig.shake_hands(client)
        rig.below.full = True
        rig.above.transport.write(b"x" * 100)
        rig.connection.resume_writing()
        assert rig.above.events == ["made", "pause", "resume"]

    play(scene)


def test_http_is_told_that_the_socket_was_full_before_it_began(play) -> None:
    async def scene(rig: Rig, client: Client) -> None:
        flight = rig.takes(client.hello())
        rig.connection.pause_writing()
        rig.takes(client.finish(flight))
        assert rig.above.events == ["made", "pause"]

    play(scene)


def test_who_makes_us_send_without_reading_is_dropped(play, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async def scene(rig: Rig, client: Client) -> None:
        await rig.shake_hands(client)
        rig.connection.pause_writing()
        rig.connection._outgoing.write(b"new keys, as the client asked")
        rig.takes(client.sends(b"x"))
        assert rig.below.closed == "aborted"

    play(scene)


def test_nothing_is_read_or_written_after_the_end(play) -> None:
    async def scene(rig: Rig, client: Client) -> None:
        await rig.shake_hands(client)
        more = client.sends(b"more")
        rig.above.transport.close()
        assert rig.above.transport.is_closing()
        rig.sent()
        rig.connection.data_received(more)
        rig.above.transport.write(b"x")
        rig.above.transport.close()
        assert rig.above.data == b""
        assert rig.sent() == b""

    play(scene)


def test_the_deadline_is_that_of_the_handshake_alone(play) -> None:
    async def late(rig: Rig, client: Client) -> None:
        while not rig.below.closed:
            await asyncio.sleep(0.01)
        assert rig.below.closed == "aborted"
        assert rig.below.get_extra_info("socket").options  # by a reset

    async def in_time(rig: Rig, client: Client) -> None:
        await rig.shake_hands(client)
        assert list(rig.open_connections) == []
        await asyncio.sleep(0.05)
        assert not rig.below.closed

    play(late, handshake=0.02)
    play(in_time, handshake=0.02)


def test_a_connection_that_is_lost_before_it_begins_leaves_nothing(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], caplog: pytest.LogCaptureFixture
) -> None:
    async def whole() -> None:
        rig = Rig(contexts[0], Above(), Limits())
        rig.connection.connection_made(rig.below)
        assert list(rig.open_connections) == [rig.connection]
        rig.connection.connection_lost(None)
        await asyncio.sleep(0)
        assert len(rig.open_connections) == len(rig.state.connections) == 0
        assert rig.above.events == []

    with caplog.at_level(logging.WARNING):
        asyncio.run(whole())
    assert caplog.records == []


def test_a_roster_that_is_full_of_handshakes_drops_the_oldest(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    async def whole() -> None:
        rigs = [Rig(contexts[0], Above(), Limits()) for _ in range(4)]
        open_connections = OpenConnections(3)
        for rig in rigs:
            rig.connection._open_connections = open_connections
            rig.connection.connection_made(rig.below)
        assert [rig.below.closed for rig in rigs] == ["aborted", "", "", ""]
        assert list(open_connections._phases[Phase.HANDSHAKE]) == [rig.connection for rig in rigs[1:]]
        for rig in rigs:
            rig.connection.finish()
        await asyncio.sleep(0)
        assert len(open_connections) == 0

    asyncio.run(whole())


def test_an_answer_as_long_as_a_page_is_read_by_a_slow_client(play) -> None:
    async def scene(rig: Rig, client: Client) -> None:
        await rig.shake_hands(client)
        page = random.Random(1).randbytes(500_000)
        for start in range(0, len(page), 32_768):
            rig.above.transport.write(page[start : start + 32_768])
        stream, got = rig.sent(), b""
        for piece in in_pieces(stream, range(0, len(stream), 777)):
            got += client.reads(piece)
        assert got == page

    play(scene)
