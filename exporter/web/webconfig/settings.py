"""The settings in a web configuration file."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from exporter.config.duration import format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping


class Rate(NamedTuple):
    """A limit of requests: one each ``interval`` seconds, and ``burst`` at once."""

    interval: float
    burst: int


@dataclass(frozen=True, slots=True)
class Settings:
    """How connections are accepted and requests are answered.

    ``context`` None: HTTP without TLS. ``allowed_sans`` empty: a client's certificate may have any name. ``users`` has the
    bcrypt hash of each user's password; empty: no password is needed. ``headers``, with names in lower case, are in all
    answers.
    """

    context: ssl.SSLContext | None = None
    allowed_sans: frozenset[str] = frozenset()
    users: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    headers: tuple[tuple[bytes, bytes], ...] = ()
    rate: Rate | None = None

    @property
    def scheme(self) -> str:
        """Return the scheme of the URLs that are served."""
        return "http" if self.context is None else "https"

    def summary(self) -> str:
        """Return a summary of the settings as text."""
        parts = [self.scheme]
        if self.context is not None and self.context.verify_mode is not ssl.CERT_NONE:
            required = self.context.verify_mode is ssl.CERT_REQUIRED
            parts.append("client certificates required" if required else "client certificates verified if given")
        if self.allowed_sans:
            parts.append(f"allowed SANs: {len(self.allowed_sans)}")
        parts.append(f"users: {len(self.users)}" if self.users else "no passwords")
        if self.rate is not None:
            parts.append(f"a request each {format_duration(self.rate.interval)}, {self.rate.burst} at once")
        return ", ".join(parts)
