from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.names import (
    JOB_NAME_PATTERN,
    JobArn,
    RoleArn,
    parse_account_id,
    parse_job_arn,
    parse_job_name,
    parse_role_arn,
    tag_label,
)


@pytest.mark.parametrize("name", ["a", "A-1", "a--b", "x" * 32])
def test_names_of_the_api_are_accepted(name: str) -> None:
    assert parse_job_name(name) == name


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("churn_v2", '"churn_v2" contains "_": .* did you mean "churn-v2"?'),
        ("x" * 40, "is 8 characters too long: .* copy the name"),
        ("a--" + "-" * 30 + "b", "is 2 characters too long"),
        ("-a", "begins or ends with a hyphen"),
        ("a b_c", 'contains " " "_": .* did you mean "a-b-c"?'),
        ("name:churn", "if a key was meant, write a space after its ':'"),
        ("", "the name is empty: write"),
        ("arn:aws:x", "this is an ARN: write it under arn"),
        ("prod-*", 'contains "[*]": .* write a rule with name_contains or name_regex under discover'),
        ("ünï", 'contains "ü" "ï": '),
        ("a\n", r'contains "\\n"'),
    ],
)
def test_a_wrong_name_is_told_which_rule_it_breaks(name: str, told: str) -> None:
    with pytest.raises(ValueError, match=told.replace("?", r"\?")):
        parse_job_name(name)


@given(st.text(min_size=1, max_size=60))
def test_a_suggested_name_is_a_valid_one(text: str) -> None:
    try:
        parse_job_name(text)
    except ValueError as error:
        suggested = re.search(r'did you mean "(.*)"\?$', str(error))
        if suggested:
            assert parse_job_name(suggested[1]) == suggested[1]
    else:
        assert re.fullmatch(JOB_NAME_PATTERN, text)


@pytest.mark.parametrize(
    ("partition", "region"), [("aws", "eu-west-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")]
)
def test_an_arn_gives_its_parts(partition: str, region: str) -> None:
    arn = parse_job_arn(f"arn:{partition}:sagemaker:{region}:012345670123:hyper-parameter-tuning-job/pricing")
    assert arn == JobArn(partition, region, "012345670123", "pricing")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("arn:aws", "is not an ARN: write it like arn:aws:sagemaker"),
        ("arn:aws:sagemaker:eu-west-1:123456789012:training-job/x", "is not the ARN of a tuning job"),
        ("arn:aws:s3:eu-west-1:123456789012:hyper-parameter-tuning-job/x", "is not the ARN of a tuning job"),
        (
            "arn:aws:sagemaker:eu-west1:123456789012:hyper-parameter-tuning-job/x",
            "in this ARN .* did you mean eu-west-1",
        ),
        (
            "arn:aws:sagemaker:eu-west-1:1234:hyper-parameter-tuning-job/x",
            'in this ARN "1234" is not an AWS account id',
        ),
        ("arn:aws:sagemaker:eu-west-1:123456789012:hyper-parameter-tuning-job/x_y", 'in this ARN "x_y" contains "_"'),
        ("arn:aws:sagemaker:cn-north-1:123456789012:hyper-parameter-tuning-job/x", "write arn:aws-cn:"),
    ],
)
def test_a_wrong_arn_is_told_which_part_is_wrong(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_job_arn(text)


def test_a_role_gives_its_account_and_bare_name() -> None:
    text = "arn:aws-us-gov:iam::012345670123:role/teams/search/tuning-metrics"
    assert parse_role_arn(text) == RoleArn(text, "aws-us-gov", "012345670123", "tuning-metrics")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tuning-metrics", "is not an ARN: write it like arn:aws:iam::123456789012:role/tuning-metrics"),
        ("arn:aws:iam::123456789012:user/x", "is not the ARN of an IAM role"),
        ("arn:aws:iam::123456789012:role/", "is not the ARN of an IAM role"),
        ("arn:AWS:iam::123456789012:role/x", "is not the ARN of an IAM role"),
        ("arn:aws:iam:eu-west-1:123456789012:role/x", "a role has no region: write arn:aws:iam::123456789012:role/x"),
        ("arn:aws:iam::1234:role/x", 'in this ARN "1234" is not an AWS account id'),
        ("arn:aws:sts::123456789012:assumed-role/x/s", "write the role itself, arn:aws:iam::123456789012:role/x"),
    ],
)
def test_a_wrong_role_is_told_which_part_is_wrong(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_role_arn(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [("1234-5678-9012", "write 123456789012"), ("12345", "leading zeros included"), ("٣" * 12, "12 digits")],
)
def test_an_account_id_has_twelve_digits(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_account_id(text)


@pytest.mark.parametrize(
    ("key", "label"),
    [("team", "team"), ("cost-center", "cost_center"), ("aws:createdBy", "aws_createdBy"), ("Größe 2", "Gr__e_2")],
)
def test_a_tag_s_label_has_an_underscore_for_each_character_that_no_label_holds(key: str, label: str) -> None:
    assert tag_label(key) == label
