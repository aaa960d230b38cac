"""Reads the accounts of an organization with ListAccounts, or with ListAccountsForParent for organizational units."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from exporter.config.names import ACCOUNT_PATTERN
from exporter.config.specs import LIST_ACCOUNTS, LIST_ACCOUNTS_OF_UNIT, LIST_UNITS, Account
from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker.attempt import attempt
from exporter.tuning_job.members import MalformedAnswer, next_token, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from exporter.config.specs import OrganizationSpec
    from exporter.sagemaker.session import Sessions
    from exporter.telemetry import Telemetry

_ACTIVE = "ACTIVE"
_ACCOUNTS = "Accounts"
_ACCOUNT_ID = re.compile(ACCOUNT_PATTERN)
_MOST_CALLS = 10_000
"""The most calls of one reading. An organization has up to about 10,000 accounts, 20 on a page, and 2,000 units."""

_MOST_ENTRIES = 50_000
"""Accounts and units of one reading: several times what an organization has."""

_PAUSES = (1, 2, 4, 8, 16)
"""Seconds to wait before each retry of a page, after AWS has throttled."""

_GAP = 0.25
"""Seconds between calls after AWS has throttled. Otherwise a long list might never be read to its end."""

_METHODS = {
    LIST_ACCOUNTS: ("list_accounts", _ACCOUNTS),
    LIST_ACCOUNTS_OF_UNIT: ("list_accounts_for_parent", _ACCOUNTS),
    LIST_UNITS: ("list_organizational_units_for_parent", "OrganizationalUnits"),
}
"""The SDK's name for each operation, and the member of its answer with the entries."""


def read_accounts(
    spec: OrganizationSpec,
    sessions: Sessions,
    telemetry: Telemetry,
    on_call: Callable[[], object] = lambda: None,
    sleep: Callable[[float], object] = time.sleep,
) -> tuple[Account, ...]:
    """Return the active accounts of an organization, sorted by id, each once. Raises CallFailed if a call fails.

    ``on_call`` is called before each call and in each second of a pause. It may raise CallFailed too.
    """
    lists = _Lists(spec, sessions, telemetry, on_call, sleep)
    found: dict[str, Account] = {}
    if not spec.include_ous:
        found |= _active(lists.entries(LIST_ACCOUNTS, {}))
        if not found:  # the management account is always in it
            raise _malformed("Organizations lists no active account")
    waiting, seen = [*spec.include_ous], set(spec.include_ous)
    while waiting:
        parent = {"ParentId": waiting.pop()}
        found |= _active(lists.entries(LIST_ACCOUNTS_OF_UNIT, parent))
        new = {each["Id"] for each in lists.entries(LIST_UNITS, parent)} - seen
        seen |= new
        waiting += new
    return tuple(found[account_id] for account_id in sorted(found))


def _active(entries: Iterator[Mapping[str, Any]]) -> dict[str, Account]:
    """Return the accounts that are not suspended or closed."""
    return {each["Id"]: Account(each["Id"], text(each, "Name") or "") for each in entries if _state(each) == _ACTIVE}


def _state(account: Mapping[str, Any]) -> str | None:
    """Return the state of an account. Newer answers have State, older ones Status."""
    return text(account, "State") or text(account, "Status")


class _Lists:
    """The lists of one reading. Each page is a call, and counted like other calls."""

    def __init__(
        self,
        spec: OrganizationSpec,
        sessions: Sessions,
        telemetry: Telemetry,
        on_call: Callable[[], object],
        sleep: Callable[[float], object],
    ) -> None:
        self._spec = spec
        self._session = sessions.get(spec)
        self._telemetry = telemetry
        self._on_call = on_call
        self._sleep = sleep
        self._gap = 0.0
        self._calls = 0
        self._entries = 0

    def entries(self, operation: str, request: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        """Yield the entries of a list, page by page."""
        token: str | None = None
        seen: set[int] = set()  # their hashes: a token may have 8 kB
        while hash(token) not in seen:
            seen.add(hash(token))
            entries, token = self._patiently(operation, request if token is None else {**request, "NextToken": token})
            self._entries += len(entries)
            if self._entries > _MOST_ENTRIES:
                raise _malformed(f"the organization has more than {_MOST_ENTRIES:,} accounts and units")
            yield from entries
            if token is None:
                return
        raise _malformed("a list of Organizations goes on with a page that it gave before")

    def _patiently(self, operation: str, request: Mapping[str, str]) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        """Return a page. If AWS throttles, retry only this page."""
        self._sleep(self._gap)
        for pause in _PAUSES:
            try:
                return self._page(operation, request)
            except CallFailed as failed:
                if failed.code is not ErrorCode.THROTTLED:
                    raise
            self._gap = _GAP
            for _ in range(pause):
                self._sleep(1.0)
                self._on_call()
        return self._page(operation, request)

    def _page(self, operation: str, request: Mapping[str, str]) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        self._on_call()
        self._calls += 1
        if self._calls > _MOST_CALLS:
            raise _malformed(f"it takes more than {_MOST_CALLS} calls to read the organization: its lists do not end")
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
        raise _malformed(f"the answer of Organizations has no list of {member}")
    if not all(text(each, "Id") for each in entries):
        raise _malformed("an entry of the organization has no Id")
    for each in entries if member == _ACCOUNTS else ():
        if not _ACCOUNT_ID.fullmatch(each["Id"]):
            raise _malformed("an account of the organization has an Id that is not 12 digits")
        # This is an error, so that the account does not seem to have left. SDKs that are too old leave out State.
        if _state(each) is None:
            raise _malformed(f"Organizations does not tell whether account {each['Id']} is active")
    return entries


def _token(answer: Mapping[str, Any]) -> str | None:
    try:
        return next_token(answer)
    except MalformedAnswer as malformed:
        raise _malformed(f"Organizations: {malformed}") from malformed


def _malformed(message: str) -> CallFailed:
    return CallFailed(ErrorCode.MALFORMED_ANSWER, message)
