"""The rate limit of the service."""

from __future__ import annotations

_ROUNDING = 1e-6


class RateLimit:
    """Limits the requests per second for each key. A burst may have those of one second. Not thread-safe."""

    def __init__(self) -> None:
        # One second without requests allows a full burst. So the time up to which a key has used its rate is enough to know.
        self._spent_until: dict[object, float] = {}

    def admits(self, key: object, requests_per_second: float, now: float) -> bool:
        """Return whether a request at ``now`` (monotonic seconds) is within the rate. Count it if it is."""
        share = 1.0 / requests_per_second
        spent_until = max(self._spent_until.get(key, now), now)
        if spent_until - now > max(0.0, 1.0 - share) + _ROUNDING:
            return False
        self._spent_until[key] = spent_until + share
        return True
