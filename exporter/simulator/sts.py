"""A part of STS: caller identity, roles, and the XML of the query protocol."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.simulator.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random


NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"

_ROLE = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role/(?:.*/)?([^/]+)")
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner of an access key: account, ARN and user id.

    A temporary key must come with its ``session_token``, and ``expires`` is when it ends (Unix seconds). A long-term key has
    neither. ``role_arn`` is the role of a session. If the session is ``tagged``, its tags are passed on to roles that are
    assumed with it.
    """

    account_id: str
    arn: str
    user_id: str
    session_token: str | None = None
    expires: float | None = None
    role_arn: str | None = None
    tagged: bool = False

    @property
    def principal(self) -> str:
        """The ARN in policies. For a session it is that of its role."""
        return self.role_arn or self.arn


def user(account_id: str) -> Caller:
    """Return the caller for a long-term key of an account."""
    return Caller(account_id, f"arn:aws:iam::{account_id}:user/simulated", "AIDASIMULATED")


def session(role_arn: str, name: str, *, tagged: bool = False) -> Caller:
    """Return the caller for a session of a role."""
    role = _role({"RoleArn": role_arn, "RoleSessionName": name})
    return Caller(role.account_id, role.session_arn, f"AROASIMULATED:{name}", role_arn=role_arn, tagged=tagged)


def identity(caller: Caller) -> dict[str, Any]:
    """Return the answer of GetCallerIdentity."""
    return {"Arn": caller.arn, "UserId": caller.user_id, "Account": caller.account_id}


class Issuer:
    """Issues the credentials of roles.

    ``now`` is in Unix seconds. ``lifetime`` limits the seconds for which credentials are valid. Each method returns the
    operation's answer, the new access key and its caller. It raises ApiError: ValidationError if the input is invalid, else
    why access is denied.
    """

    def __init__(self, rng: Random, *, now: float, lifetime: float | None = None) -> None:
        self._rng = rng
        self._now = now
        self._lifetime = lifetime

    def assume_role(
        self, content: Mapping[str, Any], caller: Caller, roles: Mapping[str, str | None]
    ) -> tuple[dict[str, Any], str, Caller]:
        """AssumeRole. ``roles`` maps the ARNs of roles that may be assumed to the external id that they require, or None."""
        role = _role(content)
        if role.arn not in roles or roles[role.arn] not in {None, content.get("ExternalId")}:
            raise ApiError(
                "AccessDenied", f"User: {caller.arn} may not perform: sts:AssumeRole on resource: {role.arn}", 403
            )
        return self._issue(role, tagged=caller.tagged)

    def assume_role_with_web_identity(
        self, content: Mapping[str, Any], identities: Mapping[str, str]
    ) -> tuple[dict[str, Any], str, Caller]:
        """AssumeRoleWithWebIdentity. ``identities`` maps the tokens of a provider to the ARNs of their roles."""
        role = _role(content)
        token = str(content.get("WebIdentityToken", ""))
        if not 4 <= len(token) <= 20000:
            raise ApiError("ValidationError", "WebIdentityToken must have 4 to 20000 characters.")
        if token not in identities:
            raise ApiError("InvalidIdentityToken", "The token is of no identity provider that is known here.")
        if identities[token] != role.arn:
            raise ApiError("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403)
        return self._issue(role)

    def _issue(self, role: _Role, *, tagged: bool = False) -> tuple[dict[str, Any], str, Caller]:
        expires = self._now + (role.duration if self._lifetime is None else min(role.duration, self._lifetime))
        key = "ASIA" + self._letters(16)
        token = self._letters(120)
        role_id = f"AROASIMULATED:{role.session}"
        answer = {
            "Credentials": {
                "AccessKeyId": key,
                "SecretAccessKey": self._letters(40),
                "SessionToken": token,
                "Expiration": datetime.fromtimestamp(int(expires), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
            "AssumedRoleUser": {"AssumedRoleId": role_id, "Arn": role.session_arn},
        }
        caller = Caller(role.account_id, role.session_arn, role_id, token, expires, role.arn, tagged)
        return answer, key, caller

    def _letters(self, count: int) -> str:
        return "".join(self._rng.choices(_ALPHABET, k=count))


class _Role(NamedTuple):
    """The parameters of a request for a role's credentials. ``duration`` is in seconds."""

    arn: str
    partition: str
    account_id: str
    name: str
    session: str
    duration: int

    @property
    def session_arn(self) -> str:
        """The ARN of the session, which has no path."""
        return f"arn:{self.partition}:sts::{self.account_id}:assumed-role/{self.name}/{self.session}"


def _role(content: Mapping[str, Any]) -> _Role:
    arn, session = str(content.get("RoleArn", "")), str(content.get("RoleSessionName", ""))
    duration = str(content.get("DurationSeconds", "3600"))
    named = _ROLE.fullmatch(arn)
    if named is None or not re.fullmatch(r"[\w+=,.@-]{2,64}", session):
        raise ApiError("ValidationError", "RoleArn and RoleSessionName are required in their proper form.")
    if not duration.isdecimal() or not 900 <= int(duration) <= 43200:
        raise ApiError("ValidationError", "DurationSeconds must lie between 900 and 43200.")
    partition, account_id, name = named.groups()
    return _Role(arn, partition, account_id, name, session, int(duration))


def answer_xml(operation: str, answer: Mapping[str, Any], request_id: str) -> bytes:
    """Return an answer as XML of the query protocol."""
    root = ET.Element(f"{operation}Response", xmlns=NAMESPACE)
    _append(root, {f"{operation}Result": answer, "ResponseMetadata": {"RequestId": request_id}})
    return ET.tostring(root)


def error_xml(error: ApiError, request_id: str) -> bytes:
    """Return an error as XML of the query protocol."""
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
