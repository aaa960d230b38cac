"""What is told in the log of a training job's failure, and what is not."""

from __future__ import annotations

import time

import pytest

from exporter.sagemaker import impersonal


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ClientError: CUDA out of memory", "ClientError: CUDA out of memory"),
        ("two\n lines\t here", "two lines here"),
        (
            "User: arn:aws:sts::123456789012:assumed-role/trainer/SageMaker is not authorized",
            "User: arn:*** is not authorized",
        ),
        ('on resource: "arn:aws-cn:s3:::bucket/a b"', 'on resource: "arn:*** b"'),
        ("found under s3://churn-data/train/part-0.csv given", "found under s3://*** given"),
        ("(S3A://churn-data/x)", "(s3://***)"),
        ("at https://churn-data.s3.eu-west-1.amazonaws.com/train?X-Amz=1 now", "at https://*** now"),
        ("pull 123456789012.dkr.ecr.eu-west-1.amazonaws.com/xgb:1", "pull ***.dkr.ecr.eu-west-1.amazonaws.com/xgb:1"),
        ("account 1234-5678-9012, code 1234567890123", "account ***, code 1234567890123"),
        ("key AKIAIOSFODNN7EXAMPLE was", "key *** was"),
        ("ASIAIOSFODNN7EXAMPLE", "***"),
        ("token=abc123 password=hunter2", "token=*** password=***"),
        ("Authorization: Bearer abc123def was", "Authorization: Bearer *** was"),
        ("hf_" + "aB3" * 12 + " is", "*** is"),
        (
            'ExecuteUserScriptError: ExitCode 1 Command "/usr/bin/python3 train.py --lr 0.1 secret" Traceback',
            "ExecuteUserScriptError: ExitCode 1 Command *** Traceback",
        ),
        ("usage: train.py --learning-rate 0.1 --user=me -v", "usage: train.py --*** --*** --***"),
        ("ExitCode -11 at step 3 - done", "ExitCode -11 at step 3 - done"),
        ("", ""),
    ],
)
def test_a_text_is_told_without_what_is_personal(text: str, told: str) -> None:
    assert impersonal(text) == told


def test_a_long_text_keeps_its_beginning_and_its_end() -> None:
    told = impersonal(f"AlgorithmError: {'at some line ' * 60}ValueError: the batch is too large")
    assert len(told) == 300
    assert told.startswith("AlgorithmError: at some line")
    assert told.endswith("ValueError: the batch is too large")
    assert "…" in told


@pytest.mark.parametrize(
    "text", ["--a " * 25_000, "arn:" * 25_000, 'Command "' * 10_000, "1234" * 25_000, "s3:// " * 9_999]
)
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    impersonal(text)
    assert time.process_time() - started < 1
