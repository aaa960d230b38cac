"""Accounts and regions that a rule is multiplied out to, from its own keys and those of ``aws``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.config.caller import Conflict, Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from exporter.config.model import AwsDefaults, Rule

_BESIDE_ACCOUNTS = ("role_arn", "account_id")
_ALONE = "a role_name serves only together with accounts: add them, or remove it"
_UNNAMED = "the accounts are reached by a role of the same name in each: add role_name"


@dataclass(frozen=True, slots=True)
class Reach:
    """The accounts and regions of one rule; each is the entry's own and only one where none are listed."""

    regions: Sequence[str | None]
    accounts: Sequence[str | None]
    role_name: str | None

    def __iter__(self) -> Iterator[Place]:
        """Yield each place, region by region within an account."""
        for account_id in self.accounts:
            for region in self.regions:
                yield Place(region, account_id, self.role_name if account_id is not None else None)


def reach(rule: Rule, defaults: AwsDefaults) -> Reach:
    """Return where a rule looks. What it says itself of one region, account or role goes before the lists of ``aws``."""
    own = rule.model_fields_set
    regions = rule.regions or (None if "region" in own else defaults.regions)
    accounts = rule.accounts or (None if _speaks_for_itself(rule) else defaults.accounts)
    return Reach(regions or (None,), accounts or (None,), rule.role_name or defaults.role_name)


def conflicts(rule: Rule, defaults: AwsDefaults, broken: AbstractSet[str]) -> Iterator[Conflict]:
    """Yield what a rule says of its places and contradicts itself; nothing is concluded from broken keys of ``aws``."""
    own = rule.model_fields_set
    if {"region", "regions"} <= own:
        yield Conflict(("region",), "region and regions are both given: write one of them")
    if rule.accounts and (beside := next((key for key in _BESIDE_ACCOUNTS if key in own), None)):
        yield Conflict((beside,), f"{beside} is of one account, and accounts are given: write one of them")
    if rule.accounts and not (rule.role_name or defaults.role_name or "aws.role_name" in broken):
        yield Conflict(("accounts",), _UNNAMED)
    if rule.role_name and not (rule.accounts or defaults.accounts or "aws.accounts" in broken):
        yield Conflict(("role_name",), _ALONE)
    elif rule.role_name and not rule.accounts and _speaks_for_itself(rule):
        yield Conflict(("role_name",), f"{_ALONE}; the rule is of one account by what else it says")


def conflicts_of_defaults(defaults: AwsDefaults, rules: Sequence[Rule], broken: AbstractSet[str]) -> Iterator[Conflict]:
    """Yield what ``aws`` says of places and has no use for."""
    if broken & {"aws.accounts", "aws.role_name"}:
        return
    if defaults.accounts and not (defaults.role_name or all(rule.role_name or rule.accounts for rule in rules)):
        yield Conflict(("accounts",), _UNNAMED)
    if defaults.role_name and not defaults.accounts and not any(rule.accounts for rule in rules):
        yield Conflict(("role_name",), _ALONE)


def _speaks_for_itself(rule: Rule) -> bool:
    """Tell whether a rule names its own account or role, or has none, so that lists of accounts do not concern it."""
    return not rule.model_fields_set.isdisjoint(_BESIDE_ACCOUNTS) or rule.sign_requests is False
