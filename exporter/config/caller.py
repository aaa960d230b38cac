"""Decides who calls AWS for an entry: its own keys, else those of ``aws``, become a target's key and connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporter.config import defaults
from exporter.config.model import AWS_KEYS, Aws
from exporter.config.names import role_of
from exporter.config.regions import partition_of
from exporter.config.specs import Connection, Credentials, Endpoint, TargetKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from exporter.config.names import JobArn, RoleArn

_CONNECTION_KEYS = (
    "sts_endpoint_url",
    "quotas_endpoint_url",
    "verify_ssl",
    "ca_bundle",
    "connect_timeout",
    "read_timeout",
)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Settings of one entry that contradict each other, and the remedy. The key that is most likely wrong is first."""

    keys: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Place:
    """One account and region of a rule that has several. None means the value of the entry itself.

    ``role_name`` is the name of the role in that account, with its path if it has one.
    """

    region: str | None = None
    account_id: str | None = None
    role_name: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Everything about an entry except the job itself. ``has_region`` is False if no region is given anywhere."""

    key: TargetKey
    connection: Connection
    requests_per_second: float
    account_id: str | None
    role: RoleArn | None
    has_region: bool
    conflicts: tuple[Conflict, ...]

    @property
    def shared(self) -> dict[str, Any]:
        """Return the settings, by key, that must be equal for all entries of one target."""
        values = {name: getattr(self.connection, name) for name in _CONNECTION_KEYS}
        return {**values, "requests_per_second": self.requests_per_second}


class Callers:
    """Makes the callers of one configuration. Entries with the same keys share a caller."""

    def __init__(self, defaults: Aws, default_region: str | None, broken: frozenset[str]) -> None:
        self._broken = {key.removeprefix("aws.") for key in broken if key.startswith("aws.")}
        self._defaults = _written(defaults)
        if default_region is not None and "region" not in self._broken:
            self._defaults.setdefault("region", default_region)
        self._made: dict[tuple[tuple[str, Any], ...], Caller] = {}

    def defaults_conflicts(self) -> tuple[Conflict, ...]:
        """Return the conflicts within ``aws`` itself. Call this after all entries have their caller."""
        # An external id in ``aws`` may be for the roles of the entries.
        spoken_for = any(caller.role for caller in self._made.values())
        own = self._defaults.keys() - ({"external_id"} if spoken_for else set())
        return tuple(_conflicts(self._defaults, own, self._broken))

    def of(self, entry: Aws, arn: JobArn | None = None, place: Place = Place()) -> Caller:
        """Return the caller of an entry. A region in the job's ARN, and the values of ``place``, replace its own."""
        own = _written(entry)
        if arn is not None:
            own["region"] = arn.region
        if place.region is not None:
            own["region"] = place.region
        if place.account_id is not None:
            partition = partition_of(own.get("region") or self._defaults.get("region", ""))
            own["role_arn"] = role_of(partition, place.account_id, place.role_name or "")
            own["account_id"] = place.account_id
        # The account in ``aws`` does not apply to an entry whose account is in its ARN or role.
        if "account_id" not in own and (arn is not None or "role_arn" in own):
            own["account_id"] = arn.account_id if arn is not None else own["role_arn"].account_id
        signature = tuple(own.items())
        if signature not in self._made:
            self._made[signature] = self._make(own)
        return self._made[signature]

    def _make(self, own: Mapping[str, Any]) -> Caller:
        values = {**self._defaults, **own}
        # If an entry turns something off, it need not remove the keys of ``aws`` that belong to it, and could not.
        for key in _switched_off(own) - own.keys():
            values.pop(key, None)
        region, role = values.get("region", ""), values.get("role_arn")
        has_role = bool(role) or "role_arn" in self._broken
        return Caller(
            key=TargetKey(
                partition_of(region),
                region,
                Credentials(
                    profile=values.get("profile"),
                    role_arn=role and role.text,
                    external_id=values.get("external_id") if has_role else None,
                    sign_requests=values.get("sign_requests", defaults.SIGN_REQUESTS),
                ),
                Endpoint(values.get("endpoint_url"), use_fips=values.get("use_fips", defaults.USE_FIPS)),
            ),
            connection=Connection(**{name: values[name] for name in _CONNECTION_KEYS if name in values}),
            requests_per_second=values.get("requests_per_second", defaults.REQUESTS_PER_SECOND),
            account_id=values.get("account_id") or (role and role.account_id),
            role=role,
            has_region=bool(region) or not self._broken.isdisjoint(("region", "regions")),
            conflicts=tuple(_conflicts(values, own.keys(), self._broken)),
        )


