"""What clients send, byte for byte, to the server's protocol and all behind it; without a socket.

A case's first line says how the application is set up (``plain``, ``prefix``, ``gate`` or ``reload``) and in pieces of how
many bytes the rest arrives.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import re
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import bcrypt
import h11
import structlog
from fuzz.mutate import other_bytes
from fuzz.target import Defect, Outcome, Target
from support.snapshots import hostile_site
from uvicorn.config import Config
from uvicorn.server import ServerState

from exporter.clock import SystemClock
from exporter.config import ConfigError, Problem
from exporter.exposition import TargetCollector, scrape
from exporter.exposition.publish import publish
from exporter.telemetry import Telemetry
from exporter.web.app import Check, create_app
from exporter.web.gate import Gate
from exporter.web.protocol import ClientProtocol, Limits, Roster
from exporter.web.webconfig.file import WebConfigFile

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from exporter.exposition import Format
    from exporter.web.pages import Snapshot

_KINDS = ("plain", "prefix", "gate", "reload")
_USER, _PASSWORD = "alice", b"secret"
_STATUSES = {200, 204, 307, 400, 401, 403, 404, 405, 408, 411, 413, 414, 429, 431, 500, 501, 503, 505}
_PATHS = (
    *(
        b"/",
        b"/metrics",
        b"/-/healthy",
        b"/-/ready",
        b"/-/reload",
        b"/targets",
        b"/config",
        b"/static/pages.css",
        b"/static/../x",
    ),
    *(
        b"/jobs/-/eu-west-1/everything",
        b"/jobs/%2e%2e/%00/a%2Fb",
        b"/api/v1/status",
        b"/api/v1/jobs",
        b"/api/v1/targets",
    ),
    *(
        b"/api/v1/config",
        b"/api/v1/jobs/123456789012/eu-west-1/x",
        b"//metrics",
        b"/metrics/",
        b"*",
        b"http://x/metrics",
        b"/%ff%fe",
    ),
    *(
        b"/?sort=name&page=2",
        b"/?status=Failed&q=%3Cscript%3Ealert(1)%3C/script%3E",
        b"/api/v1/jobs?page=0",
        b"/?page=9" + b"9" * 40,
    ),
    *(
        b"/p/metrics",
        b"/p",
        b"/p/",
        b"/p/api/v1/jobs?account=1&region=2&team=3",
        b"/jobs/" + b"a/" * 200,
        b"?",
        b"/metrics?" + b"a&" * 500,
    ),
)
_METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"OPTIONS", b"DELETE", b"CONNECT", b"TRACE", b"PRI", b"get", b"G\x00T")
_VERSIONS = (b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.10", b"")
_BASIC = b"Authorization: Basic "
_KNOWN = _BASIC + base64.b64encode(b"alice:secret")
_FIELDS = (
    *(
        b"Host: x",
        b"Host: x\r\nHost: y",
        b"Host:",
        b"Connection: close",
        b"Connection: keep-alive, Upgrade",
        b"Upgrade: websocket",
    ),
    *(
        b"Accept: */*",
        b"Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
        b"Accept: " + b"a/b;q=0.1," * 300,
    ),
    *(
        b"Accept-Encoding: gzip",
        b"Accept-Encoding: gzip;q=0, *;q=1",
        b"Accept-Encoding: gzip;q=nan",
        b"Content-Length: 5",
    ),
    *(
        b"Content-Length: -1",
        b"Content-Length: 5, 6",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Expect: 100-continue",
    ),
    *(_KNOWN, _BASIC + base64.b64encode(b"alice:\xff\x00:b"), _BASIC + b"=", b"Authorization: Bearer x"),
    *(
        b"Origin: https://evil.example",
        b"Sec-Fetch-Site: cross-site",
        b"Cookie: a=b",
        b"X-Forwarded-For: 1.2.3.4",
        b" folded: x",
        b"X: \xff\x00",
    ),
    *(
        b"Range: bytes=0-1",
        b"If-None-Match: *",
        b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA",
        b"X-Y: " + b"z" * 17_000,
        b"A: b\r\n" * 120 + b"C: d",
    ),
)
_BODIES = (
    b"",
    b"",
    b"hello",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"0\r\n\r\n",
    b"ffffffffffffffff\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00",
)


class _Site:
    """What is served: tuning jobs of which every text tries to be more than text."""

    def __init__(self) -> None:
        self._shown = hostile_site()
        self._telemetry = Telemetry()
        self._published = publish(1, self._shown.targets)
        self._telemetry.show(TargetCollector(lambda: self._published))

    def scrape(self, format: Format, gzip: bool) -> Iterable[bytes]:  # noqa: A002
        return scrape(self._published, self._telemetry, format, gzip=gzip)

    def healthy(self) -> Check:
        return Check(ok=True, detail="all threads run")

    def ready(self) -> Check:
        return Check(ok=False, detail="not yet")

    def snapshot(self) -> Snapshot:
        return self._shown

    def request_reload(self, trigger: str) -> Future[None]:
        done: Future[None] = Future()
        done.set_exception(ConfigError([Problem("config.yaml", 1, trigger, "is wrong")]))
        return done


class HttpRequests(Target):
    """See above."""

    def __init__(self, directory: Path) -> None:
        site = _Site()
        web = directory / "web.yaml"
        hashed = bcrypt.hashpw(_PASSWORD, bcrypt.gensalt(4)).decode()
        web.write_text(
            f"basic_auth_users: {{{_USER}: {hashed}}}\nhttp_server_config: {{headers: {{X-Frame-Options: deny}}}}\n"
        )
        file = WebConfigFile(web, SystemClock(), sleep=lambda _: None)
        self._runner = asyncio.Runner()
        plain = create_app(site)
        self._configs = {
            "plain": _config(plain),
            "prefix": _config(create_app(site, prefix="/p", show_pages=False)),
            "gate": _config(Gate(plain, file)),
            "reload": _config(create_app(site, lifecycle=True)),
        }
        self._log: list[Mapping[str, Any]] = []

    def seeds(self) -> Sequence[bytes]:
        """Return a request for each path, in each set-up."""
        gets = [b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path for path in _PATHS]
        made = [b"%b 0\n%b" % (kind.encode(), each) for kind in _KINDS for each in gets]
        return [*made, b"plain 7\n" + gets[0] + gets[1], b"gate 0\nGET / HTTP/1.1\r\nHost: x\r\n%b\r\n\r\n" % _KNOWN]

    def mutate(self, rng: random.Random, case: bytes) -> bytes:
        """Change a part of a request, add one, or change bytes."""
        first, _, sent = case.partition(b"\n")
        chance = rng.random()
        if chance < 0.1:
            return first + b"\n" + other_bytes(rng, sent, [*_FIELDS, *_METHODS, *_PATHS, *_BODIES])
        if chance < 0.2:
            return b"%b %d\n%b" % (rng.choice(_KINDS).encode(), rng.choice([0, 0, 1, 2, 7, 64, 1_000]), sent)
        if chance < 0.4:
            return case + _request(rng)
        if chance < 0.5 and first.startswith(b"gate"):
            return first + b"\n" + sent.replace(b"\r\n\r\n", b"\r\n" + _KNOWN + b"\r\n\r\n")
        head, separator, rest = sent.partition(b"\r\n\r\n")
        line, *fields = head.split(b"\r\n")
        match rng.randrange(5):
            case 0:
                line = _line(rng)
            case 1 if fields:
                fields.pop(rng.randrange(len(fields)))
            case 2:
                words = line.split(b" ")
                at = rng.randrange(len(words))
                words[at] = other_bytes(rng, words[at], _PATHS)
                line = b" ".join(words)
            case 3 if fields:
                at = rng.randrange(len(fields))
                fields[at] = other_bytes(rng, fields[at], _FIELDS)
            case _:
                fields.insert(rng.randint(0, len(fields)), rng.choice(_FIELDS))
        return first + b"\n" + b"\r\n".join([line, *fields]) + (separator or b"\r\n\r\n") + rest

    def run(self, case: bytes) -> Outcome:
        """Send it, wait until all is answered, and read what came back as a client does."""
        first, _, sent = case.partition(b"\n")
        kind, _, size = first.decode("latin-1").partition(" ")
        piece = int(size) if re.fullmatch("[0-9]{1,4}", size) and int(size) else max(1, len(sent))
        kind = kind if kind in self._configs else _KINDS[len(first) % len(_KINDS)]
        self._log.clear()
        structlog.configure(processors=[self._take_line])
        pieces = [sent[at : at + piece] for at in range(0, len(sent), piece)]
        received = self._runner.run(_exchange(self._configs[kind], pieces))
        for event in self._log:
            if event.get("log_level") == "error" or event.get("exc_info"):
                raise Defect(f"the server logs {event.get('event')}") from event.get("error")
        statuses = _read(received)
        said = " ".join(map(str, sorted(set(statuses)))) or "no answer"
        return Outcome(f"{kind}: {said}{', closed' if received.closed else ''}", bool(received.methods))

    def _take_line(self, _logger: object, name: str, event: Mapping[str, Any]) -> Any:
        self._log.append({**event, "log_level": "error" if name in {"error", "exception"} else name})
        raise structlog.DropEvent


class _Transport(asyncio.Transport):
    """A connection whose client takes everything at once."""

    def __init__(self, protocol: ClientProtocol) -> None:
        super().__init__({"socket": _Socket(), "peername": ("127.0.0.1", 5), "sockname": ("127.0.0.1", 10980)})
        self.received = bytearray()
        self.paused = self.closing = self.aborted = False
        self._protocol = protocol

    def write(self, data: Any) -> None:
        if not self.closing:
            self.received += data

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        self.aborted = True
        self.close()

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass


class _Socket:
    """What is asked of a socket beside the connection."""

    def setsockopt(self, *_: object) -> None:
        pass

    def getpeername(self) -> tuple[str, int]:
        return ("127.0.0.1", 5)

    def getsockname(self) -> tuple[str, int]:
        return ("127.0.0.1", 10980)


class _Received:
    """What a client got: the bytes, how the connection ended, and by which methods the application was asked."""

    def __init__(self, transport: _Transport, methods: Sequence[str]) -> None:
        self.sent = bytes(transport.received)
        self.closed, self.aborted = transport.closing, transport.aborted
        self.methods = methods


def _config(app: Any) -> Config:
    async def counted(scope: Any, receive: Any, send: Any) -> None:
        _methods.append(scope["method"])
        await app(scope, receive, send)

    config = Config(
        counted, http=ClientProtocol, ws="none", lifespan="off", interface="asgi3", log_config=None, access_log=False,
        proxy_headers=False, server_header=False, workers=1,
    )  # fmt: skip
    config.load()
    return config


_methods: list[str] = []


async def _exchange(config: Config, pieces: Sequence[bytes]) -> _Received:
    _methods.clear()
    state = ServerState()
    state.default_headers = [(b"x-content-type-options", b"nosniff")]
    protocol = ClientProtocol(config, state, Roster(4), Limits())
    transport = _Transport(protocol)
    protocol.connection_made(transport)
    for number, piece in enumerate(pieces):
        if transport.paused or number % 3 == 2:
            await _answered(state)
        if transport.paused or transport.closing:
            break
        protocol.data_received(piece)
    await _answered(state)
    if not transport.closing and not protocol.eof_received():
        transport.close()
    await _answered(state)
    found = _Received(transport, tuple(_methods))
    transport.close()
    while state.connections:
        await asyncio.sleep(0)
    return found


async def _answered(state: ServerState) -> None:
    await asyncio.sleep(0)
    while state.tasks:
        await asyncio.wait(state.tasks)
        await asyncio.sleep(0)


def _read(received: _Received) -> list[int]:
    """Return the statuses of all answers; raise Defect for what is none."""
    statuses: list[int] = []
    left = received.sent
    while left:
        method = received.methods[len(statuses)] if len(statuses) < len(received.methods) else "GET"
        client = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        with contextlib.suppress(h11.LocalProtocolError):  # methods that h11 would not send
            client.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
            client.send(h11.EndOfMessage())
        client.receive_data(left)
        if received.closed:
            client.receive_data(b"")
        try:
            head, body = _answer(client)
        except h11.RemoteProtocolError as error:
            if received.aborted:
                return statuses
            raise Defect(f"an answer is not HTTP: {error}") from error
        _check(head, body)
        statuses.append(head.status_code)
        left = client.trailing_data[0]
    if len(statuses) > len(received.methods) + 1:
        raise Defect("more answers than requests")
    return statuses


def _answer(client: h11.Connection) -> tuple[h11.Response, bytes]:
    body, head = bytearray(), None
    while not isinstance(event := client.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif not isinstance(event, h11.InformationalResponse):
            break
    if head is None:
        raise Defect("an answer does not begin")
    return head, bytes(body)


def _check(head: h11.Response, body: bytes) -> None:
    if head.status_code not in _STATUSES:
        raise Defect(f"an answer of status {head.status_code}")
    fields = dict(head.headers)
    if fields.get(b"x-content-type-options") != b"nosniff":
        raise Defect("an answer without its headers")
    if body and fields.get(b"content-encoding") == b"gzip":
        body = gzip.decompress(body)
    if fields.get(b"content-type", b"").startswith(b"text/html") and b"<script>alert(" in body:
        raise Defect("a page runs what was in a text")


def _line(rng: random.Random) -> bytes:
    return b" ".join(
        [
            rng.choice(_METHODS[:4] if rng.random() < 0.6 else _METHODS),
            rng.choice(_PATHS),
            rng.choice(_VERSIONS[:2] * 3 + _VERSIONS),
        ]
    )


def _request(rng: random.Random) -> bytes:
    fields = [b"Host: x", *rng.sample(_FIELDS, rng.randint(0, 3))]
    return b"\r\n".join([_line(rng), *fields]) + b"\r\n\r\n" + rng.choice(_BODIES)
