"""The accounts of an organization, as Organizations answers on a wire of the tests' own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sagemaker.conftest import ACCESS_KEY, failing
from sagemaker.wire import CHAIN, PATIENT, REGION, Request, Wire, error, http

from exporter.config.specs import Account, Endpoint, OrganizationSpec, TargetKey
from exporter.errors import ErrorCode
from exporter.sagemaker import Sessions, read_accounts

if TYPE_CHECKING:
    from collections.abc import Mapping

A, B, C = "111111111111", "222222222222", "333333333333"
UNIT, BELOW = "ou-ab12-11111111", "ou-ab12-22222222"


def spec(wire: Wire, *units: str) -> OrganizationSpec:
    return OrganizationSpec(TargetKey("aws", REGION, CHAIN, Endpoint(wire.url)), PATIENT, "organization", units)


def asked(request: Request) -> tuple[str, Mapping[str, Any]]:
    return request.headers["x-amz-target"].rpartition(".")[2], json.loads(request.body)


def account(account_id: str, **members: str) -> dict[str, str]:
    return {"Id": account_id, "Name": f"n-{account_id[0]}", "Email": "someone@example.com", **members}


def test_active_accounts_are_told_page_by_page_by_their_state_or_status(wire: Wire, sessions: Sessions) -> None:
    pages = {
        None: {"Accounts": [account(B, State="ACTIVE"), account(C, State="CLOSED", Status="ACTIVE")], "NextToken": "t"},
        "t": {"Accounts": [account(A, Status="ACTIVE"), account("4" * 12, Status="SUSPENDED"), account("5" * 12)]},
    }
    wire.answer = lambda request: http(json.dumps(pages[asked(request)[1].get("NextToken")]))
    assert read_accounts(spec(wire), sessions) == (Account(A, "n-1"), Account(B, "n-2"))
    assert [asked(each) for each in wire.requests] == [("ListAccounts", {}), ("ListAccounts", {"NextToken": "t"})]
    assert {each.access_key for each in wire.requests} == {ACCESS_KEY}


def test_units_are_walked_down_once_each(wire: Wire, sessions: Sessions) -> None:
    accounts = {UNIT: [account(A, State="ACTIVE")], BELOW: [account(A, State="ACTIVE"), account(B, State="ACTIVE")]}
    units = {UNIT: [{"Id": BELOW}], BELOW: [{"Id": UNIT}]}

    def answer(request: Request) -> bytes:
        operation, content = asked(request)
        member, rows = ("Accounts", accounts) if "Accounts" in operation else ("OrganizationalUnits", units)
        return http(json.dumps({member: rows[content["ParentId"]]}))

    wire.answer = answer
    assert [each.id for each in read_accounts(spec(wire, UNIT), sessions)] == [A, B]
    assert len(wire.requests) == 4


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (error("AccessDeniedException", "no"), ErrorCode.ACCESS_DENIED),
        (error("TooManyRequestsException", "slow"), ErrorCode.THROTTLED),
        (error("AWSOrganizationsNotInUseException", "none"), ErrorCode.OTHER),
        (http("{}"), ErrorCode.MALFORMED_ANSWER),
        (http('{"Accounts": [{"Name": "x", "State": "ACTIVE"}]}'), ErrorCode.MALFORMED_ANSWER),
        (http("<html>"), ErrorCode.MALFORMED_ANSWER),
    ],
)
def test_what_cannot_be_read_is_a_failure_and_never_an_empty_organization(
    answer: bytes, code: ErrorCode, wire: Wire, sessions: Sessions
) -> None:
    wire.answer = answer
    assert failing(lambda: read_accounts(spec(wire), sessions)) is code
