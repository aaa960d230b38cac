"""The exporter, driven through a fleet on a manual clock: its own targets, its own rendering, scrape by scrape."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

from replay.faults import AWAY, Kind, Service
from replay.fleet import PLACES
from support.clock import ManualClock

from exporter.errors import ErrorCode, Failure
from exporter.exposition import Format, TargetCollector, families_in_force
from exporter.exposition.publish import EMPTY, publish
from exporter.fleet import Target, perform
from exporter.simulator.chance import chance
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from replay.fleet import Fleet

    from exporter.config.specs import TargetKey
    from exporter.fleet import Work

_MOST_STUCK = 40
"""Calls that never come back hold so many threads of a target and no more."""


class Scrape(NamedTuple):
    """What Prometheus gets at a Unix time from an instance: texts of the tuning jobs and of the exporter itself.

    They are None when the instance does not answer.
    """

    at: float
    instance: str
    jobs: str | None = None
    own: str | None = None


class Exporter:
    """One process of the exporter, from its start to its end."""

    def __init__(
        self, fleet: Fleet, services: dict[str, Service], clock: ManualClock, metrics: Collection[str]
    ) -> None:
        self._fleet = fleet
        self._services = services
        self._clock = clock
        # Families that no rule asks for are left out for speed.
        force = families_in_force(fleet.settings(fleet.start).collect)
        self._families = [family for family in force if any(name in metrics for name in family.series_names)]
        self._telemetry = Telemetry()
        self._published = EMPTY
        self._telemetry.show(TargetCollector(lambda: self._published))
        self._targets: dict[TargetKey, Target] = {}
        self._stuck: dict[TargetKey, list[Work]] = {}
        self._silences = [fault for fault in fleet.faults if fault.kind is Kind.SILENT]
        self._refused = [fault for fault in fleet.faults if fault.kind is Kind.BAD_CONFIGURATION]
        self.load()

    def load(self) -> None:
        """Take the configuration of the moment, unless it has a mistake."""
        now = self._clock.now()
        settings = self._fleet.settings(now.wall)
        if self._targets and any(fault.holds(now.wall) for fault in self._refused):
            self._telemetry.reload_successful.set(0)
            return
        for spec in settings.targets:
            if spec.key in self._targets:
                self._targets[spec.key].update(spec, now)
            else:
                self._targets[spec.key] = Target(spec, self._telemetry, now)
                self._stuck[spec.key] = []
        self._telemetry.reload_successful.set(1)

    def run(self, until: float) -> None:
        """Make every call that falls due up to a Unix time, and stop there."""
        while True:
            for key, target in self._targets.items():
                self._call(key, target)
            now = self._clock.now()
            wakes = [
                wake
                for key, target in self._targets.items()
                if (wake := target.wakes_at(now) if self._may_call(key) else target.expires_at(now)) is not None
            ]
            next_at = min((now.wall + wake - now.monotonic for wake in wakes), default=until)
            if next_at >= until:
                self._clock.set_time(max(until, now.wall))
                return
            self._clock.set_time(max(next_at, now.wall + 1e-3))

    def _call(self, key: TargetKey, target: Target) -> None:
        clock = self._clock
        target.expire(clock.now())
        silent = any(fault.holds(clock.time()) and fault.region == key.region for fault in self._silences)
        if not silent:
            for stuck in self._stuck[key]:
                target.apply(stuck, Failure(ErrorCode.TIMEOUT, "too late"), clock.now())
            self._stuck[key].clear()
        while self._may_call(key) and (work := target.next(clock.now())) is not None:
            if silent:
                self._stuck[key].append(work)
            else:
                target.apply(work, perform(self._services[key.region], work), clock.now())

    def _may_call(self, key: TargetKey) -> bool:
        return len(self._stuck[key]) < _MOST_STUCK

    def scrape(self, at: float, instance: str) -> Scrape:
        """Return what a scrape gets now."""
        now = self._clock.now()
        views = [target.view(now) for target in self._targets.values()]
        self._published = publish(self._published.generation + 1, views, self._families)
        jobs = b"".join(self._published.bodies[Format.TEXT].inflated()).decode()
        return Scrape(at, instance, jobs, self._telemetry.render_text().decode())


def scrapes(fleet: Fleet, metrics: Collection[str]) -> Iterator[Scrape]:
    """Yield what Prometheus scrapes, once in each interval of each replica. ``metrics`` are the names of those that it may leave out."""
    replicas = [_replica(fleet, metrics, number) for number in range(fleet.replicas)]
    lost = chance("lost", fleet.seed)
    for scrape in heapq.merge(*replicas, key=lambda scrape: scrape.at):
        yield scrape if lost.random() >= fleet.lost else Scrape(scrape.at, scrape.instance)


def _replica(fleet: Fleet, metrics: Collection[str], replica: int) -> Iterator[Scrape]:
    clock = ManualClock(fleet.start)
    faults = [fault for fault in fleet.faults if fault.replica in {None, replica}]
    services = {
        place.region: Service(
            place.region,
            place.account_id,
            fleet.lives_of(place),
            faults,
            clock,
            chance("calls", fleet.seed, place.region, replica),
        )
        for place in PLACES
    }
    away = [absence for fault in faults if fault.kind in AWAY for absence in fault.absences()]
    changes = sorted(
        {moment for entry in fleet.entries for moment in (entry.since, entry.until)}
        | {
            moment
            for fault in faults
            if fault.kind in {Kind.STARVED, Kind.BAD_CONFIGURATION}
            for moment in (fault.since, fault.until)
        }
    )
    starts = [(fault.until, fault.kind) for fault in away]
    starts += [(fault.since, fault.kind) for fault in faults if fault.kind is Kind.BLIND]
    name = "pod" if replica == 0 else f"replica-{replica}"
    pod = 0
    exporter: Exporter | None = Exporter(fleet, services, clock, metrics)
    before = fleet.start
    for number in range(1, int((fleet.end - fleet.start) / fleet.interval)):
        at = fleet.start + number * fleet.interval
        absent = [fault for fault in away if fault.holds(at)]
        begun = {moment: kind for moment, kind in starts if before < moment <= at}
        if absent or begun:
            exporter = None
            pod += any(kind is not Kind.DOWN for kind in begun.values())
            clock.set_time(max((clock.time(), *begun)))
        if absent:
            clock.set_time(at)
            if all(fault.kind is Kind.DOWN for fault in absent):
                yield Scrape(at, f"{name}-{pod}")
        else:
            exporter = exporter or Exporter(fleet, services, clock, metrics)
            exporter.run(at)
            if any(before < change <= at for change in changes):
                exporter.load()
                exporter.run(at)
            yield exporter.scrape(at, f"{name}-{pod}")
        before = at
