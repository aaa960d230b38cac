"""Noticing changes of a file however it is replaced, on a manual clock."""

from __future__ import annotations

import os
import queue

import pytest
from support.clock import ManualClock
from support.processes import PATIENCE, wait_until

from exporter.config.watch import PERIOD, SETTLE, Watcher


@pytest.fixture
def watch():
    """Return a function that watches a path, and one that lets the watcher look and tells whether it called."""
    watchers: list[Counting] = []
    changes: queue.SimpleQueue[None] = queue.SimpleQueue()
    clock = ManualClock()

    class Counting(Watcher):
        looks = 0

        def _look(self):
            self.looks += 1
            return super()._look()

    def watch(path):
        watcher = Counting(path, lambda: changes.put(None), clock)
        watcher.start()
        watchers.append(watcher)

    def look(seconds=PERIOD):
        (watcher,) = watchers
        before = watcher.looks
        wait_until(lambda: clock._waiting, what="the watcher to wait")
        clock.advance(seconds)
        wait_until(lambda: watcher.looks > before and clock._waiting, what="a look")
        called = not changes.empty()
        while not changes.empty():
            changes.get()
        return called

    yield watch, look
    for watcher in watchers:
        watcher.stop()
        watcher._thread.join(PATIENCE)
        assert not watcher._thread.is_alive()


def test_only_content_counts(watch, tmp_path):
    start, look = watch
    file = tmp_path / "config.yaml"
    file.write_text("one")
    start(file)
    assert not look()
    os.utime(file, (1, 1))
    assert not look()
    file.write_text("two")
    assert not look()
    assert look(SETTLE)
    assert not look()


def test_half_of_a_file_is_not_looked_at_twice(watch, tmp_path):
    start, look = watch
    file = tmp_path / "config.yaml"
    file.write_text("old")
    start(file)
    with file.open("w", buffering=1) as writer:
        for line in range(5):
            writer.write(f"line {line}\n")
            assert not look(PERIOD if line == 0 else SETTLE)
    assert look(SETTLE)
    assert not look()


def test_what_is_taken_back_at_once_was_no_change(watch, tmp_path):
    start, look = watch
    file = tmp_path / "config.yaml"
    file.write_text("one")
    start(file)
    for content in ("two", "one"):
        file.write_text(content)
        assert not look()
    assert not look()


def test_a_pipe_is_not_opened_and_a_sparse_file_not_read(watch, tmp_path):
    """Opened by a look, a pipe would lose its writer; a terabyte takes an hour to read."""
    start, look = watch
    file = tmp_path / "config.yaml"
    file.write_text("one")
    start(file)
    file.unlink()
    os.mkfifo(file)
    reader = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    with open(file, "w") as writer:
        writer.write("two")
        writer.flush()
        assert not look()
        assert look(SETTLE)
        assert os.read(reader, 10) == b"two"
    os.close(reader)
    file.unlink()
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)
    assert not look()


def test_a_file_renamed_over_it(watch, tmp_path):
    start, look = watch
    file = tmp_path / "config.yaml"
    file.write_text("one")
    start(file)
    (tmp_path / "new").write_text("two")
    (tmp_path / "new").rename(file)
    assert not look()
    assert look(SETTLE)


def test_the_symbolic_link_of_a_config_map(watch, tmp_path):
    start, look = watch
    for version in ("1", "2"):
        (tmp_path / f"..{version}").mkdir()
        (tmp_path / f"..{version}" / "config.yaml").write_text(version)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "config.yaml").symlink_to("..data/config.yaml")
    start(tmp_path / "config.yaml")
    assert not look()
    (tmp_path / "..data_tmp").symlink_to("..2")
    (tmp_path / "..data_tmp").rename(tmp_path / "..data")
    assert not look()
    assert look(SETTLE)
    assert not look()


def test_vanishing_and_returning_are_changes(watch, tmp_path):
    start, look = watch
    file = tmp_path / "config.yaml"
    file.write_text("one")
    start(file)
    file.unlink()
    assert not look()
    assert look(SETTLE)
    assert not look()
    file.write_text("one")
    assert not look()
    assert look(SETTLE)


def test_a_directory_in_its_place_is_as_good_as_none(watch, tmp_path):
    start, look = watch
    start(tmp_path)
    assert not look()
