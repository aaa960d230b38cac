"""Credentials of roles, from STS with the credentials of a source."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.credentials import DeferredRefreshableCredentials

from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker.sources import Found

if TYPE_CHECKING:
    from exporter.config.specs import Credentials

_SESSION_NAME = "sagemaker-tuning-exporter"

OnRoleCall = Callable[[Exception | None, float], None]

# Targets share credentials. An AssumeRole call is counted for the target whose call needs it.
_on_role_call: ContextVar[OnRoleCall | None] = ContextVar("on_role_call", default=None)


@contextmanager
def telling_role_calls_to(listener: OnRoleCall) -> Iterator[None]:
    """Call ``listener`` for each AssumeRole call of this thread during the block, with its error and its seconds."""
    token = _on_role_call.set(listener)
    try:
        yield
    finally:
        _on_role_call.reset(token)


def assumed(role: Credentials, call_sts: Callable[[Callable[[Any], Any]], Any]) -> Found:
    """Return credentials of a role, which renew themselves.

    ``call_sts`` calls its argument with a client of STS that uses the credentials of the source, and whose times are Unix
    seconds.
    """

    def renew() -> Any:
        return call_sts(lambda sts: _assume(sts, role))

    return Found(DeferredRefreshableCredentials(refresh_using=renew, method="assume-role"), f"the role {role.role_arn}")


def _assume(sts: Any, role: Credentials) -> Mapping[str, str]:
    request = {"RoleArn": role.role_arn, "RoleSessionName": _SESSION_NAME}
    if role.external_id is not None:
        request["ExternalId"] = role.external_id
    started = time.monotonic()
    error: Exception | None = None
    try:
        return _keys(sts.assume_role(**request))
    except Exception as caught:
        error = caught
        raise
    finally:
        if (listener := _on_role_call.get()) is not None:
            listener(error, time.monotonic() - started)


def _keys(answer: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the keys in AssumeRole's answer with the SDK's names. Raises CallFailed if it has none."""
    try:
        credentials = answer["Credentials"]
        return {
            "access_key": credentials["AccessKeyId"],
            "secret_key": credentials["SecretAccessKey"],
            "token": credentials["SessionToken"],
            "expiry_time": datetime.fromtimestamp(credentials["Expiration"], UTC).isoformat(),
        }
    except (KeyError, TypeError, AttributeError) as missing:
        raise CallFailed(ErrorCode.MALFORMED_ANSWER, "AssumeRole's answer has no complete credentials") from missing
