"""IAM: what identities may do, and who may assume a role. What no policy allows is denied."""

from __future__ import annotations

import base64
import json
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.simulator import configuration
from exporter.simulator.errors import ApiError, not_authorized

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.simulator.request import Request
    from exporter.simulator.sts import Caller

    Document = Mapping[str, Any]
    Context = Mapping[str, str]

_ON_A_TUNING_JOB = frozenset(
    {
        "CreateHyperParameterTuningJob",
        "DeleteHyperParameterTuningJob",
        "DescribeHyperParameterTuningJob",
        "ListTrainingJobsForHyperParameterTuningJob",
        "StopHyperParameterTuningJob",
    }
)
_ESCAPED = re.compile(r"\$\{([*?$])\}|([*?])|([^*?$]+|\$)")


class Denial(NamedTuple):
    """A denied request: who made it, and which action and resource it was about."""

    principal: str
    action: str
    resource: str


class Policies:
    """The policies of all identities, by the ARN of a user or role, and the trust policies of roles.

    It supports the part of IAM's language that is needed to read tuning jobs: Allow, Action, Resource with ``*`` and ``?``,
    Principal, and StringEquals. Anything else raises ValueError. ``denials`` has the denied requests, in order.
    """

    def __init__(self, identities: Mapping[str, Sequence[Document]], trusts: Mapping[str, Document]) -> None:
        self.denials: list[Denial] = []
        self._identities = {
            arn: [each for document in documents for each in _statements(document)]
            for arn, documents in identities.items()
        }
        self._trusts = {arn: _statements(document) for arn, document in trusts.items()}

    def check(self, request: Request, caller: Caller, content: Mapping[str, Any]) -> None:
        """Raise ApiError if a request is denied."""
        match request.service, request.operation:
            case "sts", "GetCallerIdentity":  # needs no permission
                return
            case "sts", "AssumeRole":
                self._check_role(caller, content, request.region)
            case "sts", "AssumeRoleWithWebIdentity":
                self._check_web_identity(content)
            case _:
                action = f"{request.service}:{request.operation}"
                resource, shown = _resource(request, caller, content)
                if not self._allows(caller, action, resource, {"aws:RequestedRegion": request.region}):
                    reason = f" because no identity-based policy allows the {action} action"
                    raise self._denied(request.service, caller.arn, action, shown, reason)

    def check_service(self, service: str, role_arn: str, actions: Iterable[str]) -> None:
        """Raise ApiError if an AWS service, such as that for pod identities, may not assume a role with all these actions."""
        for action in actions:
            if not self._trusted(role_arn, action, ("Service", service), {}):
                raise self._denied("sts", service, action, role_arn)

    def _check_role(self, caller: Caller, content: Mapping[str, Any], region: str) -> None:
        role_arn, external_id = str(content.get("RoleArn", "")), content.get("ExternalId")
        given = {"sts:ExternalId": str(external_id)} if external_id is not None else {}
        # The tags of a session are passed on to the next role. This needs its own permission, and has no external id.
        wanted = {"sts:AssumeRole": given} | ({"sts:TagSession": {}} if caller.tagged else {})
        for action, context in wanted.items():
            allowed = self._allows(caller, action, role_arn, {"aws:RequestedRegion": region})
            if not allowed or not self._trusted(role_arn, action, ("AWS", caller.principal), context):
                raise self._denied("sts", caller.arn, action, role_arn)

    def _check_web_identity(self, content: Mapping[str, Any]) -> None:
        role_arn = str(content.get("RoleArn", ""))
        claims = _claims(str(content.get("WebIdentityToken", "")))
        provider = str(claims.get("iss", "")).removeprefix("https://")
        context = {f"{provider}:{claim}": str(claims[claim]) for claim in ("aud", "sub") if claim in claims}
        partition, account_id = role_arn.split(":")[1:5:3] if role_arn.count(":") >= 5 else ("", "")
        principal = f"arn:{partition}:iam::{account_id}:oidc-provider/{provider}"
        action = "sts:AssumeRoleWithWebIdentity"
        if not self._trusted(role_arn, action, ("Federated", principal), context):
            self.denials.append(Denial(principal, action, role_arn))
            raise ApiError("AccessDenied", f"Not authorized to perform {action}", 403)

    def _allows(self, caller: Caller, action: str, resource: str, context: Context) -> bool:
        return any(
            action in _listed(each["Action"])
            and any(_fits(pattern, resource) for pattern in _listed(each["Resource"]))
            and _holds(each, context)
            for each in self._identities.get(caller.principal, ())
        )

    def _trusted(self, role_arn: str, action: str, principal: tuple[str, str], context: Context) -> bool:
        kind, who = principal
        return any(
            action in _listed(each["Action"])
            and who in _listed(each["Principal"].get(kind, []))
            and _holds(each, context)
            for each in self._trusts.get(role_arn, ())
        )

    def _denied(self, service: str, who: str, action: str, resource: str, reason: str = "") -> ApiError:
        self.denials.append(Denial(who, action, resource))
        return not_authorized(service, who, action, resource, reason)


def _resource(request: Request, caller: Caller, content: Mapping[str, Any]) -> tuple[str, str]:
    """Return the resource that a request to SageMaker is about, and how the service writes it in a denial."""
    where = {"region": request.region, "account_id": caller.account_id}
    if request.operation in _ON_A_TUNING_JOB:
        arn = configuration.arn("hyper-parameter-tuning-job", str(content.get("HyperParameterTuningJobName")), **where)
        return arn, arn
    if request.operation == "DescribeTrainingJob":
        arn = configuration.arn("training-job", str(content.get("TrainingJobName")), **where)
        return arn, arn
    if request.operation == "ListTags":
        arn = str(content.get("ResourceArn"))
        return arn, arn
    # This can only be allowed for the resource "*", not for an ARN with stars.
    kind = "hyper-parameter-tuning-job" if request.operation == "ListHyperParameterTuningJobs" else "*"
    return "*", configuration.arn(kind, "*", **where).removesuffix("/*" if kind == "*" else "")


def _statements(document: Document) -> list[Mapping[str, Any]]:
    """Return the statements of a policy. Raises ValueError if it has anything that is not supported."""
    if document.get("Version") != "2012-10-17":
        raise ValueError(f"a policy of the version {document.get('Version')} is not known here")
    for statement in document["Statement"]:
        unknown = statement.keys() - {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
        if unknown or statement["Effect"] != "Allow" or statement.get("Condition", {}).keys() - {"StringEquals"}:
            raise ValueError(f"this statement is not understood here: {statement}")
    return list(document["Statement"])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _holds(statement: Mapping[str, Any], context: Context) -> bool:
    """Return whether the conditions are met. A condition on a key that the request does not have is not met."""
    wanted = statement.get("Condition", {}).get("StringEquals", {})
    return all(context.get(key) in _listed(values) for key, values in wanted.items())


def _fits(pattern: str, resource: str) -> bool:
    def part(found: re.Match[str]) -> str:
        escaped, wildcard, plain = found.groups()
        return f"[{escaped}]" if escaped else wildcard or plain.replace("[", "[[]")

    return fnmatchcase(resource, _ESCAPED.sub(part, pattern))


def _claims(token: str) -> Mapping[str, Any]:
    """Return the claims of an identity provider's token, empty if it is not a token. The signature is not checked."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
