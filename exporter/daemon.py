"""The daemon: everything wired together, and the one thread that may change the wiring.

The main thread waits on a queue. Signals only put commands there, so that starting, applying a configuration and
stopping never meet each other half way.
"""

from __future__ import annotations

import queue
import signal
import time
from enum import Enum, auto
from typing import TYPE_CHECKING

import structlog

from exporter import __version__
from exporter.exposition import Publisher, TargetCollector, scrape
from exporter.fleet import JobState, Target, TargetView, Workers
from exporter.sagemaker import SageMakerApi, Sessions
from exporter.telemetry import Telemetry
from exporter.web.app import Check, create_app
from exporter.web.pages import Link, Overview
from exporter.web.server import WebServer

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from exporter.clock import Clock, Instant
    from exporter.config.specs import Settings, TargetKey, TargetSpec
    from exporter.exposition import Format, Published
    from exporter.sagemaker import Api

_STOP_SECONDS = 3.0
_WEB_STOP_SECONDS = 1.0
_READY_ANYWAY_SECONDS = 30.0
_PUBLISHER_SILENCE_SECONDS = 30.0

log = structlog.get_logger(__name__)


class _Command(Enum):
    STOP = auto()


class Daemon:
    """One exporter. ``make_api`` replaces the real API by an in-process one.

    ``sockets`` are listening sockets, which the daemon closes.
    """

    def __init__(
        self,
        settings: Settings,
        sockets: Sequence[socket.socket],
        clock: Clock,
        make_api: Callable[[TargetSpec], Api] | None = None,
    ) -> None:
        sessions = Sessions()
        self.telemetry = Telemetry()
        self._settings = settings
        self._clock = clock
        self._make_api = make_api or (lambda spec: SageMakerApi(spec, sessions, self.telemetry))
        self._started = clock.now()
        self._commands: queue.SimpleQueue[_Command] = queue.SimpleQueue()
        self._workers: dict[TargetKey, Workers] = {}
        self._publisher = Publisher(self._views, self.telemetry, clock)
        self.telemetry.add_collector(TargetCollector(lambda: self._publisher.published))
        self._web = WebServer(create_app(self), sockets)

    @property
    def published(self) -> Published:
        """What scrapes are served at the moment."""
        return self._publisher.published

    def start(self) -> None:
        """Start every thread; return when the web server answers."""
        self._apply(self._settings)
        self._publisher.start()
        self._web.start()

    def run(self) -> None:
        """Carry out commands until one says to stop; then stop."""
        while self._commands.get() is not _Command.STOP:
            pass
        self.stop()

    def request_stop(self) -> None:
        """Make ``run`` return. Safe in a signal handler and in any thread."""
        self._commands.put(_Command.STOP)

    def handle_signals(self) -> None:
        """Let SIGTERM and SIGINT end the daemon; only for the process's main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.request_stop())

    def stop(self) -> None:
        """Stop everything within seconds, calls that hang left behind."""
        log.info("stopping")
        deadline = time.monotonic() + _STOP_SECONDS
        for workers in self._workers.values():
            workers.stop()
        self._web.stop(_WEB_STOP_SECONDS)
        self._publisher.stop(_WEB_STOP_SECONDS)
        for workers in self._workers.values():
            workers.join(max(0.0, deadline - time.monotonic()))
            workers.api.close()
        log.info("stopped")

    def _apply(self, settings: Settings) -> None:
        """Make the targets what the configuration says: add, update, remove."""
        wanted = {spec.key: spec for spec in settings.targets}
        for key in self._workers.keys() - wanted.keys():
            workers = self._workers.pop(key)
            workers.stop()
            workers.api.close()
            self.telemetry.remove_target(workers.target.spec.name)
        added: list[Workers] = []
        now = self._clock.now()
        for key, spec in wanted.items():
            current = self._workers.get(key)
            if current is None:
                target = Target(spec, self.telemetry, now)
                workers = Workers(target, self._make_api(spec), self._clock, self._publisher.changed)
                self._workers[key] = workers
                added.append(workers)
        self._workers = {key: self._workers[key] for key in wanted}
        self.telemetry.reload_successful.set(1)
        self.telemetry.reload_success_time.set(now.wall)
        self._publisher.changed()
        for workers in added:
            workers.start()
        log.info(
            "configuration applied",
            targets=len(wanted),
            tuning_jobs=sum(len(spec.jobs) for spec in settings.targets),
        )

    def _views(self, now: Instant) -> Iterator[TargetView]:
        for workers in tuple(self._workers.values()):
            with workers.target.condition:
                view = workers.target.view(now)
            yield view

    # What the web room serves: see exporter.web.app.Site.

    def scrape(self, format: Format, gzip: bool) -> Iterable[bytes]:  # noqa: A002 - as the Site has it
        """Return the exposition in pieces."""
        return scrape(self._publisher.published, self.telemetry, format, gzip=gzip)

    def healthy(self) -> Check:
        """Whether the publisher beats and every thread lives, whatever AWS does."""
        silence = self._publisher.seconds_since_beat
        if silence > _PUBLISHER_SILENCE_SECONDS:
            return Check(ok=False, detail=f"the publisher has been silent for {silence:.0f} s")
        dead = [workers.target.spec.name for workers in tuple(self._workers.values()) if not workers.alive]
        if dead:
            return Check(ok=False, detail=f"threads ended for {', '.join(dead)}")
        return Check(ok=True, detail="healthy")

    def ready(self) -> Check:
        """Whether every target was attempted once and that is published, or time has run out on it."""
        published = self._publisher.published
        waiting = [target.name for target in published.targets if not target.attempted]
        if published.generation > 0 and not waiting:
            return Check(ok=True, detail="ready")
        age = self._clock.monotonic() - self._started.monotonic
        if age >= _READY_ANYWAY_SECONDS:
            return Check(ok=True, detail=f"ready: {_READY_ANYWAY_SECONDS:.0f} s have passed")
        return Check(ok=False, detail=f"waiting for a first answer: {', '.join(waiting) or 'all targets'}")

    def overview(self) -> Overview:
        """Return what the landing page tells."""
        targets = self._publisher.published.targets
        return Overview(
            version=__version__,
            started=self._started.wall,
            targets=len(targets),
            jobs={state: sum(target.states[state] for target in targets) for state in JobState},
            links=(
                Link("metrics", "Metrics"),
                Link("-/healthy", "Health: does the process work"),
                Link("-/ready", "Readiness: does a scrape tell something yet"),
            ),
        )
