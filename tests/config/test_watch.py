"""Noticing changes of a file however it is replaced, on a manual clock."""

from __future__ import annotations

import os
import queue

import pytest
from support.processes import wait_until

from exporter.clock import ManualClock
from exporter.config.watch import Watcher


@pytest.fixture
def watch():
    """Return a function that watches a path, and one that lets the watcher look and tells whether it called."""
    watchers, changes, clock = [], queue.SimpleQueue(), ManualClock()

    class Counting(Watcher):
        looks = 0

        def _look(self):
            self.looks += 1
            return super()._look()

    def watch(path):
        watcher = Counting(path, lambda: changes.put(None), clock, period=5.0)
        watcher.start()
        watchers.append(watcher)

    def look():
        (watcher,) = watchers
        before = watcher.looks
        wait_until(lambda: clock._waiting, what="the watcher to wait")
        clock.advance(5.0)
        wait_until(lambda: watcher.looks > before and clock._waiting, what="a look")
        called = not changes.empty()
        while not changes.empty():
            changes.get()
        return called

    yield watch, look
    for watcher in watchers:
        watcher.stop()
        watcher._thread.join(5)
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
    assert look()
    assert not look()


def test_a_file_renamed_over_it(watch, tmp_path):
    start, look = watch
    file = tmp_path / "config.yaml"
    file.write_text("one")
    start(file)
    (tmp_path / "new").write_text("two")
    (tmp_path / "new").rename(file)
    assert look()


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
    assert look()
    assert not look()


def test_vanishing_and_returning_are_changes(watch, tmp_path):
    start, look = watch
    file = tmp_path / "config.yaml"
    file.write_text("one")
    start(file)
    file.unlink()
    assert look()
    assert not look()
    file.write_text("one")
    assert look()


def test_a_directory_in_its_place_is_as_good_as_none(watch, tmp_path):
    start, look = watch
    start(tmp_path)
    assert not look()
