"""The calls of a target: those under way, those given up, and how often in a row each has failed.

The time-outs of the SDK do not limit a whole call: a slow answer, a name that does not resolve or a credential provider that
hangs may hold a thread for minutes or forever. So each call has a deadline here. A call past its deadline has failed, whether
or not its thread returns.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from exporter.fleet.source import Operation

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from exporter.clock import Instant
    from exporter.errors import ErrorCode
    from exporter.fleet.source import Source, Work


class _Subject(NamedTuple):
    operation: Operation
    key: str


class _Call(NamedTuple):
    work: Work
    source: Source

    @property
    def subject(self) -> _Subject:
        return _Subject(self.work.operation, self.work.key)


class _Trouble(NamedTuple):
    code: ErrorCode
    failures: int


class Calls:
    """The ledger of one target's calls. Not thread-safe: used with the target's lock held. Times are monotonic seconds.

    Below, "such calls" are calls of one operation with one ``key``, as in ``Work``.
    """

    def __init__(self) -> None:
        self._under_way: dict[int, _Call] = {}
        self._given_up: dict[int, _Call] = {}
        self._awaited: dict[int, _Subject] = {}
        self._released: set[int] = set()
        self._troubles: dict[Operation, dict[str, _Trouble]] = {operation: {} for operation in Operation}
        self._failing_by: Counter[tuple[Operation, ErrorCode]] = Counter()
        self.troubles = 0
        """Counts failures, and what ended them: ``failing`` is as before while this is."""

    def __len__(self) -> int:
        """Return the number of calls under way, without those given up."""
        return len(self._under_way)

    @property
    def given_up(self) -> int:
        """The number of calls that were given up and have not returned. Each still holds a thread."""
        return len(self._given_up)

    @property
    def oldest_started(self) -> float | None:
        """When the oldest call under way began. None if there is none."""
        return min((call.work.started for call in self._under_way.values()), default=None)

    def begin(self, work: Work, source: Source) -> None:
        """Note that a call of a source begins."""
        call = self._under_way[work.serial] = _Call(work, source)
        self._awaited[work.serial] = call.subject

    def give_up(self, deadline: float, now: Instant) -> list[tuple[Work, Source]]:
        """Give up and return the calls that have taken ``deadline`` seconds or more."""
        late = [call for call in self._under_way.values() if call.work.started + deadline <= now.monotonic]
        for call in late:
            self._given_up[call.work.serial] = self._under_way.pop(call.work.serial)
        return [*late]

    def back(self, work: Work) -> tuple[Source | None, bool]:
        """Note that a call has returned. Return its source, None if the call is not known, and whether it was given up."""
        given_up = work.serial in self._given_up
        call = (self._given_up if given_up else self._under_way).pop(work.serial, None)
        self._released.discard(work.serial)
        return (None if call is None else call.source), given_up

    def claim(self, work: Work) -> bool:
        """Return whether the result of a call is still wanted. Call this once: afterwards it is not."""
        return self._awaited.pop(work.serial, None) is not None

    def drop(self, operation: Operation, key: str) -> None:
        """Drop the results of such calls that are under way."""
        for serial in [serial for serial, subject in self._awaited.items() if subject == (operation, key)]:
            del self._awaited[serial]

    def forget(self, operation: Operation, key: str) -> None:
        """Forget everything about such calls: their failures, and calls that still hold a thread."""
        self.drop(operation, key)
        self.succeeded(operation, key)
        for calls in (self._under_way, self._given_up):
            self._released |= {serial for serial, call in calls.items() if call.subject == (operation, key)}

    def release(self) -> list[tuple[Work, Source]]:
        """Never count the present calls as stuck, also if they are given up later. Return those that were stuck."""
        kept = [call for serial, call in self._given_up.items() if serial not in self._released]
        self._released |= self._given_up.keys() | self._under_way.keys()
        return [*kept]

    def awaits(self, operation: Operation, key: str) -> bool:
        """Return whether such a call is under way and its result wanted."""
        return (operation, key) in self._awaited.values()

    def may_ask(self, operation: Operation, key: str) -> bool:
        """Return whether no such call is under way, nor given up and still holding a thread."""
        return not (self.awaits(operation, key) or self.stuck(operation, key))

    def stuck(self, operation: Operation, key: str = "") -> bool:
        """Return whether such a call was given up and has not returned."""
        if not self._given_up:  # the usual case, made fast because this is called for each tuning job
            return False
        subjects = (call.subject for serial, call in self._given_up.items() if serial not in self._released)
        return any(subject == (operation, key) for subject in subjects)

    def failed(self, operation: Operation, key: str, code: ErrorCode) -> int:
        """Note that such a call failed, and return the number of failures in a row."""
        before = self._troubles[operation].get(key)
        self.succeeded(operation, key)
        self.troubles += 1
        failures = 1 if before is None else before.failures + 1
        self._troubles[operation][key] = _Trouble(code, failures)
        self._failing_by[operation, code] += 1
        return failures

    def succeeded(self, operation: Operation, key: str) -> None:
        """Note that such a call succeeded, or that such calls are no longer made."""
        trouble = self._troubles[operation].pop(key, None)
        if trouble is not None:
            self._failing_by[operation, trouble.code] -= 1
            self.troubles += 1

    def code(self, operation: Operation, key: str) -> ErrorCode | None:
        """Return why the last such call failed, None if it did not."""
        trouble = self._troubles[operation].get(key)
        return None if trouble is None else trouble.code

    def failing(self, operation: Operation) -> AbstractSet[str]:
        """Return the keys of the operation's calls that failed last time."""
        return self._troubles[operation].keys()

    @property
    def errors(self) -> AbstractSet[tuple[Operation, ErrorCode]]:
        """The operations that fail, with their codes. Without describes, whose failures are shown with each tuning job."""
        return {key for key, count in self._failing_by.items() if count and key[0] is not Operation.DESCRIBE}
