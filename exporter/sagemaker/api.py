"""One attempt of one call."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Protocol

from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker.classify import classify
from exporter.sagemaker.session import telling_role_calls_to
from exporter.sagemaker.transport import within
from exporter.tuning_job.members import MalformedAnswer, next_token
from exporter.tuning_job.members import tags as tags_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.config.specs import TargetSpec
    from exporter.sagemaker.session import Session, Sessions
    from exporter.telemetry import Telemetry

# A resource has at most 50 tags of its owner's, and a page holds at least as many.
_MOST_TAG_PAGES = 10
_USELESS_CREDENTIALS = frozenset({ErrorCode.NO_CREDENTIALS, ErrorCode.EXPIRED_CREDENTIALS})


class Api(Protocol):
    """What a target calls. Every method makes one attempt and raises CallFailed, nothing else.

    Only a request on a kept connection that had died is sent once more.
    """

    def describe(self, name: str) -> Mapping[str, Any]:
        """Return the answer of DescribeHyperParameterTuningJob, times in Unix seconds."""

    def list_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer of ListHyperParameterTuningJobs, times in Unix seconds as in the request."""

    def search(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer of Search, times in Unix seconds."""

    def list_tags(self, arn: str) -> Mapping[str, str]:
        """Return the AWS tags of the resource with this ARN, values by key (ListTags, every page)."""

    def caller_account(self) -> str:
        """Return the account of the credentials in use (GetCallerIdentity)."""

    def close(self) -> None:
        """Close idle connections; calls under way end as they would."""


class SageMakerApi:
    """The real thing, through boto3. Thread-safe: clients are, and they are made under a lock."""

    def __init__(self, spec: TargetSpec, sessions: Sessions, telemetry: Telemetry) -> None:
        self._spec = spec
        self._sessions = sessions
        self._telemetry = telemetry
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._clients: dict[str, Any] = {}

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

    def search(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer of Search, times in Unix seconds."""
        answer: Mapping[str, Any] = self._call("sagemaker", lambda client: client.search(**request))
        return answer

    def list_tags(self, arn: str) -> Mapping[str, str]:
        """Return the AWS tags of the resource with this ARN, values by key (ListTags, every page)."""
        tags: dict[str, str] = {}
        request = {"ResourceArn": arn}
        for page in range(_MOST_TAG_PAGES):
            if page > 0:  # the caller has counted the first
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
        account = self._call("sts", lambda client: client.get_caller_identity()).get("Account")
        if not isinstance(account, str) or not account:
            raise CallFailed(ErrorCode.MALFORMED_ANSWER, "GetCallerIdentity's answer has no Account")
        return account

    def close(self) -> None:
        """Close idle connections; calls under way end as they would."""
        # Without the lock: a thread may hold it for as long as its search for credentials hangs.
        clients, self._clients = self._clients, {}
        _close(clients)

    def _call(self, service: str, call: Callable[[Any], Any]) -> Any:
        session: Session | None = None
        with within(self._spec.connection.deadline, self._count_retry) as under_way:
            try:
                with telling_role_calls_to(self._count_assume_role):
                    client, session = self._client(service)
                    return call(client)
            except Exception as error:
                failed = classify(error, under_way.sent)
                if failed.code in _USELESS_CREDENTIALS:
                    self._forget(session)
                raise failed from error

    def _client(self, service: str) -> tuple[Any, Session]:
        with self._lock:
            if self._session is None:
                self._session = self._sessions.get(self._spec)
            if service not in self._clients:
                self._clients[service] = self._session.client(service, self._spec)
            return self._clients[service], self._session

    def _forget(self, session: Session | None) -> None:
        """Drop the session that failed, unless another thread has already replaced it."""
        with self._lock:
            if self._session is None or session not in {None, self._session}:
                return
            self._sessions.discard(self._spec, self._session)
            self._session = None
            clients, self._clients = self._clients, {}
        _close(clients)

    def _count_retry(self, operation: str) -> None:
        self._telemetry.api_connection_retries.labels(self._spec.name, operation).inc()

    def _count_assume_role(self, error: Exception | None, seconds: float) -> None:
        target = self._spec.name
        self._telemetry.api_requests.labels(target, "AssumeRole").inc()
        self._telemetry.api_request_duration.labels("AssumeRole").observe(seconds)
        if error is not None:
            self._telemetry.api_errors.labels(target, "AssumeRole", classify(error).code).inc()


def _close(clients: Mapping[str, Any]) -> None:
    for client in clients.values():
        client.close()
