"""A page on its way to a client, compressed until it is sent: hundreds of clients that do not read may each have one waiting."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from starlette.responses import Response

from exporter.exposition.body import inflated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.types import Receive, Scope, Send

_GZIP = 16 + zlib.MAX_WBITS  # zlib's word for the format of gzip


class Packed:
    """A body, held as gzip. ``size`` is that of the body itself."""

    def __init__(self, body: bytes) -> None:
        self.size = len(body)
        self.gzip = gzip.compress(body, 1, mtime=0)

    def plain(self) -> Iterator[bytes]:
        """Yield the body itself in small pieces."""
        return inflated((self.gzip,), _GZIP)


class PackedResponse(Response):
    """Sends a body as gzip, or plain and piece by piece."""

    def __init__(self, body: Packed, status: int, headers: Mapping[str, str], media_type: str, *, gzip: bool) -> None:
        self.status_code = status
        self.media_type = media_type
        self.background = None
        self._body, self._gzip = body, gzip
        length = {"Content-Length": str(len(body.gzip) if gzip else body.size)}
        self.init_headers({**headers, **length} | ({"Content-Encoding": "gzip"} if gzip else {}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Send it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] != "HEAD":
            for piece in (self._body.gzip,) if self._gzip else self._body.plain():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
