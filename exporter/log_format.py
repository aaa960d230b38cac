"""The words of ``--log.level`` and ``--log.format``, apart from what logs: a command's help needs only the words."""

from __future__ import annotations

import logging
from enum import StrEnum

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class LogFormat(StrEnum):
    """How a log line is written."""

    LOGFMT = "logfmt"
    JSON = "json"
