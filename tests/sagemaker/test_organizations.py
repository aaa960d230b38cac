"""The accounts of an organization, as Organizations answers on a wire of the tests' own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sagemaker.conftest import ACCESS_KEY, Own, failing
from sagemaker.wire import CHAIN, PATIENT, REGION, Request, Wire, error, http, sts_credentials

from exporter.config.specs import Account, Credentials, Endpoint, OrganizationSpec, TargetKey
from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker import Sessions, organizations, read_accounts

if TYPE_CHECKING:
    from collections.abc import Mapping

A, B, C = "111111111111", "222222222222", "333333333333"
UNIT, BELOW = "ou-ab12-11111111", "ou-ab12-22222222"


def spec(wire: Wire, *units: str) -> OrganizationSpec:
    return OrganizationSpec(TargetKey("aws", REGION, CHAIN, Endpoint(wire.url)), PATIENT, "organization", units)


@pytest.fixture
def telemetry(telemetry: Own) -> Own:
    telemetry.add_organization("organization", "", ())
    return telemetry


def counted(telemetry: Own, what: str, operation: str, **more: str) -> float | None:
    return telemetry.value(f"api_{what}_total", target="organization", operation=operation, **more)


def asked(request: Request) -> tuple[str, Mapping[str, Any]]:
    return request.headers["x-amz-target"].rpartition(".")[2], json.loads(request.body)


def account(account_id: str, **members: str) -> dict[str, str]:
    return {"Id": account_id, "Name": f"n-{account_id[0]}", "Email": "someone@example.com", **members}


def listed(*accounts: Mapping[str, Any], **more: str) -> bytes:
    return http(json.dumps({"Accounts": accounts, **more}))


def test_active_accounts_are_told_page_by_page_by_their_state_or_status(
    wire: Wire, sessions: Sessions, telemetry: Own
) -> None:
    pages = {
        None: {"Accounts": [account(B, State="ACTIVE"), account(C, State="CLOSED", Status="ACTIVE")], "NextToken": "t"},
        "t": {"Accounts": [account(A, Status="ACTIVE"), account("4" * 12, Status="SUSPENDED")]},
    }
    wire.answer = lambda request: http(json.dumps(pages[asked(request)[1].get("NextToken")]))
    assert read_accounts(spec(wire), sessions, telemetry) == (Account(A, "n-1"), Account(B, "n-2"))
    assert [asked(each) for each in wire.requests] == [("ListAccounts", {}), ("ListAccounts", {"NextToken": "t"})]
    assert {each.access_key for each in wire.requests} == {ACCESS_KEY}
    assert counted(telemetry, "requests", "ListAccounts") == 2
    assert telemetry.value("api_request_duration_seconds_count", operation="ListAccounts") == 2


def test_units_are_walked_down_once_each(wire: Wire, sessions: Sessions, telemetry: Own) -> None:
    accounts = {UNIT: [account(A, State="ACTIVE")], BELOW: [account(A, State="ACTIVE"), account(B, State="ACTIVE")]}
    units = {UNIT: [{"Id": BELOW}], BELOW: [{"Id": UNIT}]}

    def answer(request: Request) -> bytes:
        operation, content = asked(request)
        member, rows = ("Accounts", accounts) if "Accounts" in operation else ("OrganizationalUnits", units)
        return http(json.dumps({member: rows[content["ParentId"]]}))

    wire.answer = answer
    assert [each.id for each in read_accounts(spec(wire, UNIT), sessions, telemetry)] == [A, B]
    assert len(wire.requests) == 4
    for operation in spec(wire, UNIT).operations:
        assert counted(telemetry, "requests", operation) == 2


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (error("AccessDeniedException", "no"), ErrorCode.ACCESS_DENIED),
        (error("AWSOrganizationsNotInUseException", "none"), ErrorCode.OTHER),
        (http("{}"), ErrorCode.MALFORMED_ANSWER),
        (http('{"Accounts": [{"Name": "x", "State": "ACTIVE"}]}'), ErrorCode.MALFORMED_ANSWER),
        (http("<html>"), ErrorCode.MALFORMED_ANSWER),
        (listed(account(A, State="ACTIVE"), account(B)), ErrorCode.MALFORMED_ANSWER),
        (listed(account("1", State="ACTIVE")), ErrorCode.MALFORMED_ANSWER),
        (listed(account("1" * 300, State="ACTIVE")), ErrorCode.MALFORMED_ANSWER),
        (listed(account("../../x:y", State="ACTIVE")), ErrorCode.MALFORMED_ANSWER),
    ],
)
def test_what_cannot_be_read_is_a_failure_and_never_an_empty_organization(
    answer: bytes, code: ErrorCode, wire: Wire, sessions: Sessions, telemetry: Own
) -> None:
    wire.answer = answer
    assert failing(lambda: read_accounts(spec(wire), sessions, telemetry)) is code
    assert counted(telemetry, "requests", "ListAccounts") == 1
    assert counted(telemetry, "errors", "ListAccounts", code=code) == 1


@pytest.mark.parametrize("answer", [listed(), listed(account(A, State="CLOSED"))])
def test_no_active_account_at_all_is_not_believed(
    answer: bytes, wire: Wire, sessions: Sessions, telemetry: Own
) -> None:
    wire.answer = answer
    assert failing(lambda: read_accounts(spec(wire), sessions, telemetry)) is ErrorCode.MALFORMED_ANSWER


def test_a_role_is_assumed_and_counted_and_whoever_waits_no_longer_stops_it(
    wire: Wire, sts: Wire, sessions: Sessions, telemetry: Own
) -> None:
    sts.answer = lambda _: sts_credentials("ASIAROLE")
    wire.answer = lambda _: listed(account(A, State="ACTIVE"), NextToken=f"t{len(wire.requests)}")
    key = replace(spec(wire).key, credentials=Credentials(role_arn=f"arn:aws:iam::{B}:role/reader"))
    calls = []

    def on_call() -> None:
        calls.append(len(wire.requests))
        if len(calls) == 3:
            raise CallFailed(ErrorCode.TIMEOUT, "time is up")

    reading = replace(spec(wire), key=key)
    assert failing(lambda: read_accounts(reading, sessions, telemetry, on_call)) is ErrorCode.TIMEOUT
    assert calls == [0, 1, 2]
    assert {each.access_key for each in wire.requests} == {"ASIAROLE"}
    assert counted(telemetry, "requests", "AssumeRole") == 1
    assert counted(telemetry, "requests", "ListAccounts") == 2


@pytest.mark.parametrize("name", ["half \ud800 of a pair", 5, ["a"], None, "x" * 257])
def test_a_name_that_is_no_text_is_no_name(name: object, wire: Wire, sessions: Sessions, telemetry: Own) -> None:
    wire.answer = listed({**account(A, State="ACTIVE"), "Name": name})
    assert read_accounts(spec(wire), sessions, telemetry) == (Account(A, ""),)


def test_accounts_of_long_descriptions_are_read(wire: Wire, sessions: Sessions, telemetry: Own) -> None:
    wire.answer = listed(*(account(f"{number:012}", State="ACTIVE", Arn="x" * 5_000) for number in range(20)))
    assert len(read_accounts(spec(wire), sessions, telemetry)) == 20


def test_a_page_that_is_throttled_is_asked_for_again_and_the_others_more_slowly(
    wire: Wire, sessions: Sessions, telemetry: Own
) -> None:
    refused = error("TooManyRequestsException", "slow")
    answers = [
        listed(account(A, State="ACTIVE"), NextToken="t"),
        *(refused, refused, listed(account(B, State="ACTIVE"), NextToken="u")),
        listed(account(C, State="ACTIVE")),
    ]
    wire.answer = lambda _: answers.pop(0)
    slept: list[float] = []
    found = read_accounts(spec(wire), sessions, telemetry, sleep=slept.append)
    assert [each.id for each in found] == [A, B, C]
    assert [asked(each)[1].get("NextToken") for each in wire.requests] == [None, "t", "t", "t", "u"]
    assert sum(slept) == 1 + 2 + 0.25
    assert counted(telemetry, "errors", "ListAccounts", code="throttled") == 2


def test_a_page_that_is_always_throttled_is_given_up_and_a_pause_ends_when_time_is_up(
    wire: Wire, sessions: Sessions, telemetry: Own
) -> None:
    wire.answer = error("TooManyRequestsException", "slow")
    slept: list[float] = []
    code = failing(lambda: read_accounts(spec(wire), sessions, telemetry, sleep=slept.append))
    assert (code, len(wire.requests), sum(slept)) == (ErrorCode.THROTTLED, 6, 31)

    def on_call() -> None:
        if len(slept) > 40:
            raise CallFailed(ErrorCode.TIMEOUT, "time is up")

    code = failing(lambda: read_accounts(spec(wire), sessions, telemetry, on_call, slept.append))
    assert (code, len(slept)) == (ErrorCode.TIMEOUT, 41)


def test_a_list_that_gives_a_page_again_is_given_up(wire: Wire, sessions: Sessions, telemetry: Own) -> None:
    wire.answer = listed(account(A, State="ACTIVE"), NextToken="t")
    assert failing(lambda: read_accounts(spec(wire), sessions, telemetry)) is ErrorCode.MALFORMED_ANSWER
    assert len(wire.requests) == 2


def test_units_without_end_are_given_up(
    wire: Wire, sessions: Sessions, telemetry: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(organizations, "_MOST_CALLS", 10)

    def answer(request: Request) -> bytes:
        operation, _ = asked(request)
        more = [{"Id": f"ou-ab12-{len(wire.requests):08}"}]
        return http(json.dumps({"Accounts": []} if "Accounts" in operation else {"OrganizationalUnits": more}))

    wire.answer = answer
    assert failing(lambda: read_accounts(spec(wire, UNIT), sessions, telemetry)) is ErrorCode.MALFORMED_ANSWER
    assert len(wire.requests) == 10


@pytest.mark.parametrize("units", [(), (UNIT,)])
def test_more_accounts_and_units_than_an_organization_has_are_not_kept(
    units: tuple[str, ...], wire: Wire, sessions: Sessions, telemetry: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(organizations, "_MOST_ENTRIES", 100)

    def answer(request: Request) -> bytes:
        here = len(wire.requests)
        rows = {
            "Accounts": [account(f"{12 * here + one:012}", State="ACTIVE") for one in range(12)],
            "OrganizationalUnits": [{"Id": f"ou-ab12-{here:04}{one:04}"} for one in range(12)],
        }
        member = "OrganizationalUnits" if asked(request)[0] == "ListOrganizationalUnitsForParent" else "Accounts"
        return http(json.dumps({member: rows[member], "NextToken": str(here)}))

    wire.answer = answer
    with pytest.raises(CallFailed, match="more than 100 accounts and units") as failed:
        read_accounts(spec(wire, *units), sessions, telemetry)
    assert failed.value.code is ErrorCode.MALFORMED_ANSWER
    assert len(wire.requests) == 9
