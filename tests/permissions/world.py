"""AWS with policies, and the exporter's targets in it, in one thread on a clock that is moved by hand."""

from __future__ import annotations

import base64
import copy
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from support.clock import ManualClock
from support.simulated import code_of

from exporter.clock import Instant
from exporter.errors import CallFailed, ErrorCode, action_of
from exporter.fleet import Target, perform
from exporter.simulator import sts
from exporter.simulator.errors import ApiError
from exporter.simulator.policy import Denial, Policies
from exporter.simulator.request import Request
from exporter.simulator.service import Simulator
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from exporter.config.specs import Credentials, Settings, TargetSpec
    from exporter.simulator.life import Life

NOW = 1_764_000_000.0
HOUR = 3600.0
HOURS = 2.0
"""How long the exporter runs: jobs end, are swept, and one comes later than the others."""

EXPORTER, OTHER = "111111111111", "222222222222"
ROLE_NAME = "sagemaker-tuning-exporter"
ROLE = f"arn:aws:iam::{EXPORTER}:role/{ROLE_NAME}"
PROFILE_ROLE = f"arn:aws:iam::{EXPORTER}:role/team"
ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
SUBJECT = "system:serviceaccount:monitoring:tuning"
FILLED_IN = {
    "PROFILE_TEAM_ACCOUNT_ID": EXPORTER,
    "PROFILE_TEAM_ROLE_NAME": "team",
    "EXPORTER_ACCOUNT_ID": EXPORTER,
    "EXPORTER_ROLE_NAME": ROLE_NAME,
    "OIDC_PROVIDER": ISSUER,
    "NAMESPACE": "monitoring",
    "SERVICE_ACCOUNT": "tuning",
    "EXTERNAL_ID": "shared-secret",
}

Printed = dict[str, Any]


def read(printed: str) -> Printed:
    """Return what iam-policy has printed, filled in as a person does it, always as an object of identities."""
    for name, value in FILLED_IN.items():
        printed = printed.replace(name, value)
    found = json.loads(printed)
    return {"exporter": {"policies": [found]}} if "Statement" in found else found


def _arn(name: str) -> str:
    return {"exporter": ROLE, "profile team": PROFILE_ROLE}.get(name, name)


def policies(printed: Printed) -> Policies:
    """Return what the simulator makes of it."""
    return Policies(
        {_arn(name): each["policies"] for name, each in printed.items()},
        {_arn(name): each["trust"] for name, each in printed.items() if "trust" in each},
    )


def less(printed: Printed) -> Iterator[tuple[str, Printed]]:
    """Yield it without one action or resource or statement of a trust, each in turn, and what that is."""
    for name, identity in printed.items():
        documents = [("policies", place) for place in range(len(identity["policies"]))]
        for keys in [*documents, *([("trust",)] if "trust" in identity else [])]:
            for number, statement in enumerate(_at(identity, keys)["Statement"]):
                for member in ("Action", "Resource"):
                    values = statement.get(member, [])
                    values = values if isinstance(values, list) else [values]
                    for value in values:
                        fewer = copy.deepcopy(printed)
                        _at(fewer[name], keys)["Statement"][number][member] = [each for each in values if each != value]
                        yield f"{name}: {statement['Sid']}: {value}", fewer


def _at(identity: Any, keys: tuple[Any, ...]) -> Any:
    for key in keys:
        identity = identity[key]
    return identity


class Outcome(NamedTuple):
    """What a run has come to: denials, what was called in whose account, and errors that metrics show."""

    denials: list[Denial]
    called: set[tuple[str, str]]
    visible: set[tuple[str, str]]


def token() -> str:
    """Return what EKS puts into a pod for IRSA."""
    claims = json.dumps({"iss": f"https://{ISSUER}", "aud": "sts.amazonaws.com", "sub": SUBJECT}).encode()
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.x"


def run(
    settings: Settings,
    printed: Printed,
    lives: Iterable[Life],
    *,
    pod: str | None = None,
    until_denied: bool = False,
) -> Outcome:
    """Let the exporter run with these policies; ``pod`` says how it gets its role.

    With ``until_denied`` it runs only until something that is denied is seen in metrics.
    """
    clock = ManualClock(NOW)
    simulator = Simulator(clock, require_signature=True)
    for life in lives:
        simulator.add(life)
    simulator.policies = policies(printed)
    aws = _Aws(simulator, pod)
    telemetry = Telemetry()
    targets = [(Target(spec, telemetry, clock.now()), _SignedApi(aws, spec)) for spec in settings.targets]
    visible: set[tuple[str, str]] = set()
    end = clock.now().monotonic + HOURS * HOUR
    while clock.now().monotonic < end and not (until_denied and visible):
        idle = True
        for target, api in targets:
            target.expire(clock.now())
            if (work := target.next(clock.now())) is None:
                continue
            idle = False
            before = len(simulator.policies.denials)
            target.apply(work, perform(api, work), clock.now())
            if len(simulator.policies.denials) > before:
                visible |= _shown(target, clock.now())
        if idle:
            wakes = [at for target, _ in targets if (at := target.wakes_at(clock.now())) is not None]
            clock.advance(max(min(min(wakes, default=end), end) - clock.now().monotonic, 1e-3))
    return Outcome(simulator.policies.denials, aws.called, visible)


