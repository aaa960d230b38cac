"""Compresses text in pieces, so that the bodies of the two formats share the pieces that are equal."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from exporter.exposition.format import Format

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exporter.exposition.render import Piece

_LEVEL = 1  # this reduces the size to a twentieth; higher levels need several times the CPU for a few percent
_POLYNOMIAL = 0xEDB88320  # of CRC-32, with its bits reversed

# The sizes of pieces are small, because hundreds of slow clients may each hold a piece and the rest of its data.
_INFLATED = 32 * 1024
_DEFLATED = 8 * 1024


@dataclass(frozen=True, slots=True)
class Body:
    """A compressed text. ``crc`` and ``size`` are those of the plain text.

    The pieces form one raw deflate stream. It ends at a byte boundary and has no last block, so that each scrape can append its
    own end and still send one gzip member.
    """

    pieces: tuple[bytes, ...] = ()
    crc: int = 0
    size: int = 0

    def inflated(self) -> Iterator[bytes]:
        """Yield the plain text in small pieces."""
        return inflated(self.pieces, -zlib.MAX_WBITS)


def inflated(pieces: Iterable[bytes], wbits: int) -> Iterator[bytes]:
    """Yield what was compressed, in small pieces. ``wbits`` says in which format, as in ``zlib.decompressobj``."""
    inflater = zlib.decompressobj(wbits)
    for piece in pieces:
        for start in range(0, len(piece), _DEFLATED):
            rest = piece[start : start + _DEFLATED]
            # Each call copies the data that it does not use, so give it little.
            while rest:
                yield inflater.decompress(rest, _INFLATED)
                rest = inflater.unconsumed_tail


def bodies(rendered: Iterable[Piece]) -> dict[Format, Body]:
    """Return the rendered text as a body for each format."""
    segments: dict[Format, list[_Segment]] = {format_: [] for format_ in Format}
    for alike, pieces in groupby(rendered, lambda piece: piece.text is piece.openmetrics):
        if alike:
            shared = _deflate(piece.text for piece in pieces)
            for found in segments.values():
                found.append(shared)
        else:
            for piece in pieces:
                segments[Format.TEXT].append(_deflate([piece.text]))
                segments[Format.OPENMETRICS].append(_deflate([piece.openmetrics]))
    return {format_: _joined(found) for format_, found in segments.items()}


class _Segment(NamedTuple):
    """A part of a stream that does not refer to earlier data."""

    deflated: bytes
    crc: int
    size: int


def _deflate(texts: Iterable[str]) -> _Segment:
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    deflated: list[bytes] = []
    crc = size = 0
    for text in texts:
        block = text.encode()
        crc = zlib.crc32(block, crc)
        size += len(block)
        deflated.append(compressor.compress(block))
    deflated.append(compressor.flush(zlib.Z_FULL_FLUSH))
    return _Segment(b"".join(deflated), crc, size)


def _joined(segments: list[_Segment]) -> Body:
    crc = 0
    for segment in segments:
        crc = _crc_of_both(crc, segment.crc, segment.size)
    return Body(tuple(segment.deflated for segment in segments), crc, sum(segment.size for segment in segments))


def _crc_of_both(first: int, second: int, size: int) -> int:
    """Return the CRC-32 of two texts in a row, from both CRCs and the size of the second, like zlib's crc32_combine."""
    shift, power = 1 << 31, 1 << 23  # polynomials: 1, and x ** 8 for one byte
    while size:
        if size & 1:
            shift = _times(shift, power)
        power = _times(power, power)
        size >>= 1
    return _times(shift, first) ^ second


def _times(one: int, other: int) -> int:
    """Multiply two polynomials modulo that of CRC-32."""
    product = 0
    for place in range(31, -1, -1):
        if one >> place & 1:
            product ^= other
        other = other >> 1 ^ (_POLYNOMIAL if other & 1 else 0)
    return product
