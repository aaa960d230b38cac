"""A token bucket over a clock that somebody else reads."""

from __future__ import annotations

# How long a burst may last: enough to make up for threads that wake a little late, too little to look like one.
_BURST_SECONDS = 0.2
# A token short of a rounding error is a token: after months, clocks tell only a fraction of a microsecond apart.
_ROUNDING = 1e-6


class Budget:
    """How many calls a target may make.

    Not thread-safe: it belongs to one Target and is used under its lock. Times are monotonic seconds.
    """

    def __init__(self, requests_per_second: float, now: float) -> None:
        self._rate = requests_per_second
        self._capacity = _capacity(requests_per_second)
        self._tokens = self._capacity
        self._filled_at = now

    def set_rate(self, requests_per_second: float, now: float) -> None:
        """Go on at another rate; tokens that were spent stay spent."""
        self._fill(now)
        self._rate = requests_per_second
        self._capacity = _capacity(requests_per_second)
        self._tokens = min(self._tokens, self._capacity)

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
        return now + max(0.0, 1.0 - self._tokens) / self._rate

    def _fill(self, now: float) -> None:
        earned = max(0.0, now - self._filled_at) * self._rate
        self._filled_at = now
        self._tokens = min(self._capacity, self._tokens + earned)
        if 1.0 - self._tokens < _ROUNDING:
            self._tokens = max(self._tokens, 1.0)


def _capacity(requests_per_second: float) -> float:
    return max(1.0, requests_per_second * _BURST_SECONDS)
