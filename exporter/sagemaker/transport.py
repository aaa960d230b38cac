"""Limits the time of the SDK's requests, and the size of answers.

The SDK's own time-outs limit each wait for bytes, but not the whole request, and it reads answers of any length. So it reads
all bytes through ``_Reader``, which checks the time and the size. ``within`` sets the time of a call, for its thread. Answers
are checked before the SDK makes objects of them, because objects need many times the memory of the bytes.
"""

from __future__ import annotations

import http.client
import io
import re
import time
from base64 import b64decode
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from botocore.exceptions import ConnectionClosedError, HTTPClientError, SSLError

from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker.message import causes, host_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MOST_BYTES = 4 * 1024 * 1024
"""The most bytes of an answer with its head. A list of 100 tuning jobs has about 100 kB, a search for 100 large ones 2 MB."""

MOST_VALUES = 200_000
"""The most values in the JSON or XML of an answer, approximately. A search for 100 large tuning jobs has a fifth of this."""

MOST_BYTES_OF_KEYS = 64 * 1024
"""The most bytes of an answer with credentials, without its head. Real ones have a few kB."""

_WITHOUT_KEYS = frozenset({"sagemaker", "service-quotas", "organizations"})
"""The services with long answers. A page of 100 quotas with their descriptions has up to 100 kB."""

_KIB = 1024
_BEFORE_VALUES = (b",", b"[", b"{", b"<")
_LENGTH = re.compile(r"[0-9]{1,30}")
_BROKEN = (http.client.HTTPException, http.client.LineTooLong)

_SECRET_FIELDS = ("WebIdentityToken", "TokenCode", "SAMLAssertion")
_SECRET_MEMBER = re.compile(r'"(?:clientSecret|refreshToken|code|codeVerifier|deviceCode)": ?"([^"]+)"')  # in a sign-in
_SECRET_HEADERS = {
    *("authorization", "proxy-authorization", "x-amz-security-token"),
    *("x-amz-sso_bearer_token", "x-aws-ec2-metadata-token"),
}
_LEAST_SECONDS = 0.001  # a time-out of 0 would mean no waiting at all


