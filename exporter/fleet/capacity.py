"""Limits calls in parallel: a target whose calls hang must not slow down the others. Only counts; starts no thread."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.fleet.target import Target
    from exporter.sagemaker import Api

# Workers that make calls. A call that takes longer than _SLOW seconds adds one more worker: a worker that waits costs no CPU.
_USUAL_WORKERS, _SLOW = 8, 0.15
# The most workers. Calls that were given up still hold a worker. These are counted separately, up to the same number. When
# there are more, a target that hangs and has such calls makes no further call until one of them returns.
_MOST_WORKERS = 128
# Workers that targets whose calls hang may not use.
_RESERVE = 16
# Each target may always make one call. These limit the further calls of all targets: all of them, and the quick ones.
_MOST_FURTHER, _QUICK_FURTHER = 32, 12
# Seconds to wait after the system refused a new thread.
_PAUSE = 1.0
# A target makes as many calls in parallel as it may begin in a second, within these limits. So it can use its whole budget
# even if each call takes a second.
_MIN_CALLS, _MAX_CALLS = 2, 8


@dataclass(slots=True, eq=False)
class Driven:
    """A target, the API client for its calls, and the state of these calls. Times are monotonic seconds.

    ``calls`` counts the calls under way, including those that were given up. ``stuck`` counts only those given up.
    ``hangs`` is True when a call timed out and no other call has been answered since it began. The target then makes one
    call at a time. One tuning job whose calls hang does not slow the target down as long as other calls are answered.
    ``answered`` is when a call was last answered. ``failing_since`` is since when the target's own code raises errors.
    """

    target: Target
    api: Api
    calls: int = 0
    stuck: int = 0
    hangs: bool = False
    answered: float = -math.inf
    removed: bool = False
    failing_since: float | None = None

    def timed_out(self, started: float) -> None:
        """Note that a call that began at ``started`` timed out."""
        self.hangs = self.hangs or self.answered < started

    def was_answered(self, now: float) -> None:
        """Note that a call ended without a time-out, successfully or not."""
        self.hangs, self.answered = False, now

    @property
    def may_call(self) -> bool:
        """Whether its own limit allows one more call. The limits for all targets are in ``Capacity``."""
        most = 1 if self.hangs else min(_MAX_CALLS, max(_MIN_CALLS, round(self.target.spec.requests_per_second)))
        return not self.removed and self.calls - self.stuck < most


class Capacity:
    """The calls under way of all targets. Not thread-safe. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._since: dict[tuple[Driven, int], float] = {}
        self._refused = 0
        self._refused_until = -math.inf

    def begin(self, driven: Driven, serial: int, now: float) -> None:
        """Note that a worker begins a call."""
        driven.calls += 1
        self._since[driven, serial] = now

    def end(self, driven: Driven, serial: int) -> None:
        """Note that the call has returned."""
        driven.calls -= 1
        del self._since[driven, serial]

    def refuse(self, workers: int, now: float) -> None:
        """Note that the system refused a thread: for a while there are at most this many workers."""
        self._refused, self._refused_until = workers, now + _PAUSE

    def fits(self, driven: Driven, now: float) -> bool:
        """Return whether a target may make one more call, without asking whether a worker is free."""
        if not driven.may_call or driven.calls - driven.stuck == 0:
            return driven.may_call
        slow = Counter(each for (each, _), since in self._since.items() if since + _SLOW <= now)
        further = {each: each.calls - each.stuck - 1 for each in self._driven}
        quick = sum(max(0, calls - max(0, slow[each] - each.stuck)) for each, calls in further.items())
        return sum(max(0, calls) for calls in further.values()) < _MOST_FURTHER and quick < _QUICK_FURTHER

    def _slow(self, now: float) -> int:
        """Return how many calls are slow."""
        return sum(driven.hangs or since + _SLOW <= now for (driven, _), since in self._since.items())

    def has_worker(self, driven: Driven, busy: int, now: float) -> bool:
        """Return whether a target may make one more call while ``busy`` workers make calls."""
        if not self.fits(driven, now):
            return False
        if driven.hangs:
            stuck = sum(each.stuck for each in self._driven)
            hanging = sum(each.calls - each.stuck for each in self._driven if each.hangs)
            if hanging >= _MOST_WORKERS - _RESERVE or (driven.stuck and stuck >= _MOST_WORKERS):
                return False
        return busy < self.most_workers(now)

    def most_workers(self, now: float) -> int:
        """Return the most workers that are allowed now."""
        stuck = sum(driven.stuck for driven in self._driven)
        most = min(_USUAL_WORKERS + self._slow(now), _MOST_WORKERS + min(stuck, _MOST_WORKERS))
        return most if now >= self._refused_until else min(most, self._refused)

    @property
    def _driven(self) -> set[Driven]:
        """The targets with calls under way."""
        return {driven for driven, _ in self._since}
