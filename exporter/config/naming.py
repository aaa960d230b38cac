"""Names of targets: readable, stable, made from the configuration only."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection

    from exporter.config.caller import Caller
    from exporter.config.specs import TargetKey


def target_names(callers: Collection[Caller]) -> dict[TargetKey, str]:
    """Return a name for each caller's target, such as ``eu-west-1/123456789012/tuning-metrics``.

    Targets that would read the same have the host of their endpoint appended, if that is configured, and where that
    does not tell them apart either (an external id, a path) a hash of their keys.
    """
    names = {caller.key: _readable(caller) for caller in callers}
    for more in (_host, _digest):
        uses = Counter(names.values())
        names = {key: f"{name}/{more(key)}".rstrip("/") if uses[name] > 1 else name for key, name in names.items()}
    return names


def _readable(caller: Caller) -> str:
    key, role = caller.key, caller.role
    parts = [key.region]
    if key.credentials.profile:
        parts.append(f"profile-{key.credentials.profile}")
    if role:
        parts += [role.account_id, role.name]
    if not key.credentials.sign_requests:
        parts.append("unsigned")
    if key.endpoint.use_fips:
        parts.append("fips")
    return "/".join(parts)


def _host(key: TargetKey) -> str:
    return urlsplit(key.endpoint.url or "").netloc


def _digest(key: TargetKey) -> str:
    credentials, endpoint = key.credentials, key.endpoint
    identity = (
        *(key.partition, key.region, credentials.profile, credentials.role_arn, credentials.external_id),
        *(credentials.sign_requests, endpoint.url, endpoint.use_fips),
    )
    return hashlib.sha256(repr(identity).encode()).hexdigest()[:8]
