"""A mail server of 127.0.0.1 that keeps what it is given."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from typing import TYPE_CHECKING

from support.background import Background

if TYPE_CHECKING:
    from email.message import EmailMessage


class Mailbox(Background):
    """A server on a free port, without TLS or passwords, from the start of the ``with`` block to its end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[EmailMessage] = []
        server = _Server(("127.0.0.1", 0), _Handler)
        server.mailbox = self
        super().__init__(server)

    @property
    def messages(self) -> list[EmailMessage]:
        """What has arrived so far, in order."""
        with self._lock:
            return list(self._kept)

    def keep(self, message: EmailMessage) -> None:
        with self._lock:
            self._kept.append(message)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    mailbox: Mailbox


class _Handler(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        """Say yes to everything, as RFC 5321 has it."""
        self._say("220 ready")
        while line := self.rfile.readline():
            match line.split()[:1]:
                case [b"DATA"]:
                    self._say("354 go on")
                    self.server.mailbox.keep(self._message())
                    self._say("250 kept")
                case [b"QUIT"]:
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 yes")

    def _message(self) -> EmailMessage:
        lines = iter(self.rfile.readline, b".\r\n")
        # A dot more at the start of a line is none of the message.
        whole = b"".join(line.removeprefix(b".") for line in lines)
        return email.message_from_bytes(whole, policy=email.policy.default)

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())
