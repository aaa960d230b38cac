"""What every answer that comes page by page must be."""

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
    """Raise MalformedAnswer if a page of ``what`` is given again, CallFailed if it is not of this region and account.

    ``seen`` has the hashes of the tokens that the pages before have given, ``places`` the region and account of each entry.
    While the account is not known, ``account_id`` is None and any is right.
    """
    if hash(next_token) in seen:
        raise MalformedAnswer(f"{what} repeats a page that it has already returned")
    for of_region, of_account in places:
        if of_region != region or account_id not in {None, of_account}:
            raise CallFailed(ErrorCode.WRONG_ACCOUNT, f"{what} is from account {of_account} in {of_region}")
