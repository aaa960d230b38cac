"""The one place that configures logging: a line for each event, on standard error, as logfmt or JSON.

Libraries log through the standard library; their lines come out in the same format, from warning up only. They never
come out lower: the SDK's debug lines hold signed requests, session tokens included.
"""

from __future__ import annotations

import logging
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, TextIO

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

# What a terminal or a line reader would act on; newlines are the renderers' own business.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code != 0x0A} | {0x09: "\\t"}


class LogFormat(StrEnum):
    """How a log line is written."""

    LOGFMT = "logfmt"
    JSON = "json"


def configure(level: str, log_format: LogFormat, stream: TextIO | None = None) -> None:
    """Set up logging for the process: ``level`` is a key of LEVELS, ``stream`` standard error unless given.

    A stream that breaks loses lines and nothing else.
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
        else structlog.processors.LogfmtRenderer(key_order=["ts", "level", "msg"], bool_as_flag=False)
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.EventRenamer("msg"),
            _defuse,
            renderer,
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
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


def _defuse(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Make control characters visible, so that no text of others can write to a terminal or start a line."""
    return {key: value.translate(_CONTROLS) if isinstance(value, str) else value for key, value in event.items()}
