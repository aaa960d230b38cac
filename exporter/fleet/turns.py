"""Whose call is made next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.clock import Instant
    from exporter.fleet.source import Source


class Turns:
    """The sources of a target take turns.

    What has waited for longest comes first, each source with its head start. But describes that have waited for a quarter
    of an interval take turns with the others, however many calls these have; only ``first_of_all`` goes before them.
    """

    def __init__(self, sources: tuple[Source, ...], *, describes: Source, first_of_all: Source) -> None:
        self.sources = sources
        self._describes = describes
        self._first_of_all = first_of_all
        self._last = describes

    @property
    def due(self) -> float | None:
        """When the next call falls due, a monotonic time; None when only a change can bring one."""
        return min((due for source in self.sources if (due := source.due) is not None), default=None)

    def take(self, interval: float, now: Instant) -> Source:
        """Return whose call is made now; one must be due."""
        self._last = self._choose(interval, now)
        return self._last

    def _choose(self, interval: float, now: Instant) -> Source:
        ready = {source: due for source in self.sources if (due := source.due) is not None and due <= now.monotonic}
        first = min(ready, key=lambda source: ready[source] - source.head_start * interval)
        waited = now.monotonic - ready.get(self._describes, now.monotonic)
        if self._last is not self._describes and waited >= interval / 4 and first is not self._first_of_all:
            return self._describes
        return first
