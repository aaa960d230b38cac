"""Credentials that expire while the exporter runs: the SDK renews them in time, and no call fails for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, NamedTuple

import botocore.utils
import pytest
from accounts.conftest import ACCOUNTS, REGION, Connect, Watched, account_of
from accounts.metadata import InstanceMetadata, PodIdentity
from support.processes import PATIENCE

from exporter.errors import CallFailed, ErrorCode
from exporter.simulator.errors import ApiError
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.service import Request

if TYPE_CHECKING:
    from pathlib import Path

    from support.clock import ManualClock

ACCOUNT = ACCOUNTS[0]
ROLE = f"arn:aws:iam::{ACCOUNT}:role/metrics"
POD_ROLE = f"arn:aws:iam::{ACCOUNTS[1]}:role/pod"
MINUTE = 60.0


class Source(NamedTuple):
    """Where credentials come from: the entry of the configuration, how often new ones were had, what goes on by itself."""

    entry: str
    renewals: Callable[[], int]
    rotate: Callable[[int], None] = lambda _: None


@pytest.fixture
def role(simulator: Watched, static_key: str) -> Source:
    simulator.roles[ROLE] = "secret"
    return Source(f"role_arn: '{ROLE}', external_id: secret", lambda: simulator.count("AssumeRole"))


@pytest.fixture
def profile_with_a_role(simulator: Watched, static_key: str, tmp_path: Path) -> Source:
    simulator.roles[ROLE] = None
    (tmp_path / "config").write_text(f"[profile team]\nrole_arn = {ROLE}\ncredential_source = Environment\n")
    return Source(f"profile: team, account_id: '{ACCOUNT}'", lambda: simulator.count("AssumeRole"))


def web_identity_of(
    role_arn: str, simulator: Watched, monkeypatch: pytest.MonkeyPatch, file: Path
) -> Callable[[int], None]:
    """Give the process a web identity; return what replaces its token."""
    monkeypatch.setenv("AWS_ROLE_ARN", role_arn)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(file))

    def rotate(number: int) -> None:
        token = f"header.payload.{number}"
        file.write_text(token)
        simulator.web_identities = {token: role_arn}

    rotate(0)
    return rotate


@pytest.fixture
def web_identity(simulator: Watched, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Source:
    rotate = web_identity_of(ROLE, simulator, monkeypatch, tmp_path / "token")
    return Source(f"account_id: '{ACCOUNT}'", lambda: simulator.count("AssumeRoleWithWebIdentity"), rotate)


@pytest.fixture
def role_from_a_web_identity(simulator: Watched, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Source:
    rotate = web_identity_of(POD_ROLE, simulator, monkeypatch, tmp_path / "token")
    simulator.roles[ROLE] = None
    return Source(f"role_arn: '{ROLE}'", lambda: simulator.count("AssumeRole"), rotate)


@pytest.fixture
def pod_identity(simulator: Watched, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Source]:
    file = tmp_path / "token"
    with PodIdentity(simulator, ACCOUNT) as agent:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{agent.url}/v1/credentials")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(file))

        def rotate(number: int) -> None:
            agent.valid_token = f"pod.token.{number}"
            file.write_text(agent.valid_token)

        rotate(0)
        yield Source(f"account_id: '{ACCOUNT}'", lambda: agent.handed_out, rotate)


def metadata_source(service: InstanceMetadata, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.url)
    return Source(f"account_id: '{ACCOUNT}'", lambda: service.handed_out)


@pytest.fixture
def instance_profile(simulator: Watched, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    with InstanceMetadata(simulator, ACCOUNT) as service:
        yield metadata_source(service, monkeypatch)


@pytest.fixture
def source(request: pytest.FixtureRequest) -> Source:
    return request.getfixturevalue(request.param)


SOURCES = (
    "role",
    "profile_with_a_role",
    "web_identity",
    "role_from_a_web_identity",
    "pod_identity",
    "instance_profile",
)


def is_expired(simulator: Watched, key: str | None) -> bool:
    """Tell whether the simulator has had enough of a key."""
    request = Request("sagemaker", "ListHyperParameterTuningJobs", {}, REGION, access_key_id=key)
    with pytest.raises(ApiError) as refused:  # for want of the session token if for nothing else
        simulator.handle(request)
    return refused.value.code == "ExpiredTokenException"


@pytest.mark.parametrize("source", SOURCES, indirect=True)
def test_no_call_fails_while_they_expire_one_after_the_other(
    source: Source, simulator: Watched, clock: ManualClock, connect: Connect
) -> None:
    (api,) = connect(source.entry)
    for call in range(100):
        if call % 12 == 0:  # sooner than the credentials are renewed
            source.rotate(call)
        assert account_of(api) == ACCOUNT
        clock.advance(2 * MINUTE)
    assert simulator.refused == []
    keys = simulator.keys()
    assert 4 <= len(keys) <= 5  # of an hour each
    assert source.renewals() == len(keys)
    assert [is_expired(simulator, key) for key in keys[:3]] == [True] * 3
    assert not is_expired(simulator, keys[-1])
    assert api.caller_account() == ACCOUNT


@pytest.mark.parametrize("source", SOURCES, indirect=True)
def test_after_a_pause_longer_than_they_last(
    source: Source, simulator: Watched, clock: ManualClock, connect: Connect
) -> None:
    (api,) = connect(source.entry)
    assert account_of(api) == ACCOUNT
    clock.advance(48 * 60 * MINUTE)
    source.rotate(1)
    assert account_of(api) == ACCOUNT
    assert simulator.refused == []
    assert len(simulator.keys()) == 2


@pytest.mark.parametrize("source", SOURCES, indirect=True)
def test_one_renewal_serves_all_threads(
    source: Source, simulator: Watched, clock: ManualClock, connect: Connect
) -> None:
    (api,) = connect(source.entry)
    assert account_of(api) == ACCOUNT
    clock.advance(56 * MINUTE)
    barrier = threading.Barrier(8)

    def describe() -> str:
        barrier.wait(PATIENCE)
        return account_of(api)

    with ThreadPoolExecutor(8) as pool:
        assert [future.result(PATIENCE) for future in [pool.submit(describe) for _ in range(8)]] == [ACCOUNT] * 8
    assert source.renewals() == 2
    assert simulator.refused == []


@pytest.fixture
def down(simulator: Watched) -> Callable[[bool], None]:
    """Return what takes STS away and gives it back."""
    faults = [
        Fault(Kind.SERVER_ERROR, operation=operation) for operation in ("AssumeRole", "AssumeRoleWithWebIdentity")
    ]

    def switch(away: bool) -> None:
        for fault in faults:
            (simulator.faults.add if away else simulator.faults.remove)(fault)

    return switch


@pytest.mark.parametrize("source", SOURCES[:4], indirect=True)
def test_sts_may_be_down_for_a_while(
    source: Source, simulator: Watched, clock: ManualClock, connect: Connect, down: Callable[[bool], None]
) -> None:
    (api,) = connect(source.entry)
    assert account_of(api) == ACCOUNT
    down(True)
    for _ in range(10):  # a quarter of an hour before their end the SDK begins to try, ten minutes before it must
        assert account_of(api) == ACCOUNT
        clock.advance(5 * MINUTE)
    assert account_of(api) == ACCOUNT
    assert len(simulator.keys()) == 1
    clock.advance(MINUTE)
    with pytest.raises(CallFailed) as raised:
        api.describe("churn")
    assert raised.value.code is ErrorCode.SERVER_ERROR
    down(False)
    assert account_of(api) == ACCOUNT
    assert len(simulator.keys()) == 2


def test_each_region_renews_the_credentials_of_a_role_once_by_its_own_sts(
    role: Source, simulator: Watched, clock: ManualClock, connect: Connect
) -> None:
    simulator.create("healthy", "churn", region="us-east-1", account_id=ACCOUNT)
    here, there = connect(role.entry, f"{role.entry}, region: us-east-1")
    for _ in range(10):
        assert account_of(here) == account_of(there) == ACCOUNT
        clock.advance(11 * MINUTE)
    assert role.renewals() == len(simulator.keys()) == 2 * 2
    assert simulator.refused == []


def test_an_instance_profile_renewed_at_the_last_moment_costs_one_failed_call_at_most(
    simulator: Watched, clock: ManualClock, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Short of new ones the SDK goes on with the old ones for 15 minutes and a random while. This one is too long.
    monkeypatch.setattr(botocore.utils, "random", SimpleNamespace(randint=lambda _low, _high: 480))
    with InstanceMetadata(simulator, ACCOUNT) as service:
        service.ahead = 5 * MINUTE
        (api,) = connect(metadata_source(service, monkeypatch).entry)
        came_of_it = []
        for _ in range(70):
            try:
                came_of_it.append(account_of(api))
            except CallFailed as failed:
                came_of_it.append(failed.code)
            clock.advance(MINUTE)
    assert came_of_it == [ACCOUNT] * 60 + [ErrorCode.EXPIRED_CREDENTIALS] + [ACCOUNT] * 9
    assert service.handed_out == 2
