"""What is told in the log of a training job's failure, and what is not."""

from __future__ import annotations

import functools
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        ('on resource: "arn:aws-cn:s3:::bucket/a b"', 'on resource: "arn:***"'),
        ("of 'arn:aws:s3:::b/a b' and", "of 'arn:***' and"),
        ("ARN:AWS:IAM::123456789012:role/Me xarn:aws:iam::1:role/Me", "arn:*** xarn:***"),
        ("arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2FMe is", "arn:*** is"),
        ("arn%253Aaws%253Aiam%253A%253A1%253Arole%252FMe is", "arn:*** is"),
        ("found under s3://churn-data/train/part-0.csv given", "found under s3://*** given"),
        ("(S3A://churn-data/x)", "(s3://***)"),
        ("'s3://churn data/a b' at", "'s3://***' at"),
        (r"s3:\/\/churn-data\/x at", "s3://*** at"),
        (r"s3:\u002f\u002fchurn-data at", "s3://*** at"),
        ("s3&#58;//churn-data at", "s3://*** at"),
        ("s3\uff1a//churn-data s3:\u200b//churn-data", "s3://*** s3://***"),
        ("at http://minio:9000/churn/x?X-Amz-Credential=me&X-Amz-Signature=ab now", "at http://minio:9000/*** now"),
        ("at 'https://cdn.test/x?Signature=ab~c&Key-Pair-Id=K2' now", "at 'https://cdn.test/*** now"),
        ("at https://huggingface.co/bert/resolve/main now", "at https://huggingface.co/bert/resolve/main now"),
        ("at https://churn-data.s3.eu-west-1.amazonaws.com/train?X-Amz=1 now", "at https://*** now"),
        ("pull 123456789012.dkr.ecr.eu-west-1.amazonaws.com/xgb:1", "pull ***.dkr.ecr.eu-west-1.amazonaws.com/xgb:1"),
        ("account 1234-5678-9012, code 1234567890123", "account ***, code 1234567890123"),
        ("key AKIAIOSFODNN7EXAMPLE was", "key *** was"),
        ("ASIAIOSFODNN7EXAMPLE", "***"),
        ("AROAIOSFODNN7EXAMPLE:me key_AIDAIOSFODNN7EXAMPLE", "***:me key_***"),
        ("account 1234 5678 9012 at 7 123456789012 1", "account *** at 7 *** 1"),
        ("\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff10\uff11\uff12", "***"),
        ("\u0661" * 12, "***"),
        ("1 22 333 4444 5555 66666", "1 22 333 4444 5555 66666"),
        ("token=abc123 password=hunter2", "token=*** password=***"),
        ("api_key=a api-key: b apikey=c ApiKey: d", "api_key=*** api-key: *** apikey=*** ApiKey: ***"),
        ("{'api_key': 'a b', \"secret\": \"c\"}", "{'api_key': '***', \"secret\": \"***\"}"),
        (r"{\"api_key\": \"a\"} x", '{"api_key": "***"} x'),
        ("passwd=a, pwd=b) db_pass=c pass=d secret=e", "passwd=***, pwd=***) db_pass=*** pass=*** secret=***"),
        ("password: hunter2 token: hunter2 wandb_key = x", "password: *** token: *** wandb_key = ***"),
        ("Signature=ab cookie=c credentials=d", "Signature=*** cookie=*** credentials=***"),
        ("first pass: good, no signature: f, NoSuchKey: The", "first pass: good, no signature: f, NoSuchKey: The"),
        (
            "Authorization: Bearer abc and authorization=Basic abc",
            "Authorization: Bearer *** and authorization=Basic ***",
        ),
        ("glpat-abcdefghij01 xoxb-12-34-abCD56", "*** ***"),
        ("ghp_abcdefghijklmnopqrst github_pat_abcdefgh_1 sk-ant-abcdefghijkl hf_abcdefghijklmnop", "*** *** *** ***"),
        ("hf_hub_download of sk-learn", "hf_hub_download of sk-learn"),
        ("from me.too@churn.example.com, <me@a.co>", "from ***, <***>"),
        ("@staticmethod a @ b", "@staticmethod a @ b"),
        ("to 10.1.2.3:80 (fe80::1ff:fe23:4567:890a) ::1.", "to ***:80 (***) ***"),
        ("on ip-10-1-2-3.ec2.internal", "on ip-***.ec2.internal"),
        ("std::bad_alloc, a :: b, 12:30:45, 1.2.3, 1.2.3.4.5", "std::bad_alloc, a :: b, 12:30:45, 1.2.3, 1.2.3.4.5"),
        ("Authorization: Bearer abc123def was", "Authorization: Bearer *** was"),
        ("hf_" + "aB3" * 12 + " is", "*** is"),
        (
            'ExecuteUserScriptError: ExitCode 1 Command "/usr/bin/python3 train.py --lr 0.1 secret" Traceback',
            "ExecuteUserScriptError: ExitCode 1 Command *** Traceback",
        ),
        (
            "CalledProcessError: Command '['python3', 'train.py', '--wandb_key', 'sk-abc']' returned non-zero exit status 1.",
            "CalledProcessError: Command *** returned non-zero exit status 1.",
        ),
        ('Command "python train.py --name "my run" --password hunter2"', "Command ***"),
        (r'Command "python train.py --cfg {\"a\": \"b\"} x", exit code: 1', "Command ***, exit code: 1"),
        ("['--password', 'hunter2']", "[***]"),
        (r"[\"--password\", \"hunter2\"]", "[***]"),
        (r"\"hps\": \"--name \"my run\" --x=\"a b\" there", '"hps": "--*** --*** there'),
        ("usage: train.py --learning-rate 0.1 --user=me -v", "usage: train.py --*** --*** --***"),
        ("ExitCode -11 at step 3 - done", "ExitCode -11 at step 3 - done"),
        ("", ""),
    ],
)
def test_a_text_is_told_without_what_is_personal(text: str, told: str) -> None:
    assert impersonal(text) == told


