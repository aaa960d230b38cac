"""Subject alternative names: those of a client's certificate, and those that the configuration allows."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

_KINDS = frozenset({"DNS", "IP Address", "email", "URI"})


def canonical_san(name: str) -> str:
    """Return a name as it is compared: to the letter, but an IP address in the one spelling that it has."""
    try:
        return str(ipaddress.ip_address(name.strip()))
    except ValueError:
        return name


def sans_of_client(tls: ssl.SSLObject) -> set[str]:
    """Return the names of the certificate that a client has shown; none where nobody can read them."""
    try:
        return sans(tls.getpeercert())
    except ValueError:  # they are no text
        return set()


def sans(certificate: Any) -> set[str]:
    """Return the names of a certificate as the ssl module tells it: DNS names, IP and e-mail addresses, and URIs."""
    told: Iterable[tuple[str, str]] = (certificate or {}).get("subjectAltName", ())
    return {canonical_san(name) for kind, name in told if kind in _KINDS}
