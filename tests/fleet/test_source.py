from __future__ import annotations

from typing import Any, NoReturn

import pytest
from fleet.driver import ACCOUNT, OTHER_ACCOUNT, REGION, FakeApi, answer, arn_of

from exporter.errors import CallFailed, ErrorCode, Failure, action_of
from exporter.fleet import Identity, Operation, Tags, Work, incidents, perform
from exporter.fleet.account import Identify
from exporter.fleet.describes import Describe
from exporter.fleet.lists import RUNNING, ListPage
from exporter.fleet.tags import ListTags, SearchTags
from exporter.permissions.table import PERMISSIONS
from exporter.sagemaker.loader import OPERATIONS
from exporter.tuning_job import Found, Page, reduce

IDENTIFY = Identify(1, 0.0, "")


def describe(account_id: str | None = None) -> Work:
    return Describe(1, 0.0, "churn", REGION, account_id)


def outcome(told: object, work: Work | None = None) -> object:
    api = FakeApi()
    api.jobs["churn"] = told  # type: ignore[assignment]
    return perform(api, work or describe())


@pytest.mark.parametrize("account_id", [None, ACCOUNT])
def test_an_answer_becomes_facts(account_id: str | None) -> None:
    told = answer("churn", "Completed")
    assert outcome(told, describe(account_id)) == reduce(told)


def test_a_failed_call_becomes_a_failure() -> None:
    failed = CallFailed(ErrorCode.THROTTLED, "Rate exceeded")
    assert outcome(failed) == Failure(ErrorCode.THROTTLED, "Rate exceeded")


@pytest.mark.parametrize(
    ("told", "account_id", "code"),
    [
        ({}, None, ErrorCode.MALFORMED_ANSWER),
        ([], None, ErrorCode.MALFORMED_ANSWER),
        (answer("churn") | {"HyperParameterTuningJobArn": "arn:x"}, None, ErrorCode.MALFORMED_ANSWER),
        (answer("else"), None, ErrorCode.MALFORMED_ANSWER),
        (answer("churn", region="us-east-1"), None, ErrorCode.WRONG_ACCOUNT),
        (answer("churn", account=OTHER_ACCOUNT), ACCOUNT, ErrorCode.WRONG_ACCOUNT),
    ],
)
def test_an_answer_that_cannot_be_about_what_was_asked_is_a_failure(
    told: object, account_id: str | None, code: ErrorCode
) -> None:
    failed = outcome(told, describe(account_id))
    assert isinstance(failed, Failure)
    assert failed.code is code


def test_a_lower_cased_arn_is_no_contradiction() -> None:
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:hyper-parameter-tuning-job/churn-v2"
    api = FakeApi()
    api.jobs["Churn-V2"] = answer("Churn-V2") | {"HyperParameterTuningJobArn": arn}
    work = Describe(1, 0.0, "Churn-V2", REGION, ACCOUNT)
    assert not isinstance(perform(api, work), Failure)


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyError("x"), MemoryError(), RecursionError("deep"), OSError(5)])
def test_any_exception_becomes_a_failure(error: Exception) -> None:
    failed = outcome(error)
    assert isinstance(failed, Failure)
    assert failed.code is ErrorCode.OTHER
    assert failed.message == f"the call failed with {type(error).__name__}", (
        "and not by its text, which may quote a secret"
    )


def test_what_an_answer_says_in_place_of_a_name_or_an_arn_is_not_repeated() -> None:
    for echo in (
        answer("churn") | {"HyperParameterTuningJobName": "wJalrXUtnFEMI"},
        answer("churn") | {"HyperParameterTuningJobArn": "wJalrXUtnFEMI"},
    ):
        api = FakeApi()
        api.jobs["churn"] = echo
        failed = perform(api, describe(ACCOUNT))
        assert isinstance(failed, Failure)
        assert failed.code is ErrorCode.MALFORMED_ANSWER
        assert "wJalr" not in failed.message


@pytest.mark.parametrize(
    "told",
    [
        RuntimeError("two\nlines " * 999),
        CallFailed(ErrorCode.OTHER, "two\nlines " * 999),
        answer("churn", HyperParameterTuningJobArn="x" * 999),
    ],
)
def test_every_message_fits_a_line(told: object) -> None:
    failed = outcome(told)
    assert isinstance(failed, Failure)
    assert len(failed.message) <= 500
    assert "\n" not in failed.message


