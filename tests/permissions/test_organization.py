"""What iam-policy prints for an organization is what check --online needs, and no part of it is spare."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from exporter.cli import main
from exporter.clock import SystemClock
from exporter.simulator.policy import Policies
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER = "arn:aws:iam::123456789012:user/simulated"
ACCOUNTS = ("000000000001", "000000000002")
UNIT = "ou-ab12-11111111"


def role(account: str) -> str:
    return f"arn:aws:iam::{account}:role/metrics"


@pytest.fixture
def served() -> Iterator[tuple[Simulator, str]]:
    simulator = Simulator(SystemClock(), require_signature=True)
    simulator.organization.add_unit(UNIT)
    for account in ACCOUNTS:
        simulator.organization.join(account, "", parent=UNIT)
        simulator.roles[role(account)] = None
        simulator.create("healthy", "search", account_id=account, created=time.time() - 4_000)
    with Server(simulator) as server:
        yield simulator, server.url


def filled(printed: dict[str, Any]) -> Policies:
    """Return what a stack set makes of it in each account, for the user that the tests have keys of."""
    text = json.dumps(printed).replace("arn:aws:iam::EXPORTER_ACCOUNT_ID:role/EXPORTER_ROLE_NAME", USER)
    found = json.loads(text.replace("EXTERNAL_ID", "shared"))
    return Policies(
        {USER: found["exporter"]["policies"], **{role(account): found[role("*")]["policies"] for account in ACCOUNTS}},
        {role(account): found[role("*")]["trust"] for account in ACCOUNTS},
    )


@pytest.mark.parametrize("organization", [{}, {"include_ous": [UNIT]}])
def test_what_is_printed_is_enough_and_needed(
    organization: dict[str, Any], served: tuple[Simulator, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    simulator, url = served
    file = tmp_path / "config.yaml"
    aws = {"region": "us-east-1", "endpoint_url": url, "sts_endpoint_url": url, "requests_per_second": 1000}
    aws["organization"] = {"role_name": "metrics", "endpoint_url": url, **organization}
    file.write_text(
        yaml.safe_dump({"aws": {**aws, "external_id": "shared"}, "discover": [{"name_contains": "search"}]})
    )
    assert main(["iam-policy", str(file)]) == 0
    out, err = capsys.readouterr()
    assert "warning: exporter: only AWS knows the accounts of the organization, so the role may be assumed" in err
    printed = json.loads(out)
    simulator.policies = filled(printed)
    assert main(["check", str(file), "--online"]) == 0
    assert simulator.policies.denials == []
    capsys.readouterr()
    for statement in printed["exporter"]["policies"][0]["Statement"]:
        for action in statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]:
            less = json.loads(out)
            [policy] = less["exporter"]["policies"]
            policy["Statement"] = [
                each
                | {
                    "Action": [one for one in each["Action"] if one != action]
                    if isinstance(each["Action"], list)
                    else []
                }
                if action in each["Action"]
                else each
                for each in policy["Statement"]
            ]
            simulator.policies = filled(less)
            assert main(["check", str(file), "--online"]) == 1
            assert {each.action for each in simulator.policies.denials} == {action}
            capsys.readouterr()
