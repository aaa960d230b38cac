"""What is wrong, by its cause over all targets, and when it is known that nothing is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.snapshots import NAME, NOW, QUIET, organization, organization_state, settings, snapshot, state, watched
from support.views import DESCRIBED_AT, facts, target, view

from exporter.config import Problem
from exporter.config.specs import Account
from exporter.errors import ErrorCode, Failure
from exporter.fleet import JobView, LastFailure, Operation, OrganizationView
from exporter.web.pages import Refused, Snapshot, WebConfiguration
from exporter.web.pages.figures import date, moment
from exporter.web.pages.troubles import Cause, Verdict, status

LIST, DESCRIBE = Operation.LIST, Operation.DESCRIBE
GOOD = view(facts())


def failing(code: ErrorCode, name: str = "churn", message: str = "no") -> JobView:
    return view(None, name=name, attempted=True, failure=Failure(code, message))


def causes(seen: Snapshot) -> tuple[Cause, ...]:
    found = status(seen)
    assert found.verdict is Verdict.WRONG
    return found.causes


def test_all_is_well_where_each_target_has_answered_and_nothing_waits() -> None:
    found = status(snapshot([watched(GOOD)]))
    assert (found.verdict, found.causes, found.waiting) == (Verdict.WELL, (), ())
    assert found.jobs == {"pending": 0, "running": 0, "finished": 1, "missing": 0, "failing": 0}


@pytest.mark.parametrize(
    ("seen", "waiting"),
    [
        (snapshot([], generation=0), "nothing has been published yet"),
        (snapshot([]), "1 target without a first answer"),
        (snapshot([replace(watched(), attempted=False, last_answered=None)]), "1 target without a first answer"),
        (snapshot([watched(GOOD, view(None))]), "1 tuning job not described yet"),
        (snapshot([watched(GOOD)], organizations=(organization_state(),)), "the accounts of 1 organization"),
    ],
    ids=["start", "not published", "not asked", "not described", "organization"],
)
def test_what_waits_is_never_taken_for_well(seen: Snapshot, waiting: str) -> None:
    found = status(seen)
    assert (found.verdict, found.causes, found.waiting) == (Verdict.WAITING, (), (waiting,))


def test_what_waits_is_told_beside_what_is_wrong() -> None:
    found = status(snapshot([watched(failing(ErrorCode.TLS), view(None, name="new"))]))
    assert found.verdict is Verdict.WRONG
    assert found.waiting == ("1 tuning job not described yet",)


def test_a_configuration_that_watches_nothing_is_not_well() -> None:
    nothing = settings("aws: {region: eu-west-1}\ntuning_jobs: []\n")
    assert status(snapshot([], nothing)).verdict is Verdict.IDLE


def test_calls_are_told_by_operation_and_code_over_all_targets() -> None:
    seen = snapshot(
        [
            watched(failing(ErrorCode.TIMEOUT, "a", "late"), failing(ErrorCode.NOT_FOUND, "b"), name="one"),
            watched(failing(ErrorCode.TIMEOUT, "c"), failing(ErrorCode.TIMEOUT, "d"), GOOD, name="two"),
            watched(GOOD, name="three", errors=((LIST, ErrorCode.TIMEOUT),)),
        ]
    )
    timeouts, missing, lists = causes(seen)
    assert (timeouts.operation, timeouts.code, timeouts.jobs, timeouts.targets) == (
        DESCRIBE,
        "timeout",
        3,
        ("one", "two"),
    )
    assert timeouts.example is not None
    assert (timeouts.example.name, timeouts.example.message) == ("a", "late")
    assert (missing.operation, missing.code, missing.jobs, missing.targets) == (DESCRIBE, "not_found", 1, ("one",))
    assert (lists.operation, lists.code, lists.jobs, lists.targets) == (LIST, "timeout", 0, ("three",))
    assert lists.example is None


def test_what_is_said_of_calls_that_are_not_about_one_job_is_told() -> None:
    of = settings()
    said = [
        LastFailure(LIST, "running", Failure(ErrorCode.ACCESS_DENIED, "role/metrics may not list"), DESCRIBED_AT),
        LastFailure(DESCRIBE, "a", Failure(ErrorCode.ACCESS_DENIED, "another operation"), DESCRIBED_AT),
        LastFailure(LIST, "running", Failure(ErrorCode.THROTTLED, "another code"), DESCRIBED_AT),
    ]
    states = {NAME: state(of, standing=replace(QUIET, failures=tuple(said)))}
    [cause] = causes(snapshot([watched(GOOD, errors=((LIST, ErrorCode.ACCESS_DENIED),))], of, states=states))
    assert cause.message == "role/metrics may not list"
    [silent] = causes(snapshot([watched(GOOD, errors=((LIST, ErrorCode.TLS),))], of, states=states))
    assert silent.message is None
    [described] = causes(snapshot([watched(failing(ErrorCode.ACCESS_DENIED, "a", "no"))], of, states=states))
    assert described.message is None, "the example has it"


@pytest.mark.parametrize("code", ErrorCode)
@pytest.mark.parametrize("operation", [DESCRIBE, Operation.SEARCH])
def test_each_code_comes_with_what_to_do(code: ErrorCode, operation: Operation) -> None:
    if operation is DESCRIBE:
        seen = snapshot([watched(failing(code))])
    else:
        seen = snapshot([watched(GOOD, errors=((operation, code),))])
    [cause] = causes(seen)
    assert cause.remedy == code.remedy(operation)


def test_targets_without_any_answer_come_first() -> None:
    blind = watched(failing(ErrorCode.NO_CREDENTIALS), name="prod", last_answered=None)
    first, second = causes(snapshot([watched(GOOD), blind]))
    assert first.what.startswith("AWS has never answered for 1 target")
    assert first.targets == second.targets == ("prod",)
    assert second.code == "no_credentials"


def test_values_that_went_stale_without_a_failure_are_wrong() -> None:
    [cause] = causes(snapshot([watched(replace(GOOD, facts=None))]))
    assert cause.what == "The values of 1 tuning job have gone stale and are no longer shown"
    assert cause.targets == (NAME,)


@pytest.mark.parametrize(("late", "told"), [(50.0, False), (61.0, True)])
def test_a_describe_that_is_long_overdue_is_wrong(late: float, told: bool) -> None:
    found = status(snapshot([watched(replace(GOOD, next_describe=NOW - late))]))
    assert (found.verdict is Verdict.WRONG) is told
    if told:
        assert found.causes[0].what == "1 tuning job should have been described by now"


def test_who_describes_seldom_may_be_late_by_an_interval() -> None:
    seldom = settings("interval: 10m\naws: {region: eu-west-1}\ntuning_jobs: [everything]\n")
    seen = snapshot([watched(replace(GOOD, next_describe=NOW - 500))], seldom)
    assert status(seen).verdict is Verdict.WELL


def test_a_refused_configuration_is_wrong_and_its_first_mistakes_are_named() -> None:
    seen = snapshot([watched(GOOD)])
    problems = tuple(Problem("config.yaml", line, "interval", "no") for line in range(1, 9))
    seen = replace(seen, configuration=replace(seen.configuration, refused=Refused(NOW, "file", problems)))
    [cause] = causes(seen)
    assert "refused" in cause.what
    assert cause.details == tuple(map(str, problems[:3]))


def test_a_web_configuration_that_is_refused_is_wrong_and_it_is_told_since_when_the_last_good_one_is_used() -> None:
    good = WebConfiguration("web.yaml", "https, users: 1", NOW - 7_500)
    assert status(snapshot([watched(GOOD)], web=good)).verdict is Verdict.WELL
    problems = (Problem("web.yaml", 2, "basic_auth_users.a", "token=CaNaRy is not a bcrypt hash"),) * 5
    [cause] = causes(snapshot([watched(GOOD)], web=replace(good, refused=Refused(NOW, "file", problems))))
    assert cause.what.endswith(f"What was loaded at {date(moment(NOW - 7_500))} stays in force")
    assert cause.remedy
    assert len(cause.details) == 3
    assert cause.details[0].startswith("web.yaml:2: basic_auth_users.a: ")
    assert "CaNaRy" not in cause.details[0]


def test_a_process_that_is_not_healthy_is_wrong() -> None:
    [cause] = causes(snapshot([watched(GOOD)], unhealthy="the publisher has not run for 40 s"))
    assert cause.what == "The publisher has not run for 40 s"


def test_what_a_limit_keeps_out_is_told() -> None:
    ruled = settings("aws: {region: eu-west-1}\ndiscover: [{name: all, max_jobs: 2}, {name: few, max_jobs: 5}]\n")
    [cause] = causes(snapshot([watched(GOOD, matched=(("all", 7), ("few", 5), ("gone", 9)))], ruled))
    assert cause.what == "Rule all finds 7 tuning jobs and watches only the newest 2"


def test_what_the_limit_of_all_rules_together_keeps_out_is_told() -> None:
    ruled = settings(
        "aws: {region: eu-west-1}\nmax_tracked_jobs: 10\ntuning_jobs: [everything]\ndiscover: [{name: all}, {name: few}]\n"
    )
    well = snapshot([watched(GOOD, matched=(("all", 7), ("few", 2)))], ruled)
    assert status(well).verdict is Verdict.WELL
    [cause] = causes(snapshot([watched(GOOD, matched=(("all", 7), ("few", 3)))], ruled))
    assert cause.what == "Rules find 10 tuning jobs and watch only the newest 9 in all"


def test_series_that_are_left_out_are_told() -> None:
    left_out = {("sagemaker_tuning_job_parent_info", "a"): 3, ("sagemaker_tuning_job_parent_info", "b"): 1}
    [cause] = causes(snapshot([watched(GOOD)], left_out=left_out))
    assert (cause.jobs, cause.details) == (2, ("sagemaker_tuning_job_parent_info",))


def test_a_target_that_has_been_asked_in_vain_is_wrong_though_nothing_tells_why() -> None:
    [cause] = causes(snapshot([target([], name=NAME, last_answered=None)]))
    assert "never answered" in cause.what


def test_what_has_just_been_described_is_not_late() -> None:
    assert GOOD.next_describe > NOW > DESCRIBED_AT


def test_accounts_that_cannot_be_read_are_told_with_what_to_do() -> None:
    denied = OrganizationView(organization(), failure=Failure(ErrorCode.ACCESS_DENIED, "not authorized"))
    stale = replace(denied, accounts=(Account("333333333333", ""),), last_read=NOW - 900)
    read = replace(stale, failure=None)
    first, second = causes(
        snapshot([watched(GOOD)], organizations=tuple(map(organization_state, (denied, stale, read))))
    )
    assert first.what == "The accounts of organization cannot be read: none is watched"
    assert first.remedy.startswith("Allow organizations:ListAccounts to a role in the management account")
    assert (first.code, first.message) == ("access_denied", "not authorized")
    assert second.what == "The accounts of organization cannot be read: the 1 known so far stay watched"
    assert status(snapshot([watched(GOOD)], organizations=(organization_state(read),))).verdict is Verdict.WELL
