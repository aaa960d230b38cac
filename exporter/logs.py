"""The one place that configures logging: a line for each event, on standard error, as logfmt or JSON.

Libraries log through the standard library; their lines come out in the same format, from warning up only. They never
come out lower: the SDK's debug lines hold signed requests, session tokens included.

Logging never waits: a thread writes the lines. If they are not read, some are lost and counted.
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

# What a terminal or a line reader would act on; newlines are the renderers' own business.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code != 0x0A} | {0x09: "\\t"}

_FIRST = ("ts", "level", "msg")

_STANDARD_ERROR = 2
_MAX_WAITING = 4096  # lines, some megabytes at worst
_LAST_LINES_SECONDS = 0.5
_COMPLAINT_PERIOD = 3_600.0

log = structlog.get_logger(__name__)


class Complaints:
    """Lines about what should not happen, with where it did: each text once an hour at most. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[str, float] = {}

    def tell(self, text: str, error: BaseException, **fields: str) -> None:
        """Log an error; its own text is left out, since it may quote what must not be logged."""
        now = self._clock.monotonic()
        if now < self._told.get(text, -_COMPLAINT_PERIOD) + _COMPLAINT_PERIOD:
            return
        self._told[text] = now
        frames = traceback.extract_tb(error.__traceback__)
        where = " < ".join(
            f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames[-4:])
        )
        log.error(text, error=type(error).__name__, where=where, **fields)


def configure(level: str, log_format: LogFormat, stream: TextIO | Background | None = None) -> None:
    """Set up logging for the process: ``level`` is a key of LEVELS, ``stream`` standard error unless given.

    A stream that breaks loses lines and nothing else. Standard error is written in the background.
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
    logging.captureWarnings(True)  # noqa: FBT003 - the library's signature
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
    """Lines for a file descriptor, written by a daemon thread, so that ``write`` returns at once.

    Lines that find too many others waiting, or whose writing fails, are lost; the next line that gets through and
    leaves none waiting is followed by a warning that tells how many. At the process's end what waits is given half a
    second. Python's own standard error is left alone: its lock, held in a write that hangs, would abort that end.
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
        """Have the text written, or lose it."""
        with self._condition:
            if len(self._waiting) < _MAX_WAITING:
                self._waiting.append(text)
            else:
                self._lost += 1
            self._condition.notify_all()

    def drain(self, timeout: float) -> None:
        """Wait until everything is written, at most ``timeout`` seconds."""
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
                # Only what gets through is followed by more, or a stream that is broken would be tried for ever.
                lost = self._lost if written and not self._waiting else 0
                self._lost -= lost
            if lost:
                log.warning("log lines were lost", lines=lost)

    def _write(self, data: bytes) -> bool:
        try:
            while data:
                try:
                    data = data[os.write(self._descriptor, data) :]
                except BlockingIOError:  # who shares the pipe with us has made it so
                    select.select([], [self._descriptor], [])
        except OSError:
            return False
        return True


def _begin_alike(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Put first what every line has, in either format."""
    return {key: event[key] for key in _FIRST if key in event} | dict(event)


def _defuse(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: defused(value) if isinstance(value, str) else value for key, value in event.items()}


def defused(text: str) -> str:
    """Return a text with its control characters visible, so that no text of others can write to a terminal or start a line."""
    return text.translate(_CONTROLS)
