"""A file that changes while it is in use."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.clock import ManualClock
from support.processes import PATIENCE
from support.tls import Authority

from exporter.config.problem import ConfigError
from exporter.web.webconfig import file as module
from exporter.web.webconfig.file import AGAIN_SECONDS, Trouble, WebConfigFile
from exporter.web.webconfig.settings import Settings

HASH = "$2b$04$" + "." * 53
CERTIFICATE = "  cert_file: cert.pem\n  key_file: key.pem\n"
TLS = "tls_server_config:\n" + CERTIFICATE
START = 1_764_000_000.0


def users(*names: str) -> str:
    return "basic_auth_users:\n" + "".join(f"  {name}: {HASH}\n" for name in names)


class Fixture:
    """A file in a folder, in use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "web.yaml"
        self.clock = ManualClock(START)
        self.applied: list[Settings] = []
        self.file: WebConfigFile

    def start(self, text: str) -> WebConfigFile:
        self.path.write_text(text)
        self.file = WebConfigFile(self.path, self.clock, sleep=lambda _: None)
        self.file.watch(self.applied.append)
        return self.file

    def look(self) -> Settings:
        """Return what is in force for a request that comes now."""
        return self.play(self.file.current)

    def trouble(self) -> Trouble:
        assert self.file.trouble is not None
        return self.file.trouble

    def play(self, coroutine: Callable[[], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            async with asyncio.timeout(PATIENCE):
                return await coroutine()

        return asyncio.run(run())


@pytest.fixture
def used(folder: Path) -> Fixture:
    return Fixture(folder)


def test_a_start_with_mistakes_raises_them_all(used: Fixture) -> None:
    with pytest.raises(ConfigError) as caught:
        used.start("basic_auth_users: {a: b, c: d}\n")
    assert len(caught.value.problems) == 2


def test_what_does_not_change_is_not_read_again(used: Fixture) -> None:
    file = used.start(TLS)
    before = file.settings
    for _ in range(3):
        assert used.look() is before
    assert used.applied == [before]
    assert (file.trouble, file.loaded) == (None, START)


def test_a_change_is_in_force_for_the_next_request(used: Fixture) -> None:
    file = used.start(users("alice"))
    used.clock.advance(60)
    used.path.write_text(users("alice", "bob"))
    with capture_logs() as logs:
        assert set(used.look().users) == {"alice", "bob"}
        used.look()
    assert [(line["event"], line["log_level"]) for line in logs] == [("web configuration applied", "info")]
    assert logs[0]["serving"] == "http, users: 2"
    assert [set(settings.users) for settings in used.applied] == [{"alice"}, {"alice", "bob"}]
    assert file.loaded == START + 60


def test_touching_a_file_changes_nothing(used: Fixture) -> None:
    before = used.start(TLS).settings
    used.clock.advance(60)
    os.utime(used.path)
    os.utime(used.folder / "cert.pem")
    with capture_logs() as logs:
        assert used.look() is before
    assert logs == []
    assert used.file.loaded == START


def test_a_certificate_that_is_renewed_is_taken(used: Fixture) -> None:
    before = used.start(TLS).settings
    pair_of(used.folder, "new")
    for part in ("cert", "key"):
        (used.folder / f"new-{part}.pem").rename(used.folder / f"{part}.pem")
    after = used.look()
    assert after.context is not before.context
    assert used.file.trouble is None


def pair_of(folder: Path, name: str) -> None:
    """Write the certificate and the key of a new pair."""
    pair = Authority(folder, f"{name}-ca").issue()
    pair.cert.rename(folder / f"{name}-cert.pem")
    pair.key.rename(folder / f"{name}-key.pem")


def test_between_certificate_and_key_the_old_pair_stays(used: Fixture) -> None:
    before = used.start(TLS).settings
    pair_of(used.folder, "new")
    (used.folder / "new-cert.pem").rename(used.folder / "cert.pem")
    with capture_logs() as logs:
        assert used.look() is before
    assert used.trouble().problems
    assert [line["log_level"] for line in logs] == ["error"]
    (used.folder / "new-key.pem").rename(used.folder / "key.pem")
    with capture_logs() as logs:
        assert used.look() is not before
    assert used.file.trouble is None
    assert [line["event"] for line in logs] == ["web configuration applied"]


def test_a_folder_swapped_as_kubernetes_does_is_seen(used: Fixture) -> None:
    for version, name in (("..1", "alice"), ("..2", "bob")):
        (used.folder / version).mkdir()
        (used.folder / version / "web.yaml").write_text(users(name))
    (used.folder / "..data").symlink_to("..1")
    used.path.symlink_to("..data/web.yaml")
    used.file = WebConfigFile(used.path, used.clock, sleep=lambda _: None)
    assert set(used.look().users) == {"alice"}
    (used.folder / "..tmp").symlink_to("..2")
    (used.folder / "..tmp").rename(used.folder / "..data")
    assert set(used.look().users) == {"bob"}


def test_what_is_wrong_later_is_told_once_and_the_last_good_one_stays(used: Fixture) -> None:
    file = used.start(users("alice"))
    used.clock.advance(10)
    used.path.write_text("basic_auth_users: {alice: secret}\n")
    with capture_logs() as logs:
        for _ in range(3):
            assert set(used.look().users) == {"alice"}
            used.clock.advance(AGAIN_SECONDS)
    [line] = logs
    assert (line["event"], line["log_level"]) == ("web configuration refused; still using the last good one", "error")
    assert line["problems"].startswith(f"{used.path}:1: basic_auth_users.alice: this is not a bcrypt hash")
    assert "secret" not in line["problems"]
    assert file.trouble is not None
    assert ([str(each) for each in file.trouble.problems], file.trouble.since) == ([line["problems"]], START + 10)
    assert file.loaded == START
    used.path.write_text("basic_auth_users: {alice: other}\n")
    with capture_logs() as logs:
        used.look()
    assert logs == []  # the same mistake
    used.path.write_text("- a\n")
    with capture_logs() as logs:
        used.look()
    assert [each["log_level"] for each in logs] == ["error"]
    assert file.trouble.since == START + 10
    used.path.write_text(users("alice"))
    with capture_logs() as logs:
        used.look()
    assert [each["event"] for each in logs] == ["web configuration applied"]
    assert file.trouble is None


def test_a_file_that_is_gone_leaves_the_last_good_state(used: Fixture) -> None:
    before = used.start(TLS).settings
    (used.folder / "key.pem").rename(used.folder / "elsewhere")
    assert used.look() is before
    assert used.file.trouble is not None
    assert "cannot be read (No such file or directory)" in used.file.trouble.problems[0].message
    (used.folder / "elsewhere").rename(used.folder / "key.pem")
    used.look()
    assert used.file.trouble is None


def test_what_kept_it_from_reading_may_be_over_though_no_file_changed(
    used: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    used.start(users("alice"))
    used.path.write_text(users("alice", "bob"))
    with monkeypatch.context() as patch:

        def fail(path: Path) -> bytes:
            raise OSError(24, "Too many open files")

        patch.setattr("exporter.web.webconfig.files.look", fail)
        assert set(used.look().users) == {"alice"}
    assert set(used.look().users) == {"alice"}
    used.clock.advance(AGAIN_SECONDS)
    assert set(used.look().users) == {"alice", "bob"}
    assert used.file.trouble is None


@pytest.mark.parametrize(
    ("before", "after", "line", "told"),
    [
        (TLS, users("alice"), None, "TLS cannot be turned off while the exporter runs: restart it, or put"),
        (
            users("alice"),
            users("alice") + TLS,
            3,
            "TLS cannot be turned on while the exporter runs: restart it, or remove",
        ),
    ],
)
def test_tls_is_not_turned_on_or_off_on_the_fly(
    used: Fixture, before: str, after: str, line: int | None, told: str
) -> None:
    settings = used.start(before).settings
    used.path.write_text(after)
    with capture_logs() as logs:
        assert used.look() is settings
        used.clock.advance(AGAIN_SECONDS)
        assert used.look() is settings
    assert [each["log_level"] for each in logs] == ["error"]
    assert used.file.trouble is not None
    [problem] = used.file.trouble.problems
    assert told in problem.message
    assert (problem.file, problem.line) == (str(used.path), line)
    assert problem.path == ("" if line is None else "tls_server_config")
    used.path.write_text(before)
    used.look()
    assert used.file.trouble is None


class Slow:
    """Holds up each look at a file as long as ``gate`` is closed, and counts them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.gate = threading.Event()
        self.began = threading.Semaphore(0)
        self.count = 0
        self._looks = module.looks

    def __call__(self, path: Path) -> Any:
        if path == self._path:
            self.count += 1
            self.began.release()
            assert self.gate.wait(PATIENCE)
        return self._looks(path)


@pytest.fixture
def slow(used: Fixture, monkeypatch: pytest.MonkeyPatch) -> Slow:
    slow = Slow(used.path)
    monkeypatch.setattr(module, "looks", slow)
    return slow


def test_requests_that_wait_share_a_look(used: Fixture, slow: Slow) -> None:
    used.start(users("alice"))

    async def ask() -> list[Settings]:
        first = asyncio.create_task(used.file.current())
        await asyncio.to_thread(slow.began.acquire)
        used.path.write_text(users("bob"))
        others = [asyncio.create_task(used.file.current()) for _ in range(20)]
        await asyncio.sleep(0)
        slow.gate.set()
        return [await task for task in (first, *others)]

    found = used.play(ask)
    # One that came while a look was under way is not content with it: it may have been too early.
    assert all(set(settings.users) == {"bob"} for settings in found[1:])
    assert slow.count == 2


def test_a_look_that_hangs_holds_nobody_up_for_long(used: Fixture, slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    used.start(users("alice"))

    async def ask() -> None:
        with capture_logs() as logs:
            for _ in range(20):
                assert set((await used.file.current()).users) == {"alice"}
        assert [line["log_level"] for line in logs] == ["warning"]
        assert slow.count == 1
        used.path.write_text(users("bob"))
        slow.gate.set()
        while set((await used.file.current()).users) != {"bob"}:
            await asyncio.sleep(0.01)

    used.play(ask)


def test_a_defect_of_ours_leaves_the_last_good_state_and_is_told(
    used: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    used.start(users("alice"))

    def fail(path: Path) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(module, "looks", fail)
    with capture_logs() as logs:
        for _ in range(2):
            assert set(used.look().users) == {"alice"}
    [line] = logs
    assert line["log_level"] == "error"
    assert "please report it" in line["problems"]


def test_no_file_is_touched_on_the_event_loop(used: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    used.start(TLS)
    threads = set()
    looks = module.looks

    def noting(path: Path) -> Any:
        threads.add(threading.current_thread().name)
        return looks(path)

    monkeypatch.setattr(module, "looks", noting)
    used.look()
    assert threads == {"web-config"}
