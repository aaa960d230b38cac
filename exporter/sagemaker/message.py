"""Makes the messages for failed calls.

Errors of the SDK may quote secrets: a header with a session token, the URL of a proxy with its password, an answer with the
keys of a role. So their texts are not used. The exception is the message of AWS for a refused call, without secrets of the
request and anything that looks like a token: see ``redact``.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import ssl
import traceback
from typing import TYPE_CHECKING

from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError

from exporter.sagemaker.redact import without_secrets

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_LONGEST = 500
_LONGEST_READ = 4_000  # characters of a text that becomes one line: enough for a line, and fast to read

_HOST = re.compile(r"[A-Za-z0-9_.-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}
_BUNDLE = "the file of CAs (ca_bundle, AWS_CA_BUNDLE or REQUESTS_CA_BUNDLE)"
_CODE = re.compile(r"[A-Za-z0-9_.:#/]{1,64}")

UNREADABLE = "the answer cannot be read: it is not what the service sends"

# Most specific first, because some of these classes inherit from others.
_TEXTS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (sdk.ConnectTimeoutError, "no connection to {host} in time"),
    (sdk.ReadTimeoutError, "no complete answer from {host} in time"),
    (sdk.ProxyConnectionError, "no connection through the proxy (HTTP_PROXY or HTTPS_PROXY): {cause}"),
    (sdk.SSLError, "TLS with {host} failed: {cause}"),
    (sdk.EndpointConnectionError, "no connection to {host}: {cause}"),
    (sdk.ConnectionClosedError, "the connection to {host} closed before the answer was complete: {cause}"),
    (
        sdk.HTTPClientError,
        "the request could not be sent ({cause}); a password in the URL of an endpoint or proxy must be percent-encoded",
    ),
    (sdk.IncompleteReadError, "the connection closed before the answer was complete"),
    (ResponseParserError, UNREADABLE),
    (
        sdk.NoCredentialsError,
        "there are no AWS credentials: none in the environment, in files, from a web identity, a container or an instance",
    ),
    (sdk.PartialCredentialsError, "the credentials lack {missing}"),
    (
        sdk.ProfileNotFound,
        "the AWS configuration files have no such profile: check profile, AWS_PROFILE and source_profile",
    ),
    (
        (sdk.ConfigNotFound, sdk.ConfigParseError),
        "an AWS configuration file cannot be read: see AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE",
    ),
    (
        (sdk.UnauthorizedSSOTokenError, sdk.SSOTokenLoadError, sdk.LoginRefreshRequired),
        "the sign-in has expired, or there is none: sign in again (aws sso login)",
    ),
    (
        (sdk.CredentialRetrievalError, sdk.MetadataRetrievalError, sdk.TokenRetrievalError),
        "it failed, or it returned something other than credentials",
    ),
    (
        (sdk.InvalidConfigError, sdk.InfiniteLoopConfigError),
        "a profile cannot be used: check its role_arn, source_profile and credential_source",
    ),
    (sdk.MissingDependencyException, "it needs the Python package botocore[crt], which is not installed"),
    (UnicodeError, "what it returned is not text"),
    (json.JSONDecodeError, "what it returned is not JSON"),
    (RecursionError, "what it returned is nested too deeply"),
)


def message(error: BaseException, sent: Collection[str] = ()) -> str:
    """Return the message for an exception of the SDK, in one line. ``sent`` has the secrets in the requests."""
    return one_line(_told(error, sent))


def one_line(text: str) -> str:
    """Return a text as one line, cut to a maximum length."""
    text = " ".join(text[:_LONGEST_READ].split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and its causes, including those that the SDK stores in its own attributes."""
    waiting, seen = [error], set()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        kept = getattr(each, "kwargs", None)
        inner = [kept.get("error")] if isinstance(kept, dict) else []
        inner += [*each.args, getattr(each, "reason", None), each.__cause__, each.__context__]
        waiting += [found for found in inner if isinstance(found, BaseException)]


def _told(error: BaseException, sent: Collection[str]) -> str:
    if isinstance(error, sdk.ClientError):
        return _refusal(error, sent)
    told = _known(error)
    return _kind(error) if told is None else told


