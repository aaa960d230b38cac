"""The publisher: one thread that renders after changes and replaces one reference.

A scrape reads only this reference: it takes no lock, formats no tuning job and does not call AWS.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

import structlog

from exporter.exposition.body import Body, bodies
from exporter.exposition.families import families_in_force
from exporter.exposition.format import Format
from exporter.exposition.render import render
from exporter.logs import Complaints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from exporter.clock import Clock, Instant
    from exporter.exposition.family import Family
    from exporter.fleet import TargetView
    from exporter.telemetry import Telemetry

_MIN_PERIOD = 1.0
_MAX_SHARE = 0.1  # the most of a CPU for rendering
_BEAT = 5.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Published:
    """What scrapes get about tuning jobs.

    ``generation`` counts renderings. ``left_out`` counts series that the limits of the table left out: see ``render``.
    """

    generation: int
    bodies: Mapping[Format, Body]
    targets: tuple[TargetView, ...]
    left_out: Mapping[tuple[str, str], int] = field(default_factory=dict)


EMPTY = Published(0, {format_: Body() for format_ in Format}, ())


def publish(
    generation: int, targets: Sequence[TargetView], families: Sequence[Family] = families_in_force(frozenset())
) -> Published:
    """Render all tuning jobs of the targets. The default ``families`` are those that need no opt-in."""
    left_out: dict[tuple[str, str], int] = {}
    rendered = render(families, chain.from_iterable(target.jobs for target in targets), left_out)
    return Published(generation, bodies(rendered), tuple(targets), left_out)


class Publisher:
    """Keeps ``published`` up to date with what ``views`` returns. Thread-safe.

    It renders after ``changed`` and when values become stale. Until ``show`` is called, it shows the families that need no
    opt-in. ``cpu_seconds`` returns the CPU time of its thread.
    """

    def __init__(
        self,
        views: Callable[[Instant], Iterable[TargetView]],
        telemetry: Telemetry,
        clock: Clock,
        cpu_seconds: Callable[[], float] = time.thread_time,
    ) -> None:
        self.published = EMPTY
        self._views = views
        self._families = families_in_force(frozenset())
        self._telemetry = telemetry
        self._clock = clock
        self._cpu_seconds = cpu_seconds
        self._condition = threading.Condition()
        self._changed = self._settled = True
        self._changed_at = clock.monotonic()
        self._stopping = False
        self._failing = False
        self._complaints = Complaints(clock)
        self._last_beat = clock.monotonic()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Stop the thread, and wait at most ``timeout`` seconds for it."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        self._thread.join(timeout)

    def changed(self, *, more: bool = False) -> bool:
        """Note that a target's view has changed. With ``more``, the rendering may wait for further changes that come soon.

        Return whether the thread was woken. Waking it for each of many answers would need more CPU than the answers.
        """
        with self._condition:
            if self._changed and (self._settled or more):
                return False
            if not self._changed:
                self._changed, self._settled = True, False
                self._changed_at = self._clock.monotonic()
            self._settled = not more
            self._condition.notify_all()
            return True

    def show(self, families: Sequence[Family]) -> None:
        """Use these families from the next rendering on."""
        for family in families:
            if family.limit is not None:
                self._telemetry.series_capped.labels(family.full_name)
        with self._condition:
            self._families = tuple(families)
        self.changed()

    @property
    def seconds_since_beat(self) -> float:
        """Seconds since the thread last showed that it is running and can render."""
        return self._clock.monotonic() - self._last_beat

    def _run(self) -> None:
        not_before = self._clock.monotonic()
        changes_at: float | None = None
        while self._wait(not_before, changes_at):
            now, used = self._clock.now(), self._cpu_seconds()
            before = self.published
            try:
                targets = tuple(self._views(now))
                self.published = publish(before.generation + 1, targets, self._families)
            except Exception as error:  # noqa: BLE001 - one error must not stop it; lasting ones make it unhealthy
                self._complaints.tell(
                    "internal error: /metrics does not change until the error stops; please report this", error
                )
                self._failing = True
                not_before, changes_at = now.monotonic + _MIN_PERIOD, now.monotonic
                continue
            self._failing = False
            self._tell_of_limits(before, self.published)
            self._telemetry.render_duration.set(self._clock.monotonic() - now.monotonic)
            # At the start, all scrapes wait for the first answers.
            period = _MIN_PERIOD if all(target.attempted for target in targets) else 0.0
            # Use CPU time, not the clock: if other threads delayed a rendering, the next one must not wait longer.
            not_before = now.monotonic + max(period, (self._cpu_seconds() - used) / _MAX_SHARE)
            changes_at = min((t.changes_at for t in targets if t.changes_at is not None), default=None)

    def _tell_of_limits(self, before: Published, now: Published) -> None:
        for (family, job), series in now.left_out.items():
            if (family, job) not in before.left_out:
                self._telemetry.series_capped.labels(family).inc()
                log.warning(
                    "a tuning job has too many series of a family; those above its limit are left out",
                    family=family,
                    tuning_job=job,
                    left_out=series,
                )

    def _wait(self, not_before: float, changes_at: float | None) -> bool:
        """Wait until there is something to render, and return True. Return False if the publisher was stopped."""
        with self._condition:
            while not self._stopping:
                now = self._clock.monotonic()
                if not self._failing:
                    self._last_beat = now
                due = changes_at
                if self._changed:
                    due = not_before if self._settled else max(not_before, self._changed_at + _MIN_PERIOD)
                elif changes_at is not None:
                    due = max(not_before, changes_at)
                if due is not None and now >= due:
                    self._changed = False
                    return True
                self._clock.wait(self._condition, min(now + _BEAT, now + _BEAT if due is None else due))
            return False
