"""The exporter, driven on a manual clock by any APIs: its own targets and its own rendering."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.exposition import Format, TargetCollector, families_in_force
from exporter.exposition.publish import EMPTY, publish
from exporter.fleet import Target, perform
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.config.specs import Settings
    from exporter.exposition.family import Family
    from exporter.sagemaker import Api
    from support.clock import ManualClock


class Driven:
    """One process of the exporter, from its start on. ``apis`` are those of the targets, in their order."""

    def __init__(self, settings: Settings, apis: Sequence[Api], clock: ManualClock) -> None:
        self._clock = clock
        self._telemetry = Telemetry()
        self._published = EMPTY
        self._telemetry.show(TargetCollector(lambda: self._published))
        self._families = families_in_force(settings.collect)
        now = clock.now()
        targets = [Target(spec, self._telemetry, now) for spec in settings.targets]
        self._driven = [*zip(targets, apis, strict=True)]
        self._telemetry.reload_successful.set(1)

    def run(self, until: float) -> None:
        """Make every call that falls due up to a Unix time, and stop there."""
        while True:
            for target, api in self._driven:
                target.expire(self._clock.now())
                while (work := target.next(self._clock.now())) is not None:
                    target.apply(work, perform(api, work), self._clock.now())
            now = self._clock.now()
            wakes = [wake for target, _ in self._driven if (wake := target.wakes_at(now)) is not None]
            next_at = min((now.wall + wake - now.monotonic for wake in wakes), default=until)
            if next_at >= until:
                self._clock.set_time(max(until, now.wall))
                return
            self._clock.set_time(max(next_at, now.wall + 1e-3))

    def jobs(self, families: Sequence[Family] | None = None) -> str:
        """Return the exposition of the tuning jobs, of all families in force or of some."""
        now = self._clock.now()
        views = [target.view(now) for target, _ in self._driven]
        self._published = publish(self._published.generation + 1, views, families or self._families)
        return b"".join(self._published.bodies[Format.TEXT].inflated()).decode()

    def own(self) -> str:
        """Return the exporter's own metrics, after ``jobs``."""
        return self._telemetry.render_text().decode()
