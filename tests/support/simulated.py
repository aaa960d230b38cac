"""The simulated service as the Api that a target calls, in process and on whatever clock."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from exporter.errors import CallFailed, ErrorCode
from exporter.simulator.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.simulator.service import Simulator

_CODES = {
    "ResourceNotFound": ErrorCode.NOT_FOUND,
    "ThrottlingException": ErrorCode.THROTTLED,
    "TooManyRequestsException": ErrorCode.THROTTLED,
    "AccessDeniedException": ErrorCode.ACCESS_DENIED,
    "InternalFailure": ErrorCode.SERVER_ERROR,
}


def code_of(error: ApiError) -> ErrorCode:
    """Return what the exporter makes of a refusal."""
    return _CODES.get(error.code, ErrorCode.OTHER)


class SimulatedApi:
    """One account in one region. ``calls`` holds operation and input of each call."""

    def __init__(self, simulator: Simulator, region: str, account_id: str) -> None:
        self.calls: list[tuple[str, Any]] = []
        self._simulator = simulator
        self._where = {"region": region, "account_id": account_id}

    def describe(self, name: str) -> Mapping[str, Any]:
        return self._call(
            "DescribeHyperParameterTuningJob", name, lambda: self._simulator.describe(name, **self._where)
        )

    def list_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._call(
            "ListHyperParameterTuningJobs", request, lambda: self._simulator.list(**self._where, **request)
        )

    def list_training_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        given = dict(request)
        name = given.pop("HyperParameterTuningJobName")
        return self._call(
            "ListTrainingJobsForHyperParameterTuningJob",
            request,
            lambda: self._simulator.list_training_jobs(name, **self._where, **given),
        )

    def search(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._call("Search", request, lambda: self._simulator.search(**self._where, **request))

    def list_service_quotas(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._call(
            "ListServiceQuotas", request, lambda: self._simulator.list_service_quotas(**self._where, **request)
        )

    def list_tags(self, arn: str) -> Mapping[str, str]:
        answer = self._call("ListTags", arn, lambda: self._simulator.list_tags(arn, **self._where))
        return {tag["Key"]: tag["Value"] for tag in answer["Tags"]}

    def caller_account(self) -> str:
        self.calls.append(("GetCallerIdentity", None))
        return self._where["account_id"]

    def inputs(self, operation: str) -> list[Any]:
        """Return the inputs of all calls of an operation."""
        return [given for called, given in self.calls if called == operation]

    def _call(self, operation: str, given: Any, call: Callable[[], Any]) -> Any:
        self.calls.append((operation, given))
        try:
            return call()
        except ApiError as error:
            raise CallFailed(code_of(error), str(error)) from None


def search_of(name: str) -> str:
    """Return the search that a tuning job is a run of."""
    return re.sub("-[0-9]{6}.*", "", name)
