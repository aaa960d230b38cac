"""The daemon: creates all parts and connects them. Only the main thread changes them.

The main thread reads commands from a queue. Signals, requests and the file watcher only put commands into it. So starting,
applying a configuration and stopping never happen at the same time.
"""

from __future__ import annotations

import gc
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from exporter.commands import Commands, FollowAccounts, Reload, Stop
from exporter.config import ConfigError, Problem
from exporter.exposition import Publisher, TargetCollector, families_in_force
from exporter.fleet import Organizations, Pool, Target, TargetView, log_events
from exporter.sagemaker import SageMakerApi, Sessions, read_accounts
from exporter.site import DaemonSite, InForce
from exporter.switch_interval import ORDINARY_SECONDS, short_switch_interval
from exporter.telemetry import Telemetry
from exporter.web.app import create_app
from exporter.web.pages import Configuration, Origin, Refused
from exporter.web.server import WebServer

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from exporter.clock import Clock, Instant
    from exporter.config.specs import Settings, TargetKey, TargetSpec
    from exporter.exposition import Published
    from exporter.sagemaker import Api
    from exporter.web.webconfig.file import WebConfigFile

_STOP_SECONDS = 3.0
_WEB_STOP_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Daemon:
    """One exporter.

    ``load`` reads the configuration again and returns it, or raises ConfigError. ``settings`` is the first configuration.
    ``sockets`` are listening sockets, which the daemon closes. ``lifecycle``, ``prefix`` and ``show_pages`` are those of
    ``create_app``. Without ``web_config`` it serves HTTP without passwords. ``make_api`` replaces the real API by an in-process
    one, and ``around`` wraps either. ``origin`` is the source of the configuration, for a page.
    """

    def __init__(
        self,
        load: Callable[[], Settings],
        settings: Settings,
        sockets: Sequence[socket.socket],
        clock: Clock,
        *,
        lifecycle: bool = False,
        prefix: str = "",
        show_pages: bool = True,
        web_config: WebConfigFile | None = None,
        make_api: Callable[[TargetSpec], Api] | None = None,
        around: Callable[[TargetSpec, Api], Api] | None = None,
        origin: Origin | None = None,
    ) -> None:
        self._sessions = Sessions()
        self.telemetry = Telemetry()
        self._load = load
        self._settings = settings
        self._clock = clock
        plain = make_api or (lambda spec: SageMakerApi(spec, self._sessions, self.telemetry))
        self._make_api = plain if around is None else lambda spec: around(spec, plain(spec))
        self._in_force = InForce(Configuration(origin or Origin(), settings, clock.time(), "start"))
        self._commands = Commands()
        self._organizations = Organizations(
            lambda spec: read_accounts(spec, self._sessions, self.telemetry),
            self.telemetry,
            clock,
            lambda: self._commands.put(FollowAccounts()),
        )
        self._publisher = Publisher(self._views, self.telemetry, clock)
        self._pool = Pool(clock, lambda more: self._publisher.changed(more=more))
        self.telemetry.show(TargetCollector(lambda: self._publisher.published))
        if web_config is not None:
            self.telemetry.show_web_config(lambda: web_config.trouble is None, lambda: web_config.loaded)
        self.site = DaemonSite(
            self._in_force,
            self._publisher,
            self._pool,
            self._organizations,
            self._sessions,
            self.telemetry,
            clock,
            web_config,
            self.request_reload,
        )
        app = create_app(self.site, lifecycle=lifecycle, prefix=prefix, show_pages=show_pages)
        self._web = WebServer(app, sockets, web_config=web_config, prefix=prefix)

    @property
    def published(self) -> Published:
        """What scrapes get now."""
        return self._publisher.published

    def start(self) -> None:
        """Start all threads. Return when the web server answers."""
        sys.setswitchinterval(ORDINARY_SECONDS)
        self._pool.start()
        self._load_in(self._settings, "start")
        self._publisher.start()
        self._web.start()

    def run(self) -> None:
        """Carry out commands until the command to stop, then stop."""
        # A full garbage collection stops all threads. Most objects live as long as the process, such as imported code. Without
        # them it takes a sixth of the time (90 ms before, while pages were opened).
        gc.collect()
        gc.freeze()
        while Stop() not in (waiting := self._commands.wait()):
            reloads = [command for command in waiting if isinstance(command, Reload)]
            self._reload(reloads)
            if len(reloads) < len(waiting):
                self._follow_organizations()
        self._commands.cancel(waiting)
        self.stop()

    def request_stop(self) -> None:
        """Make ``run`` return. Safe in a signal handler and in any thread."""
        self._commands.put(Stop())

    def request_reload(self, trigger: str) -> Future[None]:
        """Make ``run`` load the configuration again. Safe in a signal handler and in any thread.

        The future raises ConfigError if it cannot be used. Then nothing has changed.
        """
        command = Reload(trigger)
        self._commands.put(command)
        return command.done

    def stop(self) -> None:
        """Stop everything within seconds. Calls that hang are abandoned."""
        log.info("stopping")
        deadline = time.monotonic() + _STOP_SECONDS
        self._organizations.keep_only(())
        self._pool.stop()
        self._web.stop(_WEB_STOP_SECONDS)
        self._publisher.stop(_WEB_STOP_SECONDS)
        self._pool.join(max(0.0, deadline - time.monotonic()))
        self._sessions.keep_only(())
        self._commands.cancel()
        log.info("stopped")

    def _reload(self, asked: Sequence[Reload]) -> None:
        """Load and apply a configuration once, for all who asked, so that a stop waits for one loading at most.

        All problems are found before anything changes. The log line is written before the metric changes. Both name the first
        trigger.
        """
        asked = [command for command in asked if command.done.set_running_or_notify_cancel()]
        if not asked:
            return  # nobody asked, or all who asked have disconnected
        trigger = asked[0].trigger
        failed: Exception | None = None
        try:
            with short_switch_interval():
                self._load_in(self._load(), trigger)
        except ConfigError as error:
            problems = str(error)
            log.error("configuration refused; still using the previous one", trigger=trigger, problems=problems)  # noqa: TRY400
            self._refuse(trigger, error.problems)
            failed = error
        except Exception as error:  # a defect of ours must not end what works
            text = "internal error while loading the configuration; still using the previous one; please report this"
            log.exception(text, trigger=trigger)
            self._refuse(trigger, (Problem(self._in_force.configuration.origin.file, None, "", text),))
            failed = error
        for command in asked:
            if failed is None:
                command.done.set_result(None)
            else:
                command.done.set_exception(failed)

    def _refuse(self, trigger: str, problems: tuple[Problem, ...]) -> None:
        refused = Refused(self._clock.time(), trigger, problems)
        self._in_force.configuration = replace(self._in_force.configuration, refused=refused)
        self.telemetry.reload_successful.set(0)

    def _load_in(self, settings: Settings, trigger: str) -> None:
        """Apply a loaded configuration. Raises ConfigError if it contradicts the known accounts."""
        accounts = self._organizations.accounts_of(settings.organizations)
        self._apply(settings.with_accounts(accounts), trigger)
        self._in_force.followed = accounts
        self._settings = settings
        self._organizations.keep_only(settings.organizations)
        if not settings.targets and not settings.organizations:
            log.warning(
                "the configuration watches nothing", remedy="Add tuning_jobs or discover rules, or check the shard."
            )
        for each in settings.ineffective:
            log.warning("a part of the configuration has no effect", part=str(each))
        now = self._clock.time()
        self._in_force.configuration = Configuration(
            self._in_force.configuration.origin, self._in_force.configuration.settings, now, trigger
        )
        self.telemetry.reload_successful.set(1)
        self.telemetry.reload_success_time.set(now)

    def _follow_organizations(self) -> None:
        """Apply the present accounts of organizations to the present configuration."""
        accounts = self._organizations.accounts
        try:
            self._apply(self._settings.with_accounts(accounts), "organization")
        except ConfigError as error:
            text = "the organization's accounts contradict the configuration; still watching the previous accounts"
            log.error(text, problems=str(error))  # noqa: TRY400
        except Exception:  # a defect of ours must not end what works
            text = "internal error while following an organization; still watching the old accounts; please report this"
            log.exception(text)
        self._in_force.followed = accounts

    def _apply(self, settings: Settings, trigger: str) -> None:
        """Make the targets what the settings say: add, update, remove."""
        wanted = {spec.key: spec for spec in settings.targets}
        # Steps that may fail come first.
        apis = {key: self._make_api(spec) for key, spec in wanted.items() if self._is_called_anew(key, spec)}
        for key in self._in_force.targets.keys() - wanted.keys():
            self._pool.remove(self._in_force.targets[key])
        # A new target has its own counters, even if a removed or renamed one had its name. Targets that stay are updated first,
        # so that no answer for a renamed one counts under its old name.
        stay = self._in_force.targets.keys() & wanted.keys()
        self.telemetry.keep_only_targets(
            {name for key in stay if (name := self._in_force.targets[key].spec.name) == wanted[key].name}
        )
        now = self._clock.now()
        targets = {
            key: self._put_to_work(key, wanted[key], apis.get(key), now)
            for key in sorted(wanted, key=lambda key: key not in stay)
        }
        # Replaced as a whole, because other threads read it.
        self._in_force.targets = {key: targets[key] for key in wanted}
        self.telemetry.keep_only_targets({spec.name for spec in settings.targets})
        self._sessions.keep_only((*settings.targets, *settings.organizations))
        self._publisher.show(families_in_force(settings.collect))
        log.info(
            "configuration applied",
            trigger=trigger,
            targets=len(wanted),
            tuning_jobs=sum(len(spec.jobs) for spec in settings.targets),
            rules=len({rule.name for spec in settings.targets for rule in spec.rules}),
        )
        self._in_force.configuration = replace(self._in_force.configuration, settings=settings)

    def _is_called_anew(self, key: TargetKey, spec: TargetSpec) -> bool:
        """Return whether a target is new, or needs a new API client."""
        before = self._in_force.targets[key].spec if key in self._in_force.targets else None
        return before is None or (spec.name, spec.connection) != (before.name, before.connection)

    def _put_to_work(self, key: TargetKey, spec: TargetSpec, api: Api | None, now: Instant) -> Target:
        """Apply the configuration of a target and make its calls with ``api``, or with the present client if that is None."""
        target = self._in_force.targets.get(key)
        if target is None:
            target = Target(spec, self.telemetry, now)
        else:
            with target.lock:
                events = target.update(spec, now)
            log_events(events)
        if api is None:
            self._pool.look_at(target)
        else:
            self._pool.drive(target, api)
        return target

    def _views(self, now: Instant) -> Iterator[TargetView]:
        for target in tuple(self._in_force.targets.values()):
            with target.lock:
                view = target.view(now)
            yield view
