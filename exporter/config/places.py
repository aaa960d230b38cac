"""The accounts and regions of a rule, from its own keys and those of ``aws``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exporter.config.caller import Conflict, Place
from exporter.config.specs import Endpoint, OrganizationSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from exporter.config.caller import Caller
    from exporter.config.model import AwsDefaults, Organization, Rule
    from exporter.config.specs import Account

_BESIDE_ACCOUNTS = ("role_arn", "account_id")
_ALONE = "role_name works only together with accounts or organization: add one of them, or remove it"
_UNNAMED = "the exporter assumes a role of the same name in each account: add role_name"
_BOTH = "accounts and organization are both given: write only one of them"


@dataclass(frozen=True, slots=True)
class Reach:
    """The accounts and regions of one rule. None in ``regions`` is the entry's own region; ``accounts`` None is its own account.

    The accounts of an ``organization`` are not known yet.
    """

    regions: Sequence[str | None]
    accounts: Sequence[str] | None
    role_name: str | None
    organization: Organization | None

    def places(self, found: Sequence[Account]) -> Iterator[Place]:
        """Yield each place, account by account. ``found`` has the accounts of the organization."""
        accounts: Sequence[str | None] = self.accounts or (None,)
        if self.organization is not None:
            left_out = self.organization.exclude_accounts or ()
            accounts = [each.id for each in found if each.id not in left_out]
        for account_id in accounts:
            for region in self.regions:
                yield Place(region, account_id, self.role_name if account_id is not None else None)


def reach(rule: Rule, defaults: AwsDefaults) -> Reach:
    """Return the accounts and regions of a rule. Its own region, account or role comes before the lists of ``aws``."""
    regions = rule.regions or (None if "region" in rule.model_fields_set else defaults.regions)
    accounts, organization = rule.accounts, rule.organization
    if accounts is None and organization is None and not _speaks_for_itself(rule):
        accounts, organization = defaults.accounts, defaults.organization
    role_name = (organization.role_name if organization is not None else None) or rule.role_name or defaults.role_name
    return Reach(regions or (None,), accounts, role_name, organization)


def organization_of(caller: Caller, organization: Organization) -> OrganizationSpec:
    """Return the organization. It is read with the credentials of the entry itself, not with its role in each account."""
    key, units = caller.key, organization.include_ous or ()
    url, profile = organization.endpoint_url, key.credentials.profile
    endpoint = Endpoint(url, use_fips=key.endpoint.use_fips and url is None)
    parts = ["organization", profile and f"profile-{profile}", caller.role and caller.role.account_id, *units]
    name = "/".join(filter(None, parts))
    return OrganizationSpec(replace(key, endpoint=endpoint), caller.connection, name, tuple(units), caller.account_id)


def conflicts(rule: Rule, defaults: AwsDefaults, broken: AbstractSet[str]) -> Iterator[Conflict]:
    """Yield contradictions in the places of a rule. Keys of ``aws`` that are wrong cause none."""
    own = rule.model_fields_set
    if {"region", "regions"} <= own:
        yield Conflict(("region",), "region and regions are both given: write only one of them")
    if {"accounts", "organization"} <= own:
        yield Conflict(("organization",), _BOTH)
    if rule.accounts and (beside := next((key for key in _BESIDE_ACCOUNTS if key in own), None)):
        yield Conflict((beside,), f"{beside} is for one account, but accounts is given: write only one of them")
    if rule.organization is not None and "account_id" in own:
        yield Conflict(
            ("account_id",), "account_id is for one account, but organization is given: write only one of them"
        )
    if not own.isdisjoint(("accounts", "organization")):
        if not (reach(rule, defaults).role_name or "aws.role_name" in broken):
            yield Conflict(("accounts", "organization"), _UNNAMED)
    elif rule.role_name and not broken & {"aws.accounts", "aws.organization"}:
        where = reach(rule, defaults)
        if where.accounts is None and where.organization is None:
            yield Conflict(("role_name",), _ALONE)


def conflicts_of_defaults(defaults: AwsDefaults, rules: Sequence[Rule], broken: AbstractSet[str]) -> Iterator[Conflict]:
    """Yield contradictions in the places of ``aws``, and keys that have no effect."""
    if broken & {"aws.accounts", "aws.organization", "aws.role_name"}:
        return
    given = defaults.accounts or defaults.organization
    if defaults.accounts and defaults.organization:
        yield Conflict(("organization",), _BOTH)
    named = defaults.role_name or (defaults.organization is not None and defaults.organization.role_name)
    if given and not (named or all(rule.role_name or rule.accounts or rule.organization for rule in rules)):
        yield Conflict(("accounts", "organization"), _UNNAMED)
    if defaults.role_name and not given and not any(rule.accounts or rule.organization for rule in rules):
        yield Conflict(("role_name",), _ALONE)


def _speaks_for_itself(rule: Rule) -> bool:
    """Return whether a rule has its own account or role, or needs none. Then lists of accounts do not apply to it."""
    return not rule.model_fields_set.isdisjoint(_BESIDE_ACCOUNTS) or rule.sign_requests is False
