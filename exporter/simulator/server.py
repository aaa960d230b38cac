"""The simulator over HTTP: SageMaker's JSON protocol and STS' query protocol on one port."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import socketserver
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qsl

from exporter.simulator import sts
from exporter.simulator.errors import ApiError
from exporter.simulator.service import Request

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from exporter.simulator.service import Simulator

_TARGET_PREFIX = "SageMaker."
_SCOPE = re.compile(r"AWS4-HMAC-SHA256 .*Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/[^/,\s]+/aws4_request")


class Server:
    """Serves a simulator on an address of this machine; also a context manager that starts and stops it.

    Port 0 takes any free one. The address is bound at once: an OSError here means it is taken.
    """

    def __init__(self, simulator: Simulator, host: str = "127.0.0.1", port: int = 0) -> None:
        self._listener = _Listener(simulator, host, port)
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.02}, name="simulator", daemon=True
        )

    @property
    def url(self) -> str:
        """The endpoint URL, without a slash at its end."""
        host, port = self._listener.server_address[:2]
        host = str(host)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Begin to answer. Call it once."""
        self._thread.start()

    def stop(self) -> None:
        """Close the address and every connection. Call it once, after ``start``."""
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()
        self._listener.hang_up()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, simulator: Simulator, host: str, port: int) -> None:
        self.simulator = simulator
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__((host, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up: they are free to."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        """End the connections that clients keep alive; their threads then close them."""
        with self._open_lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave in one packet
    disable_nagle_algorithm = True
    server: _Listener

    def do_POST(self) -> None:
        """Answer one request of either protocol."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request_id = str(uuid.uuid4())
        if self.headers.get_content_type() == "application/x-www-form-urlencoded":
            self._answer_query(body, request_id)
        else:
            self._answer_json(body, request_id)

    def _answer_json(self, body: bytes, request_id: str) -> None:
        target = self.headers.get("X-Amz-Target", "")
        operation = target.removeprefix(_TARGET_PREFIX) if target.startswith(_TARGET_PREFIX) else ""
        try:
            content = json.loads(body)
        except ValueError:
            content = None
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": request_id}
        status = 200
        try:
            answer = self._handle("sagemaker", operation, content)
        except ApiError as error:
            status = error.http_status
            headers["x-amzn-ErrorType"] = error.code
            answer = {"__type": error.code, "message": error.message}
        self._send(status, headers, json.dumps(answer).encode())

    def _answer_query(self, body: bytes, request_id: str) -> None:
        content = dict(parse_qsl(body.decode("utf-8", "replace")))
        operation = content.get("Action", "")
        status = 200
        try:
            answer = sts.answer_xml(operation, self._handle("sts", operation, content), request_id)
        except ApiError as error:
            status = error.http_status
            answer = sts.error_xml(error, request_id)
        self._send(status, {"Content-Type": "text/xml", "x-amzn-RequestId": request_id}, answer)

    def _handle(self, service: str, operation: str, content: object) -> dict[str, Any]:
        """Let the simulator answer for the region and access key that the signature names."""
        simulator = self.server.simulator
        scope = _SCOPE.match(self.headers.get("Authorization", ""))
        access_key_id, region = scope.groups() if scope else (None, simulator.default_region)
        return simulator.handle(
            Request(service=service, operation=operation, content=content, region=region, access_key_id=access_key_id)
        )

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name for it)
        """Keep quiet: the simulator counts its requests."""
