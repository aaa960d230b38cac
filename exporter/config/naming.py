"""The names of targets. They are readable, stable, and depend only on the configuration."""

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

    If two names would be equal, the host of the configured endpoint is added. If they are still equal, because the targets
    differ only in an external id or a path, a hash of the target's key is added.
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
