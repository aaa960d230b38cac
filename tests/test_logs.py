"""Logging: one line for each event, in either format, and nothing that could be taken for another line."""

from __future__ import annotations

import io
import json
import logging
import re

import pytest
import structlog
from structlog.testing import capture_logs
from support.clock import ManualClock

from exporter import logs
from exporter.fleet.events import Event, log_events
from exporter.log_format import LEVELS, LogFormat


@pytest.fixture
def stream():
    root, package = logging.getLogger(), logging.getLogger("exporter")
    before = (root.handlers, root.level, package.level, logging.raiseExceptions)
    configured = structlog.get_config()
    yield io.StringIO()
    root.handlers, root.level, package.level, logging.raiseExceptions = before
    logging.captureWarnings(False)
    structlog.configure(**configured)


def test_logfmt_starts_with_time_level_and_text(stream):
    logs.configure("info", LogFormat.LOGFMT, stream)
    structlog.get_logger("exporter.fleet").info("tuning job found", tuning_job="a", status="InProgress")
    assert re.fullmatch(
        r'ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z level=info msg="tuning job found" tuning_job=a status=InProgress\n',
        stream.getvalue(),
    )


def test_json_has_an_object_a_line(stream):
    logs.configure("info", LogFormat.JSON, stream)
    log = structlog.get_logger("exporter")
    log.info("one", reason='ä "quoted"\nsecond line')
    log.warning("two")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["msg"], first["level"], first["reason"]) == ("one", "info", 'ä "quoted"\nsecond line')
    assert (second["msg"], second["level"]) == ("two", "warning")
    assert list(first) == ["ts", "level", "msg", "reason"]
    assert list(second) == ["ts", "level", "msg"]


def test_json_has_numbers_as_numbers_and_libraries_in_the_same_order(stream):
    logs.configure("info", LogFormat.JSON, stream)
    log_events([Event("info", "one", {"target": "eu", "failures": 6})])
    logging.getLogger("uvicorn").warning("two")
    first, second = stream.getvalue().splitlines()
    assert first.endswith('"level": "info", "msg": "one", "target": "eu", "failures": 6}')
    assert list(json.loads(first))[:3] == list(json.loads(second))[:3] == ["ts", "level", "msg"]


@pytest.mark.parametrize("level", LEVELS)
def test_shows_its_level_and_what_is_worse(stream, level):
    logs.configure(level, LogFormat.JSON, stream)
    log = structlog.get_logger("exporter")
    for name in LEVELS:
        getattr(log, name)("something")
    shown = [json.loads(line)["level"] for line in stream.getvalue().splitlines()]
    assert shown == list(LEVELS)[list(LEVELS).index(level) :]


@pytest.mark.parametrize(
    "text",
    [
        *("one\ntwo", "one two\nts=forged level=info", "\x1b[31mred\r\x07", 'a="b"', "back\\slash end"),
        *("one\u2028two\u2029three\x85four", "\u202egnp.exe\u2066", "in\u200bvisible\U000e0041", "\ud800"),
    ],
)
@pytest.mark.parametrize("log_format", LogFormat)
def test_no_text_starts_a_line_or_writes_to_a_terminal(stream, log_format, text):
    logs.configure("info", log_format, stream)
    structlog.get_logger("exporter").info("failed", message=text)
    written = stream.getvalue()
    assert written.count("\n") == 1
    assert written.endswith("\n")
    assert written[:-1].isprintable()


def test_what_is_seen_stays_as_it_is_and_what_is_not_is_told():
    assert logs.defused("Größe 日本語 🎉 \t|\x1b|\x85|\u202e|\U000e0041|\n") == (
        "Größe 日本語 🎉 \\t|\\x1b|\\x85|\\u202e|\\U000e0041|\n"
    )


@pytest.mark.parametrize("level", LEVELS)
def test_libraries_are_heard_from_warning_up_only(stream, level):
    """The SDK's debug lines hold signed requests with session tokens."""
    logs.configure(level, LogFormat.LOGFMT, stream)
    logging.getLogger("botocore.auth").debug("x-amz-security-token:secret")
    logging.getLogger("botocore.credentials").info("Found credentials in environment variables.")
    # Their warnings quote headers, and URLs with passwords.
    logging.getLogger("urllib3.connectionpool").warning("header: %s", "x-amz-security-token:secret")
    logging.getLogger("botocore.utils").error("http://user:secret@proxy")
    logging.getLogger("uvicorn").warning("%s is full", "the queue")
    assert stream.getvalue().splitlines() == [stream.getvalue().strip()]
    assert "the queue is full" in stream.getvalue()


def test_a_broken_stream_loses_lines_and_nothing_else(stream):
    class Broken(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    logs.configure("info", LogFormat.LOGFMT, Broken())
    structlog.get_logger("exporter").info("lost")


def test_an_exception_comes_with_its_traceback_on_one_line(stream):
    logs.configure("info", LogFormat.LOGFMT, stream)
    try:
        raise ValueError("bad value")
    except ValueError:
        structlog.get_logger("exporter").exception("ended")
    assert stream.getvalue().count("\n") == 1
    assert "ValueError: bad value" in stream.getvalue()


def test_an_internal_error_is_logged_once_an_hour_for_each_target():
    clock = ManualClock()
    complaints = logs.Complaints(clock)
    logged = []
    for seconds in (0.0, 1_800.0, 1_800.0):
        clock.advance(seconds)
        with capture_logs() as lines:
            for fields in ({"target": "eu"}, {"target": "us"}, {"target": "us", "remedy": "Restart."}, {}):
                for text in ("one", "two"):
                    complaints.tell(text, ValueError("secret"), **fields)
        logged.append([(line["event"], line.get("target")) for line in lines])
        assert "secret" not in str(lines)
    each = [(text, target) for target in ("eu", "us", None) for text in ("one", "two")]
    assert logged == [each, [], each]


def test_targets_without_an_internal_error_for_an_hour_are_forgotten():
    clock = ManualClock()
    complaints = logs.Complaints(clock)
    with capture_logs():
        for place in range(100):
            complaints.tell("text", ValueError(), target=f"target-{place}")
            clock.advance(360.0)
    assert len(complaints._told) == 10
