"""Which target may make one more call, so that those whose calls hang never hold up the others: pure bookkeeping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.fleet.target import Target
    from exporter.sagemaker import Api

# So many workers make calls, and one more for each call that takes long: those are waited for, and cost no CPU.
_USUAL_WORKERS, _SLOW = 16, 1.0
# But no more than so many in all. Those whose calls were given up are not counted, nor more than so many of them.
_MOST_WORKERS = 64
# The last ones are not for targets whose calls hang.
_RESERVE = 16
# A target makes several calls at once only while no more workers than this are busy.
_SHARED = 12
# A call hangs for seconds at worst, so the budget of a second in flight at once keeps a slow endpoint busy.
_MIN_CALLS, _MAX_CALLS = 2, 8


@dataclass(slots=True, eq=False)
class Driven:
    """A target and who calls for it. ``failing_since`` tells since when looking at it fails (monotonic seconds).

    ``calls`` counts its calls, of which ``stuck`` were given up. ``hangs`` tells that the last one was not answered in
    time: then it makes one at a time.
    """

    target: Target
    api: Api
    calls: int = 0
    stuck: int = 0
    hangs: bool = False
    removed: bool = False
    failing_since: float | None = None

    @property
    def may_call(self) -> bool:
        """Whether it may make one more call at once, as far as it alone is concerned."""
        most = 1 if self.hangs else min(_MAX_CALLS, max(_MIN_CALLS, round(self.target.spec.requests_per_second)))
        return not self.removed and self.calls - self.stuck < most


class Capacity:
    """The calls under way of all targets. Not thread-safe. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._since: dict[tuple[Driven, int], float] = {}
        self._refused: int | None = None

    def begin(self, driven: Driven, serial: int, now: float) -> None:
        """Note a call that a worker makes."""
        driven.calls += 1
        self._since[driven, serial] = now

    def end(self, driven: Driven, serial: int) -> None:
        """Note that it came back."""
        driven.calls -= 1
        del self._since[driven, serial]

    def refuse(self, workers: int) -> None:
        """Note that the machine gives no thread more than these."""
        self._refused = workers

    def try_again(self) -> None:
        """Ask the machine for threads again."""
        self._refused = None

    def fits(self, driven: Driven, busy: int) -> bool:
        """Tell whether a target may make one more call while so many workers are busy, whoever makes it."""
        alone = driven.calls - driven.stuck == 0
        return driven.may_call and (alone or busy <= _SHARED)

    def has_worker(self, driven: Driven, busy: int, now: float) -> bool:
        """Tell whether there is a worker for one more call of a target while so many are busy."""
        if not self.fits(driven, busy):
            return False
        if driven.hangs and sum(other.hangs for other, _ in self._since) >= _MOST_WORKERS - _RESERVE:
            return False
        return busy < self.most_workers(now)

    def most_workers(self, now: float) -> int:
        """Return how many workers there may be."""
        slow = sum(driven.hangs or since + _SLOW <= now for (driven, _), since in self._since.items())
        stuck = sum(driven.stuck for driven in {driven for driven, _ in self._since})
        most = min(_USUAL_WORKERS + slow, _MOST_WORKERS + min(stuck, _MOST_WORKERS))
        return most if self._refused is None else min(most, self._refused)
