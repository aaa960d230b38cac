"""Splits a configuration over several exporters. Each target belongs to exactly one of them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.config.specs import Settings, TargetSpec

MOST_SHARDS = 1_000
_ORDINAL = re.compile(r"(?:.*-)?([0-9]{1,4})")


@dataclass(frozen=True, slots=True)
class Shard:
    """One of ``total`` exporters that share a configuration; ``index`` counts from 0."""

    index: int = 0
    total: int = 1

    def owns(self, target: TargetSpec) -> bool:
        """Return whether the target belongs to this exporter.

        A target is never split: one exporter has the whole budget of an account and region, and its lists are read once.
        A target belongs to the shard with the highest hash of target and shard number. So when the total changes by one, only
        the targets of the shard that is added or removed move.
        """
        return self.index == max(range(self.total), key=lambda index: _weight(target, index))

    def part(self, settings: Settings) -> Settings:
        """Return the part of a configuration that belongs to this exporter."""
        own, expand = tuple(target for target in settings.targets if self.owns(target)), settings.expand
        if expand is None:
            return replace(settings, targets=own)
        return replace(settings, targets=own, expand=lambda accounts: self.part(expand(accounts)))


def parse_shard(index: str, total: str) -> Shard:
    """Return the shard for the two options. ``index`` is a number, or a pod's name that ends in one, such as ``exporter-2``.

    Raises ValueError, which says what to write instead.
    """
    if not re.fullmatch(r"[0-9]{1,4}", total) or not 1 <= int(total) <= MOST_SHARDS:
        raise ValueError(f"--shard.total is {total!r}: write a whole number from 1 to {MOST_SHARDS}")
    ordinal = _ORDINAL.fullmatch(index)
    if ordinal is None:
        raise ValueError(f"--shard.index is {index!r}: write a whole number, or the name of a pod that ends in one")
    if int(ordinal[1]) >= int(total):
        raise ValueError(f"--shard.index is {index!r} of {total}: indexes count from 0 to {int(total) - 1}")
    return Shard(int(ordinal[1]), int(total))


def _weight(target: TargetSpec, index: int) -> bytes:
    # Use the account if it is known, because two roles in one account share its rate limit.
    key = target.key
    who = target.account_id or repr((key.credentials.profile, key.credentials.role_arn, key.credentials.sign_requests))
    identity = (key.partition, key.region, who, key.endpoint.url, index)
    return hashlib.blake2b(repr(identity).encode(), digest_size=8).digest()
