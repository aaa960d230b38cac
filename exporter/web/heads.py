"""Reads the heads of requests, within limits. Bodies are never read."""

from __future__ import annotations

import re
from typing import Any

import h11

# The most bytes of a request's head, and of data that arrives while an earlier request is being answered.
HEAD_SIZE = 16 * 1024

# The most lines, including the request line. Scrapers and probes send ten, a browser behind proxies thirty. Parsing takes time
# for each line.
HEAD_LINES = 100

_END = re.compile(rb"\n\r?\n")


def too_large(received: bytes) -> bool:
    """Return whether the head at the beginning of ``received`` exceeds the limits, even if it is not complete yet."""
    end = _END.search(received, 0, HEAD_SIZE)
    if end is None and len(received) >= HEAD_SIZE:
        return True
    return received.count(b"\n", 0, end.start() + 1 if end else HEAD_SIZE) > HEAD_LINES


class RequestReader(h11.Connection):
    """The server's side of a connection, for an application that reads no bodies.

    A head that is too large is refused before it is parsed. Bodies are ignored. Chunked bodies are not even parsed, because
    each byte may be a chunk. ``refusal`` is the status code for a refused request.
    """

    def __init__(self) -> None:
        super().__init__(h11.SERVER, HEAD_SIZE)
        self.refusal = 400
        self._chunked = False

    def receive_data(self, data: bytes) -> None:
        """Add received data."""
        if not self._in_chunks():
            super().receive_data(data)

    def next_event(self) -> Any:
        """Return the next event, as h11 does. Raises RemoteProtocolError if the data is not HTTP or too large."""
        try:
            return self._next_event()
        except h11.RemoteProtocolError as error:
            self.refusal = error.error_status_hint
            raise

    def _next_event(self) -> Any:
        if self.their_state is h11.IDLE and too_large(self.trailing_data[0]):
            raise h11.RemoteProtocolError("the head is too large", error_status_hint=431)
        if self._in_chunks():
            return h11.PAUSED
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._chunked = any(name == b"transfer-encoding" for name, _ in event.headers)
        return h11.Data(data=b"") if isinstance(event, h11.Data) else event

    def _in_chunks(self) -> bool:
        return self._chunked and self.their_state is h11.SEND_BODY
