"""From whatever the SDK raises to one of the bounded error codes.

Codes come first, HTTP statuses second, texts last and only where AWS says different things under one code.
"""

from __future__ import annotations

import re
import traceback
from types import MappingProxyType
from typing import TYPE_CHECKING

from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError

from exporter.errors import CallFailed, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MAX_MESSAGE = 500


def _by_code(table: Mapping[ErrorCode, Iterable[str]]) -> Mapping[str, ErrorCode]:
    return MappingProxyType({name: code for code, names in table.items() for name in names})


# AWS services spell the same thing with and without "Exception".
_SERVICE_CODES = _by_code(
    {
        ErrorCode.NOT_FOUND: ("ResourceNotFound", "ResourceNotFoundException"),
        ErrorCode.THROTTLED: (
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "RequestThrottled",
            "RequestThrottledException",
            "TooManyRequestsException",
            "RequestLimitExceeded",
            "LimitExceededException",
            "BandwidthLimitExceeded",
            "ProvisionedThroughputExceededException",
            "PriorRequestNotComplete",
            "SlowDown",
            "429",
        ),
        ErrorCode.ACCESS_DENIED: (
            "AccessDenied",
            "AccessDeniedException",
            "NotAuthorized",
            "UnauthorizedOperation",
            "UnauthorizedAccess",
            "AuthFailure",
            "OptInRequired",
            "RegionDisabledException",
            "401",
            "403",
        ),
        ErrorCode.NO_CREDENTIALS: (
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "InvalidAccessKeyId",
            "IncompleteSignature",
            "IncompleteSignatureException",
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
        ),
        ErrorCode.EXPIRED_CREDENTIALS: ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"),
        ErrorCode.CLOCK_SKEW: ("RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"),
        ErrorCode.TIMEOUT: ("RequestTimeout", "RequestTimeoutException", "408"),
        ErrorCode.SERVER_ERROR: (
            "InternalFailure",
            "InternalError",
            "InternalServerError",
            "InternalServerException",
            "ServiceUnavailable",
            "ServiceUnavailableException",
        ),
        ErrorCode.CONNECTION: ("407",),
    }
)

# Most specific first: some of these classes inherit from others.
_EXCEPTIONS: tuple[tuple[tuple[type[Exception], ...], ErrorCode], ...] = (
    ((sdk.ConnectTimeoutError, sdk.ReadTimeoutError), ErrorCode.TIMEOUT),
    ((sdk.SSLError,), ErrorCode.TLS),
    (
        (sdk.UnauthorizedSSOTokenError, sdk.SSOTokenLoadError, sdk.LoginRefreshRequired),
        ErrorCode.EXPIRED_CREDENTIALS,
    ),
    (
        (
            sdk.NoCredentialsError,
            sdk.NoAuthTokenError,
            sdk.PartialCredentialsError,
            sdk.CredentialRetrievalError,
            sdk.MetadataRetrievalError,
            sdk.TokenRetrievalError,
            sdk.ProfileNotFound,
            sdk.ConfigNotFound,
            sdk.ConfigParseError,
            sdk.InvalidConfigError,
            sdk.SSOError,
            sdk.LoginError,
            sdk.RefreshWithMFAUnsupportedError,
            sdk.UnknownCredentialError,
        ),
        ErrorCode.NO_CREDENTIALS,
    ),
    ((ResponseParserError,), ErrorCode.MALFORMED_ANSWER),
    ((sdk.ConnectionError, sdk.HTTPClientError, sdk.IncompleteReadError), ErrorCode.CONNECTION),
)

_CREDENTIAL_MODULES = {"botocore.credentials", "botocore.tokens"}

_STS_ROLE_OPERATIONS = frozenset({"AssumeRole", "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"})
_ROLE_REFUSALS = frozenset(
    {
        "InvalidIdentityToken",
        "IDPRejectedClaim",
        "IDPCommunicationError",
        "MalformedPolicyDocument",
        "RegionDisabledException",
    }
)

_MISSING = re.compile(
    r"(can(no|')t|could ?n[o']t|unable to) (be )?(find|found|locate)|not found|(does|did) ?n[o']t exist",
    re.IGNORECASE,
)
_SKEW = re.compile(r"signature (has )?expired|signature not yet current", re.IGNORECASE)
_UNWANTED = (
    # A signature mismatch is answered with the canonical request, session token included.
    (re.compile(r" ?The Canonical String.*"), ""),
    (re.compile(r"(x-amz-security-token ?[:=] ?)\S+", re.IGNORECASE), r"\1***"),
    (re.compile(r"://[^/\s]+@"), "://***@"),
    # There are none, and the schedule's own are not meant.
    (re.compile(r" \(reached max retries: 0\)"), ""),
)


def classify(error: Exception) -> CallFailed:
    """Return what an exception of the SDK means, with a message that carries no secret and fits a log line."""
    return CallFailed(_code(error), _message(error))


def _code(error: Exception) -> ErrorCode:
    if isinstance(error, sdk.ClientError):
        return _service_code(error)
    for classes, code in _EXCEPTIONS:
        if isinstance(error, classes):
            return code
    if isinstance(error, OSError) and _CREDENTIAL_MODULES & set(_modules(error)):  # a token file that is not there
        return ErrorCode.NO_CREDENTIALS
    if not isinstance(error, sdk.BotoCoreError) and _stumbled(error):
        return ErrorCode.MALFORMED_ANSWER
    return ErrorCode.OTHER


def _service_code(error: sdk.ClientError) -> ErrorCode:
    name = str(error.response.get("Error", {}).get("Code", ""))
    text = str(error.response.get("Error", {}).get("Message", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = _SERVICE_CODES.get(name)
    if code is ErrorCode.NO_CREDENTIALS and _SKEW.search(text):
        return ErrorCode.CLOCK_SKEW
    if error.operation_name in _STS_ROLE_OPERATIONS and (code is ErrorCode.ACCESS_DENIED or name in _ROLE_REFUSALS):
        return ErrorCode.ASSUME_ROLE_DENIED
    if code is not None:
        return code
    if name in {"ValidationException", "ValidationError"}:
        return ErrorCode.NOT_FOUND if _MISSING.search(text) else ErrorCode.OTHER
    if status == 429:
        return ErrorCode.THROTTLED
    if status >= 500:
        return ErrorCode.SERVER_ERROR
    if status in {401, 403}:
        return ErrorCode.ACCESS_DENIED
    if name.isdigit():  # the SDK's stand-in for the code that every AWS service sends: a redirect, somebody's 404
        return ErrorCode.MALFORMED_ANSWER
    return ErrorCode.OTHER


def _stumbled(error: Exception) -> bool:
    """Tell whether the SDK stumbled over the answer: reading it raises whatever the odd value made it raise."""
    modules = _modules(error)
    return "botocore.parsers" in modules or modules[-1:] == ["botocore.endpoint"]


def _modules(error: Exception) -> list[str]:
    """Return the modules that the exception came through, outermost first."""
    return [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]


def _message(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    for pattern, replacement in _UNWANTED:
        text = pattern.sub(replacement, text)
    return one_line(text)


def one_line(text: str) -> str:
    """Return a text of others as one line of bounded length."""
    text = " ".join(text.split())
    return text if len(text) <= _MAX_MESSAGE else f"{text[: _MAX_MESSAGE - 1]}…"
