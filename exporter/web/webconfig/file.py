"""The web configuration file at run time: checks for changes, and keeps the last valid settings."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from exporter.config.problem import ConfigError, Problem
from exporter.web.webconfig.files import looks
from exporter.web.webconfig.read import Reading, read, settled
from exporter.web.webconfig.thread import DaemonThread

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from exporter.clock import Clock
    from exporter.web.webconfig.settings import Settings

LOOK_SECONDS = 1.0
"""Seconds that a request waits for a check of the files. After that it uses the known settings."""

AGAIN_SECONDS = 5.0
"""Seconds after which invalid files are read again, even if they look unchanged."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the files are not used in their present state, and since when (Unix seconds)."""

    problems: tuple[Problem, ...]
    since: float


class _Look:
    """One check of the files. All requests that need one before it begins share it."""

    def __init__(self) -> None:
        self.begun = False
        self.done: asyncio.Future[Reading | None] | None = None


class WebConfigFile:
    """The file and the files that it names. ``settings`` are used since ``loaded`` (Unix seconds).

    The constructor reads the files. It raises ConfigError with all mistakes. ``current`` checks for changes, and uses the new
    settings if they are valid. Otherwise the last valid settings stay, and ``trouble`` says why. ``current`` and ``watch`` are
    called on one event loop. Files are only accessed in a thread.
    """

    def __init__(self, path: Path, clock: Clock, sleep: Callable[[float], object] = time.sleep) -> None:
        self.path = path
        self._clock = clock
        self._sleep = sleep
        reading = settled(path, sleep)
        if reading.settings is None:
            raise ConfigError(reading.problems)
        self.settings: Settings = reading.settings
        self.loaded = clock.time()
        self.trouble: Trouble | None = None
        self._reading = reading
        self._told: set[str] = set()
        self._thread = DaemonThread(name="web-config")
        self._look: _Look | None = None
        self._hangs = False
        self._again = 0.0
        self._on_change: Callable[[Settings], object] = lambda _: None

    def watch(self, on_change: Callable[[Settings], object]) -> None:
        """Call ``on_change`` with the present settings, and with all later ones."""
        self._on_change = on_change
        on_change(self.settings)

    async def current(self) -> Settings:
        """Return the settings in the present files. If they are not valid or the check hangs, return the last valid settings."""
        if self._hangs:
            return self.settings
        look = self._look
        if look is None or look.begun:
            look = self._look = self._begin()
        assert look.done is not None  # noqa: S101 - set when it is made
        done, _ = await asyncio.wait({look.done}, timeout=LOOK_SECONDS)
        if not done and not self._hangs:
            self._hangs = True
            _log.warning(
                "cannot check the web configuration files in time; still using what was last read",
                file=str(self.path),
                remedy="Check the disk or network file system that holds the file, its certificates and keys.",
            )
        return self.settings

    def _begin(self) -> _Look:
        look = _Look()

        def work() -> Reading | None:
            look.begun = True
            return self._changed()

        look.done = self._thread.submit(work)
        look.done.add_done_callback(self._end)
        return look

    def _changed(self) -> Reading | None:
        """Return a new reading if a file has changed, else None. Runs in the thread.

        If the last reading was not valid, read again regularly: its cause may be gone although no file has changed.
        """
        before, now = self._reading, self._clock.monotonic()
        if (self.trouble is None or now < self._again) and all(
            looks(path) == seen for path, seen in before.seen.items()
        ):
            return None
        self._again = now + AGAIN_SECONDS
        found = read(self.path)
        return found if found.digest == before.digest else settled(self.path, self._sleep, found)

    def _end(self, look: asyncio.Future[Reading | None]) -> None:
        if look.cancelled():
            return
        self._hangs = False
        if (error := look.exception()) is not None:
            self._again = self._clock.monotonic() + AGAIN_SECONDS
            message = f"internal error while reading this ({error!r}): please report it"
            self._refuse((Problem(str(self.path), None, "", message),))
            return
        reading = look.result()
        if reading is None:
            return
        before, self._reading = self._reading, reading
        settings, problems = reading.settings, reading.problems
        if settings is not None and settings.scheme != self.settings.scheme:
            settings, problems = None, (self._switched(reading),)
        if settings is None:
            self._refuse(problems)
        elif self.trouble is not None or reading.digest != before.digest:
            self._take(settings)

    def _switched(self, reading: Reading) -> Problem:
        if self.settings.context is None:
            message = "TLS cannot be turned on while the exporter runs: restart it, or remove tls_server_config"
        else:
            message = "TLS cannot be turned off while the exporter runs: restart it, or put tls_server_config back"
        path = "tls_server_config" if reading.tls_line is not None else ""
        return Problem(str(self.path), reading.tls_line, path, message)

    def _refuse(self, problems: tuple[Problem, ...]) -> None:
        error = ConfigError(problems)
        since = self._clock.time() if self.trouble is None else self.trouble.since
        self.trouble = Trouble(error.problems, since)
        if str(error) in self._told:
            return
        self._told.add(str(error))
        _log.error(
            "web configuration refused; still using the last good one",
            problems=str(error),
            remedy="Fix the file or the files that it names. The exporter reads them again at the next request.",
        )

    def _take(self, settings: Settings) -> None:
        self.settings = settings
        self.loaded = self._clock.time()
        self.trouble = None
        self._told.clear()
        _log.info("web configuration applied", file=str(self.path), serving=settings.summary())
        self._on_change(settings)
