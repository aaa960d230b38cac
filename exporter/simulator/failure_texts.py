"""Texts of failures by class, as the service and the training containers write them.

Some of them are easy to classify wrongly: for example, out of memory may come as a ClientError.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

Reason = Literal[
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
]

REASONS: tuple[Reason, ...] = get_args(Reason)

RETRYABLE: tuple[Reason, ...] = ("internal_error", "internal_error", "capacity")
"""The failures that the service may retry."""

WITHOUT_INSTANCES: frozenset[Reason] = frozenset({"capacity", "quota"})
"""With these failures a training job never starts."""

LONGEST = 1024
"""The most characters of a text. The service cuts longer ones."""

_TOOLKIT = """\
AlgorithmError: ExecuteUserScriptError:
ExitCode {exit}
ErrorMessage "{message}"
Command "/opt/conda/bin/python3.10 train.py --batch_size 256 --epochs 40 --learning_rate {rate}", exit code: {exit}"""

_TRACE = """\
Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 212, in <module>
    main(parse_arguments())
  File "/opt/ml/code/train.py", line 187, in main
    fit(model, batches, arguments)
  File "/opt/ml/code/{module}.py", line 96, in {function}
    {statement}
"""


def _script(message: str, exit_code: int = 1) -> str:
    return _TOOLKIT.replace("{message}", message).replace("{exit}", str(exit_code))


def _traced(module: str, function: str, statement: str) -> str:
    return _TRACE.format(module=module, function=function, statement=statement)


TEXTS: Mapping[Reason, tuple[str, ...]] = MappingProxyType(
    {
        "out_of_memory": (
            (
                "ClientError: Please use an instance type with more memory, or reduce the size of training data processed on "
                "an instance."
            ),
            (
                "AlgorithmError: OutOfMemory: Please use an instance type with more memory, or reduce the size of training data "
                "processed on an instance, exit code: 137"
            ),
            "AlgorithmError: Exit Code: 137",
            _script(
                f"{_traced('loop', 'fit', 'loss.backward()')} RuntimeError: CUDA out of memory. Tried to allocate 1.95 GiB "
                "(GPU 0; 22.20 GiB total capacity; 19.76 GiB already allocated; 1.42 GiB free)"
            ),
            (
                "ClientError: torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 512.00 MiB. GPU 0 has a total "
                "capacity of 14.58 GiB of which 337.56 MiB is free, exit code: 1"
            ),
            _script("tensorflow.python.framework.errors_impl.ResourceExhaustedError: OOM when allocating tensor"),
            _script("MemoryError: Unable to allocate 12.4 GiB for an array with shape (83200000, 20)"),
            _script(":Killed", 137),
        ),
        "capacity": (
            "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type.",
            (
                "CapacityError: Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
                "Please retry using a different ML instance type or after some time."
            ),
            "CapacityError: Unable to provision {instance} in the Availability Zones of the given subnets. Add subnets of others.",
        ),
        "quota": (
            (
                "ResourceLimitExceeded: The account-level service limit '{instance} for training job usage' is 2 Instances, with "
                "current utilization of 2 Instances and a request delta of 1 Instances. Please use AWS Service Quotas to request "
                "an increase for this quota."
            ),
            (
                "ResourceLimitExceeded: The account-level service limit '{instance} for spot training job usage' is 0 Instances, "
                "with current utilization of 0 Instances and a request delta of 1 Instances. Please contact AWS support."
            ),
            "ClientError: ResourceLimitExceeded: The limit of training jobs at once of account {account} is reached.",
        ),
        "internal_error": (
            "InternalServerError: We encountered an internal error. Please try again.",
            "InternalServerError: We encountered an internal error. Please try again. If the problem persists, contact support.",
            "InternalServerError: The training instance became unhealthy and could not be replaced. Please try again.",
        ),
        "image": (
            (
                "ClientError: Cannot pull image '{account}.dkr.ecr.{region}.amazonaws.com/trainer:latest': manifest unknown. "
                "Check that the image exists."
            ),
            (
                "ClientError: Failed to pull the training image {account}.dkr.ecr.{region}.amazonaws.com/trainer:2.1. "
                "CannotPullContainerError: the repository does not exist in the registry."
            ),
            "AlgorithmError: CannotStartContainerError. Please ensure the image can be run: exec format error, exit code: 1",
            (
                "ClientError: Cannot find repository: trainer in registry ID: {account}. Please check if your ECR repository "
                "exists and role {role} has proper pull permissions for SageMaker"
            ),
        ),
        "data": (
            "ClientError: No data found. Please check that the channel 'train' has files under s3://{bucket}/train/",
            (
                'ClientError: Data download failed:No S3 objects found under S3 URL "s3://{bucket}/train/" given in input data '
                "source. Please ensure that the bucket exists in the selected region ({region}), and that objects exist under "
                "that S3 prefix."
            ),
            (
                "ClientError: Please verify that the data in channel 'validation' is valid CSV: row 4711 has 12 columns instead of "
                "17, exit code: 2"
            ),
            (
                "ClientError: Unable to read data channel 'train'. Requested content-type is 'text/csv'. Please verify the data "
                "matches the requested content-type. (caused by ValueError)"
            ),
            "AlgorithmError: Data download failed:NoSuchKey (404): The referenced item does not exist",
        ),
        "access": (
            (
                "ClientError: Data download failed:AccessDenied (403): Access Denied when reading s3://{bucket}/train/part-00017. "
                "Role: {role}"
            ),
            (
                "ClientError: AccessDeniedException: User: {session} is not authorized to perform: kms:Decrypt on resource: "
                "arn:aws:kms:{region}:{account}:key/5f0c1d2e-88aa-4c1b-9d3e-0a1b2c3d4e5f because no identity-based policy allows "
                "the kms:Decrypt action"
            ),
            (
                "ClientError: User: {session} is not authorized to perform: ecr:BatchGetImage on resource: "
                "arn:aws:ecr:{region}:{account}:repository/trainer, exit code: 1"
            ),
            _script(
                "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the PutObject operation: "
                "Access Denied"
            ),
            "ClientError: Artifact upload failed:Access denied for s3://{bucket}/models/. Please check the role {role}",
        ),
        "crashed": (
            "AlgorithmError: Exit Code: 139",
            (
                'AlgorithmError: ExecuteUserScriptError:\nExitCode -11\nErrorMessage ""\nCommand "/opt/conda/bin/python3.10 '
                'train.py", exit code: 139'
            ),
            "AlgorithmError: Training container terminated by signal 6 (SIGABRT), exit code: 134",
            _script("Fatal Python error: Segmentation fault", 139),
        ),
        "algorithm_error": (
            _script(f"{_traced('loop', 'fit', 'raise ValueError(loss)')}ValueError: loss is nan at step 1820"),
            "AlgorithmError: framework error: \n"
            + _traced("model", "build", "self.layers = config['layers']")
            + "KeyError: 'layers'",
            "AlgorithmError: uncaught exception during training: learning_rate {rate} made the gradients infinite",
            _script(
                f"{_traced('data', 'batches', 'x = x.reshape(-1, 3, 224, 224)') * 4}RuntimeError: shape '[-1, 3, 224, 224]' "
                "is invalid for input of size 38535168"
            ),
        ),
        "client_error": (
            "ClientError: Hyperparameter 'num_round' must be an integer above 0, exit code: 2",
            (
                "ClientError: Additional hyperparameters are not allowed ('learning_rte' was unexpected) (caused by "
                "ValidationError)"
            ),
            "ClientError: Artifact upload failed:Insufficient disk space: the volume of 30 GB is full",
        ),
        "other": (
            "The training job was ended by an administrator of the account.",
            "UnknownFailure",
            "Ausbildung abgebrochen: nicht genügend Zeichen \N{SNOWMAN}\n\tsiehe Protokoll",
        ),
    }
)
"""The texts of each class. Parts in braces are filled in."""

_PLACES = ("account", "region", "bucket", "role", "session", "instance", "rate")


def fill(text: str, facts: Mapping[str, str]) -> str:
    """Return a text with its facts filled in, cut to ``LONGEST``."""
    for place in _PLACES:
        text = text.replace(f"{{{place}}}", facts.get(place, "?"))
    return text[:LONGEST]


def draw(reason: Reason, facts: Mapping[str, str], rng: Random) -> str | None:
    """Return a text of a class. One in four of the class ``other`` is empty."""
    text = rng.choice(TEXTS[reason])
    if reason == "other" and rng.random() < 0.25:
        return None
    return fill(text, facts)
