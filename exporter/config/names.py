"""Names and ARNs of AWS in a configuration."""

from __future__ import annotations

import re
from dataclasses import dataclass

from exporter.config.problem import quote
from exporter.config.regions import REGION_PATTERN, parse_region, partition_of

JOB_NAME_LENGTH = 32
JOB_NAME_PATTERN = f"[a-zA-Z0-9]([a-zA-Z0-9-]{{0,{JOB_NAME_LENGTH - 2}}}[a-zA-Z0-9])?"
JOB_NAME = re.compile(JOB_NAME_PATTERN)
ARN_START = "arn:"
ACCOUNT_PATTERN = "[0-9]{12}"
JOB_ARN_PATTERN = (
    f"arn:aws(-[a-z]+)*:sagemaker:{REGION_PATTERN}:{ACCOUNT_PATTERN}:hyper-parameter-tuning-job/{JOB_NAME_PATTERN}"
)
"""The pattern of a tuning job's ARN, with any partition."""
ROLE_NAME_PATTERN = r"([!-~]+/)?[\w+=,.@-]{1,64}"
_ROLE_PATTERN = f"role/{ROLE_NAME_PATTERN}"
ROLE_ARN_PATTERN = f"arn:aws(-[a-z]+)*:iam::{ACCOUNT_PATTERN}:{_ROLE_PATTERN}"

_NOT_IN_LABEL = re.compile(r"[^a-zA-Z0-9_]")
_NOT_IN_JOB_NAME = re.compile(r"[^a-zA-Z0-9-]")
_PATTERN_SIGNS = frozenset("*?^$")
_ACCOUNT = re.compile(ACCOUNT_PATTERN)
_PARTITION = re.compile(r"aws(-[a-z]+)*")
_ROLE = re.compile(_ROLE_PATTERN, re.ASCII)
_JOB_RESOURCE = "hyper-parameter-tuning-job/"
_JOB_EXAMPLE = "arn:aws:sagemaker:eu-west-1:123456789012:hyper-parameter-tuning-job/my-job"
_ROLE_EXAMPLE = "arn:aws:iam::123456789012:role/tuning-metrics"


@dataclass(frozen=True, slots=True)
class JobArn:
    """The parts of a tuning job's ARN. ``name`` may be in lower case."""

    partition: str
    region: str
    account_id: str
    name: str


@dataclass(frozen=True, slots=True)
class RoleArn:
    """A role's ARN and the parts that are needed here. ``name`` is without the role's path."""

    text: str
    partition: str
    account_id: str
    name: str


def parse_job_name(text: str) -> str:
    """Return a tuning job's name. Raises ValueError, which says which rule of the API it breaks, with a valid name."""
    if len(text) <= JOB_NAME_LENGTH and JOB_NAME.fullmatch(text):
        return text
    if not text:
        raise ValueError("the name is empty: write the tuning job's name")
    if text.startswith(ARN_START):
        raise ValueError("this is an ARN: write it under arn, and the tuning job's name here")
    wrong = []
    odd = list(dict.fromkeys(_NOT_IN_JOB_NAME.findall(text)))
    if odd:
        wrong.append(f"contains {' '.join(map(quote, odd[:5]))}")
    if text.startswith("-") or text.endswith("-"):
        wrong.append("begins or ends with a hyphen")
    if len(text) > JOB_NAME_LENGTH:
        wrong.append(f"is {len(text) - JOB_NAME_LENGTH} characters too long")
    fitting = _NOT_IN_JOB_NAME.sub("-", text)[: JOB_NAME_LENGTH + 1].strip("-")[:JOB_NAME_LENGTH].strip("-")
    remedy = f"did you mean {quote(fitting)}?" if odd and fitting else "copy the name from the SageMaker console"
    if ":" in text:
        remedy = "if a key was meant, write a space after its ':'"
    elif not _PATTERN_SIGNS.isdisjoint(text):
        remedy = "to watch all jobs whose names fit, write a rule with name_contains or name_regex under discover"
    raise ValueError(
        f"{quote(text)} {' and '.join(wrong)}: a tuning job's name has 1 to {JOB_NAME_LENGTH} letters, digits and"
        f" inner hyphens; {remedy}"
    )


def parse_job_arn(text: str) -> JobArn:
    """Return the parts of a tuning job's ARN. Raises ValueError, which says which part is wrong."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        raise ValueError(f"{quote(text)} is not an ARN: write it like {_JOB_EXAMPLE}")
    _, partition, service, region, account_id, resource = parts
    if service != "sagemaker" or not resource.startswith(_JOB_RESOURCE):
        raise ValueError(f"{quote(text)} is not the ARN of a tuning job: write it like {_JOB_EXAMPLE}")
    try:
        parse_region(region)
        parse_account_id(account_id)
        name = parse_job_name(resource.removeprefix(_JOB_RESOURCE))
    except ValueError as error:
        raise ValueError(f"in this ARN {error}") from None
    if partition != partition_of(region):
        raise ValueError(
            f"in this ARN the partition {quote(partition)} does not fit the region {region}:"
            f" write arn:{partition_of(region)}:…"
        )
    return JobArn(partition, region, account_id, name)


def parse_role_arn(text: str) -> RoleArn:
    """Return the parts of a role's ARN. Raises ValueError, which says which part is wrong."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn":
        raise ValueError(f"{quote(text)} is not an ARN: write it like {_ROLE_EXAMPLE}")
    _, partition, service, region, account_id, resource = parts
    if service == "sts" and resource.startswith("assumed-role/"):
        role = resource.split("/")[1]
        raise ValueError(
            f"{quote(text)} is a session of a role: write the role itself, arn:{partition}:iam::{account_id}:role/{role}"
        )
    if service != "iam" or not _ROLE.fullmatch(resource) or not _PARTITION.fullmatch(partition):
        raise ValueError(f"{quote(text)} is not the ARN of an IAM role: write it like {_ROLE_EXAMPLE}")
    if region:
        raise ValueError(f"a role has no region: write arn:{partition}:iam::{account_id}:{resource}")
    try:
        parse_account_id(account_id)
    except ValueError as error:
        raise ValueError(f"in this ARN {error}") from None
    return RoleArn(text, partition, account_id, resource.rpartition("/")[2])


def role_of(partition: str, account_id: str, name: str) -> RoleArn:
    """Return the role with a name in an account. The name may have a path before it."""
    return RoleArn(f"arn:{partition}:iam::{account_id}:role/{name}", partition, account_id, name.rpartition("/")[2])


def parse_account_id(text: str) -> str:
    """Return an account id with its leading zeros. Raises ValueError if it does not have exactly 12 digits."""
    if _ACCOUNT.fullmatch(text):
        return text
    digits = re.sub(r"[-\s]", "", text)
    if _ACCOUNT.fullmatch(digits):
        remedy = f"write {digits}"
    else:
        remedy = "write its 12 digits, leading zeros included, for example 012345670123"
    raise ValueError(f"{quote(text)} is not an AWS account id: {remedy}")


def tag_label(key: str) -> str:
    """Return the label name, without prefix, for the key of an AWS tag. Characters not allowed in labels become ``_``."""
    return _NOT_IN_LABEL.sub("_", key)
