from __future__ import annotations

import pytest

from exporter.errors import CallFailed, ErrorCode


def test_the_codes_are_the_documented_ones() -> None:
    assert [str(code) for code in ErrorCode] == [
        "not_found",
        "throttled",
        "access_denied",
        "assume_role_denied",
        "no_credentials",
        "expired_credentials",
        "clock_skew",
        "timeout",
        "connection",
        "tls",
        "server_error",
        "malformed_answer",
        "wrong_account",
        "other",
    ]


def test_only_what_passes_by_itself_is_tried_again_soon() -> None:
    assert {code.value for code in ErrorCode if code.transient} == {
        "throttled",
        "timeout",
        "connection",
        "server_error",
        "malformed_answer",
    }


@pytest.mark.parametrize("code", ErrorCode)
def test_each_has_one_sentence_of_advice(code: ErrorCode) -> None:
    remedy = code.remedy("ListTags")
    assert remedy[0].isupper()
    assert remedy.endswith(".")
    assert ". " not in remedy
    assert not {"\n", "{", "}"} & set(remedy)


def test_no_advice_is_given_twice() -> None:
    assert len({code.remedy("ListTags") for code in ErrorCode}) == len(ErrorCode)


@pytest.mark.parametrize("operation", ["DescribeHyperParameterTuningJob", "ListTags"])
def test_a_denied_call_is_told_the_permission_it_needs(operation: str) -> None:
    assert f" sagemaker:{operation} " in ErrorCode.ACCESS_DENIED.remedy(operation)


def test_a_failed_call_tells_why() -> None:
    failed = CallFailed(ErrorCode.THROTTLED, "Rate exceeded")
    assert (failed.code, failed.message, str(failed)) == (ErrorCode.THROTTLED, "Rate exceeded", "Rate exceeded")


def test_the_action_to_allow_is_that_of_its_service() -> None:
    assert "Allow sagemaker:ListTags to" in ErrorCode.ACCESS_DENIED.remedy("ListTags")
    assert "Allow sts:GetCallerIdentity to" in ErrorCode.ACCESS_DENIED.remedy("GetCallerIdentity")
