"""The body of one scrape: what was published, and then the exporter's own series.

With gzip it is one member. The standard allows two, but curl, httpx and browsers stop after the first.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from exporter.exposition.format import Format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.exposition.body import Body
    from exporter.exposition.publish import Published
    from exporter.telemetry import Telemetry

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"  # deflate, no name, no time, fastest, unknown system


def scrape(published: Published, telemetry: Telemetry, format_: Format, *, gzip: bool) -> Iterator[bytes]:
    """Yield the body in pieces: few if compressed, many small ones if plain. So the plain body is never in memory as a whole."""
    own = telemetry.render_openmetrics if format_ is Format.OPENMETRICS else telemetry.render_text
    # Give them only what they need, so that a slow client does not keep the views of all tuning jobs in memory.
    body = published.bodies[format_]
    return _gzipped(body, own()) if gzip else _plain(body, own)


def _gzipped(body: Body, own: bytes) -> Iterator[bytes]:
    yield _GZIP_HEADER
    yield from body.pieces
    compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    yield compressor.compress(own) + compressor.flush(zlib.Z_FINISH)
    yield struct.pack("<II", zlib.crc32(own, body.crc), (body.size + len(own)) & 0xFFFF_FFFF)


def _plain(body: Body, own: Callable[[], bytes]) -> Iterator[bytes]:
    yield from body.inflated()
    yield own()
