"""An API that refuses every call: the base of those that a test has answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from exporter.errors import CallFailed, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Mapping


class RefusingApi:
    """Refuses as AWS does without permissions; a subclass answers some calls."""

    def describe(self, name: str) -> Mapping[str, Any]:
        self._refuse()

    def list_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        self._refuse()

    def list_training_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        self._refuse()

    def search(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        self._refuse()

    def list_service_quotas(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        self._refuse()

    def list_tags(self, arn: str) -> Mapping[str, str]:
        self._refuse()

    def caller_account(self) -> str:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise CallFailed(ErrorCode.ACCESS_DENIED, "no")
