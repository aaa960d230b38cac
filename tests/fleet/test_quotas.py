"""The quotas of an account: read once a day, page by page, and what failures make of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from fleet.account import DAY, HOUR, Account, run
from fleet.driver import ACCOUNT, OTHER_ACCOUNT, REGION, Call, Driver, known, target_spec
from support.simulated import SimulatedApi

from exporter.errors import ErrorCode
from exporter.fleet.quotas import HOLDS
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.quotas import NAMES, USUAL
from exporter.tuning_job import Quotas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config.specs import TargetSpec

OPERATION = "ListServiceQuotas"
PAGES = -(-len(NAMES) // 100)
TYPE = "ml.m5.xlarge"
SPOT, ON_DEMAND = f"{TYPE} for spot training job usage", f"{TYPE} for training job usage"
USUAL_ONES = Quotas({(TYPE, "false"): USUAL, (TYPE, "true"): USUAL})


@pytest.fixture
def account() -> Account:
    account = Account()
    account.create("churn")
    assert PAGES > 1
    return account


def spec(**changes: Any) -> TargetSpec:
    return target_spec("churn", quotas=True, **changes)


def quotas(driver: Driver) -> Quotas | None:
    return driver.target.view(driver.now).quotas


def errors(driver: Driver) -> set[tuple[str, str]]:
    return {*driver.target.view(driver.now).errors}


def asked(driver: Driver) -> list[float]:
    return [call.at for call in driver.calls if call.operation == OPERATION]


def break_(account: Account, kind: Kind, **scope: Any) -> Fault:
    return account.simulator.faults.add(Fault(kind, operation=OPERATION, **scope))


def break_at(driver: Driver, account: Account, kind: Kind, page: int) -> None:
    """Let a call fail, and those that come after it, by its number."""

    def watch(call: Call) -> None:
        if call.operation == OPERATION and len(asked(driver)) == page:
            break_(account, kind)

    driver.on_call = watch


def test_they_are_read_at_the_start_page_by_page(account: Account) -> None:
    account.simulator.quotas.set(ACCOUNT, REGION, SPOT, 4.0)
    driver = account.watch(spec())
    assert quotas(driver) is None
    run(driver, 60.0)
    assert quotas(driver) == Quotas({(TYPE, "false"): USUAL, (TYPE, "true"): 4})
    requests = account.api.inputs(OPERATION)
    assert [request.get("NextToken") for request in requests] == [None, *(str(100 * page) for page in range(1, PAGES))]
    assert all(request["ServiceCode"] == "sagemaker" and request["MaxResults"] == 100 for request in requests)
    assert driver.counted("api_requests_total", operation=OPERATION) == PAGES


def test_they_are_read_again_once_a_day(account: Account) -> None:
    driver = account.watch(spec(interval=HOUR, stale_after=3 * HOUR))
    run(driver, 10 * DAY)
    readings = asked(driver)[::PAGES]
    assert len(asked(driver)) % PAGES == 0
    pauses = [later - earlier for earlier, later in pairwise(readings)]
    assert 9 <= len(pauses) <= 11
    assert all(0.9 * DAY <= pause <= 1.1 * DAY for pause in pauses)
    account.simulator.quotas.set(ACCOUNT, REGION, SPOT, 1.0)
    run(driver, 1.1 * DAY)
    assert known(quotas(driver)).instances[TYPE, "true"] == 1


def test_without_the_opt_in_there_is_no_call(account: Account) -> None:
    driver = account.watch(target_spec("churn"))
    run(driver, 2 * DAY)
    assert asked(driver) == []
    assert quotas(driver) is None
    assert driver.counted("api_requests_total", operation=OPERATION) is None


def test_they_come_after_what_is_about_tuning_jobs(account: Account) -> None:
    driver = account.watch(spec(requests_per_second=1.0))
    run(driver, 60.0)
    first = [call.operation for call in driver.calls][:2]
    assert OPERATION not in first[:1]
    assert len(asked(driver)) == PAGES


def test_only_those_of_instance_types_that_tuning_jobs_name_are_shown(account: Account) -> None:
    account.create("vision", "hyperband")
    driver = account.watch(replace(spec(), jobs=(*spec().jobs, *target_spec("vision").jobs)))
    run(driver, 60.0)
    shown = {instance_type for instance_type, _ in known(quotas(driver)).instances}
    facts = [known(job.facts) for job in driver.views().values()]
    named = {each.instance_type for job in facts for one in job.definitions for each in one.instances}
    assert shown == named
    assert len(named) == 2


def test_the_quota_of_tuning_jobs_is_shown_where_aws_lists_it(account: Account) -> None:
    account.simulator.quotas.set(ACCOUNT, REGION, "Number of parallel (concurrent) hyperparameter tuning jobs", 100.0)
    driver = account.watch(spec())
    run(driver, 60.0)
    assert known(quotas(driver)).tuning_jobs == 100


def test_a_refusal_is_told_and_touches_nothing_else(account: Account) -> None:
    fault = break_(account, Kind.ACCESS_DENIED)
    driver = account.watch(spec())
    run(driver, 3 * HOUR)
    assert quotas(driver) is None
    assert errors(driver) == {(OPERATION, "access_denied")}
    assert [at % HOUR for at in asked(driver)] == [0.0] * 4, "once an hour"
    assert driver.counted("api_errors_total", operation=OPERATION, code="access_denied") == 4
    assert driver.views()["churn"].facts is not None
    assert all(later - earlier <= 61.0 for earlier, later in pairwise(driver.times("churn")))
    [told] = [event for event in driver.events if event.level == "warning"][:1]
    assert told.text == "listing the quotas of the account fails"
    assert "servicequotas:ListServiceQuotas" in str(told.fields["remedy"])
    account.simulator.faults.remove(fault)
    run(driver, HOUR)
    assert quotas(driver) == USUAL_ONES
    assert errors(driver) == set()


@pytest.mark.parametrize("kind", [Kind.THROTTLED, Kind.SERVER_ERROR])
def test_after_a_transient_failure_the_same_page_is_asked_for_again(account: Account, kind: Kind) -> None:
    driver = account.watch(spec())
    break_at(driver, account, kind, page=2)
    run(driver, 59.0)
    assert quotas(driver) is None
    assert errors(driver) == {(OPERATION, kind.replace("-", "_"))}
    account.simulator.faults.clear()
    driver.on_call = lambda _: None
    run(driver, 120.0)
    assert quotas(driver) == USUAL_ONES
    tokens = [request.get("NextToken") for request in account.api.inputs(OPERATION)]
    assert tokens.count(None) == 1
    assert tokens.count("100") == 2


def test_half_a_reading_is_none(account: Account) -> None:
    driver = account.watch(spec())
    run(driver, 60.0)
    account.simulator.quotas.set(ACCOUNT, REGION, NAMES[-1], 99.0)
    break_at(driver, account, Kind.ACCESS_DENIED, page=PAGES + 2)
    run(driver, 1.1 * DAY)
    assert quotas(driver) == USUAL_ONES
    assert errors(driver) == {(OPERATION, "access_denied")}


def test_those_that_cannot_be_read_for_days_are_no_longer_shown(account: Account) -> None:
    driver = account.watch(spec(interval=HOUR, stale_after=3 * HOUR))
    run(driver, 60.0)
    break_(account, Kind.ACCESS_DENIED)
    run(driver, HOLDS - 60.0 - HOUR)
    assert quotas(driver) == USUAL_ONES
    view = driver.target.view(driver.now)
    assert view.changes_at is not None
    assert view.changes_at <= driver.now.monotonic + HOUR
    run(driver, 2 * HOUR)
    assert quotas(driver) is None


@pytest.mark.parametrize(
    ("kind", "code"), [(Kind.MALFORMED, "malformed_answer"), (Kind.WRONG_ACCOUNT, "wrong_account")]
)
def test_an_answer_that_cannot_be_theirs_is_a_failure(account: Account, kind: Kind, code: str) -> None:
    break_(account, kind)
    driver = account.watch(spec())
    run(driver, HOUR)
    assert quotas(driver) is None
    assert errors(driver) == {(OPERATION, code)}
    assert driver.views()["churn"].facts is not None


class Odd(SimulatedApi):
    """Gives pages of quotas that a test makes."""

    page: Mapping[str, Any]

    def list_service_quotas(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        self.calls.append((OPERATION, request))
        number = int(request.get("NextToken", 0))
        return {"Quotas": [], **{key: value(number) for key, value in self.page.items()}}


@pytest.mark.parametrize(
    ("next_token", "most"), [(lambda _: "1", 8), (lambda number: str(number + 1), 105)], ids=["again", "no end"]
)
def test_a_list_that_does_not_end_is_a_failure(account: Account, next_token: Any, most: int) -> None:
    api = Odd(account.simulator, REGION, ACCOUNT)
    api.page = {"NextToken": next_token}
    driver = Driver(spec(), api=api, clock=account.clock)
    run(driver, 59.0)
    assert errors(driver) == {(OPERATION, "malformed_answer")}
    assert 2 <= len(api.inputs(OPERATION)) <= most


def test_their_arns_tell_the_account(account: Account) -> None:
    driver = account.watch(replace(spec(account_id=None), jobs=(), rules=()))
    run(driver, 10.0)
    assert driver.target.view(driver.now).account_id == ACCOUNT
    assert driver.identified() == []


def test_where_nothing_tells_it_aws_is_asked_for_the_account(account: Account) -> None:
    api = Odd(account.simulator, REGION, ACCOUNT)
    api.page = {}
    driver = Driver(replace(spec(account_id=None), jobs=(), rules=()), api=api, clock=account.clock)
    run(driver, 10.0)
    assert driver.target.view(driver.now).account_id == ACCOUNT
    assert ("GetCallerIdentity", None) in api.calls


class TestReload:
    def test_turned_on_they_are_read_at_once(self, account: Account) -> None:
        driver = account.watch(target_spec("churn"))
        run(driver, 600.0)
        driver.update(spec())
        run(driver, 10.0)
        assert quotas(driver) == USUAL_ONES
        calls = len(asked(driver))
        driver.update(spec(interval=30.0))
        run(driver, 600.0)
        assert len(asked(driver)) == calls, "they are known already"

    def test_turned_off_they_are_gone_and_so_is_what_failed(self, account: Account) -> None:
        driver = account.watch(spec())
        run(driver, 60.0)
        fault = break_(account, Kind.ACCESS_DENIED)
        run(driver, 1.2 * DAY)
        assert errors(driver) == {(OPERATION, "access_denied")}
        driver.update(target_spec("churn"))
        run(driver, 60.0)
        assert quotas(driver) is None
        assert errors(driver) == set()
        account.simulator.faults.remove(fault)
        driver.update(spec())
        run(driver, 60.0)
        assert quotas(driver) == USUAL_ONES

    def test_those_of_another_account_are_forgotten(self, account: Account) -> None:
        driver = account.watch(spec())
        run(driver, 60.0)
        driver.update(spec(account_id=OTHER_ACCOUNT))
        assert quotas(driver) is None
        run(driver, 60.0)
        assert (OPERATION, str(ErrorCode.WRONG_ACCOUNT)) in errors(driver)
