"""The printed policies are enough for the SDK itself: how it gets the pod's role, and assumes the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from accounts.conftest import Connect, Watched, account_of
from accounts.metadata import PodIdentity
from permissions.world import EXPORTER, OTHER, ROLE, policies, read, token

from exporter.config.specs import Settings
from exporter.errors import CallFailed, ErrorCode
from exporter.permissions import Trust, as_json, identities
from exporter.simulator import sts
from exporter.simulator.policy import Policies

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.sagemaker import SageMakerApi

ASSUMED = f"arn:aws:iam::{OTHER}:role/teams/metrics"


@pytest.fixture(params=Trust)
def trust(
    request: pytest.FixtureRequest, simulator: Watched, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Trust]:
    """Give the process what EKS gives a pod."""
    file = tmp_path / "token"
    file.write_text(token())
    if request.param is Trust.IRSA:
        simulator.web_identities[token()] = ROLE
        monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(file))
        yield request.param
    else:
        with PodIdentity(simulator, EXPORTER, sts.session(ROLE, "pod", tagged=True)) as agent:
            agent.valid_token = token()
            monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{agent.url}/v1/credentials")
            monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(file))
            yield request.param


def code(api: SageMakerApi) -> ErrorCode:
    with pytest.raises(CallFailed) as raised:
        api.describe("churn")
    return raised.value.code


def test_the_sdk_needs_no_more(trust: Trust, simulator: Watched, connect: Connect) -> None:
    simulator.roles[ASSUMED] = None  # its trust policy is what decides
    apis = connect(f"account_id: '{EXPORTER}'", f"role_arn: '{ASSUMED}', external_id: shared-secret")
    own, assumed = apis
    settings = Settings(tuple(api._spec for api in apis))

    simulator.policies = Policies({}, {})
    assert code(own) is (ErrorCode.ASSUME_ROLE_DENIED if trust is Trust.IRSA else ErrorCode.ACCESS_DENIED)
    assert code(assumed) is ErrorCode.ASSUME_ROLE_DENIED

    simulator.policies = policies(read(as_json.render(identities(settings, trust))))
    assert [account_of(api) for api in apis] == [EXPORTER, OTHER]
    assert own.caller_account() == EXPORTER
    assert simulator.policies.denials == []
