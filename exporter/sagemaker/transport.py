"""How the SDK's requests go over the wire: within the call's time, with answers of bounded size.

The SDK's own time-outs bound each wait for bytes and not the whole, and it reads an answer to its end, however far off
that is. So every byte that it reads comes through ``_Reader``, which looks at the clock and counts. What a call may
take is told by ``within``, in the thread that makes it. What has come is looked at before the SDK makes objects of it,
which take many times the memory of the bytes.
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
"""Of one answer, its head included. A list of 100 tuning jobs has some 100 kB, a search for 100 large ones up to 2 MB."""

MOST_VALUES = 200_000
"""Of one answer's JSON or XML, about: a search for 100 large tuning jobs has a fifth of it."""

MOST_BYTES_OF_KEYS = 64 * 1024
"""Of one answer with credentials, its head not included: real ones have a few kB."""

_WITHOUT_KEYS = frozenset({"sagemaker", "service-quotas", "organizations"})
"""The services whose answers are lists: a page of 100 quotas, each with a description and its metric, has up to 100 kB."""

_KIB = 1024
_BEFORE_VALUES = (b",", b"[", b"{", b"<")
_LENGTH = re.compile(r"[0-9]{1,30}")
_BROKEN = (http.client.HTTPException, http.client.LineTooLong)

_SECRET_FIELDS = ("WebIdentityToken", "TokenCode", "SAMLAssertion")
_SECRET_MEMBER = re.compile(r'"(?:clientSecret|refreshToken|code|codeVerifier|deviceCode)": ?"([^"]+)"')  # of a sign-in
_SECRET_HEADERS = {
    *("authorization", "proxy-authorization", "x-amz-security-token"),
    *("x-amz-sso_bearer_token", "x-aws-ec2-metadata-token"),
}
_LEAST_SECONDS = 0.001  # a time-out of 0 would mean not to wait at all


@dataclass
class Call:
    """One call as a target makes it, with the requests for credentials that it needs: when all of it must have ended.

    ``sent`` holds what its requests carried that nobody may read: an answer can repeat it.
    """

    ends_at: float
    on_retry: Callable[[str], None]
    sent: set[str] = field(default_factory=set)

    @property
    def seconds_left(self) -> float:
        """How long there is to wait, for a socket."""
        return max(_LEAST_SECONDS, self.ends_at - time.monotonic())

    @property
    def is_late(self) -> bool:
        """Whether all of it should have ended."""
        return time.monotonic() >= self.ends_at


@dataclass
class _Exchange:
    """A request under way: whether its connection was a kept one or must be new, and whether an answer has begun."""

    must_be_new: bool = False
    kept: bool = False
    answered: bool = False


_call: ContextVar[Call | None] = ContextVar("call", default=None)
_exchange: ContextVar[_Exchange | None] = ContextVar("exchange", default=None)


@contextmanager
def within(seconds: float, on_retry: Callable[[str], None]) -> Iterator[Call]:
    """Have all requests that this thread makes in the block end within ``seconds`` in all.

    ``on_retry`` is told the operation of each request that is sent again, see ``attach``.
    """
    call = Call(time.monotonic() + seconds, on_retry)
    token = _call.set(call)
    try:
        yield call
    finally:
        _call.reset(token)


def call_under_way() -> Call | None:
    """Return the call that this thread makes, if it makes one."""
    return _call.get()


def limit(http_session: Any, most_bytes: int) -> None:
    """Let an HTTP session of the SDK read by the clock, and hand on only answers that can be held when they are parsed."""
    http_session._pool_classes_by_scheme.update(http=_Pool, https=_SecurePool)  # noqa: SLF001 - has no public way in
    send = http_session.send

    def sent(request: Any) -> Any:
        response = send(request)
        _check_size(response, most_bytes)
        return response

    http_session.send = sent


def attach(client: Any) -> None:
    """Limit a client, and have it send a request once more whose kept connection proves dead before any answer.

    Every client that keeps connections open meets this: the server, or something on the way, closes idle ones, which
    shows only when they are used again.
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
    """Tell whether what has come of an answer breaks the rules of HTTP, and is not merely cut or of another protocol."""
    found = [*causes(error)]
    if any(isinstance(each, CallFailed) for each in found):
        return False
    # For all that the SDK has no name for, it has this class and not one of its own.
    return type(error) is HTTPClientError or any(type(each) in _BROKEN for each in found)


def _check_size(response: Any, most_bytes: int) -> None:
    """Raise CallFailed for an answer that would take too much memory as objects."""
    body = response.content
    answer = f"the answer of {host_of(response.url)}"
    if len(body) > most_bytes:
        raise CallFailed(ErrorCode.MALFORMED_ANSWER, f"{answer} is longer than {most_bytes // _KIB} KiB")
    if sum(map(body.count, _BEFORE_VALUES)) > MOST_VALUES:
        raise CallFailed(ErrorCode.MALFORMED_ANSWER, f"{answer} has more than {MOST_VALUES} values")


def _check_whole(response: Any, host: str) -> None:
    """Raise CallFailed for an answer that was cut, or that is a page for a browser."""
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
    """Yield what a request carries that nobody may read."""
    for name, value in headers.items():
        if name.lower() in _SECRET_HEADERS:
            text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            # Of a signature, the part that only the key's owner can make; of a scheme and a token, the token.
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
    """The bytes of one answer, as they come from the socket."""

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
    """What connections have in common here: mixed into the SDK's own."""

    response_class = _Answer

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:
        if (call := _call.get()) is not None:
            through = getattr(self, "_tunnel_headers", None) or {}  # what a proxy is shown before it lets TLS through
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
    """What pools have in common here: they tell whether a connection was kept, and give a new one where it must be."""

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)  # type: ignore[misc]
        if (exchange := _exchange.get()) is not None:
            if exchange.must_be_new:
                connection.close()  # it opens again when it is used
            exchange.kept = not connection.is_closed
        return connection


class _Pool(_Telling, AWSHTTPConnectionPool):  # type: ignore[misc]
    ConnectionCls = _Connection


class _SecurePool(_Telling, AWSHTTPSConnectionPool):  # type: ignore[misc]
    ConnectionCls = _SecureConnection
