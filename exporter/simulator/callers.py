"""Which caller each access key belongs to."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from exporter.simulator import sts
from exporter.simulator.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random


class Callers:
    """The known access keys, including those of roles. Thread-safe."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._lock = threading.Lock()
        self._known: dict[str, sts.Caller] = {}

    def add(self, access_key_id: str, caller: sts.Caller) -> None:
        """Assign a key to a caller."""
        with self._lock:
            self._known[access_key_id] = caller

    def get(self, access_key_id: str, session_token: str | None, now: float) -> sts.Caller | None:
        """Return the caller of a key, None if it is unknown. Raises ApiError if it has expired or the token is wrong."""
        with self._lock:
            caller = self._known.get(access_key_id)
        if caller is not None and caller.expires is not None and caller.expires <= now:
            raise ApiError("ExpiredTokenException", "The security token of the request has expired.")
        if caller is not None and caller.session_token != session_token:
            raise ApiError("UnrecognizedClientException", "The security token of the request is invalid.")
        return caller

    def assume_role(
        self,
        content: Mapping[str, Any],
        caller: sts.Caller,
        roles: Mapping[str, str | None],
        *,
        now: float,
        lifetime: float | None,
    ) -> dict[str, Any]:
        """Answer AssumeRole, and remember the key that it issues. Raises ApiError: see ``sts.Issuer``."""
        with self._lock:
            answer, key, assumed = self._issuer(now, lifetime).assume_role(content, caller, roles)
            self._known[key] = assumed
        return answer

    def assume_role_with_web_identity(
        self, content: Mapping[str, Any], identities: Mapping[str, str], *, now: float, lifetime: float | None
    ) -> dict[str, Any]:
        """Answer AssumeRoleWithWebIdentity, and remember the key that it issues. Raises ApiError."""
        with self._lock:
            answer, key, assumed = self._issuer(now, lifetime).assume_role_with_web_identity(content, identities)
            self._known[key] = assumed
        return answer

    def _issuer(self, now: float, lifetime: float | None) -> sts.Issuer:
        return sts.Issuer(self._rng, now=now, lifetime=lifetime)
