"""Bodies that share what they have in common are whole, and tell their own checksum and size."""

from __future__ import annotations

import zlib
from random import Random

import pytest

from exporter.exposition.body import Body, bodies
from exporter.exposition.format import Format
from exporter.exposition.render import Piece

SIZES = (0, 1, 7, 255, 256, 40_000)


def alike(text: str) -> Piece:
    return Piece(text, text)


def pieces(seed: int) -> list[Piece]:
    """Return some pieces of all sizes, alike and not, in an order of chance."""
    rng = Random(seed)
    found = []
    for number in range(12):
        text = "".join(rng.choices("abcdefgü模\n", k=rng.choice(SIZES)))
        found.append(alike(text) if rng.random() < 0.6 else Piece(text, f"{text} in OpenMetrics {number}"))
    return found


def texts(rendered: list[Piece]) -> dict[Format, bytes]:
    return {
        Format.TEXT: "".join(piece.text for piece in rendered).encode(),
        Format.OPENMETRICS: "".join(piece.openmetrics for piece in rendered).encode(),
    }


@pytest.mark.parametrize("seed", range(20))
def test_each_is_its_whole_text_with_its_checksum_and_size(seed: int) -> None:
    rendered = pieces(seed)
    for format_, body in bodies(rendered).items():
        text = texts(rendered)[format_]
        assert b"".join(body.inflated()) == text
        assert (body.crc, body.size) == (zlib.crc32(text), len(text))


def test_one_of_many_megabytes_has_the_right_checksum() -> None:
    text = "0123456789abcdef" * 2**20
    head, body = Piece("a", "bc"), bodies([Piece("a", "bc"), alike(text)])
    assert body[Format.TEXT].crc == zlib.crc32((head.text + text).encode())
    assert body[Format.OPENMETRICS].crc == zlib.crc32((head.openmetrics + text).encode())


def test_what_is_alike_is_held_once() -> None:
    text, openmetrics = bodies([alike("a" * 99), Piece("b", "c"), alike("d"), alike("e")]).values()
    assert [one is other for one, other in zip(text.pieces, openmetrics.pieces, strict=True)] == [True, False, True]


def test_more_can_be_appended_to_it() -> None:
    reader = zlib.decompressobj(-zlib.MAX_WBITS)
    for piece in bodies([alike("a" * 99), Piece("b", "c")])[Format.TEXT].pieces:
        reader.decompress(piece)
        assert piece.endswith(b"\x00\x00\xff\xff")
    assert not reader.eof


def test_nothing_is_an_empty_body() -> None:
    assert bodies([]) == {format_: Body() for format_ in Format}
    assert list(Body().inflated()) == []


def test_inflated_it_comes_in_small_pieces() -> None:
    rendered = [alike("a" * 1_000_000), Piece("b" * 100_000, "c")]
    assert max(map(len, bodies(rendered)[Format.TEXT].inflated())) <= 32 * 1024
