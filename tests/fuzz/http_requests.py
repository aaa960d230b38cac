"""What clients send, byte for byte, to the server's protocol and all behind it; without a socket.

A case's first line says how the application is set up (``plain``, ``prefix``, ``gate`` or ``reload``) and in pieces of how
many bytes the rest arrives.
"""

from __future__ import annotations

import asyncio
import base64
import re
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import bcrypt
import structlog
from fuzz.exchange import exchange, server_config, statuses_of
from fuzz.mutate import other_bytes
from fuzz.target import Defect, Outcome, Target
from support.snapshots import hostile_site

from exporter.clock import SystemClock
from exporter.config import ConfigError, Problem
from exporter.exposition import TargetCollector, scrape
from exporter.exposition.publish import publish
from exporter.telemetry import Telemetry
from exporter.web.app import Check, create_app
from exporter.web.gate import Gate
from exporter.web.webconfig.file import WebConfigFile

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from exporter.exposition import Format
    from exporter.web.pages import Snapshot

_KINDS = ("plain", "prefix", "gate", "reload")
_USER, _PASSWORD = "alice", b"secret"
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
            "plain": server_config(plain),
            "prefix": server_config(create_app(site, prefix="/p", show_pages=False)),
            "gate": server_config(Gate(plain, file)),
            "reload": server_config(create_app(site, lifecycle=True)),
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
        received = self._runner.run(exchange(self._configs[kind], pieces))
        for event in self._log:
            if event.get("log_level") == "error" or event.get("exc_info"):
                raise Defect(f"the server logs {event.get('event')}") from event.get("error")
        statuses = statuses_of(received)
        said = " ".join(map(str, sorted(set(statuses)))) or "no answer"
        return Outcome(f"{kind}: {said}{', closed' if received.closed else ''}", bool(received.methods))

    def _take_line(self, _logger: object, name: str, event: Mapping[str, Any]) -> Any:
        self._log.append({**event, "log_level": "error" if name in {"error", "exception"} else name})
        raise structlog.DropEvent


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
