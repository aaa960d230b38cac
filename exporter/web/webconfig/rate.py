"""The rate limit of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.web.webconfig.settings import Rate


class TokenBucket:
    """A token bucket: allows ``burst`` requests at once, and one more each ``interval`` seconds. It is full at first."""

    def __init__(self, rate: Rate, now: float) -> None:
        self.rate = rate
        self._tokens = float(rate.burst)
        self._counted = now

    def take(self, now: float) -> float:
        """Count a request and return 0 if it is allowed, else return the seconds until the next one is.

        ``now`` is in monotonic seconds.
        """
        gained = (now - self._counted) / self.rate.interval
        self._tokens = min(float(self.rate.burst), self._tokens + gained)
        self._counted = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) * self.rate.interval
