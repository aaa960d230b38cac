"""A token bucket over a clock that somebody else reads, narrower for a while when AWS says that it is too much."""

from __future__ import annotations

import math

# How long a burst may last: enough to make up for threads that wake a little late, too little to look like one.
_BURST_SECONDS = 0.2
# A token short of a rounding error is a token: after months, clocks tell only a fraction of a microsecond apart.
_ROUNDING = 1e-6
# Calls in flight together are throttled together: that is one reason to slow down, not several.
_ONE_REASON_SECONDS = 1.0
# An eighth still describes every tuning job that may run at once within minutes; less would only starve ourselves.
_LEAST_SHARE = 1 / 8
_RECOVERY_SECONDS = 60.0


class Budget:
    """How many calls a target may make.

    Throttling halves the rate, down to an eighth of the configured one; from there it takes a minute to grow back.
    Not thread-safe: it belongs to one Target and is used under its lock. Times are monotonic seconds.
    """

    def __init__(self, requests_per_second: float, now: float) -> None:
        self._full_rate = self._rate = requests_per_second
        self._capacity = _capacity(requests_per_second)
        self._tokens = self._capacity
        self._filled_at = now
        self._halved_at = -_ONE_REASON_SECONDS

    def set_rate(self, requests_per_second: float, now: float) -> None:
        """Go on at another configured rate; tokens that were spent stay spent, and so does a slow-down."""
        self._fill(now)
        self._rate *= requests_per_second / self._full_rate
        self._full_rate = requests_per_second
        self._capacity = _capacity(requests_per_second)
        self._tokens = min(self._tokens, self._capacity)

    def throttled(self, now: float) -> None:
        """Slow down: AWS refused a call for its rate."""
        self._fill(now)
        if now - self._halved_at >= _ONE_REASON_SECONDS:
            self._halved_at = now
            self._rate = max(self._rate / 2, self._full_rate * _LEAST_SHARE)
            self._tokens = min(self._tokens, 0.0)

    def rate(self, now: float) -> float:
        """Return how many calls a second it lets through now: the configured rate, or less after throttling."""
        self._fill(now)
        return self._rate

    def take(self, now: float) -> bool:
        """Take the token for one call, if there is one."""
        self._fill(now)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def next_token_at(self, now: float) -> float:
        """Return when a call may be made; not after ``now`` if at once."""
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
        """By how much the rate grows in a second while it is below the configured one."""
        return self._full_rate / _RECOVERY_SECONDS

    @property
    def _recovers_in(self) -> float:
        return (self._full_rate - self._rate) / self._growth

    def _gained(self, seconds: float) -> float:
        """Return how many tokens come in so many seconds from now, however often anyone looks meanwhile."""
        growing = min(seconds, self._recovers_in)
        return growing * (self._rate + growing * self._growth / 2) + (seconds - growing) * self._full_rate


def _capacity(requests_per_second: float) -> float:
    return max(1.0, requests_per_second * _BURST_SECONDS)
