"""Several accounts at once: each answers for itself, and one that is denied leaves the others alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from accounts.conftest import ACCOUNTS, Connect, Watched, account_of
from prometheus_client.parser import text_string_to_metric_families

from exporter.errors import CallFailed, ErrorCode
from exporter.simulator.faults import Fault, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from support.clock import ManualClock

    from exporter.sagemaker import SageMakerApi
    from exporter.telemetry import Telemetry

EXTERNAL_IDS = ("first-secret", "second-secret", "third-secret")


def role(account_id: str) -> str:
    return f"arn:aws:iam::{account_id}:role/teams/metrics-{account_id[0]}"


def entry(account_id: str, external_id: str) -> str:
    return f"role_arn: '{role(account_id)}', external_id: '{external_id}'"


def code(api: SageMakerApi) -> ErrorCode:
    with pytest.raises(CallFailed) as raised:
        api.describe("churn")
    return raised.value.code


def errors(telemetry: Telemetry) -> dict[tuple[str, str], float]:
    """Return the counted errors of AssumeRole by target and code."""
    return {
        (sample.labels["target"], sample.labels["code"]): sample.value
        for family in text_string_to_metric_families(telemetry.render_text().decode())
        for sample in family.samples
        if sample.name.endswith("_api_errors_total") and sample.labels["operation"] == "AssumeRole"
    }


@pytest.fixture
def roles(simulator: Watched, static_key: str) -> None:
    """Let a role be assumed in each account."""
    simulator.roles |= {role(each): secret for each, secret in zip(ACCOUNTS, EXTERNAL_IDS, strict=True)}


@pytest.fixture
def apis(roles: None, connect: Connect) -> list[SageMakerApi]:
    return connect(*map(entry, ACCOUNTS, EXTERNAL_IDS))


def test_each_role_reaches_its_account(apis: list[SageMakerApi], simulator: Watched, static_key: str) -> None:
    for _ in range(2):
        assert [account_of(api) for api in apis] == [*ACCOUNTS]
        assert [api.caller_account() for api in apis] == [*ACCOUNTS]
    assert simulator.count("AssumeRole") == 3
    assert simulator.keys("AssumeRole") == [static_key]
    assert len(simulator.keys()) == 3
    assert simulator.refused == []


@pytest.mark.usefixtures("roles")
def test_a_wrong_external_id_denies_one_account_only(
    connect: Connect, simulator: Watched, telemetry: Telemetry
) -> None:
    first, second, third = connect(*map(entry, ACCOUNTS, (EXTERNAL_IDS[0], EXTERNAL_IDS[0], EXTERNAL_IDS[2])))
    for _ in range(2):
        assert account_of(first) == ACCOUNTS[0]
        assert code(second) is ErrorCode.ASSUME_ROLE_DENIED
        assert account_of(third) == ACCOUNTS[2]
    assert errors(telemetry) == {(second._spec.name, "assume_role_denied"): 2}
    simulator.roles[role(ACCOUNTS[1])] = EXTERNAL_IDS[0]
    assert account_of(second) == ACCOUNTS[1]


def test_a_role_that_is_taken_away_fails_when_its_credentials_run_out(
    apis: list[SageMakerApi], simulator: Watched, clock: ManualClock, telemetry: Telemetry
) -> None:
    first, second, third = apis
    assert [account_of(api) for api in apis] == [*ACCOUNTS]
    del simulator.roles[role(ACCOUNTS[1])]
    clock.advance(46 * 60)  # the SDK tries to renew them, and can still do without
    assert [account_of(api) for api in apis] == [*ACCOUNTS]
    clock.advance(10 * 60)
    assert code(second) is ErrorCode.ASSUME_ROLE_DENIED
    assert [account_of(api) for api in (first, third)] == [ACCOUNTS[0], ACCOUNTS[2]]
    simulator.roles[role(ACCOUNTS[1])] = EXTERNAL_IDS[1]
    assert [account_of(api) for api in apis] == [*ACCOUNTS]
    assert set(errors(telemetry)) == {(second._spec.name, "assume_role_denied")}


def test_a_describe_that_is_denied_in_one_account_is_allowed_in_the_others(
    apis: list[SageMakerApi], simulator: Watched
) -> None:
    fault = simulator.faults.add(Fault(Kind.ACCESS_DENIED, account_id=ACCOUNTS[2]))
    assert [account_of(api) for api in apis[:2]] == [*ACCOUNTS[:2]]
    assert code(apis[2]) is ErrorCode.ACCESS_DENIED
    simulator.faults.remove(fault)
    assert account_of(apis[2]) == ACCOUNTS[2]
    assert simulator.count("AssumeRole") == 3  # its credentials are good


def test_a_profile_a_role_and_the_default_speak_for_three_accounts(
    connect: Connect, simulator: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, key, account_id in (("default", "AKIADEFAULT", ACCOUNTS[0]), ("team", "AKIATEAM", ACCOUNTS[1])):
        simulator.add_credentials(key, account_id)
        with (tmp_path / "credentials").open("a") as file:
            file.write(f"[{name}]\naws_access_key_id = {key}\naws_secret_access_key = secret\n")
    simulator.roles[role(ACCOUNTS[2])] = None
    default, team, assumed = connect(
        f"account_id: '{ACCOUNTS[0]}'",
        f"account_id: '{ACCOUNTS[1]}', profile: team",
        f"role_arn: '{role(ACCOUNTS[2])}', profile: team",
    )
    assert [account_of(api) for api in (default, team, assumed)] == [*ACCOUNTS]
    assert simulator.keys()[:2] == ["AKIADEFAULT", "AKIATEAM"]
    assert simulator.keys("AssumeRole") == ["AKIATEAM"]
