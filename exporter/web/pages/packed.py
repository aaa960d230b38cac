"""A page on its way to a client, compressed until it is sent: hundreds of clients that do not read may each have one waiting."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from exporter.exposition.body import inflated
from exporter.web.pieces import Pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_GZIP = 16 + zlib.MAX_WBITS  # zlib's word for the format of gzip


class Packed:
    """A body, held as gzip. ``size`` is that of the body itself."""

    def __init__(self, body: bytes) -> None:
        self.size = len(body)
        self.gzip = gzip.compress(body, 1, mtime=0)

    def plain(self) -> Iterator[bytes]:
        """Yield the body itself in small pieces."""
        return inflated((self.gzip,), _GZIP)


class PackedResponse(Pieces):
    """Sends a body as gzip, or plain."""

    def __init__(self, body: Packed, status: int, headers: Mapping[str, str], media_type: str, *, gzip: bool) -> None:
        if gzip:
            pieces: Iterable[bytes] = (body.gzip,)
            own = {"Content-Encoding": "gzip", "Content-Length": str(len(body.gzip))}
        else:
            pieces, own = body.plain(), {"Content-Length": str(body.size)}
        super().__init__(pieces, {**headers, **own}, status, media_type)
