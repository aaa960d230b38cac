"""Errors: problems that you can fix, and the fixed set of codes for failed calls to AWS, each with its remedy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class UserError(Exception):
    """A problem that you can fix. Its text says what is wrong and what to do, and has no secret."""


class ErrorCode(StrEnum):
    """Why a call failed: all values of the label ``code``."""

    NOT_FOUND = "not_found"
    THROTTLED = "throttled"
    ACCESS_DENIED = "access_denied"
    ASSUME_ROLE_DENIED = "assume_role_denied"
    NO_CREDENTIALS = "no_credentials"
    EXPIRED_CREDENTIALS = "expired_credentials"
    CLOCK_SKEW = "clock_skew"
    TIMEOUT = "timeout"
    CONNECTION = "connection"
    TLS = "tls"
    SERVER_ERROR = "server_error"
    MALFORMED_ANSWER = "malformed_answer"
    WRONG_ACCOUNT = "wrong_account"
    OTHER = "other"

    @property
    def transient(self) -> bool:
        """Whether the same call may succeed soon, so that it is retried before the next interval."""
        return self in _TRANSIENT

    def remedy(self, operation: str) -> str:
        """Return what to do about it, in one sentence. ``operation`` is the failed operation of the API."""
        return _REMEDIES[self].format(action=action_of(operation))


_TRANSIENT = frozenset(
    {
        ErrorCode.THROTTLED,
        ErrorCode.TIMEOUT,
        ErrorCode.CONNECTION,
        ErrorCode.SERVER_ERROR,
        ErrorCode.MALFORMED_ANSWER,
    }
)

_SERVICES = {"GetCallerIdentity": "sts", "ListServiceQuotas": "servicequotas"}
"""The services of operations that are not SageMaker's."""


def action_of(operation: str) -> str:
    """Return the IAM action that an operation of the API needs."""
    return f"{_SERVICES.get(operation, 'sagemaker')}:{operation}"


_REMEDIES = {
    ErrorCode.NOT_FOUND: "Check the tuning job's name, region and account; remove it from the configuration if it was deleted.",
    ErrorCode.THROTTLED: "Lower requests_per_second or lengthen interval; other callers share the account's rate limit.",
    ErrorCode.ACCESS_DENIED: "Allow {action} to the exporter's identity.",
    ErrorCode.ASSUME_ROLE_DENIED: "Add the exporter's identity (and external id) to the role's trust policy, and allow it sts:AssumeRole on the role.",
    ErrorCode.NO_CREDENTIALS: "Give the exporter usable AWS credentials: a service account role, pod identity, profile or environment variables.",
    ErrorCode.EXPIRED_CREDENTIALS: "Renew the credentials; prefer a role, whose credentials the exporter renews by itself.",
    ErrorCode.CLOCK_SKEW: "Correct this machine's clock: AWS refuses requests whose time is more than a few minutes off.",
    ErrorCode.TIMEOUT: "Check the network path to the endpoint; raise read_timeout if the path is only slow.",
    ErrorCode.CONNECTION: "Check DNS, proxy, network policy and VPC endpoint on the way to the endpoint.",
    ErrorCode.TLS: "Check ca_bundle and the endpoint's certificate; an intercepting proxy needs its CA in ca_bundle.",
    ErrorCode.SERVER_ERROR: "Wait: the service itself failed; see the AWS Health Dashboard if it lasts.",
    ErrorCode.MALFORMED_ANSWER: "Check that endpoint_url is a SageMaker endpoint and that no proxy rewrites its answers.",
    ErrorCode.WRONG_ACCOUNT: "Use credentials of the account and region that the configuration names: AWS looks for a tuning job by its name only.",
    ErrorCode.OTHER: "Read the message in the log.",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed call: its code, and a readable message, which is never a label."""

    code: ErrorCode
    message: str


class CallFailed(Exception):
    """A call had no usable answer. All implementations of ``Api`` raise this error."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
