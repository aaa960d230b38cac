"""Decides which source makes the next call."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.clock import Instant
    from exporter.fleet.source import Source


class Turns:
    """The sources of a target, which take turns.

    The call that has waited longest is first, counted with the head start of its source. But if describes have waited for a
    quarter of an interval, every second call is a describe. Only ``first_of_all`` comes before them even then.
    """

    def __init__(self, sources: tuple[Source, ...], *, describes: Source, first_of_all: Source) -> None:
        self.sources = sources
        self._describes = describes
        self._first_of_all = first_of_all
        self._last = describes

    @property
    def due(self) -> float | None:
        """When the next call is due (monotonic seconds). None if no call is planned."""
        return min((due for source in self.sources if (due := source.due) is not None), default=None)

    def take(self, interval: float, now: Instant) -> Source:
        """Return the source that makes a call now. At least one must be due."""
        self._last = self._choose(interval, now)
        return self._last

    def _choose(self, interval: float, now: Instant) -> Source:
        ready = {source: due for source in self.sources if (due := source.due) is not None and due <= now.monotonic}
        first = min(ready, key=lambda source: ready[source] - source.head_start * interval)
        waited = now.monotonic - ready.get(self._describes, now.monotonic)
        if self._last is not self._describes and waited >= interval / 4 and first is not self._first_of_all:
            return self._describes
        return first
