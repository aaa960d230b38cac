"""Standard error that nobody reads, that is closed, or that breaks: logging never stops anything else."""

from __future__ import annotations

import fcntl
import logging
import os
import signal

import pytest
import structlog
from environment.process import configuration
from support.processes import wait_until

from exporter import logs
from exporter.log_format import LogFormat

NAMES = tuple(f"missing-{number}" for number in range(200))


@pytest.fixture
def pipe():
    """The two ends of a pipe that holds as little as a pipe can; both are closed at the end."""
    ends = list(os.pipe())
    fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, 4096)
    yield ends
    for end in ends:
        os.close(end)


def test_a_pipe_that_nobody_reads(run, file, endpoint, pipe):
    file.write_text(configuration(endpoint, *NAMES))
    exporter = run(file, "--no-config.auto-reload", stderr=pipe[1])
    wait_until(lambda: len(exporter.up()) == len(NAMES) and exporter.rounds() >= 2, what="two rounds")
    os.set_blocking(pipe[1], False)
    with pytest.raises(BlockingIOError):
        os.write(pipe[1], b"x" * 4096)  # or it was not full
    os.set_blocking(pipe[1], True)

    file.write_text(configuration(endpoint, "one"))
    exporter.send(signal.SIGHUP)
    exporter.wait_for_up("one")
    assert exporter.get("/-/healthy").status_code == 200
    exporter.end(signal.SIGTERM)


def test_a_pipe_whose_reader_goes_away(run, file, endpoint, pipe):
    exporter = run(file, "--no-config.auto-reload", stderr=pipe[1])
    exporter.wait_for_up("one")
    os.close(pipe[0])
    pipe[0] = os.dup(pipe[1])
    file.write_text(configuration(endpoint, "two"))
    exporter.send(signal.SIGHUP)
    exporter.wait_for_up("two")
    exporter.end(signal.SIGTERM)


@pytest.mark.parametrize("closed", [[2], [0, 1, 2]], ids=str)
def test_streams_closed_from_the_start(run, file, simulator, closed):
    """Else a socket would get the number of standard error, and log lines would be sent to whoever is at its other end."""

    def close():
        for number in closed:
            os.close(number)

    exporter = run(file, preexec_fn=close)
    exporter.wait_for_up("one")
    for number in closed:
        assert os.readlink(f"/proc/{exporter.pid}/fd/{number}") == os.devnull
    exporter.end(signal.SIGTERM)


@pytest.fixture
def background(pipe):
    """Log to a pipe in the background."""
    root, package = logging.getLogger(), logging.getLogger("exporter")
    before = (root.handlers, root.level, package.level, logging.raiseExceptions)
    configured = structlog.get_config()
    background = logs.Background(pipe[1])
    logs.configure("info", LogFormat.LOGFMT, background)
    yield background
    root.handlers, root.level, package.level, logging.raiseExceptions = before
    logging.captureWarnings(False)
    structlog.configure(**configured)


def test_lines_that_were_lost_are_counted(background, pipe):
    log = structlog.get_logger("exporter")
    written = 6000
    for number in range(written):
        log.info("line", number=number)
    text = b""
    while b"lost" not in text:
        text += os.read(pipe[0], 65536)
    *lines, last = text.decode().splitlines()
    assert all(f"number={number}" in line for number, line in enumerate(lines))  # the oldest are kept
    assert "level=warning" in last
    assert last.endswith(f'msg="log lines were lost" lines={written - len(lines)}')
    assert len(lines) < written

    log.info("next")
    assert b"msg=next" in os.read(pipe[0], 65536)


def test_a_descriptor_that_others_made_non_blocking(background, pipe):
    os.set_blocking(pipe[1], False)
    log = structlog.get_logger("exporter")
    for number in range(100):
        log.info("line", number=number, filler="x" * 100)
    text = b""
    while b"number=99" not in text:
        text += os.read(pipe[0], 65536)
    assert text.count(b"\n") == 100


def test_text_that_is_no_unicode(background, pipe):
    structlog.get_logger("exporter").info("line", file=os.fsdecode(b"caf\xe9-\xc3\xa9"))
    assert r"caf\udce9-é" in os.read(pipe[0], 65536).decode()
