"""Configures logging: one line for each event, on standard error, as logfmt or JSON.

Lines of libraries have the same format, but only from level warning. Lower levels are never written, because the SDK's debug
lines have signed requests with session tokens.

Logging never waits: a thread writes the lines. If nobody reads them, some are lost and counted.
"""

from __future__ import annotations

import atexit
import logging
import os
import select
import threading
import traceback
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import structlog

from exporter.log_format import LEVELS, LogFormat

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

    from exporter.clock import Clock

_FIRST = ("ts", "level", "msg")

_STANDARD_ERROR = 2
_MAX_WAITING = 4096  # lines, some megabytes at most
_LAST_LINES_SECONDS = 0.5
_COMPLAINT_PERIOD = 3_600.0

log = structlog.get_logger(__name__)


class Complaints:
    """Log lines about internal errors, with their place in the code. Thread-safe.

    Each text is logged once an hour at most for each target.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._told: dict[tuple[str, str | None], float] = {}
        """The texts and targets of the last hour, and when each was logged (monotonic seconds)."""

    def tell(self, text: str, error: BaseException, **fields: str) -> None:
        """Log an error without its text, which may have a secret."""
        now, told = self._clock.monotonic(), (text, fields.get("target"))
        with self._lock:
            self._told = {each: at for each, at in self._told.items() if now < at + _COMPLAINT_PERIOD}
            if told in self._told:
                return
            self._told[told] = now
        frames = traceback.extract_tb(error.__traceback__)
        where = " < ".join(
            f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames[-4:])
        )
        log.error(text, error=type(error).__name__, where=where, **fields)


def configure(level: str, log_format: LogFormat, stream: TextIO | Background | None = None) -> None:
    """Configure logging for the process. ``level`` is a key of LEVELS. The default stream is standard error.

    If the stream fails, only lines are lost. Standard error is written in the background.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format is LogFormat.JSON
        else structlog.processors.LogfmtRenderer(bool_as_flag=False)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.EventRenamer("msg"),
            _begin_alike,
            _defuse,
            renderer,
        ],
    )
    handler = logging.StreamHandler(stream or Background(_STANDARD_ERROR))
    handler.setFormatter(formatter)
    logging.raiseExceptions = False
    logging.captureWarnings(True)  # noqa: FBT003 - the signature of the library
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("exporter").setLevel(LEVELS[level])
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


class Background:
    """Writes lines to a file descriptor in a daemon thread, so that ``write`` returns at once.

    Lines are lost if too many others are waiting, or if writing fails. When all waiting lines have been written, a warning says
    how many were lost. At the end of the process, waiting lines get half a second. Python's own standard error is not used,
    because its lock, held by a write that hangs, would make the process abort at its end.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._condition = threading.Condition()
        self._waiting: deque[str] = deque()
        self._writing = False
        self._lost = 0
        threading.Thread(target=self._run, name="log", daemon=True).start()
        atexit.register(self.drain, _LAST_LINES_SECONDS)

    def write(self, text: str) -> None:
        """Add a text to write. It is lost if too many are waiting."""
        with self._condition:
            if len(self._waiting) < _MAX_WAITING:
                self._waiting.append(text)
            else:
                self._lost += 1
            self._condition.notify_all()

    def drain(self, timeout: float) -> None:
        """Wait until everything is written, ``timeout`` seconds at most."""
        with self._condition:
            self._condition.wait_for(lambda: not self._waiting and not self._writing, timeout)

    def _run(self) -> None:
        while True:
            with self._condition:
                self._writing = False
                self._condition.notify_all()
                self._condition.wait_for(lambda: self._waiting)
                text = self._waiting.popleft()
                self._writing = True
            written = self._write(text.encode(errors="backslashreplace"))
            with self._condition:
                self._lost += not written
                # Write the warning only after a successful write. Otherwise a broken stream would be tried forever.
                lost = self._lost if written and not self._waiting else 0
                self._lost -= lost
            if lost:
                log.warning("log lines were lost", lines=lost)

    def _write(self, data: bytes) -> bool:
        try:
            while data:
                try:
                    data = data[os.write(self._descriptor, data) :]
                except BlockingIOError:  # another process that shares the pipe has made it non-blocking
                    select.select([], [self._descriptor], [])
        except OSError:
            return False
        return True


def _begin_alike(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Put the fields that all lines have first, in both formats."""
    return {key: event[key] for key in _FIRST if key in event} | dict(event)


def _defuse(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: defused(value) if isinstance(value, str) else value for key, value in event.items()}


def defused(text: str) -> str:
    """Return a text in which invisible characters are written as escapes.

    So no text of others can control a terminal, begin a new line, or change the order in which a line is shown. Newlines
    stay: the renderers handle them.
    """
    return text if text.isprintable() else "".join(map(_visible, text))


def _visible(character: str) -> str:
    seen = character.isprintable() or character == "\n"
    return character if seen else character.encode("unicode_escape").decode()
