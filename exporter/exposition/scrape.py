"""The body of one scrape: what was published, and after it the exporter's own few series.

Gzip comes as one member: two would be within the standard, but curl, httpx and browsers stop after the first.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from exporter.exposition.format import Format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.exposition.publish import Published
    from exporter.telemetry import Telemetry

_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"  # deflate, no name, no time, fastest, unknown system
# Hundreds of slow readers may each hold a piece, and what is left to inflate.
_PIECE = 32 * 1024
_DEFLATED_PIECE = 8 * 1024


def scrape(published: Published, telemetry: Telemetry, format_: Format, *, gzip: bool) -> Iterator[bytes]:
    """Yield the body in pieces: compressed in a few, plain in many small ones, so that it never stands whole in memory."""
    own = telemetry.render_openmetrics if format_ is Format.OPENMETRICS else telemetry.render_text
    # The plain one is handed no more than it needs: who reads slowly must not keep the views of all tuning jobs alive.
    return _gzipped(published, own()) if gzip else _plain(published.deflated, own)


def _gzipped(published: Published, own: bytes) -> Iterator[bytes]:
    yield _GZIP_HEADER
    yield published.deflated
    compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    yield compressor.compress(own) + compressor.flush(zlib.Z_FINISH)
    yield struct.pack("<II", zlib.crc32(own, published.crc), (published.size + len(own)) & 0xFFFF_FFFF)


def _plain(deflated: bytes, own: Callable[[], bytes]) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for start in range(0, len(deflated), _DEFLATED_PIECE):
        rest = deflated[start : start + _DEFLATED_PIECE]
        # What a call leaves over is copied, so it is handed little.
        while rest:
            yield inflater.decompress(rest, _PIECE)
            rest = inflater.unconsumed_tail
    del inflater
    yield own()