def test_an_interruption_is_no_failure() -> None:
    class Interrupted(FakeApi):
        def describe(self, name: str) -> NoReturn:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        perform(Interrupted(), describe())


def test_an_identity_is_an_account() -> None:
    api = FakeApi()
    assert perform(api, IDENTIFY) == Identity(ACCOUNT)


def test_an_identity_may_fail() -> None:
    api = FakeApi()
    api.account = CallFailed(ErrorCode.CONNECTION, "no way")
    assert perform(api, IDENTIFY) == Failure(ErrorCode.CONNECTION, "no way")


LIST_TAGS = ListTags(1, 0.0, "churn", "arn:aws-cn:x")


def test_tags_are_those_of_the_arn() -> None:
    api = FakeApi()
    api.tags["arn:aws-cn:x"] = {"team": "search"}
    assert perform(api, LIST_TAGS) == Tags({"team": "search"})


@pytest.mark.parametrize(
    ("error", "code"),
    [(CallFailed(ErrorCode.ACCESS_DENIED, "no"), ErrorCode.ACCESS_DENIED), (TypeError("no"), ErrorCode.OTHER)],
)
def test_listing_tags_may_fail(error: Exception, code: ErrorCode) -> None:
    api = FakeApi()
    api.tags["arn:aws-cn:x"] = error
    failed = perform(api, LIST_TAGS)
    assert isinstance(failed, Failure)
    assert failed.code is code


class Pages(FakeApi):
    """Gives one page, of a list and of a search."""

    def __init__(self, *tags: object, **members: object) -> None:
        super().__init__()
        self.tags_found, self.members = list(tags), members

    def list_jobs(self, request: object) -> dict[str, Any]:
        return {"HyperParameterTuningJobSummaries": [answer("churn")]} | self.members

    def search(self, request: object) -> dict[str, Any]:
        return {"Results": [{"HyperParameterTuningJob": answer("churn", Tags=self.tags_found)}]} | self.members

    def perform(self, operation: Operation) -> object:
        if operation is Operation.SEARCH:
            return perform(self, SearchTags(1, 0.0, "all", {}))
        return perform(self, ListPage(1, 0.0, "all", REGION, None, {}, RUNNING, set()))


def test_a_token_as_long_as_the_api_allows_leads_to_the_next_page() -> None:
    page = Pages(NextToken="x" * 8_192).perform(Operation.LIST)
    assert isinstance(page, Page)
    assert page.next_token == "x" * 8_192
    found = Pages(NextToken="x" * 8_192).perform(Operation.SEARCH)
    assert isinstance(found, Found)
    assert not found.whole


@pytest.mark.parametrize("operation", [Operation.LIST, Operation.SEARCH])
@pytest.mark.parametrize("token", ["x" * 8_193, "\ud800", 7, 0, [], {"a": "b"}, False])
def test_a_token_that_cannot_be_used_does_not_end_a_list(operation: Operation, token: object) -> None:
    failed = Pages(NextToken=token).perform(operation)
    assert isinstance(failed, Failure)
    assert failed.code is ErrorCode.MALFORMED_ANSWER


def test_a_search_does_not_find_a_tuning_job_whose_tags_cannot_be_read() -> None:
    found = Pages({"Key": "team", "Value": "v" * 257}).perform(Operation.SEARCH)
    assert isinstance(found, Found)
    assert (found.tags, len(found.created)) == ({}, 1)
    found = Pages({"Key": "team", "Value": ""}).perform(Operation.SEARCH)
    assert isinstance(found, Found)
    assert found.tags == {arn_of("churn"): {"team": ""}}


class TestEveryOperation:
    """What must be said of each elsewhere."""

    def test_is_one_that_the_sdk_knows(self) -> None:
        assert {*OPERATIONS["sagemaker"], *OPERATIONS["service-quotas"]} == {*Operation} - {Operation.IDENTIFY}

    def test_has_words_for_the_log(self) -> None:
        assert incidents._WHAT.keys() == {*Operation}

    def test_has_a_row_among_the_permissions(self) -> None:
        # Anybody may ask who he is.
        needed = {action_of(each) for each in {*Operation} - {Operation.IDENTIFY}}
        assert {permission.action for permission in PERMISSIONS} == needed
