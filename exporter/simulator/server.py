"""The simulator over HTTP: the JSON protocol of SageMaker, Organizations and Service Quotas, and the query protocol of STS."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import socketserver
import ssl
import struct
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Protocol, Self
from urllib.parse import parse_qsl

from exporter.simulator import sts
from exporter.simulator.errors import ApiError
from exporter.simulator.faults import PAGES, Kind
from exporter.simulator.request import Request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Any

    from exporter.simulator.faults import Fault, Faults

_SERVICES = {
    "SageMaker": "sagemaker",
    "AWSOrganizationsV20161128": "organizations",
    "ServiceQuotasV20190624": "servicequotas",
}
"""The services by the part of X-Amz-Target before the operation."""
_SCOPE = re.compile(r"AWS4-HMAC-SHA256 (?:.*[ ,])?Credential=([^/,\s]+)/\d{8}/([^/,\s]+)/[^/,\s]+/aws4_request")


class Service(Protocol):
    """What answers requests: a simulator, or anything else that behaves like SageMaker and STS."""

    default_region: str
    """The region of unsigned requests."""
    faults: Faults
    """The active faults."""

    def handle(self, request: Request) -> dict[str, Any]:
        """Return the answer to a request, as in the API. Raises ApiError."""


class Server:
    """Serves a simulator at an address of this machine. Also a context manager that starts and stops it.

    Port 0 means any free port. The address is bound at once: raises OSError if it is in use. With ``tls`` it serves only HTTPS.
    """

    def __init__(
        self, simulator: Service, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._simulator = simulator
        self._tls = tls
        self._host = host
        self._listener = _Listener(simulator, host, port, tls)
        self._port: int = self._listener.server_address[1]

    @property
    def url(self) -> str:
        """The endpoint URL, without a slash at the end."""
        scheme = "http" if self._tls is None else "https"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self._port}"

    @property
    def tls(self) -> ssl.SSLContext | None:
        """The TLS context. Setting a new one closes all connections; new connections use it."""
        return self._tls

    @tls.setter
    def tls(self, context: ssl.SSLContext | None) -> None:
        self._tls = self._listener.tls = context
        self._listener.hang_up()

    def start(self) -> None:
        """Start to answer. Call it once."""
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.02}, name="simulator", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the address and all connections. Call it once, after ``start``."""
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()
        self._listener.hang_up()

    @contextlib.contextmanager
    def refusing(self) -> Iterator[None]:
        """Close all connections and refuse new ones during the block. Afterwards the same port answers again.

        Raises OSError if another program takes the port in the short time for which it is free.
        """
        self.stop()
        with socket.socket(self._listener.address_family) as reserved:
            # A socket that is bound but does not listen refuses connections and keeps the port.
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            reserved.bind((self._host, self._port))
            try:
                yield
            finally:
                self._listener = _Listener(self._simulator, self._host, self._port, self._tls)
                self.start()

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

    def __init__(self, simulator: Service, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self.simulator = simulator
        self.tls = tls
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__((host, port), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.tls is None:
            return connection, address
        # A slow client may delay the handshake, so the connection's own thread does it.
        return self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing about clients that close the connection or abort TLS."""
        if not isinstance(sys.exc_info()[1], ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        """Shut down the connections that clients keep alive. Their threads then close them."""
        with self._open_lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    # Not the shutdown of TLS, which would disturb the thread that is reading.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # send head and body in one packet
    disable_nagle_algorithm = True
    server: _Listener

    def setup(self) -> None:
        """Do the TLS handshake before the first request."""
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
        self._fault: Fault | None = None
        super().setup()

    def do_POST(self) -> None:
        """Answer one request of either protocol."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._fault = None
        request_id = str(uuid.uuid4())
        if self.headers.get_content_type() == "application/x-www-form-urlencoded":
            self._answer_query(body, request_id)
        else:
            self._answer_json(body, request_id)

    def _answer_json(self, body: bytes, request_id: str) -> None:
        prefix, _, operation = self.headers.get("X-Amz-Target", "").partition(".")
        service = _SERVICES.get(prefix)
        service, operation = ("sagemaker", "") if service is None else (service, operation)
        try:
            content = json.loads(body)
        except ValueError:
            content = None
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": request_id}
        status = 200
        try:
            answer = self._handle(service, operation, content)
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
        """Call the simulator with the region and access key in the signature."""
        simulator = self.server.simulator
        scope = _SCOPE.match(self.headers.get("Authorization", ""))
        access_key_id, region = scope.groups() if scope else (None, simulator.default_region)
        return simulator.handle(
            Request(
                service=service,
                operation=operation,
                content=content,
                region=region,
                access_key_id=access_key_id,
                session_token=self.headers.get("X-Amz-Security-Token"),
                spoil=self._spoil,
                path=self.path,
            )
        )

    def _spoil(self, fault: Fault) -> None:
        self._fault = fault

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        fault = self._fault
        if fault is None:
            self._send_head(status, headers, body)
            self.wfile.write(body)
        elif fault.kind in PAGES:
            page = PAGES[fault.kind]
            self._send_head(page.status, headers | {"Content-Type": page.content_type}, page.body)
            self.wfile.write(page.body)
        else:
            self._send_spoiled(fault, status, headers, body)

    def _send_spoiled(self, fault: Fault, status: int, headers: dict[str, str], body: bytes) -> None:
        match fault.kind:
            case Kind.HANG | Kind.SLOW:
                if self._hung_up_within(None if fault.kind is Kind.HANG else fault.seconds):
                    self.close_connection = True
                    return
                self._send_head(status, headers, body)
                self.wfile.write(body)
            case Kind.DRIPPING:
                self._send_head(status, headers, body)
                while body and fault in self.server.simulator.faults:
                    self.wfile.flush()
                    if self._hung_up_within(fault.seconds):
                        self.close_connection = True
                        return
                    self.wfile.write(body[:1])
                    body = body[1:]
                self.wfile.write(body)
            case Kind.TRUNCATED | Kind.RESET:
                self._send_head(status, headers, body)
                self.wfile.write(body[: len(body) // 2])
                self.close_connection = True
                if fault.kind is Kind.RESET:
                    self._reset()
                    raise ConnectionResetError  # the connection is closed
            case _:  # the simulator has already changed the answer
                self._send_head(status, headers, body)
                self.wfile.write(body)

    def _send_head(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()

    def _hung_up_within(self, seconds: float | None) -> bool:
        """Return whether the client closes the connection within ``seconds``. None: wait until it does."""
        self.connection.settimeout(seconds)
        try:
            # Clients send no other request before they have the answer, so anything to read means a closed connection.
            self.connection.recv(1)
        except TimeoutError:
            return False
        except OSError:
            return True
        finally:
            self.connection.settimeout(None)
        return True

    def _reset(self) -> None:
        """Close the connection with an RST instead of a proper end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for each in (self.wfile, self.rfile, self.connection):
            each.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name for it)
        """Print nothing, because the simulator counts its requests."""
