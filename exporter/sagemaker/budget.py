"""A token bucket for calls. Its rate is lower for a while after AWS has throttled. The caller passes the time."""

from __future__ import annotations

import math

# The bucket holds the tokens of this time: enough if threads wake up a little late, and too few for a real burst.
_BURST_SECONDS = 0.2
# Tolerance for rounding errors: after months, clocks have a resolution of only a fraction of a microsecond.
_ROUNDING = 1e-6
# Calls that are under way together are throttled together. This counts as one reason to slow down.
_ONE_REASON_SECONDS = 1.0
# The smallest share of the configured rate. An eighth is enough to describe all running tuning jobs within minutes.
_LEAST_SHARE = 1 / 8
_RECOVERY_SECONDS = 60.0


class Budget:
    """The calls that a target may make.

    Throttling halves the rate, down to an eighth of the configured one. From there it needs a minute to recover. Not
    thread-safe: used with the target's lock held. Times are monotonic seconds.
    """

    def __init__(self, requests_per_second: float, now: float) -> None:
        self._full_rate = self._rate = requests_per_second
        self._capacity = _capacity(requests_per_second)
        self._tokens = self._capacity
        self._filled_at = now
        self._halved_at = -_ONE_REASON_SECONDS

    def set_rate(self, requests_per_second: float, now: float) -> None:
        """Change the configured rate. Used tokens stay used, and a lower rate after throttling stays too."""
        self._fill(now)
        self._rate *= requests_per_second / self._full_rate
        self._full_rate = requests_per_second
        self._capacity = _capacity(requests_per_second)
        self._tokens = min(self._tokens, self._capacity)

    def throttled(self, now: float) -> None:
        """Reduce the rate, because AWS has throttled a call."""
        self._fill(now)
        if now - self._halved_at >= _ONE_REASON_SECONDS:
            self._halved_at = now
            self._rate = max(self._rate / 2, self._full_rate * _LEAST_SHARE)
            self._tokens = min(self._tokens, 0.0)

    def rate(self, now: float) -> float:
        """Return the present rate in calls per second: the configured rate, or less after throttling."""
        self._fill(now)
        return self._rate

    def take(self, now: float) -> bool:
        """Take a token for one call. Return whether there was one."""
        self._fill(now)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def next_token_at(self, now: float) -> float:
        """Return when the next call may be made, ``now`` or earlier if at once."""
        self._fill(now)
        missing = max(0.0, 1.0 - self._tokens)
        recovered = self._gained(self._recovers_in)
        if missing > recovered:
            return now + self._recovers_in + (missing - recovered) / self._full_rate
        return now + 2 * missing / (self._rate + math.sqrt(self._rate**2 + 2 * self._growth * missing))

    def _fill(self, now: float) -> None:
        elapsed = max(0.0, now - self._filled_at)
        self._filled_at = now
        self._tokens = min(self._capacity, self._tokens + self._gained(elapsed))
        self._rate = min(self._full_rate, self._rate + elapsed * self._growth)
        if 1.0 - self._tokens < _ROUNDING:
            self._tokens = max(self._tokens, 1.0)

    @property
    def _growth(self) -> float:
        """The growth of the rate per second while it is below the configured one."""
        return self._full_rate / _RECOVERY_SECONDS

    @property
    def _recovers_in(self) -> float:
        return (self._full_rate - self._rate) / self._growth

    def _gained(self, seconds: float) -> float:
        """Return how many tokens are added in ``seconds`` from now. It does not depend on how often it is called."""
        growing = min(seconds, self._recovers_in)
        return growing * (self._rate + growing * self._growth / 2) + (seconds - growing) * self._full_rate


def _capacity(requests_per_second: float) -> float:
    return max(1.0, requests_per_second * _BURST_SECONDS)
