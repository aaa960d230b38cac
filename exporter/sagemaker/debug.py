"""Prints the SDK's own log with ``--debug``, line by line and without secrets."""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from exporter.sagemaker.redact import without_secrets
from exporter.sagemaker.transport import call_under_way

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

log = logging.getLogger("exporter")

_LOGGERS = ("exporter", "botocore", "urllib3")
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_BYTES = re.compile(r"\bb(?=['\"])")  # as in b'…', after a name and a colon
_OF_STS = re.compile(r"<((?:AccessKeyId|SecretAccessKey|SessionToken)>)[^<]*")
_LEFT_OUT = "*** a line that repeats credentials"


@contextmanager
def debugging(stream: TextIO) -> Iterator[None]:
    """Write what the SDK and the exporter log during the block to a stream, with secrets masked."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Masking(_FORMAT))
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.addHandler(handler)
        each.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.removeHandler(handler)
            each.setLevel(level)


class _Masking(logging.Formatter):
    """Masks the whole record, including its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        call = call_under_way()
        sent = call.sent if call else ()
        return "\n".join(_masked(line, sent) for line in super().format(record).splitlines())


def _masked(line: str, sent: Collection[str]) -> str:
    indentation = line[: len(line) - len(line.lstrip())]
    text = without_secrets(_OF_STS.sub(r"<\1***", _BYTES.sub("", line)), sent)
    return indentation + (_LEFT_OUT if text is None else text)
