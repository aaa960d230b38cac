"""One attempt of a call within its deadline. Counts AssumeRole calls and retries on closed connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.sagemaker.classify import classify
from exporter.sagemaker.roles import telling_role_calls_to
from exporter.sagemaker.transport import within

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.config.specs import OrganizationSpec, TargetSpec
    from exporter.sagemaker.session import Session
    from exporter.telemetry import Telemetry


def attempt(
    spec: TargetSpec | OrganizationSpec,
    session: Session,
    telemetry: Telemetry,
    service: str,
    use: Callable[[Any], Any],
) -> Any:
    """Call ``use`` with a client of a service and return its result. Raises CallFailed and nothing else.

    The caller counts the call itself. AssumeRole calls and retries are counted here, under the name of the target or
    organization.
    """

    def count_retry(operation: str) -> None:
        telemetry.api_connection_retries.labels(spec.name, operation).inc()

    def count_assume_role(error: Exception | None, seconds: float) -> None:
        telemetry.api_requests.labels(spec.name, "AssumeRole").inc()
        telemetry.api_request_duration.labels("AssumeRole").observe(seconds)
        if error is not None:
            telemetry.api_errors.labels(spec.name, "AssumeRole", classify(error).code).inc()

    with (
        within(spec.connection.deadline, count_retry) as under_way,
        telling_role_calls_to(count_assume_role),
    ):
        try:
            return session.call(spec.key, service, use)
        except Exception as error:
            raise classify(error, under_way.sent) from error
