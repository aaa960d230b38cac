"""Subject alternative names (SANs) of client certificates, and those that the configuration allows."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

_KINDS = frozenset({"DNS", "IP Address", "email", "URI"})


def canonical_san(name: str) -> str:
    """Return a name in the form in which names are compared. IP addresses are normalized, other names are unchanged."""
    try:
        return str(ipaddress.ip_address(name.strip()))
    except ValueError:
        return name


def sans_of_client(tls: ssl.SSLObject) -> set[str]:
    """Return the names in a client's certificate. Empty if it has none or they cannot be read."""
    try:
        return sans(tls.getpeercert())
    except ValueError:  # they are not valid text
        return set()


def sans(certificate: Any) -> set[str]:
    """Return the names in a certificate, in the form of the ssl module: DNS names, IP and e-mail addresses, and URIs."""
    names: Iterable[tuple[str, str]] = (certificate or {}).get("subjectAltName", ())
    return {canonical_san(name) for kind, name in names if kind in _KINDS}
