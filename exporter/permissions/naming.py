"""Names for identities in the generated formats."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.permissions.identities import Identity

_POLICY = "sagemaker-tuning-exporter"


def short_names(identities: Sequence[Identity]) -> Mapping[str, str]:
    """Return a short name for each identity, of lower-case letters, digits and ``_``, such as ``account_123456789012_metrics``.

    Names stay unique if ``_`` is removed, and never have two ``_`` in a row.
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for each in identities:
        account = "any" if each.is_everywhere else each.account_id
        readable = f"account_{account}_{each.role}" if each.role_arn else each.name
        plain = re.sub("[^a-z0-9]+", "_", readable.lower()).strip("_")
        names = itertools.chain((plain,), (f"{plain}_{number}" for number in itertools.count(2)))
        short = next(name for name in names if name.replace("_", "") not in taken)
        taken.add(short.replace("_", ""))
        found[each.name] = short
    return found


def policy_name(identity: Identity) -> str:
    """Return the name of an identity's policy. It is unique if an account has several roles."""
    return f"{_POLICY}-{identity.role}" if identity.role_arn else _POLICY


def path_of(role_arn: str) -> str:
    """Return the path of a role, usually ``/``."""
    path = role_arn.partition(":role/")[2].rpartition("/")[0]
    return f"/{path}/" if path else "/"
