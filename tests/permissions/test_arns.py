from __future__ import annotations

import fnmatch
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.config import parse
from exporter.permissions.arns import any_name, job_arn, literal, without_covered
from exporter.permissions.table import PERMISSIONS

JOB = "arn:aws:sagemaker:eu-west-1:*:hyper-parameter-tuning-job"


def arns(text: str) -> list[str]:
    targets = parse(f"aws: {{region: eu-west-1}}\n{text}", "config.yaml").targets
    return [job_arn(target, entry) for target in targets for entry in PERMISSIONS[0].needed_by(target)]


@pytest.mark.parametrize(
    ("entry", "arn"),
    [
        ("tuning_jobs: [Churn-V3]", f"{JOB}/churn-v3"),
        ("tuning_jobs: [{name: a, account_id: '012345678901'}]", f"{JOB.replace('*', '012345678901')}/a"),
        ("tuning_jobs: [{name: a, region: cn-north-1}]", f"{JOB}/a".replace("aws:", "aws-cn:").replace("eu-west", "cn-north")),
        ("tuning_jobs: [{name: a, region: us-gov-west-1}]", f"{JOB}/a".replace("aws:", "aws-us-gov:").replace("eu-", "us-gov-")),
        (
            "tuning_jobs: [{name: a, role_arn: 'arn:aws:iam::222222222222:role/x'}]",
            f"{JOB.replace('*', '222222222222')}/a",
        ),
        ("discover: [{}]", f"{JOB}/*"),
        ("discover: [{name_contains: Prod-}]", f"{JOB}/*prod-*"),
        ("discover: [{name_regex: '^Prod-'}]", f"{JOB}/prod-*"),
        ("discover: [{name_regex: '^prod-.*$'}]", f"{JOB}/prod-*"),
        ("discover: [{name_regex: '^prod$'}]", f"{JOB}/prod"),
        ("discover: [{name_regex: '-final$'}]", f"{JOB}/*-final"),
        ("discover: [{name_regex: '(?i)churn'}]", f"{JOB}/*churn*"),
        ("discover: [{name_regex: '^Prod-.*-hpo$'}]", f"{JOB}/prod-*-hpo"),
        ("discover: [{name_regex: 'a.+b.*c'}]", f"{JOB}/*a*b*c*"),
        ("discover: [{name_regex: '^(prod|test)-'}]", f"{JOB}/*"),
        ("discover: [{name_regex: '^ab*'}]", f"{JOB}/*"),
        ("discover: [{name_contains: churn-model, name_regex: '^prod-'}]", f"{JOB}/*churn-model*"),
    ],
)  # fmt: skip
def test_an_entry_is_about(entry: str, arn: str) -> None:
    assert arns(entry) == [arn]


LETTERS = "abA-"


@settings(max_examples=60)
@given(
    st.from_regex(r"(\(\?i\))?\^?[abA][abA-]{0,2}(\.[*+]b)?(\.[*+])?\$?", fullmatch=True),
    st.text(LETTERS, min_size=1, max_size=5),
)
def test_what_a_rule_finds_its_pattern_fits(regex: str, name: str) -> None:
    [arn] = arns(f"discover: [{{name_regex: '{regex}'}}]")
    assert arn != f"{JOB}/*"
    if re.search(regex, name):
        assert fnmatch.fnmatchcase(name.lower(), arn.rpartition("/")[2])


def test_what_another_one_stands_for_is_left_out() -> None:
    assert without_covered([f"{JOB}/a", f"{JOB}/b", f"{JOB}/a"]) == (f"{JOB}/a", f"{JOB}/b")
    assert without_covered([f"{JOB}/a-1", f"{JOB}/*", f"{JOB}/a-*"]) == (f"{JOB}/*",)
    assert without_covered([f"{JOB}/*a*", f"{JOB}/ba", f"{JOB}/b"]) == (f"{JOB}/*a*", f"{JOB}/b")
    other = JOB.replace("eu-west-1", "us-east-1")
    assert without_covered([f"{JOB}/*", f"{other}/a"]) == (f"{JOB}/*", f"{other}/a")
    # What is unknown here may be any account, so the ARN with the account says no more.
    assert without_covered([f"{JOB}/a", f"{JOB.replace('*', '1')}/a"]) == (f"{JOB}/a",)


def test_all_of_an_account_and_region() -> None:
    assert any_name(f"{JOB}/churn") == f"{JOB}/*"


def test_a_role_s_path_is_no_pattern() -> None:
    assert literal("arn:aws:iam::1:role/a*b?c$/x") == "arn:aws:iam::1:role/a${*}b${?}c${$}/x"
    assert literal("arn:aws:iam::1:role/x") == "arn:aws:iam::1:role/x"
