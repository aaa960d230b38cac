"""The values of ``--log.level`` and ``--log.format``, in a small module, because help needs only these."""

from __future__ import annotations

import logging
from enum import StrEnum

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class LogFormat(StrEnum):
    """The format of log lines."""

    LOGFMT = "logfmt"
    JSON = "json"
