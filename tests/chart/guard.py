"""HTTPS, client certificates and passwords in front of an exporter, as the exporter's clients meet them."""

from __future__ import annotations

import base64
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import trustme
from support.web import get

if TYPE_CHECKING:
    from pathlib import Path

NAME = "tuning.watch.svc"
USER, PASSWORD = "prometheus", "pässword:with a colon"


def write_credentials(ca: trustme.CA, folder: Path, *, certificate: bool = False, password: str = "") -> Path:
    """Write what a client is given: the authority, and a certificate of its own or a password if wanted."""
    folder.mkdir()
    ca.cert_pem.write_to_path(str(folder / "ca.crt"))
    if certificate:
        write_certificate(ca, folder, "prometheus.example")
    if password:
        (folder / "username").write_text(USER, encoding="utf-8")
        (folder / "password").write_text(password, encoding="utf-8")
    return folder


def write_certificate(ca: trustme.CA, folder: Path, name: str) -> None:
    """Write a certificate and its key, as they are in a Secret."""
    own = ca.issue_cert(name)
    own.private_key_pem.write_to_path(str(folder / "tls.key"))
    own.cert_chain_pems[0].write_to_path(str(folder / "tls.crt"))


class Guard(ThreadingHTTPServer):
    """A server of HTTPS that passes on what an exporter answers, under a path, to those who may have it."""

    daemon_threads = True

    def __init__(self, exporter: str, *, certificates: bool = False, password: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.exporter, self.password = exporter, password
        self._ca = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(NAME).configure_cert(context)
        if certificates:
            context.verify_mode = ssl.CERT_REQUIRED
            self._ca.configure_trust(context)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self.serve_forever)

    @property
    def url(self) -> str:
        """Return the URL of the metrics."""
        return f"https://127.0.0.1:{self.server_port}/tuning/metrics"

    def write(self, folder: Path, *, certificate: bool = False, password: str = "") -> Path:
        """Write what a client of it is given; see ``write_credentials``."""
        return write_credentials(self._ca, folder, certificate=certificate, password=password)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients without a certificate are what tests send."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Guard

    def do_GET(self) -> None:
        expected = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        path = self.path.removeprefix("/tuning")
        if self.server.password and not path.startswith("/-/") and self.headers["Authorization"] != expected:
            self._answer(401, b"")
        else:
            answer = get(f"{self.server.exporter}{path}")
            self._answer(answer.status_code, answer.content)

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing."""