PERSONAL = (
    "123456789012",
    "1234-5678-9012",
    "arn:aws:iam::1:role/me",
    "s3://churn-data/me",
    "me@example.com",
    "10.1.2.3",
    "2001:db8::77",
    "password=hunter2",
    "AKIAIOSFODNN7EXAMPLE",
    "--user me",
)


@given(st.lists(st.sampled_from([*PERSONAL, "at", "Error:", "7", "x", ",", "'", '"', "(", "]"]), max_size=12))
def test_nothing_personal_is_left_whatever_is_around_it(words: list[str]) -> None:
    told = impersonal(" ".join(words))
    assert not [each for each in PERSONAL if each in told]


@given(st.text(max_size=400))
def test_any_text_is_told_in_one_short_line(text: str) -> None:
    told = impersonal(text)
    assert len(told) <= 300
    assert told == " ".join(told.split())


def test_escapes_in_escapes_without_end_are_not_told() -> None:
    assert impersonal(functools.reduce(lambda text, _: quote(text, safe=""), range(12), "a b")) == "***"


def test_a_long_text_keeps_its_beginning_and_its_end() -> None:
    told = impersonal(f"AlgorithmError: {'at some line ' * 60}ValueError: the batch is too large")
    assert len(told) == 300
    assert told.startswith("AlgorithmError: at some line")
    assert told.endswith("ValueError: the batch is too large")
    assert "…" in told


@pytest.mark.parametrize(
    "text",
    [
        "--a " * 25_000,
        "arn:" * 25_000,
        'Command "' * 10_000,
        "1234" * 25_000,
        "1234 " * 25_000,
        "1.2." * 25_000,
        "a::" * 25_000,
        "a@" * 25_000,
        "password='" * 10_000,
        "\\" * 50_000,
        "%25" * 30_000,
        "s3:// " * 9_999,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    impersonal(text)
    assert time.process_time() - started < 1
