"""Each class by texts as AWS spells them: what it says itself, and what it passes on of frameworks and containers."""

from __future__ import annotations

import time

import pytest

from exporter.simulator import failure_texts
from exporter.tuning_job.failures import OTHER, REASONS, failure_class

TEXTS: dict[str, tuple[str, ...]] = {
    "out_of_memory": (
        "ClientError: Please use an instance type with more memory, or reduce the size of job data processed on an instance.",
        'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "torch.cuda.OutOfMemoryError: CUDA out of memory."',
        'AlgorithmError: ExecuteUserScriptError: ExitCode 137 ErrorMessage ""',
        "AlgorithmError: , exit code: 137",
        "ClientError: OutOfMemory: the training process was killed, exit code: 1",
        "AlgorithmError: framework error: MemoryError: Unable to allocate 12.3 GiB for an array with shape (40000, 41000)",
        "AlgorithmError: ResourceExhaustedError: OOM when allocating tensor with shape[256,1024]",
        "AlgorithmError: java.lang.OutOfMemoryError: Java heap space",
        "AlgorithmError: Container exited: OOMKilled",
        "AlgorithmError: RuntimeError: DefaultCPUAllocator: can't allocate memory: you tried to allocate 8589934592 bytes",
        "AlgorithmError: terminate called after throwing an instance of 'std::bad_alloc'",
    ),
    "capacity": (
        "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type.",
        "CapacityError: Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.",
        "ClientError: We currently do not have sufficient ml.p3.2xlarge capacity in the Availability Zone you requested.",
    ),
    "quota": (
        "ResourceLimitExceeded: The account-level service limit 'ml.p3.2xlarge for training job usage' is 0 Instances.",
        "ClientError: ResourceLimitExceeded. Please use AWS Service Quotas to request an increase for this quota.",
        "ClientError: You have exceeded your quota of spot instances for training.",
    ),
    "internal_error": (
        "InternalServerError: We encountered an internal error. Please try again.",
        "Internal Server Error: Please try again.",
        "InternalServiceError. Please try again.",
        "ServiceUnavailable: try later",
    ),
    "image": (
        "ClientError: Cannot pull algorithm container. Either the image does not exist or its permissions are incorrect.",
        "AlgorithmError: CannotStartContainerError. Please ensure the model container for variant starts correctly.",
        "ClientError: CannotPullContainerError: manifest unknown: Requested image not found",
        "AlgorithmError: exec /opt/train: exec format error, exit code: 1",
    ),
    "data": (
        'ClientError: Data download failed:No S3 objects found under S3 URL "s3://bucket/train" given in input data source.',
        "ClientError: Data download failed:Failed to download data. NoSuchKey (404): The specified key does not exist.",
        "ClientError: Unable to read data channel 'train'. Requested content-type is 'application/x-image'.",
        "AlgorithmError: FileNotFoundError: [Errno 2] No such file or directory: '/opt/ml/input/data/train/part-0.csv'",
        "ClientError: Data download failed:Failed to download data.",
    ),
    "access": (
        "ClientError: Data download failed:Failed to download data. AccessDenied (403): Access Denied",
        "ClientError: User: arn:aws:sts::123456789012:assumed-role/trainer/SageMaker is not authorized to perform: s3:GetObject",
        "AlgorithmError: botocore.exceptions.ClientError: An error occurred (AccessDeniedException) when calling GetSecretValue",
        "AlgorithmError: PermissionError: [Errno 13] Permission denied: '/opt/ml/code/train'",
    ),
    "crashed": (
        "AlgorithmError: Segmentation fault (core dumped), exit code: 139",
        'AlgorithmError: ExecuteUserScriptError: ExitCode -11 ErrorMessage "died with <Signals.SIGSEGV: 11>"',
        "AlgorithmError: Fatal Python error: Aborted",
        "AlgorithmError: CUDA error: an illegal memory access was encountered",
        "AlgorithmError: exit code: 134",
    ),
    "algorithm_error": (
        'AlgorithmError: ExecuteUserScriptError:\nCommand "/usr/bin/python3 train.py"',
        "AlgorithmError: framework error: \nTraceback (most recent call last):\nValueError: bad learning rate",
        "Algorithm Error: KeyError: 'target', exit code: 1",
        "AlgorithmError: See job logs for more information",
    ),
    "client_error": (
        "ClientError: Hyperparameter max_depth: must be at most 100 (caused by ValidationError)",
        "Client Error: The value of num_round is missing.",
        "CustomerError: label column is out of range",
        "ValidationException: hyperparameters are not valid",
    ),
    "other": (
        "",
        "   ",
        "学習は失敗しました",
        "The job failed.",
        "Stopped by the tuner",
    ),
}


def test_every_class_has_texts_in_three_spellings() -> None:
    assert TEXTS.keys() == set(REASONS)
    assert all(len(set(texts)) >= 3 for texts in TEXTS.values())


@pytest.mark.parametrize(("reason", "text"), [(reason, text) for reason, texts in TEXTS.items() for text in texts])
def test_a_text_is_of_its_class(reason: str, text: str) -> None:
    assert failure_class(text) == reason


@pytest.mark.parametrize(("reason", "text"), [(reason, texts[0]) for reason, texts in TEXTS.items()])
def test_white_space_and_punctuation_make_no_difference(reason: str, text: str) -> None:
    assert failure_class("\n\t".join(text.split(" "))) == reason
    assert failure_class(text.replace(" ", "_")) == reason


@pytest.mark.parametrize(
    ("reason", "text"), [(reason, text) for reason, texts in failure_texts.TEXTS.items() for text in texts]
)
def test_what_the_simulator_says_is_of_the_class_that_it_means(reason: str, text: str) -> None:
    """Its texts were collected by somebody else than the phrases were."""
    assert failure_class(failure_texts.fill(text, {"account": "123456789012", "region": "eu-west-1"})) == reason


def test_without_a_text_it_is_other() -> None:
    assert failure_class(None) == OTHER


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ClientError: CUDA out of memory", "out_of_memory"),
        ("CapacityError: retry with an instance type with more memory", "out_of_memory"),
        ("AlgorithmError: requests.exceptions.HTTPError: 500 Internal Server Error", "algorithm_error"),
        ("ClientError: AlgorithmError", "algorithm_error"),
        ("AlgorithmError: room for improvement, exit code: 1", "algorithm_error"),
        ("AlgorithmError: exit code: 1370", "algorithm_error"),
    ],
)
def test_the_first_class_in_the_order_wins(text: str, reason: str) -> None:
    assert failure_class(text) == reason


def test_the_order_is_the_one_that_is_documented() -> None:
    assert REASONS == (
        "out_of_memory",
        "capacity",
        "quota",
        "internal_error",
        "image",
        "data",
        "access",
        "crashed",
        "algorithm_error",
        "client_error",
        "other",
    )


@pytest.mark.parametrize("text", ["A" * 100_000, "Aa" * 50_000, "a1" * 50_000, "exit code " * 10_000])
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    failure_class(text)
    assert time.process_time() - started < 1
