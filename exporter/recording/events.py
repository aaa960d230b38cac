"""Reads a recording: its header, and its calls in order, each with its result."""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.config import ConfigError
from exporter.errors import ErrorCode
from exporter.recording import configuration
from exporter.recording.calls import Call
from exporter.recording.delta import Rows, by_row
from exporter.recording.file import Reader, RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from exporter.config.specs import Settings
    from exporter.recording.delta import Changes

MOST_LEAVES = 5_000_000
"""The most values to remember of all rows together. Long texts count as several."""

_LONGEST_ABOUT = 4_096
_LATEST = 32_503_680_000.0  # the year 3000
_LONGEST = 100 * 366 * 86_400_000  # the longest recording, in milliseconds


@dataclass(frozen=True, slots=True)
class Event:
    """One call. Times are seconds since the recording began.

    ``code`` is why it failed, None if it succeeded. Then ``rows`` has the complete rows that have changed, by key. ``gone`` has
    the tuning jobs that are no longer on any list. ``account`` is the result of GetCallerIdentity.
    """

    call: Call
    target: int
    at: float
    took: float
    about: str
    code: ErrorCode | None = None
    rows: Mapping[str, Mapping[str, Any]] | None = None
    gone: tuple[str, ...] = ()
    account: str | None = None


class Survey(NamedTuple):
    """The size of a recording: calls, seconds, tuning jobs, and whether it was ended properly.

    ``firsts`` has the time of the first call of each kind, by target and subject.
    """

    calls: int
    seconds: float
    jobs: int
    whole: bool
    firsts: Mapping[tuple[Call, int, str], float]


class Recording:
    """A file with a recording of this version. Raises RecordingError if it is not one."""

    def __init__(self, path: Path) -> None:
        self._reader = Reader(path)
        header = self._reader.header
        try:
            self.began = float(header["began"])
            """When the recording began (Unix seconds)."""
            self.deadline = float(header["deadline"])
            """The deadline of calls, in seconds."""
            self.configuration: Mapping[str, Any] = dict(header["configuration"])
            self.prices: list[Mapping[str, float] | None] = [*header["prices"]]
            self.redacted = header["redacted"] is True
            self.exporter = str(header["exporter"])
            if not (0 <= self.began < _LATEST and 0 <= self.deadline < _LATEST):
                raise ValueError(self.began)  # noqa: TRY301 - told with the others
        except (KeyError, TypeError, ValueError):
            raise self._reader.damaged(1) from None

    def settings(self, endpoint: str, speed: float = 1.0) -> Settings:
        """Return the settings that watch an endpoint that replays it ``speed`` times as fast. Targets are in any order.

        Raises RecordingError if the configuration in the recording cannot be used.
        """
        try:
            return configuration.settings(self.configuration, self.prices, endpoint, speed)
        except ConfigError as error:
            first = error.problems[0]
            raise RecordingError(f"{self.path} carries a configuration that cannot be used: {first}") from error
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError):
            raise self._reader.damaged(1) from None

    @property
    def path(self) -> Path:
        """The path of the file."""
        return self._reader.path

    def events(self) -> Iterator[Event]:
        """Yield the calls in the order in which they ended. Raises RecordingError if the file is damaged."""
        rows: defaultdict[tuple[Call, int], Rows] = defaultdict(Rows)
        abouts: set[tuple[Call, int, str]] = set()
        at = leaves = 0
        for number, line in enumerate(self._reader.lines(), start=2):
            try:
                call, target, after, took, about, *told = line
                if [*map(type, (target, after, took, about))] != [int, int, int, str]:
                    raise TypeError(line)  # noqa: TRY301 - told with the others
                at += after
                if not (0 <= at <= _LONGEST and 0 <= took <= _LONGEST):
                    raise ValueError(line)  # noqa: TRY301 - told with the others
                event, given = self._event(rows, Call(call), target, at / 1000, took / 1000, about, told)
            except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
                raise self._reader.damaged(number) from None
            abouts.add((event.call, event.target, event.about))
            leaves += given
            if leaves + len(abouts) > MOST_LEAVES:
                raise RecordingError(f"{self.path} is too large: there are more than {MOST_LEAVES:,} values in it")
            yield event

    def timeline(self) -> Iterator[Event]:
        """Yield the calls in the order in which they began."""
        waiting: list[tuple[float, int, Event]] = []
        for number, event in enumerate(self.events()):
            # Each call ends before its deadline, so no later event can have begun before this one.
            while waiting and waiting[0][0] < event.at + event.took - self.deadline:
                yield heapq.heappop(waiting)[2]
            heapq.heappush(waiting, (event.at, number, event))
        while waiting:
            yield heapq.heappop(waiting)[2]

    def survey(self) -> Survey:
        """Read the whole file once. Raises RecordingError if it is damaged."""
        calls, seconds = 0, 0.0
        firsts: dict[tuple[Call, int, str], float] = {}
        jobs: set[tuple[int, str]] = set()
        for event in self.events():
            calls += 1
            seconds = max(seconds, event.at + event.took)
            key = event.call, event.target, event.about
            firsts[key] = min(firsts.get(key, event.at), event.at)
            if event.call is Call.DESCRIBE:
                jobs.add((event.target, event.about))
        return Survey(calls, seconds, len(jobs), self._reader.whole is True, firsts)

    def _event(
        self,
        all_rows: defaultdict[tuple[Call, int], Rows],
        call: Call,
        target: int,
        at: float,
        took: float,
        about: str,
        told: list[Any],
    ) -> tuple[Event, int]:
        """Return a call, and how many values it has added."""
        if not 0 <= target < len(self.prices) or len(about) > _LONGEST_ABOUT:
            raise ValueError(target)
        code, *told = told or [None]
        if code is not None:
            return Event(call, target, at, took, about, ErrorCode(code)), 0
        if call is Call.ACCOUNT:
            return Event(call, target, at, took, about, account=str(told[0])), 0
        rows = all_rows[call, target]
        if call.has_pages:
            missing: list[Any] = [[], {}, [], []]
            new, found, gone, back = told + missing[len(told) :]
            return self._page(Event(call, target, at, took, about), rows, new, by_row(found), gone, back)
        given = rows.change(about, told[0] if told else {})
        return Event(call, target, at, took, about, rows={about: rows.row(about)}), given

    @staticmethod
    def _page(
        event: Event, rows: Rows, new: list[str], changes: Mapping[int, Changes], gone: list[str], back: list[str]
    ) -> tuple[Event, int]:
        given = len(new)
        for key in new:
            if len(key) > _LONGEST_ABOUT or key in rows:
                raise ValueError("a row is told to be new that is not")
            rows.add(key)
        for number, changed in changes.items():
            given += rows.change(rows.key(number), changed)
        told = {key: rows.row(key) for key in (*map(rows.key, changes), *back)}
        return replace(event, rows=told, gone=tuple(gone)), given
