"""A part of AWS Organizations: accounts, organizational units, and the operations that list them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from exporter.simulator import reading
from exporter.simulator.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.simulator.sagemaker import Operation
    from exporter.simulator.sts import Caller

ROOT = "r-root"
"""The parent of accounts and units that are in no organizational unit."""

PAGE_SIZE = 20
"""The largest and the default size of a page."""


@dataclass(frozen=True, slots=True)
class Member:
    """An account of the organization; ``parent`` is the id of its organizational unit, or ``ROOT``."""

    account_id: str
    name: str
    parent: str = ROOT
    state: str = "ACTIVE"


class Organization:
    """Accounts in organizational units, and the operations that list them. Thread-safe.

    Each caller may see everything. Use faults or policies to deny access.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._members: dict[str, Member] = {}
        self._units: dict[str, str] = {}
        self.operations: dict[str, Operation] = {
            "ListAccounts": self._list_accounts,
            "ListAccountsForParent": self._list_accounts_for_parent,
            "ListOrganizationalUnitsForParent": self._list_units_for_parent,
        }

    def join(self, account_id: str, name: str, *, parent: str = ROOT) -> None:
        """Add an account."""
        with self._lock:
            self._members[account_id] = Member(account_id, name, parent)

    def close(self, account_id: str) -> None:
        """Close an account: it stays on the lists, but is no longer active. Raises KeyError if there is no such account."""
        with self._lock:
            self._members[account_id] = replace(self._members[account_id], state="CLOSED")

    def leave(self, account_id: str) -> None:
        """Remove an account from the lists. Raises KeyError if there is no such account."""
        with self._lock:
            del self._members[account_id]

    def add_unit(self, unit: str, *, parent: str = ROOT) -> None:
        """Add an organizational unit, by its id."""
        with self._lock:
            self._units[unit] = parent

    def _list_accounts(self, content: Mapping[str, Any], _region: str, _caller: Caller) -> dict[str, Any]:
        return self._page("Accounts", content, lambda: [*map(_account, self._members.values())])

    def _list_accounts_for_parent(self, content: Mapping[str, Any], _region: str, _caller: Caller) -> dict[str, Any]:
        parent = self._parent(content)
        return self._page(
            "Accounts", content, lambda: [_account(each) for each in self._members.values() if each.parent == parent]
        )

    def _list_units_for_parent(self, content: Mapping[str, Any], _region: str, _caller: Caller) -> dict[str, Any]:
        parent = self._parent(content)
        return self._page(
            "OrganizationalUnits",
            content,
            lambda: [{"Id": unit, "Name": unit} for unit, above in self._units.items() if above == parent],
        )

    def _parent(self, content: Mapping[str, Any]) -> str:
        parent = reading.text(content, "ParentId")
        with self._lock:
            if parent != ROOT and parent not in self._units:
                raise ApiError("ParentNotFoundException", "You specified a parent that doesn't exist.")
        return str(parent)

    def _page(
        self, member: str, content: Mapping[str, Any], rows: Callable[[], Sequence[dict[str, Any]]]
    ) -> dict[str, Any]:
        size = reading.whole_number(content, "MaxResults", PAGE_SIZE)
        token = reading.text(content, "NextToken") or "0"
        if not 1 <= size <= PAGE_SIZE or not token.isdecimal():
            raise ApiError("InvalidInputException", "MaxResults or NextToken is out of its range.")
        with self._lock:
            found = rows()
        end = int(token) + size
        more = {"NextToken": str(end)} if end < len(found) else {}
        return {member: found[int(token) : end], **more}


def _account(member: Member) -> dict[str, Any]:
    # AWS has deprecated the member Status; newer answers have State.
    return {"Id": member.account_id, "Name": member.name, "State": member.state}
