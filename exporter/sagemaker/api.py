"""The calls to AWS. Each method makes one attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker.attempt import attempt
from exporter.tuning_job.members import MalformedAnswer, next_token
from exporter.tuning_job.members import tags as tags_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.config.specs import TargetSpec
    from exporter.sagemaker.session import Sessions
    from exporter.telemetry import Telemetry

# A resource has at most 50 user-defined tags, and a page has at least 50.
_MOST_TAG_PAGES = 10


class Api(Protocol):
    """The calls of a target. Each method makes one attempt. It raises CallFailed and nothing else.

    The only retry is that of a request on a kept connection that was already closed.
    """

    def describe(self, name: str) -> Mapping[str, Any]:
        """Return the answer of DescribeHyperParameterTuningJob, times in Unix seconds."""

    def list_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer of ListHyperParameterTuningJobs, times in Unix seconds as in the request."""

    def list_training_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer of ListTrainingJobsForHyperParameterTuningJob, times in Unix seconds."""

    def search(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer of Search, times in Unix seconds."""

    def list_service_quotas(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer of ListServiceQuotas."""

    def list_tags(self, arn: str) -> Mapping[str, str]:
        """Return the AWS tags of the resource with this ARN, values by key (ListTags, every page)."""

    def caller_account(self) -> str:
        """Return the account of the credentials in use (GetCallerIdentity)."""


class SageMakerApi:
    """Calls AWS with the AWS SDK. Thread-safe."""

    def __init__(self, spec: TargetSpec, sessions: Sessions, telemetry: Telemetry) -> None:
        self._spec = spec
        self._session = sessions.get(spec)
        self._telemetry = telemetry

    def describe(self, name: str) -> Mapping[str, Any]:
        """Return the answer of DescribeHyperParameterTuningJob, times in Unix seconds."""
        answer: Mapping[str, Any] = self._call(
            "sagemaker",
            lambda client: client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name),
        )
        return answer

    def list_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer of ListHyperParameterTuningJobs, times in Unix seconds as in the request."""
        answer: Mapping[str, Any] = self._call(
            "sagemaker", lambda client: client.list_hyper_parameter_tuning_jobs(**request)
        )
        return answer

    def list_training_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer of ListTrainingJobsForHyperParameterTuningJob, times in Unix seconds."""
        answer: Mapping[str, Any] = self._call(
            "sagemaker", lambda client: client.list_training_jobs_for_hyper_parameter_tuning_job(**request)
        )
        return answer

    def search(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer of Search, times in Unix seconds."""
        answer: Mapping[str, Any] = self._call("sagemaker", lambda client: client.search(**request))
        return answer

    def list_service_quotas(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer of ListServiceQuotas."""
        answer: Mapping[str, Any] = self._call("service-quotas", lambda client: client.list_service_quotas(**request))
        return answer

    def list_tags(self, arn: str) -> Mapping[str, str]:
        """Return the AWS tags of the resource with this ARN, values by key (ListTags, every page)."""
        tags: dict[str, str] = {}
        request = {"ResourceArn": arn}
        for page in range(_MOST_TAG_PAGES):
            if page > 0:  # the first page is counted by the caller
                self._telemetry.api_requests.labels(self._spec.name, "ListTags").inc()
            answer = self._call("sagemaker", lambda client: client.list_tags(**request))
            try:
                tags |= tags_of(answer.get("Tags"))
                token = next_token(answer)
            except MalformedAnswer as malformed:
                raise CallFailed(ErrorCode.MALFORMED_ANSWER, f"ListTags: {malformed}") from malformed
            if token is None:
                return tags
            request["NextToken"] = token
        raise CallFailed(
            ErrorCode.MALFORMED_ANSWER, f"ListTags does not end: there are more than {_MOST_TAG_PAGES} pages"
        )

    def caller_account(self) -> str:
        """Return the account of the credentials in use (GetCallerIdentity)."""
        return self.caller()["Account"]

    def caller(self) -> Mapping[str, str]:
        """Return the owner of the credentials: ``Account`` and, if AWS tells it, ``Arn`` (GetCallerIdentity)."""
        answer = self._call("sts", lambda client: client.get_caller_identity())
        told = {name: answer.get(name) for name in ("Account", "Arn")}
        known = {name: value for name, value in told.items() if isinstance(value, str) and value}
        if "Account" not in known:
            raise CallFailed(ErrorCode.MALFORMED_ANSWER, "GetCallerIdentity's answer has no Account")
        return known

    def _call(self, service: str, call: Callable[[Any], Any]) -> Any:
        return attempt(self._spec, self._session, self._telemetry, service, call)