@dataclass
class Call:
    """One call of a target, including its requests for credentials. ``ends_at`` is its deadline (monotonic seconds).

    ``sent`` has the secrets in its requests, because answers may repeat them.
    """

    ends_at: float
    on_retry: Callable[[str], None]
    sent: set[str] = field(default_factory=set)

    @property
    def seconds_left(self) -> float:
        """The seconds that are left, as a time-out for a socket."""
        return max(_LEAST_SECONDS, self.ends_at - time.monotonic())

    @property
    def is_late(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() >= self.ends_at


@dataclass
class _Exchange:
    """A request under way: whether its connection must be new or was kept open, and whether an answer has begun."""

    must_be_new: bool = False
    kept: bool = False
    answered: bool = False


_call: ContextVar[Call | None] = ContextVar("call", default=None)
_exchange: ContextVar[_Exchange | None] = ContextVar("exchange", default=None)


@contextmanager
def within(seconds: float, on_retry: Callable[[str], None]) -> Iterator[Call]:
    """Limit all requests of this thread during the block to ``seconds`` in total.

    ``on_retry`` is called with the operation of each request that is sent again: see ``attach``.
    """
    call = Call(time.monotonic() + seconds, on_retry)
    token = _call.set(call)
    try:
        yield call
    finally:
        _call.reset(token)


def call_under_way() -> Call | None:
    """Return the call of this thread, None if there is none."""
    return _call.get()


def limit(http_session: Any, most_bytes: int) -> None:
    """Make an HTTP session of the SDK check the time, and refuse answers that would need too much memory."""
    http_session._pool_classes_by_scheme.update(http=_Pool, https=_SecurePool)  # noqa: SLF001 - there is no public way
    send = http_session.send

    def sent(request: Any) -> Any:
        response = send(request)
        _check_size(response, most_bytes)
        return response

    http_session.send = sent


def attach(client: Any) -> None:
    """Limit a client, and make it retry a request once if its kept connection is closed before any answer.

    This is normal with kept connections: the server or a proxy closes idle ones, and the client sees this only when it uses
    them again.
    """
    http_session = client._endpoint.http_session  # noqa: SLF001 - the SDK has no public way to its HTTP session
    has_keys = client.meta.service_model.service_name not in _WITHOUT_KEYS
    limit(http_session, MOST_BYTES_OF_KEYS if has_keys else MOST_BYTES)
    client.meta.events.register("before-send", partial(_send, http_session))


def _send(http_session: Any, request: Any, event_name: str, **_: Any) -> Any:
    exchange = _Exchange()
    try:
        return _exchanged(http_session, request, exchange)
    except (ConnectionClosedError, SSLError):
        if not exchange.kept or exchange.answered:
            raise
    if (call := _call.get()) is not None:
        call.on_retry(event_name.rpartition(".")[2])
    return _exchanged(http_session, request, _Exchange(must_be_new=True))


def _exchanged(http_session: Any, request: Any, exchange: _Exchange) -> Any:
    token = _exchange.set(exchange)
    host = host_of(request.url)
    try:
        response = http_session.send(request)
    except HTTPClientError as error:
        if exchange.answered and _is_of_the_answer(error):
            raise CallFailed(
                ErrorCode.MALFORMED_ANSWER, f"the answer of {host} is not valid HTTP, so it cannot be read"
            ) from error
        raise
    finally:
        _exchange.reset(token)
    _check_whole(response, host)
    return response


def _is_of_the_answer(error: HTTPClientError) -> bool:
    """Return whether an answer is not valid HTTP, rather than cut off or of another protocol."""
    found = [*causes(error)]
    if any(isinstance(each, CallFailed) for each in found):
        return False
    # The SDK uses this class for all errors that have no class of their own.
    return type(error) is HTTPClientError or any(type(each) in _BROKEN for each in found)


def _check_size(response: Any, most_bytes: int) -> None:
    """Raise CallFailed if an answer would need too much memory as objects."""
    body = response.content
    answer = f"the answer of {host_of(response.url)}"
    if len(body) > most_bytes:
        raise CallFailed(ErrorCode.MALFORMED_ANSWER, f"{answer} is longer than {most_bytes // _KIB} KiB")
    if sum(map(body.count, _BEFORE_VALUES)) > MOST_VALUES:
        raise CallFailed(ErrorCode.MALFORMED_ANSWER, f"{answer} has more than {MOST_VALUES} values")


def _check_whole(response: Any, host: str) -> None:
    """Raise CallFailed if an answer is cut off or is an HTML page."""
    length = str(response.headers.get("Content-Length", ""))
    came = len(response.content)
    if "Transfer-Encoding" not in response.headers and _LENGTH.fullmatch(length) and came < int(length):
        raise CallFailed(
            ErrorCode.CONNECTION,
            f"the connection to {host} closed before the answer was complete: {came} of {length} bytes arrived",
        )
    kind = str(response.headers.get("Content-Type", "")).strip().lower()
    if kind.startswith("text/html") and 200 <= response.status_code < 300:
        raise CallFailed(ErrorCode.MALFORMED_ANSWER, f"the server at {host} sent a web page (text/html): it is not AWS")


def _secrets(headers: Mapping[str, Any], body: Any) -> Iterator[str]:
    """Yield the secrets in a request."""
    for name, value in headers.items():
        if name.lower() in _SECRET_HEADERS:
            text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            # The last part: the signature itself, or the token after its scheme.
            yield (token := text.rpartition("Signature=")[2].rpartition(" ")[2])
            if text.lower().startswith("basic "):
                with suppress(ValueError):
                    yield b64decode(token).decode("utf-8", "replace").partition(":")[2]
    content = body.decode("latin-1") if isinstance(body, bytes) else body
    if isinstance(content, str):
        fields = parse_qs(content)
        for name in _SECRET_FIELDS:
            yield from fields.get(name, ())
        yield from _SECRET_MEMBER.findall(content)


class _Reader(io.RawIOBase):
    """Reads the bytes of one answer from the socket."""

    def __init__(self, sock: Any, raw: Any) -> None:
        self._sock = sock
        self._raw = raw
        self._patience = sock.gettimeout()
        self._left = MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        call = _call.get()
        if call is not None:
            if call.is_late:
                raise TimeoutError
            left = call.seconds_left
            self._sock.settimeout(left if self._patience is None else min(left, self._patience))
        count: int | None = self._raw.readinto(buffer)
        if count:
            if (exchange := _exchange.get()) is not None:
                exchange.answered = True
            self._left -= count
            if self._left < 0:
                raise CallFailed(
                    ErrorCode.MALFORMED_ANSWER,
                    f"the answer is longer than {MOST_BYTES // _KIB} KiB: the rest was not read",
                )
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp = io.BufferedReader(_Reader(sock, self.fp.detach()))


class _Timed:
    """Mixin for the SDK's connections."""

    response_class = _Answer

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:
        if (call := _call.get()) is not None:
            through = getattr(self, "_tunnel_headers", None) or {}  # the headers for a proxy before TLS
            call.sent.update(_secrets(through, None))
            call.sent.update(_secrets(headers or {}, body))
        super().request(method, url, body, headers, **options)  # type: ignore[misc]

    def _new_conn(self) -> Any:
        if (call := _call.get()) is not None:
            patience: Any = self.timeout  # type: ignore[has-type]
            self.timeout = min(patience, call.seconds_left) if isinstance(patience, int | float) else call.seconds_left
        return super()._new_conn()  # type: ignore[misc]


class _Connection(_Timed, AWSHTTPConnection):  # type: ignore[misc]  # the SDK has no types
    pass


class _SecureConnection(_Timed, AWSHTTPSConnection):  # type: ignore[misc]
    pass


class _Telling:
    """Mixin for pools: notes whether a connection was kept, and makes a new one if it must be new."""

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)  # type: ignore[misc]
        if (exchange := _exchange.get()) is not None:
            if exchange.must_be_new:
                connection.close()  # it connects again when it is used
            exchange.kept = not connection.is_closed
        return connection


class _Pool(_Telling, AWSHTTPConnectionPool):  # type: ignore[misc]
    ConnectionCls = _Connection


class _SecurePool(_Telling, AWSHTTPSConnectionPool):  # type: ignore[misc]
    ConnectionCls = _SecureConnection
