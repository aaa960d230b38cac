"""A single describe for the command line, with the settings that the AWS CLI would use, and one attempt."""

from __future__ import annotations

import sys
from functools import cache
from getpass import getpass
from typing import TYPE_CHECKING, Any, NamedTuple

import botocore.session
from botocore.exceptions import ClientError
from botocore.model import ServiceModel
from botocore.utils import ArgumentGenerator

from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker.classify import classify
from exporter.sagemaker.debug import log
from exporter.sagemaker.message import UNREADABLE, causes
from exporter.sagemaker.sdk import Common
from exporter.sagemaker.session import Session
from exporter.sagemaker.sources import refuse_to_ask
from exporter.sagemaker.transport import within

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.config.specs import Connection, TargetKey

_OPERATION = "DescribeHyperParameterTuningJob"

# Only a service returns these codes. A failed search for credentials has no more than the code.
_REFUSALS = frozenset(
    {
        ErrorCode.NOT_FOUND,
        ErrorCode.THROTTLED,
        ErrorCode.ACCESS_DENIED,
        ErrorCode.ASSUME_ROLE_DENIED,
        ErrorCode.CLOCK_SKEW,
        ErrorCode.SERVER_ERROR,
    }
)


class ServiceError(CallFailed):
    """The service has refused the call: SageMaker, or STS if a role is assumed."""


class Defaults(NamedTuple):
    """Defaults from a profile of the AWS configuration files. None if the profile does not have them."""

    region: str | None
    output: str | None
    timestamp_format: str | None


def defaults(profile: str | None) -> Defaults:
    """Return the defaults of a profile. None means the profile in the environment, else the default one.

    Raises CallFailed if there is no such profile, or if the files cannot be read.
    """
    try:
        found = botocore.session.Session(profile=profile).get_scoped_config()
    except Exception as error:
        log.debug("the AWS configuration cannot be used", exc_info=True)
        raise classify(error) from error
    values = [found.get(key) for key in ("region", "output", "cli_timestamp_format")]
    return Defaults(*(value if isinstance(value, str) and value else None for value in values))


def describe(name: str, key: TargetKey, connection: Connection, parse_time: Callable[[Any], Any]) -> Mapping[str, Any]:
    """Return the answer of DescribeHyperParameterTuningJob, with times converted by ``parse_time``.

    Raises ServiceError if the service refuses the call, CallFailed if there is no answer for another reason.
    """

    def use(client: Any) -> Any:
        return client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)

    with within(connection.deadline, lambda _: None) as under_way:
        try:
            session = Session(key, connection, _common(), parse_time, _ask())
            answer: dict[str, Any] = session.call(key, "sagemaker", use)
        except Exception as error:
            log.debug("the call has failed", exc_info=True)
            failed = classify(error, under_way.sent)
            refused = failed.code in _REFUSALS or any(isinstance(each, ClientError) for each in causes(error))
            raise (ServiceError if refused else CallFailed)(failed.code, failed.message) from error
    answer.pop("ResponseMetadata", None)
    if not answer:  # the SDK's result for anything that is not JSON
        raise CallFailed(ErrorCode.MALFORMED_ANSWER, UNREADABLE)
    return answer


def sample_answer() -> Mapping[str, Any]:
    """Return a sample answer with all members of the API's model: texts are names, numbers are 0, times are 1970."""
    model = ServiceModel(_common().loader.load_service_model("sagemaker", "service-2"), "sagemaker")
    sample: Mapping[str, Any] = ArgumentGenerator(use_member_names=True).generate_skeleton(
        model.operation_model(_OPERATION).output_shape
    )
    return sample


def _ask() -> Callable[[str], str]:
    """Return the function that asks for a code of an MFA device. Without a terminal it refuses."""
    return getpass if sys.stdin is not None and sys.stdin.isatty() else refuse_to_ask


@cache
def _common() -> Common:
    return Common.load()
