"""What the daemon serves: the exposition, the probes, and the data for pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter import __version__
from exporter.exposition import scrape
from exporter.telemetry import Totals
from exporter.web.app import Check
from exporter.web.pages import Configuration, OrganizationState, Snapshot, TargetState, WebConfiguration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from exporter.clock import Clock, Instant
    from exporter.config.specs import Account, OrganizationSpec, TargetKey
    from exporter.exposition import Format, Publisher
    from exporter.fleet import Organizations, Pool, Target
    from exporter.sagemaker import Sessions
    from exporter.telemetry import Telemetry
    from exporter.web.webconfig.file import WebConfigFile

_READY_ANYWAY_SECONDS = 30.0
_PUBLISHER_SILENCE_SECONDS = 30.0


@dataclass(slots=True)
class InForce:
    """The present state of the daemon. Only its main thread replaces a member, always as a whole. All threads may read.

    ``followed`` has the accounts of each organization from which ``targets`` were made.
    """

    configuration: Configuration
    targets: Mapping[TargetKey, Target] = field(default_factory=dict)
    followed: Mapping[OrganizationSpec, Sequence[Account]] = field(default_factory=dict)


class DaemonSite:
    """The ``exporter.web.app.Site`` of a daemon."""

    def __init__(
        self,
        in_force: InForce,
        publisher: Publisher,
        pool: Pool,
        organizations: Organizations,
        sessions: Sessions,
        telemetry: Telemetry,
        clock: Clock,
        web_config: WebConfigFile | None,
        reload: Callable[[str], Future[None]],
    ) -> None:
        self._in_force = in_force
        self._publisher = publisher
        self._pool = pool
        self._organizations = organizations
        self._sessions = sessions
        self._telemetry = telemetry
        self._clock = clock
        self._web_config = web_config
        self._started = clock.now()
        self.request_reload = reload

    def scrape(self, format: Format, gzip: bool) -> Iterable[bytes]:  # noqa: A002 - as in Site
        """Return the exposition in pieces."""
        return scrape(self._publisher.published, self._telemetry, format, gzip=gzip)

    def healthy(self) -> Check:
        """Return whether the publisher and all threads are running, independent of AWS."""
        silence = self._publisher.seconds_since_beat
        if silence > _PUBLISHER_SILENCE_SECONDS:
            return Check(ok=False, detail=f"the publisher, which renders /metrics, has not run for {silence:.0f} s")
        if dead := self._pool.dead:
            return Check(ok=False, detail=f"internal error: the exporter makes no calls for {', '.join(dead)}")
        return Check(ok=True, detail="healthy")

    def ready(self) -> Check:
        """Return whether all targets were tried once and this is published, or the time for this has ended."""
        published = self._publisher.published
        waiting = [target.name for target in published.targets if not target.attempted]
        waiting += self._unread
        # Read this last, so that all targets that exist by then are published.
        shown = {target.name for target in published.targets}
        waiting += [
            target.spec.name for target in tuple(self._in_force.targets.values()) if target.spec.name not in shown
        ]
        if published.generation > 0 and not waiting:
            return Check(ok=True, detail="ready")
        names = ", ".join(waiting) or "all targets"
        if self._clock.monotonic() - self._started.monotonic >= _READY_ANYWAY_SECONDS:
            return Check(ok=True, detail=f"ready without a first answer after {_READY_ANYWAY_SECONDS:.0f} s: {names}")
        return Check(ok=False, detail=f"waiting for a first answer: {names}")

    @property
    def _unread(self) -> list[str]:
        """The names of the organizations whose first reading has not ended, or whose accounts are not applied yet."""
        followed = self._in_force.followed
        return [
            view.spec.name
            for view in self._organizations.views
            if not view.tried or (view.accounts is not None and view.accounts != followed.get(view.spec))
        ]

    def snapshot(self) -> Snapshot:
        """Return the data for the pages. Each target's lock is held only to read a few numbers."""
        published, health, now = self._publisher.published, self.healthy(), self._clock.now()
        totals = self._telemetry.totals()
        return Snapshot(
            version=__version__,
            started=self._started.wall,
            now=now.wall,
            generation=published.generation,
            targets=published.targets,
            left_out=published.left_out,
            states={
                target.spec.name: self._state_of(target, totals, now)
                for target in tuple(self._in_force.targets.values())
            },
            configuration=self._in_force.configuration,
            web=None if self._web_config is None else WebConfiguration.of(self._web_config),
            unhealthy="" if health.ok else health.detail,
            organizations=tuple(
                OrganizationState(view, self._sessions.source(view.spec), totals.get(view.spec.name, Totals({}, {})))
                for view in self._organizations.views
            ),
        )

    def _state_of(self, target: Target, totals: Mapping[str, Totals], now: Instant) -> TargetState:
        with target.lock:
            spec, standing = target.spec, target.standing(now)
        return TargetState(spec, self._sessions.source(spec), standing, totals.get(spec.name, Totals({}, {})))
