"""Names and ARNs of inputs."""

from __future__ import annotations

import pytest

from exporter.simulator.errors import ApiError
from exporter.simulator.names import arn_of, name_of

ARN = "arn:aws-cn:sagemaker:cn-north-1:123456789012:hyper-parameter-tuning-job/churn-v3"


def test_a_name_is_taken_in_any_case():
    assert name_of({"HyperParameterTuningJobName": "Churn-V3"}) == "Churn-V3"


@pytest.mark.parametrize("arn", [ARN, ARN.upper(), ARN.replace("churn", "Churn")])
def test_an_arn_is_lowered(arn):
    assert arn_of({"ResourceArn": arn}) == (ARN, "churn-v3")


@pytest.mark.parametrize("content", [{}, {"ResourceArn": "churn"}, {"ResourceArn": ARN.replace("sagemaker", "ecs")}])
def test_what_is_no_arn_of_a_tuning_job_is_refused(content):
    with pytest.raises(ApiError, match="ResourceArn"):
        arn_of(content)
