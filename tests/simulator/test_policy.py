"""The simulator denies what no policy allows, and says so as AWS does."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from exporter.simulator import sts
from exporter.simulator.errors import ApiError
from exporter.simulator.policy import Denial, Policies
from exporter.simulator.request import Request

if TYPE_CHECKING:
    from exporter.simulator.service import Simulator

ACCOUNT, OTHER = "123456789012", "210987654321"
REGION = "eu-west-1"
USER = f"arn:aws:iam::{ACCOUNT}:user/simulated"
ROLE = f"arn:aws:iam::{OTHER}:role/teams/metrics"
JOB = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:hyper-parameter-tuning-job"
DESCRIBE = "sagemaker:DescribeHyperParameterTuningJob"


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}


def allowed(action: object, resource: object = "*", **more: Any) -> dict[str, Any]:
    return document({"Action": action, "Resource": resource, **more})


def trusting(action: object, principal: dict[str, str], **condition: str) -> dict[str, Any]:
    more = {"Condition": {"StringEquals": condition}} if condition else {}
    return document({"Action": action, "Principal": principal, **more})


def ask(simulator: Simulator, operation: str, content: dict[str, Any], service: str = "sagemaker") -> dict[str, Any]:
    return simulator.handle(Request(service, operation, content, REGION, access_key_id="AKIAUSER"))


def describe(simulator: Simulator, name: str = "Churn-V3") -> dict[str, Any]:
    return ask(simulator, "DescribeHyperParameterTuningJob", {"HyperParameterTuningJobName": name})


@pytest.fixture
def simulator(simulator: Simulator) -> Simulator:
    simulator.create("healthy", "Churn-V3", region=REGION, tags={"team": "search"})
    simulator.add_credentials("AKIAUSER", ACCOUNT)
    return simulator


def let(simulator: Simulator, *documents: dict[str, Any], trust: dict[str, Any] | None = None) -> Policies:
    simulator.policies = Policies({USER: documents}, {} if trust is None else {ROLE: trust})
    return simulator.policies


def test_without_a_policy_nothing_is_allowed(simulator: Simulator) -> None:
    policies = let(simulator)
    with pytest.raises(ApiError) as raised:
        describe(simulator)
    assert (raised.value.code, raised.value.http_status) == ("AccessDeniedException", 400)
    assert raised.value.message == (
        f"User: {USER} is not authorized to perform: {DESCRIBE} on resource: {JOB}/churn-v3"
        f" because no identity-based policy allows the {DESCRIBE} action"
    )
    assert policies.denials == [Denial(USER, DESCRIBE, f"{JOB}/churn-v3")]


@pytest.mark.parametrize(
    ("resource", "fits"),
    [
        ("*", True),
        (f"{JOB}/churn-v3", True),
        (f"{JOB}/Churn-V3", False),
        ([f"{JOB}/other", f"{JOB}/*v3"], True),
        (f"{JOB}/churn-v?", True),
        (f"{JOB}/churn-v${{?}}", False),
        ("arn:aws:sagemaker:*:*:hyper-parameter-tuning-job/churn*", True),
        (f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:hyper-parameter-tuning-job/*", False),
    ],
)
def test_resources(simulator: Simulator, resource: object, fits: bool) -> None:
    let(simulator, allowed(["sagemaker:ListTags", DESCRIBE], resource))
    if fits:
        assert describe(simulator)["HyperParameterTuningJobName"] == "Churn-V3"
    else:
        with pytest.raises(ApiError, match="AccessDenied"):
            describe(simulator)


@pytest.mark.parametrize(
    ("operation", "content", "shown"),
    [
        ("ListHyperParameterTuningJobs", {}, f"{JOB}/*"),
        ("Search", {"Resource": "HyperParameterTuningJob"}, JOB.replace("hyper-parameter-tuning-job", "*")),
    ],
)
def test_what_is_about_no_single_job_needs_every_resource(
    simulator: Simulator, operation: str, content: dict[str, Any], shown: str
) -> None:
    let(simulator, allowed(f"sagemaker:{operation}", f"{JOB}/*"))
    with pytest.raises(ApiError, match=f"on resource: {shown.replace('*', '[*]')} because"):
        ask(simulator, operation, content)
    let(simulator, allowed(f"sagemaker:{operation}"))
    assert ask(simulator, operation, content)


@pytest.mark.parametrize(("region", "fits"), [(REGION, True), (["us-east-1", REGION], True), ("us-east-1", False)])
def test_conditions(simulator: Simulator, region: object, fits: bool) -> None:
    condition = {"StringEquals": {"aws:RequestedRegion": region}}
    policies = let(simulator, allowed("sagemaker:ListHyperParameterTuningJobs", Condition=condition))
    if fits:
        ask(simulator, "ListHyperParameterTuningJobs", {})
    else:
        with pytest.raises(ApiError, match="AccessDenied"):
            ask(simulator, "ListHyperParameterTuningJobs", {})
    assert bool(policies.denials) is not fits


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Deny", "Action": "*", "Resource": "*"},
        {"Action": "*", "NotResource": "*"},
        {"Action": "*", "Resource": "*", "Condition": {"StringLike": {"aws:RequestedRegion": "eu-*"}}},
    ],
)
def test_what_is_not_understood_is_no_policy(statement: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not understood"):
        Policies({USER: [document(statement)]}, {})
    with pytest.raises(ValueError, match="version"):
        Policies({USER: [{"Version": "2008-10-17", "Statement": []}]}, {})


def test_to_ask_who_one_is_needs_no_policy(simulator: Simulator) -> None:
    let(simulator)
    assert ask(simulator, "GetCallerIdentity", {}, "sts")["Account"] == ACCOUNT


class TestRoles:
    def assume(self, simulator: Simulator, **more: str) -> dict[str, Any]:
        simulator.roles[ROLE] = None
        return ask(simulator, "AssumeRole", {"RoleArn": ROLE, "RoleSessionName": "test", **more}, "sts")

    def test_the_policy_and_the_trust_must_allow_it(self, simulator: Simulator) -> None:
        right, trust = allowed("sts:AssumeRole", ROLE), trusting("sts:AssumeRole", {"AWS": USER})
        for documents, of_role in (((), trust), ((right,), None)):
            let(simulator, *documents, trust=of_role)
            with pytest.raises(ApiError) as raised:
                self.assume(simulator)
            assert (raised.value.code, raised.value.http_status) == ("AccessDenied", 403)
            told = f"User: {USER} is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
            assert raised.value.message == told
        let(simulator, right, trust=trust)
        assert self.assume(simulator)["Credentials"]

    def test_an_external_id_may_be_asked_for(self, simulator: Simulator) -> None:
        trust = trusting("sts:AssumeRole", {"AWS": USER}, **{"sts:ExternalId": "right"})
        let(simulator, allowed("sts:AssumeRole", ROLE), trust=trust)
        for given in ({}, {"ExternalId": "wrong"}):
            with pytest.raises(ApiError, match="AccessDenied"):
                self.assume(simulator, **given)
        assert self.assume(simulator, ExternalId="right")

    def test_the_policies_of_a_session_are_those_of_its_role(self, simulator: Simulator) -> None:
        simulator.create("healthy", "theirs", region=REGION, account_id=OTHER)
        key = self.assume(simulator)["Credentials"]
        request = Request(
            "sagemaker",
            "DescribeHyperParameterTuningJob",
            {"HyperParameterTuningJobName": "theirs"},
            REGION,
            access_key_id=key["AccessKeyId"],
            session_token=key["SessionToken"],
        )
        simulator.policies = Policies({ROLE: [allowed(DESCRIBE)]}, {})
        assert simulator.handle(request)["HyperParameterTuningJobArn"].split(":")[4] == OTHER
        simulator.policies = Policies({USER: [allowed(DESCRIBE)]}, {})
        with pytest.raises(ApiError, match=f"User: arn:aws:sts::{OTHER}:assumed-role/metrics/test is not authorized"):
            simulator.handle(request)

    @pytest.mark.parametrize("where", ["policy", "trust", "both"])
    def test_a_session_with_tags_needs_that_allowed_too(self, simulator: Simulator, where: str) -> None:
        role = f"arn:aws:iam::{ACCOUNT}:role/pod"
        simulator.add_credentials("AKIAUSER", ACCOUNT, session=sts.session(role, "pod", tagged=True))
        both = ["sts:AssumeRole", "sts:TagSession"]
        policy = allowed("sts:AssumeRole" if where == "trust" else both, ROLE)
        trust = trusting("sts:AssumeRole" if where == "policy" else both, {"AWS": role})
        simulator.policies = Policies({role: [policy]}, {ROLE: trust})
        if where == "both":
            assert self.assume(simulator)
        else:
            with pytest.raises(ApiError, match="sts:TagSession on resource"):
                self.assume(simulator)

    def test_a_service_needs_every_action(self, simulator: Simulator) -> None:
        service = "pods.eks.amazonaws.com"
        policies = let(simulator, trust=trusting("sts:AssumeRole", {"Service": service}))
        policies.check_service(service, ROLE, ["sts:AssumeRole"])
        with pytest.raises(ApiError, match="sts:TagSession"):
            policies.check_service(service, ROLE, ["sts:AssumeRole", "sts:TagSession"])
        with pytest.raises(ApiError, match="sts:AssumeRole"):
            policies.check_service("ec2.amazonaws.com", ROLE, ["sts:AssumeRole"])


class TestWebIdentities:
    ISSUER = "oidc.example.com/id/1"

    def token(self, **claims: str) -> str:
        payload = base64.urlsafe_b64encode(json.dumps({"iss": f"https://{self.ISSUER}", **claims}).encode()).decode()
        return f"e30.{payload.rstrip('=')}.x"

    @pytest.mark.parametrize(
        ("claims", "fits"),
        [
            ({"aud": "sts.amazonaws.com", "sub": "pod"}, True),
            ({"aud": "sts.amazonaws.com", "sub": "other"}, False),
            ({"aud": "sts.amazonaws.com"}, False),
            ({"aud": "sts.amazonaws.com", "sub": "pod", "iss": "https://elsewhere"}, False),
            ({"sub": "pod"}, False),
        ],
    )
    def test_the_trust_decides(self, simulator: Simulator, claims: dict[str, str], fits: bool) -> None:
        action = "sts:AssumeRoleWithWebIdentity"
        wanted = {f"{self.ISSUER}:aud": "sts.amazonaws.com", f"{self.ISSUER}:sub": "pod"}
        provider = f"arn:aws:iam::{OTHER}:oidc-provider/{self.ISSUER}"
        let(simulator, trust=trusting(action, {"Federated": provider}, **wanted))
        token = self.token(**claims)
        simulator.web_identities[token] = ROLE
        content = {"RoleArn": ROLE, "RoleSessionName": "pod", "WebIdentityToken": token}
        request = Request("sts", "AssumeRoleWithWebIdentity", content, REGION)
        if fits:
            assert simulator.handle(request)["Credentials"]
        else:
            with pytest.raises(ApiError, match=f"AccessDenied: Not authorized to perform {action}"):
                simulator.handle(request)

    @pytest.mark.parametrize("token", ["none", "a.!.c", "a.W10.c"])
    def test_what_is_no_token_says_nothing(self, simulator: Simulator, token: str) -> None:
        let(simulator, trust=trusting("sts:AssumeRoleWithWebIdentity", {"Federated": "any"}))
        content = {"RoleArn": ROLE, "RoleSessionName": "pod", "WebIdentityToken": token}
        with pytest.raises(ApiError, match="AccessDenied"):
            simulator.handle(Request("sts", "AssumeRoleWithWebIdentity", content, REGION))
