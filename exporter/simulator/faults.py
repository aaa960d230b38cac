"""Faults to inject: what fails, for which requests, and how often."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.simulator.errors import ApiError, no_training_job, not_found

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


# Its multiples are spread evenly but not regularly. Regular faults would always hit the same caller.
_GOLDEN_RATIO = (5**0.5 - 1) / 2


class Kind(StrEnum):
    """What fails: first refusals, then unexpected answers, then failures of the connection."""

    THROTTLED = "throttled"
    SERVER_ERROR = "server-error"
    """Status 500 with an empty message."""
    ACCESS_DENIED = "access-denied"
    """In AssumeRole: the role may not be assumed."""
    EXPIRED_TOKEN = "expired-token"  # noqa: S105 - no password
    CLOCK_SKEW = "clock-skew"
    NOT_FOUND = "not-found"
    NOT_FOUND_BY_VALIDATION = "not-found-by-validation"
    """Not found, in the form of a ValidationException, as some operations of the service return it."""

    WRONG_ACCOUNT = "wrong-account"
    """The ARNs in a describe and in the list of quotas are those of another account."""
    MALFORMED = "malformed"
    """The counters of a describe are lists; the entries of lists of training jobs and quotas are numbers."""

    BARE_429 = "bare-429"
    """Throttled by a proxy in front of the service: no body, no error code."""
    HTML_503 = "html-503"
    EMPTY = "empty"
    """Status 200 without a body."""
    GARBAGE = "garbage"
    """Status 200 with an HTML page as body."""
    TRUNCATED = "truncated"
    """The connection is closed in the middle of the body."""
    SLOW = "slow"
    """The answer comes after the fault's ``seconds``."""
    DRIPPING = "dripping"
    """The body comes byte by byte, with the fault's ``seconds`` before each byte."""
    HANG = "hang"
    """No answer until the client closes the connection."""
    RESET = "reset"
    """The connection is reset in the middle of the body."""


class Page(NamedTuple):
    """A page that replaces the service's answer."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """A fault, and the requests that it applies to. None matches any value.

    ``name`` is that of the tuning job, of the training job in DescribeTrainingJob, or of the role in AssumeRole.
    ``account_id`` is the caller's. ``rate`` is the share of matching requests that fail. They are evenly spread and the same
    in each run. ``seconds``: see Kind.
    """

    kind: Kind
    operation: str | None = None
    region: str | None = None
    account_id: str | None = None
    name: str | None = None
    rate: float = 1.0
    seconds: float = 1.0


class Faults:
    """The active faults. If several match a request, the one that was added first applies. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._met: dict[Fault, int] = {}

    def add(self, fault: Fault) -> Fault:
        """Activate a fault and return it, for ``remove``."""
        with self._lock:
            self._met[fault] = 0
        return fault

    def remove(self, fault: Fault) -> None:
        """Remove a fault. A dripping answer continues at full speed; a hanging one keeps hanging. Raises KeyError if not active."""
        with self._lock:
            del self._met[fault]

    def __contains__(self, fault: Fault) -> bool:
        """Return whether a fault is active."""
        return fault in self._met

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._met.clear()

    def strike(self, operation: str, region: str, account_id: str, content: Mapping[str, Any]) -> Fault | None:
        """Return the fault that applies to a request, None if none does."""
        name = _name(content)
        with self._lock:
            for fault, met in self._met.items():
                if _matches(fault, operation, region, account_id, name):
                    self._met[fault] = met + 1
                    if (met + 1) * _GOLDEN_RATIO % 1.0 < fault.rate:
                        return fault
        return None


def refusal(kind: Kind, service: str, content: Mapping[str, Any], now: float) -> ApiError | None:
    """Return the error with which a service refuses a request. None if ``kind`` is not a refusal."""
    of_sts = service == "sts"
    match kind:
        case Kind.THROTTLED:
            return throttled(service)
        case Kind.SERVER_ERROR:
            return ApiError("InternalFailure", "", 500)
        case Kind.ACCESS_DENIED:
            message = "The caller may not perform this action."
            return ApiError("AccessDenied", message, 403) if of_sts else ApiError("AccessDeniedException", message)
        case Kind.EXPIRED_TOKEN:
            message = "The security token included in the request is expired"
            return ApiError("ExpiredToken", message, 403) if of_sts else ApiError("ExpiredTokenException", message)
        case Kind.CLOCK_SKEW:
            signed, earliest = (
                datetime.fromtimestamp(t, UTC).strftime("%Y%m%dT%H%M%SZ") for t in (now - 3600, now - 300)
            )
            message = f"Signature expired: {signed} is now earlier than {earliest} (5 min. before the service's time)"
            return (
                ApiError("SignatureDoesNotMatch", message, 403)
                if of_sts
                else ApiError("InvalidSignatureException", message)
            )
        case Kind.NOT_FOUND:
            return not_found(_name(content))
        case Kind.NOT_FOUND_BY_VALIDATION:
            return no_training_job()
        case _:
            return None


def throttled(service: str) -> ApiError:
    """Return the error of a service that throttles."""
    return ApiError(_THROTTLED.get(service, "ThrottlingException"), "Rate exceeded")


_THROTTLED = {"sts": "Throttling", "servicequotas": "TooManyRequestsException"}


def altered(kind: Kind, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer as changed by a fault of this kind."""
    change = _ALTERATIONS.get(kind, {})
    return {member: change[member](value) if member in change else value for member, value in answer.items()}


def _matches(fault: Fault, operation: str, region: str, account_id: str, name: str) -> bool:
    return (
        fault.operation in {None, operation}
        and fault.region in {None, region}
        and fault.account_id in {None, account_id}
        # The name in an ARN is in lower case.
        and (fault.name is None or fault.name.casefold() == name.casefold())
    )


def _name(content: Mapping[str, Any]) -> str:
    """Return the name of the resource that a request is about. Empty if there is none."""
    for member in ("HyperParameterTuningJobName", "TrainingJobName", "ResourceArn", "RoleArn"):
        if member in content:
            return str(content[member]).rsplit("/", 1)[-1]
    return ""


def _of_another_account(arn: str) -> str:
    parts = arn.split(":")
    parts[4] = "".join(str(9 - int(digit)) for digit in parts[4])
    return ":".join(parts)


_ALTERATIONS: Mapping[Kind, Mapping[str, Callable[[Any], Any]]] = {
    Kind.WRONG_ACCOUNT: {
        "HyperParameterTuningJobArn": _of_another_account,
        "TrainingJobArn": _of_another_account,
        "Quotas": lambda quotas: [{**each, "QuotaArn": _of_another_account(each["QuotaArn"])} for each in quotas],
    },
    Kind.MALFORMED: {
        "TrainingJobStatusCounters": lambda _: [1],
        "ObjectiveStatusCounters": lambda _: [1],
        "TrainingJobSummaries": lambda _: [1],
        "Quotas": lambda _: [1],
    },
}

_HTML = b"<!DOCTYPE html><html><head><title>Gateway</title></head><body><h1>Something is amiss</h1></body></html>"

PAGES: Mapping[Kind, Page] = {
    Kind.BARE_429: Page(429, "application/x-amz-json-1.1", b""),
    Kind.HTML_503: Page(503, "text/html", _HTML),
    Kind.EMPTY: Page(200, "application/x-amz-json-1.1", b""),
    Kind.GARBAGE: Page(200, "text/html", _HTML),
}
"""The pages that replace an answer over HTTP."""