def _shown(target: Target, now: Instant) -> set[tuple[str, str]]:
    view = target.view(now)
    return set(view.errors) | {("describe", str(job.failure.code)) for job in view.jobs if job.failure is not None}


class _Aws:
    """Signs requests for the exporter: with its own credentials, a profile's, or those of a role."""

    def __init__(self, simulator: Simulator, pod: str | None) -> None:
        self.called: set[tuple[str, str]] = set()
        self.simulator = simulator
        self._pod = pod
        self._assumed: dict[Credentials, tuple[float, str, str]] = {}
        simulator.add_credentials("AKIAPROFILE", EXPORTER, session=sts.session(PROFILE_ROLE, "cli"))
        simulator.web_identities[token()] = ROLE

    def ask(self, spec: TargetSpec, operation: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """Make a request in the name of a target; raise CallFailed."""
        credentials = spec.key.credentials
        try:
            key, session_token = self._own() if credentials.profile is None else ("AKIAPROFILE", None)
            if credentials.role_arn is not None:
                key, session_token = self._role(spec, key, session_token)
        except ApiError as error:
            raise CallFailed(ErrorCode.ASSUME_ROLE_DENIED, error.message) from None
        service = action_of(operation).partition(":")[0]
        self.called.add((operation, spec.key.region))
        try:
            return self._handle(service, operation, content, spec.key.region, key, session_token)
        except ApiError as error:
            raise CallFailed(code_of(error), error.message) from None

    def _own(self) -> tuple[str, str | None]:
        if self._pod == "irsa":
            content = {"RoleArn": ROLE, "RoleSessionName": "pod", "WebIdentityToken": token()}
            return _keys(self._handle("sts", "AssumeRoleWithWebIdentity", content, "eu-west-1", None, None))
        tagged = self._pod == "pod-identity"
        if tagged:
            assert self.simulator.policies is not None
            self.simulator.policies.check_service("pods.eks.amazonaws.com", ROLE, ("sts:AssumeRole", "sts:TagSession"))
        self.simulator.add_credentials("ASIAOWN", EXPORTER, session=sts.session(ROLE, "pod", tagged=tagged))
        return "ASIAOWN", None

    def _role(self, spec: TargetSpec, key: str, session_token: str | None) -> tuple[str, str | None]:
        credentials, now = spec.key.credentials, self.simulator.clock.time()
        expires, *keys = self._assumed.get(credentials, (0.0, "", ""))
        if now < expires:
            return keys[0], keys[1]
        assert credentials.role_arn is not None
        self.simulator.roles[credentials.role_arn] = None  # its trust policy is what decides
        content = {"RoleArn": credentials.role_arn, "RoleSessionName": "exporter"}
        if credentials.external_id is not None:
            content["ExternalId"] = credentials.external_id
        answer = self._handle("sts", "AssumeRole", content, spec.key.region, key, session_token)
        found = _keys(answer)
        self._assumed[credentials] = (now + 3000.0, *found)
        return found

    def _handle(
        self, service: str, operation: str, content: Any, region: str, key: str | None, session_token: str | None
    ) -> dict[str, Any]:
        return self.simulator.handle(
            Request(service, operation, content, region, access_key_id=key, session_token=session_token)
        )


def _keys(answer: Mapping[str, Any]) -> tuple[str, str]:
    return answer["Credentials"]["AccessKeyId"], answer["Credentials"]["SessionToken"]


class _SignedApi:
    """What a target calls."""

    def __init__(self, aws: _Aws, spec: TargetSpec) -> None:
        self._aws = aws
        self._spec = spec

    def describe(self, name: str) -> Mapping[str, Any]:
        return self._ask("DescribeHyperParameterTuningJob", {"HyperParameterTuningJobName": name})

    def list_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._ask("ListHyperParameterTuningJobs", dict(request))

    def list_training_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._ask("ListTrainingJobsForHyperParameterTuningJob", dict(request))

    def search(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._ask("Search", dict(request))

    def list_service_quotas(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._ask("ListServiceQuotas", dict(request))

    def list_tags(self, arn: str) -> Mapping[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self._ask("ListTags", {"ResourceArn": arn})["Tags"]}

    def caller_account(self) -> str:
        return str(self._ask("GetCallerIdentity", {})["Account"])

    def _ask(self, operation: str, content: Mapping[str, Any]) -> dict[str, Any]:
        return self._aws.ask(self._spec, operation, content)
