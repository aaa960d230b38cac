"""Each class by texts as AWS spells them: what it says itself, and what it passes on of frameworks and containers."""

from __future__ import annotations

import json
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
        "AlgorithmError: XGBoostError: Memory allocation error on worker 0: Free memory: 224067584 - Requested memory: 878511352",
        "AlgorithmError: RESOURCE_EXHAUSTED: Failed to allocate request for 2.00GiB (2147483648B) on device ordinal 0",
        "AlgorithmError: cudaErrorMemoryAllocation",
        "AlgorithmError: java heap space",
        "AlgorithmError: RuntimeError: DataLoader worker (pid 1) is killed by signal: Killed.",
        "AlgorithmError: ChildFailedError: exitcode  : 137 (pid: 44) of binary: /opt/conda/bin/python",
        "AlgorithmError: ChildFailedError: exitcode: -9 (pid: 189), Signal 9 (SIGKILL) received by PID 189",
        'AlgorithmError: ExecuteUserScriptError: ExitCode -9 ErrorMessage ""',
        "AlgorithmError: container exited with code 137",
        "AlgorithmError: returncode=137",
        "AlgorithmError: exits with return code = -9",
        "AlgorithmError: Command '['python', 'train.py']' returned non-zero exit status 137.",
        "AlgorithmError: Command '['python', 'train.py']' died with <Signals.SIGKILL: 9>.",
        "\x1b[31mout of memory\x1b[0m",
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
        "AlgorithmError: exit code -11",
        "AlgorithmError: exitcode : -6 (pid: 3)",
        "AlgorithmError: Command '['python', 'train.py']' died with <Signals.SIGSEGV: 11>.",
    ),
    "algorithm_error": (
        'AlgorithmError: ExecuteUserScriptError:\nCommand "/usr/bin/python3 train.py"',
        "AlgorithmError: framework error: \nTraceback (most recent call last):\nValueError: bad learning rate",
        "Algorithm Error: KeyError: 'target', exit code: 1",
        "AlgorithmError: See job logs for more information",
        # What the algorithm says of its own things is not about instances, quotas of the account, images and channels.
        "AlgorithmError: ValueError: LSTM does not have sufficient samples for the window",
        "AlgorithmError: No capacity left in replay buffer",
        "AlgorithmError: OSError: [Errno 122] Disk quota exceeded",
        "AlgorithmError: OSError: [Errno 28] No space left on device",
        "AlgorithmError: RateLimitError: You exceeded your current quota",
        "AlgorithmError: RuntimeError: mat1 and mat2 cannot be multiplied in the channel dimension",
        "AlgorithmError: FileNotFoundError: Image not found: cat.png",
        "AlgorithmError: JSONDecodeError: unable to parse config",
        "AlgorithmError: TypeError: fit() got an unexpected keyword argument 'skip_oom_batch'",
        "AlgorithmError: returned 137 rows at step -9 with 139 classes",
        "AlgorithmError: torchrun: Unable to shutdown process 7 via SIGTERM, forcefully exiting via SIGKILL",
    ),
    "client_error": (
        "ClientError: Hyperparameter max_depth: must be at most 100 (caused by ValidationError)",
        "Client Error: The value of num_round is missing.",
        "CustomerError: label column is out of range",
        "ValidationException: hyperparameters are not valid",
        "ClientError: the time series does not have sufficient samples",
        "ClientError: OSError: Disk quota exceeded",
        "ClientError: images must agree in the channel dimension",
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


# Hyperparameters with names and values that are phrases of other classes.
ARGUMENTS = (
    "--skip-oom-batch True",
    "--sampler OOM",
    "--on_memory_error skip",
    "--grad_alloc-failed 1",
    "--manifest-file a.manifest",
    "--content_type text/csv",
    "--in_channel train",
    "--validation-channel /opt/ml/input/data/validation",
    "--on-sigkill segfault",
    '--name "out of memory"',
)
IN_TEXTS = (
    'ExecuteUserScriptError:\nExitCode 1\nErrorMessage "ValueError: bad"\nCommand "/opt/python train.py {} --lr 0.1", exit code: 1',
    'ExecuteUserScriptError: ExitCode 1 ErrorMessage "ValueError: bad" Command "/opt/python train.py --lr 0.1 {}"',
    'ExecuteUserScriptError:\nCommand "/opt/python train.py {}"\nTraceback (most recent call last):\nValueError: bad',
    'ExecuteUserScriptError:\nCommand "/opt/python train.py --lr 0.1 {} --cut-of',
    "CalledProcessError: Command 'python train.py {}' returned non-zero exit status 1.",
    "ValueError: usage: train.py [-h] [{}]",
    "ValueError: train.py: error: unrecognized arguments: out of memory {}",
)


@pytest.mark.parametrize("text", IN_TEXTS)
@pytest.mark.parametrize("argument", ARGUMENTS)
def test_hyperparameters_do_not_decide(text: str, argument: str) -> None:
    assert failure_class(f"AlgorithmError: {text.format(argument)}") == "algorithm_error"


@pytest.mark.parametrize("argument", ARGUMENTS)
def test_hyperparameters_in_a_list_of_python_s_do_not_decide(argument: str) -> None:
    command = ["python3", "train.py", *argument.replace('"', "").split(" ", 1), "--lr", "0.1"]
    for text in (f"Command '{command}' returned non-zero exit status 1.", f"sys.argv: {command}", json.dumps(command)):
        assert failure_class(f"AlgorithmError: {text}") == "algorithm_error"


@pytest.mark.parametrize("text", IN_TEXTS[:3])
def test_what_is_told_around_a_command_does(text: str) -> None:
    text = text.replace("ValueError: bad", "CUDA out of memory").format("--content_type csv")
    assert failure_class(f"AlgorithmError: {text}") == "out_of_memory"


def test_the_places_in_a_trace_do_not_decide() -> None:
    trace = (
        'Traceback:\n File "/opt/ml/code/OOM/memory_error.py", line 3, in out_of_memory\n    step()\nValueError: bad'
    )
    assert failure_class(f"AlgorithmError: {trace}") == "algorithm_error"
    assert failure_class(f"AlgorithmError: {trace}, CUDA out of memory") == "out_of_memory"


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


@pytest.mark.parametrize(
    "text",
    ["A" * 100_000, "Aa" * 50_000, "a1" * 50_000, "exit code " * 10_000, "-9 " * 30_000, 'File "x", line 1' * 6_000],
)
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    failure_class(text)
    assert time.process_time() - started < 1
