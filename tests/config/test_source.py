"""What may be at the configuration's path, and what it does while it is read."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from support.processes import PATIENCE

from exporter.config import ConfigError, source
from exporter.config.source import MAX_BYTES, look, read_bytes

HALF, WHOLE = b"tuning_jobs: [one", b"tuning_jobs: [one, two]\n"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "config.yaml"


def refusal(path, sleep=lambda _: None):
    with pytest.raises(ConfigError) as caught:
        read_bytes(path, sleep)
    [problem] = caught.value.problems
    assert (problem.file, problem.line) == (str(path), None)
    return problem.message


def test_a_file_is_looked_at_until_two_looks_agree(path):
    path.write_bytes(b"")
    left = [HALF, WHOLE, WHOLE]
    assert read_bytes(path, lambda _: path.write_bytes(left.pop(0))) == WHOLE
    assert left == []


def test_a_file_that_is_swapped_at_once_is_read_as_the_new_one(path, tmp_path):
    path.write_bytes(HALF)
    (tmp_path / "new").write_bytes(WHOLE)

    def swap(_):
        with suppress(FileNotFoundError):
            (tmp_path / "new").rename(path)

    assert read_bytes(path, swap) == WHOLE


def test_a_file_that_goes_on_changing_is_refused(path):
    path.write_bytes(b"")
    waits = []

    def write(seconds):
        waits.append(seconds)
        with path.open("ab") as file:
            file.write(b"- more\n")

    told = "was still changing after 2 s: load it again when it is written completely"
    assert refusal(path, write) == told
    assert sum(waits) == pytest.approx(2)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/urandom"])
def test_a_device_is_not_opened(device, monkeypatch):
    monkeypatch.setattr(os, "open", None)
    assert refusal(Path(device)) == "cannot be read (it is a device): name the right file with --config.file"


def test_of_what_is_too_long_no_more_is_read_than_may_be(path, monkeypatch):
    read, real = [], os.read

    def counting(descriptor, size):
        read.append(len(piece := real(descriptor, size)))
        return piece

    monkeypatch.setattr(os, "read", counting)
    told = "cannot be read (it has more than 16 MiB): name the right file with --config.file"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert refusal(path) == told
    assert read == []
    with path.open("wb") as file:
        file.truncate(MAX_BYTES)
    assert len(look(path)) == MAX_BYTES
    # A file that is longer than it says, as those of /proc are.
    read.clear()
    monkeypatch.setattr(os, "fstat", lambda _: os.stat_result([0] * 10))
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert refusal(path) == told
    assert sum(read) < MAX_BYTES + (1 << 20)


def test_a_pipe_that_nobody_writes_to_is_refused_at_once(path):
    os.mkfifo(path)
    told = "is an empty pipe that no process writes to: start writing first, or name a file"
    assert refusal(path) == told


def test_a_pipe_is_read_to_its_end_and_once(path):
    os.mkfifo(path)
    opened = threading.Event()

    def write():
        with path.open("wb", buffering=0) as writer:
            opened.set()
            writer.write(HALF)
            writer.write(WHOLE)

    # It holds the writer from here on: opening a pipe to write waits for a reader.
    keeping = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    thread = threading.Thread(target=write)
    thread.start()
    opened.wait(PATIENCE)
    try:
        assert read_bytes(path) == HALF + WHOLE
        assert "no process writes" in refusal(path)
    finally:
        thread.join(PATIENCE)
        os.close(keeping)


def test_a_pipe_of_the_shell_is_read(tmp_path):
    reading, writing = os.pipe()
    os.write(writing, WHOLE)
    os.close(writing)
    try:
        assert read_bytes(Path(f"/dev/fd/{reading}")) == WHOLE
    finally:
        os.close(reading)


def test_a_pipe_that_is_not_closed_is_given_up(path, monkeypatch):
    monkeypatch.setattr(source, "PIPE_SECONDS", 0.05)
    os.mkfifo(path)
    writer = os.open(path, os.O_RDWR)
    os.write(writer, HALF)
    try:
        assert refusal(path) == "is a pipe that did not end within 0.05 s: close it when all is written"
    finally:
        os.close(writer)


def test_a_pipe_without_end_is_given_up(path):
    os.mkfifo(path)
    keeping = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(path, os.O_WRONLY)

    def flood():
        with suppress(BrokenPipeError):
            while True:
                os.write(writer, b"#" * 65_536)

    thread = threading.Thread(target=flood, daemon=True)
    thread.start()
    try:
        assert refusal(path).startswith("cannot be read (it has more than 16 MiB)")
    finally:
        os.close(keeping)
        thread.join(PATIENCE)
        os.close(writer)


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(path):
    path.write_bytes(HALF)

    def replace(_):
        path.unlink(missing_ok=True)
        os.mkfifo(path)

    assert refusal(path, replace) == "cannot be read (it is a pipe): name the right file with --config.file"
