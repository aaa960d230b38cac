"""Policies as JSON for IAM."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from exporter.permissions.statements import document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.permissions.identities import Identity
    from exporter.permissions.text import Text


def render(identities: Sequence[Identity]) -> str:
    """Return a single policy without anything around it, so that you can use it with ``aws iam create-policy``.

    Otherwise, return an object with the ``policies`` of each identity by name, and its ``trust`` if it has one.
    """
    if len(identities) == len(identities[0].policies) == 1 and not identities[0].trust:
        return _dump(document(identities[0].policies[0], _written))
    return _dump({each.name: _of(each) for each in identities})


def _of(identity: Identity) -> dict[str, Any]:
    policies = {"policies": [document(policy, _written) for policy in identity.policies]}
    return policies | ({"trust": document(identity.trust, _written)} if identity.trust else {})


def _written(text: Text) -> str:
    return text.written(lambda blank: blank.name)


def _dump(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"
