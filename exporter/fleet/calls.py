"""The calls of a target that have not come back.

A time-out of the SDK is none on a whole call: an answer that drips, a name that does not resolve or a credential
provider that hangs may hold a thread for minutes or for good. So each call has a deadline here; what is past it has
failed, whatever becomes of its thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.fleet.work import Operation, Work


class Calls:
    """Calls by serial number. Not thread-safe: used under the target's lock. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._under_way: dict[int, Work] = {}
        self._given_up: dict[int, Work] = {}

    def __len__(self) -> int:
        """Return how many are under way, those given up not counted."""
        return len(self._under_way)

    @property
    def oldest_started(self) -> float | None:
        """When the oldest call under way was begun."""
        return min((work.started for work in self._under_way.values()), default=None)

    def begin(self, work: Work) -> None:
        """Note a call that is being made."""
        self._under_way[work.serial] = work

    def give_up(self, deadline: float, now: float) -> list[Work]:
        """Give up and return the calls that have taken ``deadline`` seconds or more."""
        late = [work for work in self._under_way.values() if work.started + deadline <= now]
        for work in late:
            self._given_up[work.serial] = self._under_way.pop(work.serial)
        return late

    def back(self, work: Work) -> bool:
        """Note that a call came back, and tell whether it had been given up."""
        self._under_way.pop(work.serial, None)
        return self._given_up.pop(work.serial, None) is not None

    def stuck(self, operation: Operation, name: str = "") -> bool:
        """Tell whether such a call for the tuning job was given up and has not come back."""
        return any(work.name == name and work.operation is operation for work in self._given_up.values())
