"""Partitions and FIPS: which hosts are asked for by name, and whose ARNs come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from accounts.conftest import ACCOUNTS, Watched
from sagemaker.wire import Wire, http

from exporter.config import parse
from exporter.errors import CallFailed
from exporter.sagemaker import SageMakerApi, Sessions
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.config.specs import TargetSpec

ACCOUNT = ACCOUNTS[0]


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """A proxy that lets nobody through: all that it learns is to whom one wants to talk."""
    with Wire(http("no way", 403)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY")
        yield proxy


def target(text: str) -> TargetSpec:
    (spec,) = parse(text, "partitions.yaml").targets
    return spec


def hosts(proxy: Wire, sessions: Sessions, spec: TargetSpec) -> list[str]:
    """Return the hosts that a describe and a look for the account want to reach."""
    api = SageMakerApi(spec, sessions, Telemetry())
    for call in (lambda: api.describe("churn"), api.caller_account):
        with pytest.raises(CallFailed):
            call()
    return [request.line.split()[1].removesuffix(":443") for request in proxy.requests]


@pytest.mark.usefixtures("static_key")
@pytest.mark.parametrize(
    ("region", "fips", "sagemaker", "sts"),
    [
        ("eu-west-1", "false", "api.sagemaker.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com"),
        ("us-east-2", "true", "api-fips.sagemaker.us-east-2.amazonaws.com", "sts-fips.us-east-2.amazonaws.com"),
        ("cn-north-1", "false", "api.sagemaker.cn-north-1.amazonaws.com.cn", "sts.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "false", "api.sagemaker.us-gov-west-1.amazonaws.com", "sts.us-gov-west-1.amazonaws.com"),
        ("us-gov-west-1", "true", "api-fips.sagemaker.us-gov-west-1.amazonaws.com", "sts.us-gov-west-1.amazonaws.com"),
    ],
)
def test_hosts(proxy: Wire, sessions: Sessions, region: str, fips: str, sagemaker: str, sts: str) -> None:
    spec = target(f"tuning_jobs: [{{name: churn, region: {region}, use_fips: {fips}}}]")
    assert hosts(proxy, sessions, spec) == [sagemaker, sts]


@pytest.mark.usefixtures("static_key")
@pytest.mark.parametrize(
    ("region", "partition", "fips", "sts"),
    [
        ("eu-west-1", "aws", "false", "sts.eu-west-1.amazonaws.com"),
        ("us-east-2", "aws", "true", "sts-fips.us-east-2.amazonaws.com"),
        ("cn-northwest-1", "aws-cn", "false", "sts.cn-northwest-1.amazonaws.com.cn"),
        ("us-gov-east-1", "aws-us-gov", "false", "sts.us-gov-east-1.amazonaws.com"),
    ],
)
def test_roles_are_assumed_in_the_region_of_the_target(
    proxy: Wire, sessions: Sessions, region: str, partition: str, fips: str, sts: str
) -> None:
    role = f"arn:{partition}:iam::{ACCOUNT}:role/metrics"
    spec = target(f"tuning_jobs: [{{name: churn, region: {region}, role_arn: '{role}', use_fips: {fips}}}]")
    assert set(hosts(proxy, sessions, spec)) == {sts}


@pytest.mark.parametrize(
    ("region", "fips", "sts"),
    [
        ("us-east-2", "true", "sts-fips.us-east-2.amazonaws.com"),
        ("cn-north-1", "false", "sts.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "true", "sts.us-gov-west-1.amazonaws.com"),
    ],
)
def test_web_identities_are_taken_where_the_target_is(
    proxy: Wire, sessions: Sessions, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, region: str, fips: str, sts: str
) -> None:
    (tmp_path / "token").write_text("a.b.c")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", f"arn:aws:iam::{ACCOUNT}:role/pod")
    spec = target(f"tuning_jobs: [{{name: churn, region: {region}, use_fips: {fips}}}]")
    assert set(hosts(proxy, sessions, spec)) == {sts}


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
@pytest.mark.parametrize("listed_by", ["name and role", "arn"])
def test_arns_keep_their_partition(
    url: str,
    simulator: Watched,
    sessions: Sessions,
    static_key: str,
    region: str,
    partition: str,
    listed_by: str,
) -> None:
    life = simulator.create("healthy", "Pricing", region=region, account_id=ACCOUNT)
    assert life.arn == f"arn:{partition}:sagemaker:{region}:{ACCOUNT}:hyper-parameter-tuning-job/pricing"
    role = f"arn:{partition}:iam::{ACCOUNT}:role/metrics"
    simulator.roles = {role: "the-secret"}
    entry = {
        "name and role": f"{{name: Pricing, region: {region}, role_arn: '{role}', external_id: the-secret}}",
        "arn": f"{{name: '{life.arn.removesuffix('pricing')}Pricing', role_arn: '{role}', external_id: the-secret}}",
    }[listed_by]
    spec = target(f"aws: {{endpoint_url: '{url}', sts_endpoint_url: '{url}'}}\ntuning_jobs: [{entry}]")
    assert (spec.key.partition, spec.key.region, spec.account_id) == (partition, region, ACCOUNT)
    api = SageMakerApi(spec, sessions, Telemetry())
    assert api.describe(spec.jobs[0].name)["HyperParameterTuningJobArn"] == life.arn
    assert api.caller_account() == ACCOUNT
    assert simulator.keys("AssumeRole") == [static_key]
