"""A recording as it is read: its header, and its calls one after the other with what each told."""

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
"""Values that are remembered of all rows together, long texts counted as several."""

_LONGEST_ABOUT = 4_096
_LATEST = 32_503_680_000.0  # the year 3000
_LONGEST = 100 * 366 * 86_400_000  # of a recording, in milliseconds


@dataclass(frozen=True, slots=True)
class Event:
    """One call. Times are seconds since the recording began.

    ``code`` is None when it succeeded; then ``rows`` are those that have changed, whole, by their keys, and ``gone`` the
    tuning jobs that it shows to be on no list any more. ``account`` is what GetCallerIdentity told.
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
    """What a recording has: how many calls in how many seconds, of how many tuning jobs, and whether it was ended properly.

    ``firsts`` tells when each call was made first, by target and what it was about.
    """

    calls: int
    seconds: float
    jobs: int
    whole: bool
    firsts: Mapping[tuple[Call, int, str], float]


class Recording:
    """A file that is a recording of this version. Raise RecordingError when it is none."""

    def __init__(self, path: Path) -> None:
        self._reader = Reader(path)
        header = self._reader.header
        try:
            self.began = float(header["began"])
            """Unix seconds."""
            self.deadline = float(header["deadline"])
            """After how many seconds a call has failed."""
            self.configuration: Mapping[str, Any] = dict(header["configuration"])
            self.prices: list[Mapping[str, float] | None] = [*header["prices"]]
            self.redacted = header["redacted"] is True
            self.exporter = str(header["exporter"])
            if not (0 <= self.began < _LATEST and 0 <= self.deadline < _LATEST):
                raise ValueError(self.began)  # noqa: TRY301 - told with the others
        except (KeyError, TypeError, ValueError):
            raise self._reader.damaged(1) from None

    def settings(self, endpoint: str, speed: float = 1.0) -> Settings:
        """Return what watches it at an endpoint that answers ``speed`` times as fast, its targets in any order.

        Raise RecordingError where the configuration that it carries is of no use.
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
        """Where it is."""
        return self._reader.path

    def events(self) -> Iterator[Event]:
        """Yield the calls in the order in which they ended. Raise RecordingError where the file is damaged."""
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
            # One that began earlier cannot end later than its deadline.
            while waiting and waiting[0][0] < event.at + event.took - self.deadline:
                yield heapq.heappop(waiting)[2]
            heapq.heappush(waiting, (event.at, number, event))
        while waiting:
            yield heapq.heappop(waiting)[2]

    def survey(self) -> Survey:
        """Read it once to its end. Raise RecordingError where the file is damaged."""
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
        """Return a call, and how many values it has given."""
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
