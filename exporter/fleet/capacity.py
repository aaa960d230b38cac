"""Which target may make one more call, so that those whose calls hang never hold up the others: pure bookkeeping."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.fleet.target import Target
    from exporter.sagemaker import Api

# So many workers make calls, and one more for each call that takes longer than so many seconds: such a worker only waits,
# and costs no CPU.
_USUAL_WORKERS, _SLOW = 8, 0.15
# But no more than so many in all. Workers whose calls were given up come on top, as many again at most: beyond that, a
# target that hangs and holds some of them makes no call before one comes back.
_MOST_WORKERS = 128
# The last ones are not for targets whose calls hang.
_RESERVE = 16
# So many calls may be made beside the first one of each target; of these, so many that do not take long.
_MOST_FURTHER, _QUICK_FURTHER = 32, 12
# When the machine has refused a thread, it is asked again after so many seconds.
_PAUSE = 1.0
# A target makes as many calls at once as its budget has for a second, within these bounds. So the budget can be spent
# although each call takes a second.
_MIN_CALLS, _MAX_CALLS = 2, 8


@dataclass(slots=True, eq=False)
class Driven:
    """A target and the API that its calls are made by.

    ``calls`` counts its calls under way, of which ``stuck`` were given up. ``hangs`` tells that a call was not answered in
    time and no other was answered since it began; then the target makes one call at a time. So a tuning job whose calls
    hang while others are answered does not slow the target down. ``answered`` is when a call was answered last, and
    ``failing_since`` since when asking the target raises errors (monotonic seconds).
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
        """Note that a call begun then was not answered in time."""
        self.hangs = self.answered < started

    def was_answered(self, now: float) -> None:
        """Note that a call was answered, well or not."""
        self.hangs, self.answered = False, now

    @property
    def may_call(self) -> bool:
        """Whether it may make one more call at once, as far as it alone is concerned."""
        most = 1 if self.hangs else min(_MAX_CALLS, max(_MIN_CALLS, round(self.target.spec.requests_per_second)))
        return not self.removed and self.calls - self.stuck < most


class Capacity:
    """The calls under way of all targets. Not thread-safe. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._since: dict[tuple[Driven, int], float] = {}
        self._refused = 0
        self._refused_until = -math.inf

    def begin(self, driven: Driven, serial: int, now: float) -> None:
        """Note a call that a worker makes."""
        driven.calls += 1
        self._since[driven, serial] = now

    def end(self, driven: Driven, serial: int) -> None:
        """Note that it came back."""
        driven.calls -= 1
        del self._since[driven, serial]

    def refuse(self, workers: int, now: float) -> None:
        """Note that the machine gives no thread more than these for now."""
        self._refused, self._refused_until = workers, now + _PAUSE

    def fits(self, driven: Driven, now: float) -> bool:
        """Tell whether a target may make one more call, whoever makes it."""
        if not driven.may_call or driven.calls - driven.stuck == 0:
            return driven.may_call
        slow = Counter(each for (each, _), since in self._since.items() if since + _SLOW <= now)
        further = {each: each.calls - each.stuck - 1 for each in self._driven}
        quick = sum(max(0, calls - max(0, slow[each] - each.stuck)) for each, calls in further.items())
        return sum(max(0, calls) for calls in further.values()) < _MOST_FURTHER and quick < _QUICK_FURTHER

    def _slow(self, now: float) -> int:
        """Return how many calls take long."""
        return sum(driven.hangs or since + _SLOW <= now for (driven, _), since in self._since.items())

    def has_worker(self, driven: Driven, busy: int, now: float) -> bool:
        """Tell whether there is a worker for one more call of a target while so many are busy."""
        if not self.fits(driven, now):
            return False
        if driven.hangs:
            stuck = sum(each.stuck for each in self._driven)
            hanging = sum(each.calls - each.stuck for each in self._driven if each.hangs)
            if hanging >= _MOST_WORKERS - _RESERVE or (driven.stuck and stuck >= _MOST_WORKERS):
                return False
        return busy < self.most_workers(now)

    def most_workers(self, now: float) -> int:
        """Return how many workers there may be."""
        stuck = sum(driven.stuck for driven in self._driven)
        most = min(_USUAL_WORKERS + self._slow(now), _MOST_WORKERS + min(stuck, _MOST_WORKERS))
        return most if now >= self._refused_until else min(most, self._refused)

    @property
    def _driven(self) -> set[Driven]:
        """Those with calls under way."""
        return {driven for driven, _ in self._since}
