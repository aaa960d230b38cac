"""Reading the accounts of an organization: ListAccounts, or by organizational units ListAccountsForParent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.config.specs import Account
from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker.classify import classify
from exporter.sagemaker.transport import within
from exporter.tuning_job.members import MalformedAnswer, next_token

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.config.specs import OrganizationSpec
    from exporter.sagemaker.session import Session, Sessions

_ACTIVE = "ACTIVE"
_MOST_PAGES = 2_000
"""Of one list. A page has at most 20 entries, and an organization some thousand accounts."""


def read_accounts(spec: OrganizationSpec, sessions: Sessions) -> tuple[Account, ...]:
    """Return the active accounts of an organization by their ids, each once. Raise CallFailed when a call does."""
    session = sessions.get(spec)
    found: dict[str, Account] = {}
    if not spec.include_ous:
        found |= _active(_entries(session, spec, "list_accounts", "Accounts", {}))
    waiting, seen = [*spec.include_ous], set(spec.include_ous)
    while waiting:
        parent = {"ParentId": waiting.pop()}
        found |= _active(_entries(session, spec, "list_accounts_for_parent", "Accounts", parent))
        below = _entries(session, spec, "list_organizational_units_for_parent", "OrganizationalUnits", parent)
        new = {_text(each, "Id") for each in below} - seen
        seen |= new
        waiting += new
    return tuple(found[account_id] for account_id in sorted(found))


def _active(entries: Iterator[Mapping[str, Any]]) -> dict[str, Account]:
    """Return the accounts that are not suspended or closed. Newer answers say so by State, older ones by Status."""
    return {
        _text(each, "Id"): Account(_text(each, "Id"), str(each.get("Name") or ""))
        for each in entries
        if each.get("State", each.get("Status")) == _ACTIVE
    }


def _text(entry: Mapping[str, Any], member: str) -> str:
    value = entry.get(member)
    if not isinstance(value, str) or not value:
        raise CallFailed(ErrorCode.MALFORMED_ANSWER, f"an entry of the organization has no {member}")
    return value


def _entries(
    session: Session, spec: OrganizationSpec, operation: str, member: str, request: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    """Yield the entries of a list, page by page."""
    token: str | None = None
    for _ in range(_MOST_PAGES):
        answer = _call(session, spec, operation, request if token is None else {**request, "NextToken": token})
        entries = answer.get(member)
        if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
            raise CallFailed(ErrorCode.MALFORMED_ANSWER, f"the answer of Organizations has no list of {member}")
        yield from entries
        try:
            token = next_token(answer)
        except MalformedAnswer as malformed:
            raise CallFailed(ErrorCode.MALFORMED_ANSWER, f"Organizations: {malformed}") from malformed
        if token is None:
            return
    raise CallFailed(ErrorCode.MALFORMED_ANSWER, f"a list of Organizations has more than {_MOST_PAGES} pages")


def _call(session: Session, spec: OrganizationSpec, operation: str, request: Mapping[str, str]) -> Any:
    with within(spec.connection.deadline, lambda _: None) as under_way:
        try:
            return session.call(spec.key, "organizations", lambda client: getattr(client, operation)(**request))
        except Exception as error:
            raise classify(error, under_way.sent) from error
