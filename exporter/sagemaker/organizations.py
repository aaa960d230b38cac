"""Reading the accounts of an organization: ListAccounts, or by organizational units ListAccountsForParent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from exporter.config.specs import LIST_ACCOUNTS, LIST_ACCOUNTS_OF_UNIT, LIST_UNITS, Account
from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker.attempt import attempt
from exporter.tuning_job.members import MalformedAnswer, next_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from exporter.config.specs import OrganizationSpec
    from exporter.sagemaker.session import Sessions
    from exporter.telemetry import Telemetry

_ACTIVE = "ACTIVE"
_MOST_PAGES = 2_000
"""Of one list. A page has at most 20 entries, and an organization some thousand accounts."""

_METHODS = {
    LIST_ACCOUNTS: ("list_accounts", "Accounts"),
    LIST_ACCOUNTS_OF_UNIT: ("list_accounts_for_parent", "Accounts"),
    LIST_UNITS: ("list_organizational_units_for_parent", "OrganizationalUnits"),
}
"""The SDK's name of each operation, and the member of its answer that has the entries."""


def read_accounts(
    spec: OrganizationSpec, sessions: Sessions, telemetry: Telemetry, on_call: Callable[[], object] = lambda: None
) -> tuple[Account, ...]:
    """Return the active accounts of an organization by their ids, each once. Raise CallFailed when a call does.

    ``on_call`` is called before each call, and may raise CallFailed too.
    """
    lists = _Lists(spec, sessions, telemetry, on_call)
    found: dict[str, Account] = {}
    if not spec.include_ous:
        found |= _active(lists.entries(LIST_ACCOUNTS, {}))
    waiting, seen = [*spec.include_ous], set(spec.include_ous)
    while waiting:
        parent = {"ParentId": waiting.pop()}
        found |= _active(lists.entries(LIST_ACCOUNTS_OF_UNIT, parent))
        new = {each["Id"] for each in lists.entries(LIST_UNITS, parent)} - seen
        seen |= new
        waiting += new
    return tuple(found[account_id] for account_id in sorted(found))


def _active(entries: Iterator[Mapping[str, Any]]) -> dict[str, Account]:
    """Return the accounts that are not suspended or closed. Newer answers say so by State, older ones by Status."""
    return {
        each["Id"]: Account(each["Id"], str(each.get("Name") or ""))
        for each in entries
        if each.get("State", each.get("Status")) == _ACTIVE
    }


class _Lists:
    """The lists of one reading; each page is a call, and counted as every call is."""

    def __init__(
        self, spec: OrganizationSpec, sessions: Sessions, telemetry: Telemetry, on_call: Callable[[], object]
    ) -> None:
        self._spec = spec
        self._session = sessions.get(spec)
        self._telemetry = telemetry
        self._on_call = on_call

    def entries(self, operation: str, request: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        """Yield the entries of a list, page by page."""
        token: str | None = None
        for _ in range(_MOST_PAGES):
            entries, token = self._page(operation, request if token is None else {**request, "NextToken": token})
            yield from entries
            if token is None:
                return
        raise CallFailed(ErrorCode.MALFORMED_ANSWER, f"a list of Organizations has more than {_MOST_PAGES} pages")

    def _page(self, operation: str, request: Mapping[str, str]) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        self._on_call()
        method, member = _METHODS[operation]
        name, started = self._spec.name, time.monotonic()
        self._telemetry.api_requests.labels(name, operation).inc()
        try:
            answer = attempt(
                self._spec,
                self._session,
                self._telemetry,
                "organizations",
                lambda client: getattr(client, method)(**request),
            )
            return _entries(answer, member), _token(answer)
        except CallFailed as failed:
            self._telemetry.api_errors.labels(name, operation, failed.code).inc()
            raise
        finally:
            self._telemetry.api_request_duration.labels(operation).observe(time.monotonic() - started)


def _entries(answer: Mapping[str, Any], member: str) -> Sequence[Mapping[str, Any]]:
    entries = answer.get(member)
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise CallFailed(ErrorCode.MALFORMED_ANSWER, f"the answer of Organizations has no list of {member}")
    if not all(isinstance(each.get("Id"), str) and each["Id"] for each in entries):
        raise CallFailed(ErrorCode.MALFORMED_ANSWER, "an entry of the organization has no Id")
    return entries


def _token(answer: Mapping[str, Any]) -> str | None:
    try:
        return next_token(answer)
    except MalformedAnswer as malformed:
        raise CallFailed(ErrorCode.MALFORMED_ANSWER, f"Organizations: {malformed}") from malformed