def _written(section: Aws) -> dict[str, Any]:
    return {key: getattr(section, key) for key in AWS_KEYS if key in section.model_fields_set}


def _switched_off(own: Mapping[str, Any]) -> set[str]:
    unsigned = {"profile", "role_arn", "external_id"} if own.get("sign_requests") is False else set()
    unverified = {"ca_bundle"} if own.get("verify_ssl") is False else set()
    return unsigned | unverified


def _conflicts(values: Mapping[str, Any], own: AbstractSet[str], broken: AbstractSet[str]) -> Iterator[Conflict]:
    """Yield each conflict that involves a key of the entry itself.

    Conflicts within ``aws`` are reported there. A key of ``aws`` whose value was wrong causes no conflict.
    """
    for keys, complaint in _RULES:
        if own.isdisjoint(keys) or not broken.isdisjoint(set(keys) - own):
            continue
        message = complaint(*map(values.get, keys))
        if message:
            yield Conflict(keys, message)


def _other_account(role: RoleArn | None, account_id: str | None) -> str | None:
    if role is None or account_id is None or role.account_id == account_id:
        return None
    return (
        f"the role belongs to account {role.account_id} but the job to account {account_id}, and a role sees only the jobs"
        f" of its own account: write a role_arn of account {account_id}, or correct the account"
    )


def _other_partition(role: RoleArn | None, region: str | None) -> str | None:
    if role is None or region is None or role.partition == partition_of(region):
        return None
    return (
        f"the role's partition {role.partition} does not fit the region {region}:"
        f" write the ARN of a role that begins with arn:{partition_of(region)}:"
    )


def _external_id_alone(external_id: str | None, role: RoleArn | None) -> str | None:
    return None if role or not external_id else "external_id is only used to assume a role: add role_arn, or remove it"


def _not_with(*, switch: bool, message: str) -> Callable[[object, bool | None], str | None]:
    """Return a check that reports a key that cannot be given while a flag has this value."""
    return lambda given, flag: message if given and flag is switch else None


_UNVERIFIED = "without verification, ca_bundle is not used: remove ca_bundle, or write verify_ssl: true"
_UNSIGNED_ROLE = "unsigned requests cannot use a role: remove role_arn, or write sign_requests: true"
_UNSIGNED_PROFILE = "unsigned requests cannot use a profile: remove profile, or write sign_requests: true"
_CUSTOM_FIPS = "a custom endpoint has no FIPS variant: write the FIPS endpoint's own URL, and use_fips: false"

# Each check gets the values of its keys. The key that is most likely wrong is first.
_RULES: tuple[tuple[tuple[str, str], Callable[..., str | None]], ...] = (
    (("role_arn", "account_id"), _other_account),
    (("role_arn", "region"), _other_partition),
    (("external_id", "role_arn"), _external_id_alone),
    (("ca_bundle", "verify_ssl"), _not_with(switch=False, message=_UNVERIFIED)),
    (("role_arn", "sign_requests"), _not_with(switch=False, message=_UNSIGNED_ROLE)),
    (("profile", "sign_requests"), _not_with(switch=False, message=_UNSIGNED_PROFILE)),
    (("endpoint_url", "use_fips"), _not_with(switch=True, message=_CUSTOM_FIPS)),
)
