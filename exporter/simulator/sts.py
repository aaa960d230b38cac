"""The little of STS that the simulator speaks: who a caller is, roles, and the XML of the query protocol."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from exporter.simulator.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random


NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"

_ROLE = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role/(?:.*/)?([^/]+)")
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose an access key is: account, ARN and user id; ``expires`` in Unix seconds, None for a lasting key."""

    account_id: str
    arn: str
    user_id: str
    expires: float | None = None


def user(account_id: str) -> Caller:
    """Return the caller behind a lasting key of an account."""
    return Caller(account_id, f"arn:aws:iam::{account_id}:user/simulated", "AIDASIMULATED")


def identity(caller: Caller) -> dict[str, Any]:
    """Return the answer of GetCallerIdentity."""
    return {"Arn": caller.arn, "UserId": caller.user_id, "Account": caller.account_id}


def assume_role(
    content: Mapping[str, Any],
    caller: Caller,
    roles: Mapping[str, str | None],
    *,
    now: float,
    rng: Random,
    lifetime: float | None = None,
) -> tuple[dict[str, Any], str, Caller]:
    """Return the answer of AssumeRole, the new access key and whose it is.

    ``roles`` maps the ARNs of roles that may be assumed to the external id they demand, if any. ``lifetime`` bounds the
    seconds for which the credentials last. Raise ApiError:
    ValidationError on a bad input, AccessDenied for an unknown role or another external id.
    """
    role_arn, session = str(content.get("RoleArn", "")), str(content.get("RoleSessionName", ""))
    duration = str(content.get("DurationSeconds", "3600"))
    role = _ROLE.fullmatch(role_arn)
    if role is None or not re.fullmatch(r"[\w+=,.@-]{2,64}", session):
        raise ApiError("ValidationError", "RoleArn and RoleSessionName are required in their proper form.")
    if not duration.isdecimal() or not 900 <= int(duration) <= 43200:
        raise ApiError("ValidationError", "DurationSeconds must lie between 900 and 43200.")
    wanted = roles.get(role_arn)
    if role_arn not in roles or (wanted is not None and content.get("ExternalId") != wanted):
        raise ApiError(
            "AccessDenied", f"User: {caller.arn} may not perform: sts:AssumeRole on resource: {role_arn}", 403
        )
    partition, account_id, name = role.groups()
    expires = now + (int(duration) if lifetime is None else min(int(duration), lifetime))
    key = "ASIA" + "".join(rng.choices(_ALPHABET, k=16))
    role_id = f"AROASIMULATED:{session}"
    arn = f"arn:{partition}:sts::{account_id}:assumed-role/{name}/{session}"
    answer = {
        "Credentials": {
            "AccessKeyId": key,
            "SecretAccessKey": "".join(rng.choices(_ALPHABET, k=40)),
            "SessionToken": "".join(rng.choices(_ALPHABET, k=120)),
            "Expiration": datetime.fromtimestamp(int(expires), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        "AssumedRoleUser": {"AssumedRoleId": role_id, "Arn": arn},
    }
    return answer, key, Caller(account_id, arn, role_id, expires)


def answer_xml(operation: str, answer: Mapping[str, Any], request_id: str) -> bytes:
    """Return an answer as the query protocol writes it."""
    root = ET.Element(f"{operation}Response", xmlns=NAMESPACE)
    _append(root, {f"{operation}Result": answer, "ResponseMetadata": {"RequestId": request_id}})
    return ET.tostring(root)


def error_xml(error: ApiError, request_id: str) -> bytes:
    """Return an error as the query protocol writes it."""
    root = ET.Element("ErrorResponse", xmlns=NAMESPACE)
    kind = "Sender" if error.http_status < 500 else "Receiver"
    _append(root, {"Error": {"Type": kind, "Code": error.code, "Message": error.message}, "RequestId": request_id})
    return ET.tostring(root)


def _append(parent: ET.Element, content: Mapping[str, Any]) -> None:
    for name, value in content.items():
        child = ET.SubElement(parent, name)
        if isinstance(value, dict):
            _append(child, value)
        else:
            child.text = str(value)
