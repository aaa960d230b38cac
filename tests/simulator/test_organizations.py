from __future__ import annotations

from typing import Any

import pytest
from support.clock import ManualClock

from exporter.simulator.errors import ApiError
from exporter.simulator.organizations import ROOT
from exporter.simulator.request import Request
from exporter.simulator.service import Simulator

UNIT, BELOW = "ou-ab12-11111111", "ou-ab12-22222222"


@pytest.fixture
def simulator() -> Simulator:
    simulator = Simulator(ManualClock(0.0))
    simulator.organization.add_unit(UNIT)
    simulator.organization.add_unit(BELOW, parent=UNIT)
    for number in range(45):
        simulator.organization.join(f"{number:012}", f"n-{number}", parent=UNIT if number < 2 else ROOT)
    return simulator


def ask(simulator: Simulator, operation: str, **content: Any) -> dict[str, Any]:
    request = Request(
        service="organizations", operation=operation, content=content, region="us-east-1", account_id="123456789012"
    )
    return simulator.handle(request)


def test_accounts_come_in_pages_of_twenty(simulator: Simulator) -> None:
    found: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        page = ask(simulator, "ListAccounts", **token)
        assert len(page["Accounts"]) <= 20
        found += page["Accounts"]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert [each["Id"] for each in found] == [f"{number:012}" for number in range(45)]
    assert simulator.requests["ListAccounts", "us-east-1"] == 3


def test_a_unit_has_its_accounts_and_the_units_below(simulator: Simulator) -> None:
    assert [each["Name"] for each in ask(simulator, "ListAccountsForParent", ParentId=UNIT)["Accounts"]] == [
        "n-0",
        "n-1",
    ]
    units = ask(simulator, "ListOrganizationalUnitsForParent", ParentId=UNIT)["OrganizationalUnits"]
    assert [each["Id"] for each in units] == [BELOW]
    assert ask(simulator, "ListOrganizationalUnitsForParent", ParentId=BELOW) == {"OrganizationalUnits": []}
    with pytest.raises(ApiError, match="ParentNotFoundException"):
        ask(simulator, "ListAccountsForParent", ParentId="ou-ab12-99999999")


def test_a_closed_account_is_listed_and_one_that_left_is_not(simulator: Simulator) -> None:
    simulator.organization.close("000000000000")
    simulator.organization.leave("000000000001")
    [closed] = ask(simulator, "ListAccountsForParent", ParentId=UNIT)["Accounts"]
    assert (closed["Id"], closed["State"]) == ("000000000000", "CLOSED")


@pytest.mark.parametrize("content", [{"MaxResults": 21}, {"MaxResults": 0}, {"NextToken": "x"}])
def test_what_is_out_of_range_is_refused(simulator: Simulator, content: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="InvalidInputException"):
        ask(simulator, "ListAccounts", **content)
