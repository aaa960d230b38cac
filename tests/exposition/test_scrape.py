"""One body in two formats and two encodings: whatever reads it finds the same, and finds it whole."""

from __future__ import annotations

import gc
import gzip
import subprocess
import threading
import weakref
import zlib
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from support.tools import require
from support.views import facts, fleet, target, view
from support.web import get

from exporter.exposition import Format, Published, scrape
from exporter.exposition.families import families_in_force
from exporter.exposition.publish import EMPTY, publish
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 32 * 1024
OWN = b"# HELP own Mine.\n# TYPE own gauge\nown 1\n"


class Own(Telemetry):
    """The own metrics, standing still."""

    def render_text(self) -> bytes:
        return OWN

    def render_openmetrics(self) -> bytes:
        return OWN + b"# EOF\n"


def incompressible(size: int) -> Published:
    """Return tuning jobs whose labels hold noise, so that compressed is not much smaller than plain."""
    rng = Random(7)
    noise = [view(facts(), name=f"noise-{n}", labels={"noise": rng.randbytes(512).hex()}) for n in range(size)]
    return publish(1, [target(noise)])


BODIES = {
    "nothing yet": lambda: EMPTY,
    "no tuning jobs": lambda: publish(1, []),
    "one": lambda: publish(1, [target(fleet(1))]),
    "300": lambda: publish(1, [target(fleet(150)), target(view(facts(), name=f"second-{n}") for n in range(150))]),
    "noise": lambda: incompressible(200),
}
"""Each of the last two is some tens of pieces long, as text and compressed."""

every_body = pytest.mark.parametrize("published", BODIES, indirect=True)
every_format = pytest.mark.parametrize("format_", Format, ids=lambda format_: format_.name)


def series_of(text: bytes) -> list[bytes]:
    """Return the lines of a text without its metadata."""
    return [line for line in text.splitlines() if not line.startswith(b"#")]


@cache
def made(name: str) -> Published:
    """Return one of the bodies; only who runs a test with it makes it."""
    return BODIES[name]()


@pytest.fixture
def published(request: pytest.FixtureRequest) -> Published:
    return made(request.param)


def body(published: Published, format_: Format, *, compressed: bool) -> bytes:
    return b"".join(scrape(published, Own(), format_, gzip=compressed))


@every_body
@every_format
class TestGzip:
    def test_is_one_member_and_nothing_after_it(self, published: Published, format_: Format) -> None:
        reader = zlib.decompressobj(zlib.MAX_WBITS | 16)
        read = reader.decompress(body(published, format_, compressed=True))
        assert reader.eof
        assert reader.unused_data == b""
        assert read == body(published, format_, compressed=False)

    def test_ends_with_the_checksum_and_size_of_the_whole(self, published: Published, format_: Format) -> None:
        plain = body(published, format_, compressed=False)
        trailer = body(published, format_, compressed=True)[-8:]
        assert int.from_bytes(trailer[:4], "little") == zlib.crc32(plain)
        assert int.from_bytes(trailer[4:], "little") == len(plain)

    def test_is_read_by_the_gzip_module(self, published: Published, format_: Format) -> None:
        assert gzip.decompress(body(published, format_, compressed=True)) == body(published, format_, compressed=False)


@contextmanager
def served(content: bytes) -> Iterator[str]:
    """Serve a compressed body at the address that comes back."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/metrics"
        finally:
            server.shutdown()
            thread.join()


@every_body
class TestClients:
    def test_curl_reads_it_to_its_end(self, published: Published) -> None:
        curl = require("curl")
        with served(body(published, Format.TEXT, compressed=True)) as url:
            read = subprocess.run(
                [curl, "--silent", "--show-error", "--fail", "--compressed", url], capture_output=True, check=True
            )
        assert read.stdout == body(published, Format.TEXT, compressed=False)

    def test_httpx_reads_it_to_its_end(self, published: Published) -> None:
        with served(body(published, Format.TEXT, compressed=True)) as url:
            assert get(url).content == body(published, Format.TEXT, compressed=False)


@every_body
class TestPieces:
    def test_of_plain_text_are_small(self, published: Published) -> None:
        *pieces, own = scrape(published, Own(), Format.TEXT, gzip=False)
        assert own == OWN
        assert max(map(len, pieces), default=0) <= PIECE
        body = published.bodies[Format.TEXT]
        assert len(pieces) <= 2 * (body.size // PIECE + sum(map(len, body.pieces)) // PIECE + 2 * len(body.pieces))

    def test_of_gzip_are_few(self, published: Published) -> None:
        # Header, own series and trailer; the tuning jobs' break only where the formats differ, at each info.
        infos = sum(family.info for family in families_in_force(frozenset()))
        assert 3 <= len(list(scrape(published, Own(), Format.TEXT, gzip=True))) <= 3 + 1 + 2 * infos

    def test_are_the_tuning_jobs_and_then_the_own_series(self, published: Published) -> None:
        plain = body(published, Format.TEXT, compressed=False)
        assert len(plain) == published.bodies[Format.TEXT].size + len(OWN)
        assert plain.endswith(OWN)


def test_a_plain_body_keeps_no_view_alive() -> None:
    # Each rendering has views of its own, and slow readers may be at many renderings at once.
    class Labels(dict[str, str]):
        """What can be referred to weakly."""

    labels = Labels(team="search")
    published, kept = publish(1, [target([view(facts(), labels=labels)])]), weakref.ref(labels)
    pieces = scrape(published, Own(), Format.TEXT, gzip=False)
    next(pieces)
    del labels, published
    gc.collect()
    assert kept() is None
    assert list(pieces)[-1] == OWN


def test_the_own_series_of_a_plain_body_are_made_for_who_reads_so_far() -> None:
    class Counted(Own):
        rendered = 0

        def render_text(self) -> bytes:
            self.rendered += 1
            return super().render_text()

    own = Counted()
    pieces = scrape(made("one"), own, Format.TEXT, gzip=False)
    next(pieces)
    assert own.rendered == 0
    assert list(pieces)[-1] == OWN
    assert own.rendered == 1


@pytest.mark.parametrize("compressed", [False, True])
def test_openmetrics_ends_with_its_mark_and_text_has_none(compressed: bool) -> None:
    openmetrics, text = (
        body(made("one"), format_, compressed=compressed) for format_ in (Format.OPENMETRICS, Format.TEXT)
    )
    if compressed:
        openmetrics, text = gzip.decompress(openmetrics), gzip.decompress(text)
    assert openmetrics.endswith(OWN + b"# EOF\n")
    assert text.endswith(OWN)
    assert series_of(openmetrics) == series_of(text)


@pytest.mark.long
def test_each_format_is_read_by_its_parser() -> None:
    text = body(made("300"), Format.TEXT, compressed=False).decode()
    openmetrics = body(made("300"), Format.OPENMETRICS, compressed=False).decode()
    by_text, by_openmetrics = (
        {sample.name: len(family.samples) for family in families for sample in family.samples}
        for families in (parse_text(text), parse_openmetrics(openmetrics))
    )
    assert by_text == by_openmetrics
    assert by_text["sagemaker_tuning_job_up"] == 300
    assert by_text["own"] == 1


def test_two_scrapes_of_one_publication_are_alike_and_leave_it_alone() -> None:
    one = made("one")
    before = dict(one.bodies)
    assert body(one, Format.TEXT, compressed=True) == body(one, Format.TEXT, compressed=True)
    assert before == one.bodies
