"""Checks for answers that come page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.errors import CallFailed, ErrorCode
from exporter.tuning_job import MalformedAnswer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet


def check_page(
    what: str,
    next_token: str | None,
    seen: AbstractSet[int],
    places: Iterable[tuple[str, str]],
    region: str,
    account_id: str | None,
) -> None:
    """Raise MalformedAnswer if a page of ``what`` comes again, CallFailed if it is not from this region and account.

    ``seen`` has the hashes of the tokens of the previous pages, ``places`` the region and account of each entry. If
    ``account_id`` is None, the account is not known yet and any account is accepted.
    """
    if hash(next_token) in seen:
        raise MalformedAnswer(f"{what} repeats a page that it has already returned")
    for of_region, of_account in places:
        if of_region != region or account_id not in {None, of_account}:
            raise CallFailed(ErrorCode.WRONG_ACCOUNT, f"{what} is from account {of_account} in {of_region}")