def _refusal(error: sdk.ClientError, sent: Collection[str]) -> str:
    """Return the message of AWS for a refused call, in the usual form of the SDKs."""
    said = error.response.get("Error", {})
    code = without_secrets(said.get("Code", "Unknown"), sent) or ""
    code = code if _CODE.fullmatch(code) else "***"
    text = without_secrets(str(said.get("Message") or ""), sent)
    if text is None:
        text = "its message is left out, because it repeats credentials"
    return f"An error occurred ({code}) when calling the {error.operation_name} operation: {text}".rstrip(": ")


def _known(error: BaseException) -> str | None:
    """Return the message for a known exception. None for any other."""
    if isinstance(error, OSError) and error.filename is not None and error.errno is not None:
        # Without the name: it is from a variable or profile, and may be a secret that was pasted there by mistake.
        return f"the file that it names cannot be used: {os.strerror(error.errno)}"
    text = _other_protocol(error) or next((text for kinds, text in _TEXTS if isinstance(error, kinds)), None)
    if text is None:
        return None
    details = getattr(error, "kwargs", {})
    return text.format(
        host=host_of(details.get("endpoint_url")),
        cause=_cause(error),
        missing=details.get("cred_var"),
    )


def _other_protocol(error: BaseException) -> str | None:
    """Return the message if an endpoint uses another protocol than its URL says. None for any other error."""
    if not isinstance(error, sdk.ConnectionClosedError | sdk.SSLError):
        return None
    for cause in causes(error):
        match cause:
            case http.client.RemoteDisconnected():
                pass
            case http.client.BadStatusLine() | http.client.UnknownProtocol():
                return "the server at {host} does not speak HTTP: check scheme and port of endpoint_url"
            case ssl.SSLError(reason=str(reason)) if reason in _NO_TLS:
                return "the endpoint {host} does not speak TLS: write http:// or another port in endpoint_url"
    return None


def host_of(url: object) -> str:
    """Return host and port of an endpoint's URL, without its password."""
    unknown = "the endpoint"
    if not isinstance(url, str):
        return unknown
    rest = url.rpartition("@")[2] if "@" in url else url.partition("://")[2] or url
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return host if _HOST.fullmatch(host) else unknown


def _cause(error: BaseException) -> str:
    """Return why a connection failed, in the system's words."""
    texts = (text for each in causes(error) if (text := _of_bundle(each) or _system_text(each)))
    return next(texts, _innermost(error))


def _of_bundle(error: BaseException) -> str | None:
    """Return what is wrong with the CA bundle. None for any other error."""
    match error:
        case FileNotFoundError() | IsADirectoryError() | NotADirectoryError():
            return f"{_BUNDLE} cannot be read: {os.strerror(error.errno or 0)}"
        case ssl.SSLError(reason="NO_CERTIFICATE_OR_CRL_FOUND"):
            return f"{_BUNDLE} contains no certificate"
    return None


def _system_text(error: BaseException) -> str | None:
    match error:
        case socket.gaierror():
            return "its name does not resolve"
        case ssl.SSLCertVerificationError():
            return (error.verify_message or "the certificate is not trusted").partition(",")[0]
        case ssl.SSLError(reason=str(reason)):
            return reason.replace("_", " ").lower()
        case http.client.RemoteDisconnected():
            return "closed without an answer"
        case http.client.IncompleteRead():
            return "only a part of it arrived"
        case http.client.HTTPException():
            return "the answer is not HTTP"
        case OSError(errno=int(number)):
            return os.strerror(number)
        case OSError(args=[str(text)]) if refused := re.match(r"Tunnel connection failed: (\d{3})\b", text):
            return f"it answered {refused[1]}"
    return None


def _innermost(error: BaseException) -> str:
    return type([*causes(error)][-1]).__name__


def _kind(error: BaseException) -> str:
    """Return the type of an exception and where it was raised. Anything else may have a secret."""
    frames = [(frame.f_globals.get("__name__", "?"), line) for frame, line in traceback.walk_tb(error.__traceback__)]
    kind = type(error).__name__
    return f"{kind} in {frames[-1][0]}, line {frames[-1][1]}" if frames else kind
