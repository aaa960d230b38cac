"""A response that is sent piece by piece, so that the whole body is never in memory for a slow client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.types import Receive, Scope, Send


class Pieces(Response):
    """Sends the pieces of a body, one after the other. ``headers`` should have the length if it is known."""

    def __init__(
        self, pieces: Iterable[bytes], headers: Mapping[str, str], status: int = 200, media_type: str | None = None
    ) -> None:
        self.status_code = status
        self.media_type = media_type
        self.background = None
        self._pieces = pieces
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Send the head, and for all methods but HEAD the pieces."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] != "HEAD":
            for piece in self._pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                del piece  # so that this piece is not kept while the next one is made
        await send({"type": "http.response.body", "body": b"", "more_body": False})
