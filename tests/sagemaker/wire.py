"""An endpoint that answers what it is told to, byte for byte, and counts what it was asked."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qs

from support.processes import PATIENCE

from exporter.config.specs import Connection, Credentials, Endpoint, TargetKey, TargetSpec

if TYPE_CHECKING:
    import ssl

REGION = "eu-west-1"
ACCOUNT = "111122223333"
CHAIN = Credentials()
PATIENT = Connection(connect_timeout=PATIENCE, read_timeout=PATIENCE)


@dataclass(frozen=True)
class Request:
    """One request as it came; names of headers in lower case."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    @property
    def access_key(self) -> str | None:
        """Who signed it, None when nobody did."""
        signature = self.headers.get("authorization")
        return signature and signature.partition("Credential=")[2].partition("/")[0]


RESET = b"\0reset"
"""Put after an answer: the connection is then torn down instead of closed."""

SILENCE = None
"""No answer at all, and the connection stays open."""

Answer = bytes | None


def http(
    body: bytes | str = b"",
    status: int = 200,
    headers: dict[str, str] | None = None,
    *,
    content_type: str = "application/x-amz-json-1.1",
    length: int | None = None,
) -> bytes:
    """Return an HTTP answer; ``length`` lies about the body's."""
    content = body.encode() if isinstance(body, str) else body
    fields = {
        "Content-Type": content_type,
        "Content-Length": str(len(content) if length is None else length),
        "Connection": "close",
    } | (headers or {})
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Because\r\n{head}\r\n".encode() + content


def error(code: str, message: str, status: int = 400) -> bytes:
    """Return an error of a JSON service."""
    return http(json.dumps({"__type": code, "message": message}), status)


def tuning_job(name: str = "churn", **members: object) -> bytes:
    """Return a good answer."""
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:hyper-parameter-tuning-job/{name}"
    answer = {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobArn": arn,
        "HyperParameterTuningJobStatus": "InProgress",
        "CreationTime": 1_700_000_000.25,
    }
    return http(json.dumps(answer | members))


def sts_error(code: str, message: str, status: int = 403) -> bytes:
    """Return an error of a query service."""
    body = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    return http(body, status, content_type="text/xml")


def sts_credentials(
    access_key: str, lifetime: float = 3_600.0, operation: str = "AssumeRole", token: str = "role-token"
) -> bytes:
    """Return the credentials of a role, good for ``lifetime`` seconds."""
    expiration = (datetime.now(UTC) + timedelta(seconds=lifetime)).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = (
        f'<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{operation}Result><Credentials>'
        f"<AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey>"
        f"<SessionToken>{token}</SessionToken><Expiration>{expiration}</Expiration>"
        f"</Credentials></{operation}Result></{operation}Response>"
    )
    return http(body, content_type="text/xml")


def sts_identity(account: str = ACCOUNT) -> bytes:
    """Return the answer of GetCallerIdentity."""
    body = (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    )
    return http(body, content_type="text/xml")


class Wire:
    """A server on 127.0.0.1. ``answer`` may be replaced at any time; ``requests`` holds what has come."""

    def __init__(
        self, answer: Answer | Callable[[Request], Answer] = SILENCE, context: ssl.SSLContext | None = None
    ) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.connections = 0
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        scheme = "https" if context else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in tuple(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def _spawn(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        self._open.add(connection)
        with suppress(OSError), connection:
            if self._context is None:
                self._talk(connection)
            else:
                with self._context.wrap_socket(connection, server_side=True) as secure:
                    self._talk(secure)
        self._open.discard(connection)

    def _talk(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            line = stream.readline().decode("latin-1").strip()
            if not line:
                return
            headers = {}
            while field := stream.readline().decode("latin-1").strip():
                name, _, value = field.partition(":")
                headers[name.lower()] = value.strip()
            request = Request(line, headers, stream.read(int(headers.get("content-length", 0))))
        self.requests.append(request)
        answer = self.answer(request) if callable(self.answer) else self.answer
        if answer is SILENCE:
            self._closing.wait()
            return
        connection.sendall(answer.removesuffix(RESET))
        if answer.endswith(RESET):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def target_spec(
    url: str | None,
    *,
    name: str = "eu",
    region: str = REGION,
    credentials: Credentials = CHAIN,
    connection: Connection = PATIENT,
    use_fips: bool = False,
    partition: str = "aws",
) -> TargetSpec:
    """Return a target at an endpoint."""
    return TargetSpec(
        key=TargetKey(partition, region, credentials, Endpoint(url, use_fips)),
        name=name,
        account_id=None,
        connection=connection,
        interval=60.0,
        stale_after=300.0,
        retention=86_400.0,
        describe_max_age=0.0,
        requests_per_second=5.0,
        max_tracked_jobs=10_000,
        jobs=(),
    )
