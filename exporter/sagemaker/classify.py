"""Converts exceptions of the SDK to error codes of the exporter.

Codes of AWS are used first, then HTTP statuses. Texts are used last, and only if AWS uses one code for different problems.
Messages are made in ``message``.
"""

from __future__ import annotations

import re
import traceback
from types import MappingProxyType
from typing import TYPE_CHECKING

from botocore import exceptions as sdk
from botocore.parsers import ResponseParserError

from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker.message import UNREADABLE, causes, message

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


def _by_code(table: Mapping[ErrorCode, Iterable[str]]) -> Mapping[str, ErrorCode]:
    return MappingProxyType({name: code for code, names in table.items() for name in names})


# AWS services use the same codes with and without "Exception".
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

# Most specific first, because some of these classes inherit from others.
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


class SourceFailed(Exception):
    """There are no credentials from ``source``, which is a readable name.

    ``error`` is the reason. ``otherwise`` is the error code if the reason does not determine one.
    """

    def __init__(self, source: str, error: Exception, otherwise: ErrorCode = ErrorCode.NO_CREDENTIALS) -> None:
        super().__init__(source)
        self.source = source
        self.error = error
        self.otherwise = otherwise


def classify(error: Exception, sent: Collection[str] = ()) -> CallFailed:
    """Return the failure for an exception of the SDK. Its message has no secret and fits a log line.

    ``sent`` has the secrets in the requests, because answers of AWS may quote them.
    """
    if isinstance(error, SourceFailed):
        return _of_source(error, sent)
    ours = next((found for found in causes(error) if isinstance(found, CallFailed)), None)
    if ours is None and _stumbled(error):
        ours = CallFailed(ErrorCode.MALFORMED_ANSWER, f"{UNREADABLE} ({type(error).__name__})")
    return ours or CallFailed(_code(error), message(error, sent))


def _of_source(failed: SourceFailed, sent: Collection[str]) -> CallFailed:
    error = failed.error
    # The SDK raises this if new credentials have expired. Other RuntimeErrors have their own classes.
    if type(error) is RuntimeError and _modules(error)[-1:] == ["botocore.credentials"]:
        return CallFailed(
            ErrorCode.EXPIRED_CREDENTIALS,
            f"{failed.source} returned credentials that have already expired: check this machine's clock",
        )
    inner = classify(error, sent)
    code = failed.otherwise if inner.code is ErrorCode.OTHER else inner.code
    return CallFailed(code, f"{failed.source}: {inner.message}")


def _code(error: Exception) -> ErrorCode:
    if isinstance(error, sdk.ClientError):
        return _service_code(error)
    for classes, code in _EXCEPTIONS:
        if isinstance(error, classes):
            return code
    return ErrorCode.OTHER


def _service_code(error: sdk.ClientError) -> ErrorCode:
    name = str(error.response.get("Error", {}).get("Code") or "")
    text = str(error.response.get("Error", {}).get("Message") or "")  # None if STS sends an empty one
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
    # AWS services always send a code. If it is missing, or the SDK has replaced it, this is a redirect or the 404 of a proxy.
    if not name or name.isdigit():
        return ErrorCode.MALFORMED_ANSWER
    return ErrorCode.OTHER


def _stumbled(error: Exception) -> bool:
    """Return whether the SDK failed to read the answer. An unexpected value in it can raise any error."""
    if isinstance(error, sdk.ClientError):  # the SDK makes it from any answer that looks like one of AWS
        said = error.response.get("Error")
        return not isinstance(said, dict) or not all(
            isinstance(said.get(name) or "", str) for name in ("Code", "Message")
        )
    if isinstance(error, sdk.BotoCoreError | ResponseParserError):
        return False
    modules = _modules(error)
    while modules[-1:] == ["botocore.model"]:  # where the SDK looks up names in the answer
        modules.pop()
    return "botocore.parsers" in modules or modules[-1:] == ["botocore.endpoint"]


def _modules(error: Exception) -> list[str]:
    """Return the modules in the exception's traceback, outermost first."""
    return [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)]
