"""The rate limit that the service enforces."""

from __future__ import annotations

_ROUNDING = 1e-6


class RateLimit:
    """Admits as many requests a second for each key, and at most one second's worth at once. Not thread-safe."""

    def __init__(self) -> None:
        # A second without requests earns a whole burst, so the moment up to which a key has spent tells everything.
        self._spent_until: dict[object, float] = {}

    def admits(self, key: object, requests_per_second: float, now: float) -> bool:
        """Return whether a request at a moment (monotonic seconds) is within the rate, and count it if so."""
        share = 1.0 / requests_per_second
        spent_until = max(self._spent_until.get(key, now), now)
        if spent_until - now > max(0.0, 1.0 - share) + _ROUNDING:
            return False
        self._spent_until[key] = spent_until + share
        return True
