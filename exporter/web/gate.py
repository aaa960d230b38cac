"""Applies a web configuration file to each request: the rate limit, the password, and the headers of the answer."""

from __future__ import annotations

import base64
import binascii
import math
import time
from typing import TYPE_CHECKING

import structlog
from starlette.responses import PlainTextResponse

from exporter.web.routing import UNIDENTIFIED, path_of
from exporter.web.webconfig.passwords import Busy, Passwords
from exporter.web.webconfig.rate import TokenBucket

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from exporter.web.webconfig.file import WebConfigFile
    from exporter.web.webconfig.settings import Settings

PROBES = frozenset({"/-/healthy", "/-/ready"})
"""Paths without password and rate limit, because the kubelet has no password and must get an answer."""

CHALLENGE = 'Basic realm="sagemaker-tuning-exporter", charset="UTF-8"'

Header = tuple[bytes, bytes]

_BUSY_SECONDS = 5

_log = structlog.get_logger(__name__)


class Gate:
    """An application behind a web configuration file. ``prefix`` is that of ``create_app``."""

    def __init__(self, app: ASGIApp, file: WebConfigFile, prefix: str = "") -> None:
        self._app = app
        self._file = file
        self._probes = {prefix + path for path in PROBES}
        self._passwords = Passwords()
        self._bucket: TokenBucket | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        answer: ASGIApp = self._app
        # Use the same path as the application, so that both agree on what a probe is.
        if path_of(scope["raw_path"]) not in self._probes:
            answer = await self._refusal(await self._file.current(), scope) or answer
        elif self._file.settings.users:
            scope = {**scope, UNIDENTIFIED: True}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                # The server adds the headers of the present settings, also to answers that it sends itself.
                message = {**message, "headers": without(message["headers"], self._file.settings.headers)}
            await send(message)

        await answer(scope, receive, send_with_headers)

    async def _refusal(self, settings: Settings, scope: Scope) -> ASGIApp | None:
        """Return the answer that refuses a request. None if the request is allowed."""
        wait = self._wait(settings)
        if wait:
            return _refusal(429, "too many requests: rate_limit allows no more at the moment", wait)
        if not settings.users:
            return None
        self._passwords.use(settings.users)
        client = scope["client"][0] if scope["client"] else ""
        given = credentials([value for name, value in scope["headers"] if name == b"authorization"])
        if given is not None:
            try:
                if await self._passwords.check(*given, client):
                    return None
            except Busy:
                return _refusal(503, "too many passwords are waiting to be checked: try again", _BUSY_SECONDS)
            _log.debug("a wrong user name or password", client=client)
        why = "a user name and a password are needed" if given is None else "the user name or the password is wrong"
        return PlainTextResponse(f"{why}\n", status_code=401, headers={"WWW-Authenticate": CHALLENGE})

    def _wait(self, settings: Settings) -> float:
        """Count a request. Return 0 if it is allowed, else the seconds until the next one is."""
        if settings.rate is None:
            self._bucket = None
            return 0.0
        if self._bucket is None or self._bucket.rate != settings.rate:
            self._bucket = TokenBucket(settings.rate, time.monotonic())
        return self._bucket.take(time.monotonic())


def credentials(values: list[bytes]) -> tuple[str, bytes] | None:
    """Return user and password from the Authorization headers. None if there is not exactly one, with scheme Basic."""
    if len(values) != 1:
        return None
    scheme, _, encoded = values[0].strip().partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except binascii.Error:
        return None
    return (user.decode(errors="surrogateescape"), password) if colon else None


def without(headers: Iterable[Header], replaced: Iterable[Header]) -> list[Header]:
    """Return the headers of an answer without those that are replaced."""
    names = {name for name, _ in replaced}
    return [header for header in headers if header[0].lower() not in names]


def _refusal(status: int, text: str, seconds: float) -> ASGIApp:
    return PlainTextResponse(f"{text}\n", status_code=status, headers={"Retry-After": str(max(1, math.ceil(seconds)))})
