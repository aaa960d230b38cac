"""The identities that call AWS for a configuration, with their policies and trust policies."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.config.specs import Account, TargetSpec
from exporter.permissions.arns import ANY_ACCOUNT, any_name, job_arn, role_resource, without_covered
from exporter.permissions.statements import Condition, Policy, Statement, split
from exporter.permissions.table import ASSUME_ROLE, PERMISSIONS, TAG_SESSION
from exporter.permissions.text import Blank, text
from exporter.permissions.trust import Trust, of_pod

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from exporter.config.specs import OrganizationSpec, Settings

    Called = TargetSpec | OrganizationSpec

MOST_POLICIES = 10
"""The most managed policies of a role, unless AWS has raised the quota."""

_TOLD = 3

_EVERYWHERE = "only AWS knows the accounts of the organization, so the role may be assumed in every account"

EXPORTER = "exporter"
"""The exporter's own identity: the role of the pod or the instance, or keys in the environment."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity that calls AWS: the exporter itself, a profile of the AWS files, or a role that one of these assumes.

    Only a role that is assumed has a ``role_arn``. ``account_id`` and ``role`` are the account and the name of the role. They
    are blanks if the configuration does not tell them. A role in all accounts of an organization has ``ANY_ACCOUNT``. ``trust``
    is empty if it is not known how the identity gets its credentials. ``notes`` say what could be narrower.
    """

    name: str
    partition: str
    account_id: str | Blank
    role: str | Blank
    policies: tuple[Policy, ...]
    trust: Policy = ()
    role_arn: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_everywhere(self) -> bool:
        """Whether it is a role in all accounts of an organization."""
        return self.account_id == ANY_ACCOUNT

    @property
    def is_exporter(self) -> bool:
        """Whether it is the exporter itself."""
        return self.name == EXPORTER

    @property
    def blanks(self) -> tuple[Blank, ...]:
        """The values to fill in, in policies and trust."""
        statements = itertools.chain(*self.policies, self.trust)
        return tuple(dict.fromkeys(blank for each in statements for text_ in each.texts for blank in text_.blanks))


@dataclass(slots=True)
class _Source:
    """A source of credentials: what is called with it directly, and with each role that is assumed with it.

    The names of its blanks begin with ``prefix``.
    """

    profile: str | None
    prefix: str
    direct: list[Called] = field(default_factory=list)
    roles: dict[str, list[Called]] = field(default_factory=lambda: defaultdict(list))

    @property
    def name(self) -> str:
        return EXPORTER if self.profile is None else f"profile {self.profile}"

    @property
    def partition(self) -> str:
        first = next(iter(self.direct or next(iter(self.roles.values()))))
        return first.key.partition

    @property
    def account_id(self) -> str | Blank:
        known = {target.account_id for target in self.direct}
        account_id = known.pop() if len(known) == 1 else None
        return account_id or Blank(f"{self.prefix}_ACCOUNT_ID", f"The account of {self._whose}.")

    @property
    def role(self) -> Blank:
        default = "sagemaker-tuning-exporter" if self.profile is None else ""
        return Blank(f"{self.prefix}_ROLE_NAME", f"The name of the role of {self._whose}.", default)

    @property
    def _whose(self) -> str:
        return "the exporter" if self.profile is None else f"the profile {self.profile}"


def identities(settings: Settings, trust: Trust | None = None) -> tuple[Identity, ...]:
    """Return the identities that call AWS, the exporter itself first. Empty if no request is signed.

    The accounts of an organization are not known, so its role is one identity for all of them. ``trust`` says how the
    exporter's pod gets its own role, and gives this role a trust policy.
    """
    everywhere = (Account(ANY_ACCOUNT, ""),)
    settings = settings.with_accounts(dict.fromkeys(settings.organizations, everywhere))
    called: list[Called] = [*settings.targets, *settings.organizations]
    sources = _sources(called)
    own = [_own(source, trust if source.profile is None else None) for source in sources]
    secrets = _external_ids(called)
    users: dict[str, list[_Source]] = defaultdict(list)
    for source in sources:
        for role_arn in source.roles:
            users[role_arn].append(source)
    return (*own, *(_assumed(role_arn, by, secrets, trust) for role_arn, by in users.items()))


def _sources(called: Iterable[Called]) -> list[_Source]:
    found: dict[str | None, _Source] = {}
    for target in called:
        credentials = target.key.credentials
        if credentials.sign_requests:
            source = found.get(credentials.profile)
            if source is None:
                prefix = _prefix(credentials.profile, {each.prefix for each in found.values()})
                source = found[credentials.profile] = _Source(credentials.profile, prefix)
            if credentials.role_arn is None:
                source.direct.append(target)
            else:
                source.roles[credentials.role_arn].append(target)
    return sorted(found.values(), key=lambda source: source.profile or "")


def _prefix(profile: str | None, taken: Collection[str]) -> str:
    """Return a unique prefix. It stays unique if a format removes ``_``."""
    if profile is None:
        return "EXPORTER"
    prefix, others = f"PROFILE_{re.sub('[^A-Z0-9]+', '_', profile.upper())}", {each.replace("_", "") for each in taken}
    names = (_numbered(prefix, place) for place in itertools.count())
    return next(name for name in names if name.replace("_", "") not in others)


def _own(source: _Source, trust: Trust | None) -> Identity:
    actions = (ASSUME_ROLE, TAG_SESSION) if trust is Trust.POD_IDENTITY else (ASSUME_ROLE,)
    roles = [Statement("AssumeRoles", actions, tuple(map(role_resource, source.roles)))] if source.roles else []
    policies, notes = _policies(source.direct, roles)
    if any(_parts(role_arn)[1] == ANY_ACCOUNT for role_arn in source.roles):
        notes = (*notes, _EVERYWHERE)
    account_id, partition = source.account_id, source.partition
    own_trust = () if trust is None else of_pod(trust, partition, account_id)
    return Identity(source.name, partition, account_id, source.role, policies, own_trust, notes=notes)


def _external_ids(called: Iterable[Called]) -> Mapping[str, Blank]:
    """Return a blank for each external id, because external ids are secret."""
    roles: dict[str, dict[str, None]] = defaultdict(dict)
    for target in called:
        credentials = target.key.credentials
        if credentials.external_id is not None and credentials.role_arn is not None:
            roles[credentials.external_id][credentials.role_arn] = None
    return {
        external_id: Blank(
            "EXTERNAL_ID" if len(roles) == 1 else f"EXTERNAL_ID_{number}",
            f"The external_id that the configuration has for {_few(list(of))}.",
            secret=True,
        )
        for number, (external_id, of) in enumerate(roles.items(), 1)
    }


def _few(roles: Sequence[str]) -> str:
    """Return a description of the roles. It is short, even if there are hundreds."""
    told = roles if len(roles) <= _TOLD else [*roles[: _TOLD - 1], f"{len(roles) - _TOLD + 1} other roles"]
    return " and ".join(told)


def _assumed(role_arn: str, users: Sequence[_Source], secrets: Mapping[str, Blank], trust: Trust | None) -> Identity:
    partition, account_id, name = _parts(role_arn)
    targets = [target for source in users for target in source.roles[role_arn]]
    policies, notes = _policies(targets, [])
    statements: list[Statement] = []
    for place, source in enumerate(users):
        principal = "AWS", text(f"arn:{partition}:iam::", source.account_id, ":role/", source.role)
        asked = dict.fromkeys(target.key.credentials.external_id for target in source.roles[role_arn])
        # If one entry has no external id, the policy cannot require one.
        values = tuple(text(secrets[each]) for each in asked if each is not None) if None not in asked else ()
        conditions = (Condition(text("sts:ExternalId"), values),) if values else ()
        sid = _numbered("Exporter", place)
        statements.append(Statement(sid, (ASSUME_ROLE,), principal=principal, conditions=conditions))
        if trust is Trust.POD_IDENTITY and source.profile is None:
            # A separate statement, because this action has no external id.
            statements.append(Statement("SessionTags", (TAG_SESSION,), principal=principal))
    return Identity(role_arn, partition, account_id, name, policies, tuple(statements), role_arn, notes=notes)


def _parts(role_arn: str) -> tuple[str, str, str]:
    """Return the partition, the account (or ``ANY_ACCOUNT``) and the name of a role."""
    _, partition, _, _, account_id, role = role_arn.split(":", 5)
    return partition, account_id, role.rpartition("/")[2]


def _policies(called: Sequence[Called], more: Sequence[Statement]) -> tuple[tuple[Policy, ...], tuple[str, ...]]:
    targets = [each for each in called if isinstance(each, TargetSpec)]
    more = [*_organization(called), *more]
    policies = split([*_statements(targets, by_name=True), *more])
    if len(policies) <= MOST_POLICIES:
        return policies, ()
    policies = split([*_statements(targets, by_name=False), *more])
    note = (
        f"naming every tuning job takes more than the {MOST_POLICIES} policies that a role may have,"
        " so all of the account and region are allowed"
    )
    if len(policies) <= MOST_POLICIES:
        return policies, (note,)
    return policies, (
        note,
        f"these are {len(policies)} policies: ask AWS to raise the quota of {MOST_POLICIES} for a role",
    )


def _statements(targets: Sequence[TargetSpec], *, by_name: bool) -> Iterable[Statement]:
    """Return the statements that targets need. Actions with the same resources are combined."""
    of_jobs: dict[tuple[str, ...], list[str]] = defaultdict(list)
    of_regions: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for permission in PERMISSIONS:
        needed = [(target, entry) for target in targets for entry in permission.needed_by(target)]
        if not needed:
            continue
        if permission.narrows:
            arns = [job_arn(target, entry) for target, entry in needed]
            of_jobs[without_covered(arns if by_name else map(any_name, arns))].append(permission.action)
        else:
            of_regions[tuple(sorted({target.key.region for target, _ in needed}))].append(permission.action)
    for place, (resources, found) in enumerate(of_jobs.items()):
        yield Statement(_numbered("TuningJobs", place), tuple(found), resources)
    for place, (regions, found) in enumerate(of_regions.items()):
        condition = Condition(text("aws:RequestedRegion"), tuple(map(text, regions)))
        yield Statement(_numbered("Find", place), tuple(found), ("*",), conditions=(condition,))


def _organization(called: Sequence[Called]) -> Iterable[Statement]:
    """Return the statements to read the accounts of organizations, which have no regions and no narrower resource."""
    actions = dict.fromkeys(
        f"organizations:{operation}"
        for each in called
        if not isinstance(each, TargetSpec)
        for operation in each.operations
    )
    if actions:
        yield Statement("ReadOrganization", tuple(actions), ("*",))


def _numbered(name: str, place: int) -> str:
    return f"{name}{place + 1}" if place else name
