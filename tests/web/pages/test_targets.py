"""What is told of targets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.snapshots import NAME, NOW, QUIET, organization, organization_state, settings, snapshot, state, watched
from support.views import DESCRIBED_AT, facts, view

from exporter.config.specs import Account, Credentials
from exporter.errors import ErrorCode, Failure
from exporter.fleet import JobView, LastFailure, OrganizationView
from exporter.telemetry import Totals
from exporter.web.pages import Snapshot
from exporter.web.pages.figures import moment
from exporter.web.pages.targets import Failing, Operation, Rule, Target, targets

GOOD = view(facts())


def only(seen: Snapshot) -> Target:
    [found] = targets(seen).targets
    return found


def test_what_is_counted_of_its_calls() -> None:
    of = settings()
    totals = Totals(
        {"ListTags": 3, "DescribeHyperParameterTuningJob": 40}, {("ListTags", "throttled"): 2, ("ListTags", "tls"): 0}
    )
    found = only(snapshot([watched(GOOD)], of, states={NAME: state(of, totals=totals)}))
    assert found.operations == (
        Operation("DescribeHyperParameterTuningJob", 40, {}),
        Operation("ListTags", 3, {"throttled": 2}),
    )


def test_what_it_does_with_its_budget() -> None:
    of = settings()
    standing = replace(QUIET, allowed_per_second=1.25, made_per_second=0.75, under_way=2, given_up=1)
    budget = only(snapshot([watched(GOOD)], of, states={NAME: state(of, standing=standing)})).budget
    assert budget is not None
    assert (budget.requests_per_second, budget.allowed_per_second, budget.made_per_second) == (5.0, 1.25, 0.75)
    assert (budget.under_way, budget.given_up) == (2, 1)


def test_the_last_error_comes_with_what_to_do() -> None:
    of = settings()
    last = LastFailure("ListTags", "churn", Failure(ErrorCode.ACCESS_DENIED, "not authorized"), DESCRIBED_AT)
    found = only(snapshot([watched(GOOD)], of, states={NAME: state(of, standing=replace(QUIET, failures=(last,)))}))
    assert found.last_error is not None
    assert (found.last_error.at, found.last_error.about) == (moment(DESCRIBED_AT), "churn")
    assert (found.last_error.code, found.last_error.message) == ("access_denied", "not authorized")
    assert "sagemaker:ListTags" in found.last_error.remedy


def test_what_fails_now_comes_with_what_was_said_though_another_call_failed_later() -> None:
    of = settings()
    denied = LastFailure("ListTags", "churn", Failure(ErrorCode.ACCESS_DENIED, "not authorized"), DESCRIBED_AT)
    later = LastFailure("Search", "", Failure(ErrorCode.THROTTLED, "Rate exceeded"), NOW)
    states = {NAME: state(of, standing=replace(QUIET, failures=(denied, later)))}
    seen = snapshot([watched(GOOD, errors=(("ListTags", "access_denied"),))], of, states=states)
    found = only(seen)
    assert found.failing == (
        Failing("ListTags", "access_denied", "not authorized", ErrorCode.ACCESS_DENIED.remedy("ListTags")),
    )
    assert found.last_error is not None
    assert found.last_error.message == "Rate exceeded"


def test_credentials_are_told_by_their_source_and_never_by_a_key() -> None:
    of = settings(
        "aws: {region: eu-west-1, profile: team, role_arn: 'arn:aws:iam::123456789012:role/metrics', external_id: sesame}\n"
        "tuning_jobs: [everything]\n"
    )
    [spec] = of.targets
    found = only(snapshot([watched(GOOD, name=spec.name)], of))
    assert found.caller is not None
    assert (found.caller.source, found.caller.profile) == ("the environment", "team")
    assert found.caller.role_arn == "arn:aws:iam::123456789012:role/metrics"
    assert "sesame" not in repr(found)


def test_unsigned_requests_are_told() -> None:
    of = settings("aws: {region: eu-west-1, sign_requests: false}\ntuning_jobs: [everything]\n")
    [spec] = of.targets
    assert spec.key.credentials == Credentials(sign_requests=False)
    found = only(snapshot([watched(GOOD, name=spec.name)], of))
    assert found.caller is not None
    assert not found.caller.sign_requests


def test_rules_have_what_they_matched_and_none_before_a_list_has_told() -> None:
    of = settings("aws: {region: eu-west-1}\ndiscover: [{name: a, max_jobs: 5}, {name: b}]\n")
    found = only(snapshot([watched(GOOD, matched=(("a", 7),), untracked_running_jobs=3)], of))
    assert found.rules[0] == Rule("a", 7, 5)
    assert found.rules[1].matched is None
    assert found.untracked_running_jobs == 3


def test_one_that_has_come_or_gone_a_moment_ago_is_told_without_what_is_not_known() -> None:
    found = only(snapshot([watched(GOOD, name="gone")]))
    assert (found.caller, found.budget, found.last_error, found.operations, found.partition) == (
        None,
        None,
        None,
        (),
        None,
    )
    assert found.jobs["finished"] == 1


@pytest.mark.parametrize("code", [ErrorCode.TLS, ErrorCode.NOT_FOUND])
def test_those_come_first_where_something_fails(code: ErrorCode) -> None:
    def failing(name: str) -> JobView:
        return view(None, name=name, attempted=True, failure=Failure(code, ""))

    seen = snapshot(
        [
            watched(GOOD, name="b-good"),
            watched(failing("x"), name="c-failing"),
            watched(GOOD, name="a-good"),
            watched(name="d-silent", last_answered=None),
            watched(GOOD, name="e-lists", errors=(("ListTags", "tls"),)),
        ]
    )
    found = targets(seen)
    assert [each.name for each in found.targets] == ["d-silent", "c-failing", "e-lists", "a-good", "b-good"]
    assert found.targets[2].failing == (Failing("ListTags", "tls", None, ErrorCode.TLS.remedy("ListTags")),)
    assert found.at == moment(NOW)


def test_an_organization_is_told_with_when_it_was_read_and_what_went_wrong() -> None:
    asked = organization(include_ous=("ou-ab12-34cd56ef",), account_id="222222222222")
    accounts = (Account("333333333333", "research"), Account("444444444444", ""))
    denied = Failure(ErrorCode.ACCESS_DENIED, "not authorized")
    known = OrganizationView(asked, accounts, NOW - 900, denied, NOW + 60)
    totals = Totals({"ListAccountsForParent": 3}, {("ListAccountsForParent", "access_denied"): 1})
    states = (organization_state(), organization_state(known, totals=totals))
    new, read = targets(snapshot([watched(GOOD)], organizations=states)).organizations
    assert (new.accounts, new.last_read, new.next_read, new.error) == (None, None, None, None)
    assert (read.name, read.account_id, read.include_ous) == ("organization", "222222222222", ("ou-ab12-34cd56ef",))
    assert (read.accounts, read.last_read, read.next_read) == (2, moment(NOW - 900), moment(NOW + 60))
    assert read.error is not None
    assert (read.error.code, read.error.message) == ("access_denied", "not authorized")
    assert read.error.remedy.startswith("Allow organizations:ListAccountsForParent and organizations:ListOrg")
    assert read.operations == (Operation("ListAccountsForParent", 3, {"access_denied": 1}),)


def test_a_target_has_the_name_of_its_account_and_who_lists_it() -> None:
    settings_ = settings("aws: {region: eu-west-1}\ndiscover: [{organization: {role_name: r}}]\n")
    of = settings_.with_accounts({settings_.organizations[0]: [Account("333333333333", "research")]})
    [spec] = of.targets
    found = only(snapshot([watched(GOOD, name=spec.name, account_id="333333333333")], of))
    assert (found.account_name, found.organization) == ("research", "organization")
    found = only(snapshot([watched(GOOD)]))
    assert (found.account_name, found.organization) == (None, None)
