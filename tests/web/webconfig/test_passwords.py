from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import bcrypt
import pytest
from support.processes import PATIENCE

from exporter.web.webconfig import passwords as module
from exporter.web.webconfig.passwords import MOST_REMEMBERED, MOST_WAITING, Busy, Passwords


def hashed(password: str, cost: int = 4) -> bytes:
    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(cost))


USERS = {"alice": hashed("right"), "böb": hashed("größe"), "long": hashed("x" * 72)}


def play(coroutine: Callable[[Passwords], Awaitable[Any]], users: dict[str, bytes] = USERS) -> Any:
    async def run() -> Any:
        checker = Passwords()
        checker.use(users)
        async with asyncio.timeout(PATIENCE):
            return await coroutine(checker)

    return asyncio.run(run())


class Counted:
    """Stands before bcrypt: counts the checks, and makes each wait as long as ``gate`` is closed."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, bytes]] = []
        self.threads: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.began = threading.Semaphore(0)
        self.check: Callable[[bytes, bytes], bool] = bcrypt.checkpw

    def __call__(self, password: bytes, hash_: bytes) -> bool:
        self.asked.append((password, hash_))
        self.threads.add(threading.current_thread().name)
        self.began.release()
        assert self.gate.wait(PATIENCE)
        return self.check(password, hash_)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counter = Counted()
    monkeypatch.setattr(bcrypt, "checkpw", counter)
    return counter


@pytest.mark.parametrize(
    ("user", "password", "right"),
    [
        ("alice", b"right", True),
        ("alice", b"wrong", False),
        ("alice", b"", False),
        ("alice", b"right\0", False),
        ("alice", b"\0", False),
        ("böb", "größe".encode(), True),
        ("böb", "größe".encode("latin-1"), False),
        ("b\udcf6b", b"right", False),
        ("long", b"x" * 72, True),
        ("long", b"x" * 5000, True),
        ("long", b"x" * 71, False),
        ("", b"right", False),
        ("nobody", b"right", False),
    ],
)
def test_a_password_is_right_or_wrong(user: str, password: bytes, right: bool) -> None:
    assert play(lambda checker: checker.check(user, password, "192.0.2.1")) is right


@pytest.mark.parametrize("prefix", [b"$2a$", b"$2b$", b"$2y$"])
def test_each_kind_of_hash_is_checked(prefix: bytes) -> None:
    users = {"alice": prefix + hashed("right")[4:]}
    assert play(lambda checker: checker.check("alice", b"right", "x"), users) is True
    assert play(lambda checker: checker.check("alice", b"wrong", "x"), users) is False


@pytest.mark.parametrize(("user", "password"), [("alice", b"right"), ("alice", b"wrong"), ("nobody", b"right")])
def test_what_is_known_is_not_computed_again(counted: Counted, user: str, password: bytes) -> None:
    async def ask(checker: Passwords) -> list[bool]:
        return [await checker.check(user, password, "x") for _ in range(20)]

    assert len(set(play(ask))) == 1
    assert len(counted.asked) == 1
    assert counted.threads == {"passwords"}


def test_what_is_remembered_ends_when_the_users_change(counted: Counted) -> None:
    async def ask(checker: Passwords) -> list[bool]:
        answers = [await checker.check("alice", b"right", "x"), await checker.check("alice", b"new", "x")]
        checker.use(dict(USERS))
        assert len(counted.asked) == 2
        answers += [await checker.check("alice", b"right", "x"), await checker.check("alice", b"new", "x")]
        assert len(counted.asked) == 2
        checker.use({"alice": hashed("new")})
        answers += [await checker.check("alice", b"right", "x"), await checker.check("alice", b"new", "x")]
        checker.use({})
        return [*answers, await checker.check("alice", b"new", "x")]

    assert play(ask) == [True, False, True, False, False, True, False]


def test_a_check_under_way_when_the_users_change_is_not_remembered(counted: Counted) -> None:
    async def ask(checker: Passwords) -> bool:
        counted.gate.clear()
        old = asyncio.create_task(checker.check("alice", b"right", "x"))
        await asyncio.to_thread(counted.began.acquire)
        checker.use({"alice": hashed("new")})
        counted.gate.set()
        await old
        return await checker.check("alice", b"right", "x")

    assert play(ask) is False


def test_passwords_that_bcrypt_does_not_tell_apart_are_one() -> None:
    async def ask(checker: Passwords) -> None:
        assert await checker.check("long", b"x" * 80, "x")
        assert checker._known("long", checker._digest("long", b"x" * 72)) is True

    play(ask)


def test_of_wrong_ones_a_bounded_number_is_remembered(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REST", 0.0)
    counted.check = lambda password, hash_: False

    async def ask(checker: Passwords) -> None:
        for number in range(MOST_REMEMBERED + 10):
            await checker.check(f"user-{number}", b"wrong", "x")
        assert len(checker._wrong) == MOST_REMEMBERED
        before = len(counted.asked)
        await checker.check(f"user-{MOST_REMEMBERED}", b"wrong", "x")
        assert len(counted.asked) == before
        await checker.check("user-0", b"wrong", "x")
        assert len(counted.asked) == before + 1

    play(ask)


def test_nothing_is_remembered_in_the_clear() -> None:
    async def ask(checker: Passwords) -> str:
        await checker.check("alice", b"right", "x")
        await checker.check("alice", b"a-wrong-one", "x")
        return repr((checker._right, checker._wrong))

    told = play(ask)
    assert "right" not in told
    assert "wrong" not in told


@pytest.mark.parametrize("costs", [(4,), (4, 6), (5, 5, 5)])
def test_a_user_that_does_not_exist_costs_what_a_wrong_password_does(counted: Counted, costs: tuple[int, ...]) -> None:
    users = {f"user-{number}": hashed("x", cost) for number, cost in enumerate(costs)}

    async def ask(checker: Passwords) -> None:
        for number in range(30):
            for _ in range(2):
                assert not await checker.check(f"nobody-{number}", b"x", "x")

    play(ask, users)
    computed = [int(hash_[4:6]) for _, hash_ in counted.asked]
    assert len(computed) == 30
    assert set(computed) == set(costs)


def test_a_flood_of_one_client_delays_another_by_one_check(counted: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REST", 0.0)

    async def ask(checker: Passwords) -> tuple[bool, int]:
        counted.gate.clear()
        flood = [
            asyncio.create_task(checker.check("alice", b"wrong-%d" % number, "192.0.2.66"))
            for number in range(MOST_WAITING - 10)
        ]
        await asyncio.to_thread(counted.began.acquire)
        scraper = asyncio.create_task(checker.check("alice", b"right", "192.0.2.1"))
        await asyncio.sleep(0)
        counted.gate.set()
        right = await scraper
        place = [password for password, _ in counted.asked].index(b"right")
        for task in flood:
            task.cancel()
        return right, place

    # The one under way, at most one more of the flood, and then it.
    right, place = play(ask)
    assert right
    assert place <= 2


def test_when_too_many_wait_the_oldest_of_the_one_with_the_most_is_sent_away(counted: Counted) -> None:
    async def ask(checker: Passwords) -> None:
        counted.gate.clear()
        under_way = asyncio.create_task(checker.check("alice", b"wrong", "192.0.2.66"))
        await asyncio.to_thread(counted.began.acquire)
        flood = [
            asyncio.create_task(checker.check("alice", b"wrong-%d" % number, "192.0.2.66"))
            for number in range(MOST_WAITING)
        ]
        await asyncio.sleep(0)
        scraper = asyncio.create_task(checker.check("alice", b"right", "192.0.2.1"))
        with pytest.raises(Busy):
            await flood[0]
        assert not any(task.done() for task in flood[1:])
        for task in flood[1:]:
            task.cancel()
        counted.gate.set()
        assert await scraper
        assert not await under_way

    play(ask)


def test_a_client_that_leaves_waits_no_more(counted: Counted) -> None:
    async def ask(checker: Passwords) -> None:
        counted.gate.clear()
        under_way = asyncio.create_task(checker.check("alice", b"wrong", "x"))
        await asyncio.to_thread(counted.began.acquire)
        leaving = asyncio.create_task(checker.check("alice", b"other", "x"))
        await asyncio.sleep(0)
        assert len(checker._waiting) == 1
        leaving.cancel()
        await asyncio.wait({leaving})
        assert len(checker._waiting) == 0
        counted.gate.set()
        assert not await under_way

    play(ask)
    assert [password for password, _ in counted.asked] == [b"wrong"]


def test_after_a_wrong_one_it_rests_three_times_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []

    async def sleep(seconds: float) -> None:
        rests.append(seconds)

    monkeypatch.setattr(module, "_compare", lambda password, hash_: (password == b"right", 0.25))
    monkeypatch.setattr(module.asyncio, "sleep", sleep)

    async def ask(checker: Passwords) -> None:
        for password in (b"right", b"wrong", b"wrong", b"other"):
            await checker.check("alice", password, "x")
        assert checker._working is not None
        await checker._working

    play(ask)
    assert rests == [0.75, 0.75]


def test_the_event_loop_goes_on_meanwhile(counted: Counted) -> None:
    async def ask(checker: Passwords) -> None:
        counted.gate.clear()
        check = asyncio.create_task(checker.check("alice", b"right", "x"))
        await asyncio.to_thread(counted.began.acquire)
        for _ in range(100):
            await asyncio.sleep(0)
        assert not check.done()
        counted.gate.set()
        assert await check

    play(ask)


def test_two_that_wait_with_one_password_are_one_check(counted: Counted) -> None:
    async def ask(checker: Passwords) -> list[bool]:
        counted.gate.clear()
        checks = [asyncio.create_task(checker.check("alice", b"wrong", client)) for client in ("a", "b", "c")]
        await asyncio.to_thread(counted.began.acquire)
        counted.gate.set()
        return [await check for check in checks]

    assert play(ask) == [False, False, False]
    assert len(counted.asked) == 1


def test_what_bcrypt_cannot_check_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(password: bytes, hash_: bytes) -> bool:
        raise ValueError("no")

    monkeypatch.setattr(bcrypt, "checkpw", fail)
    assert play(lambda checker: checker.check("alice", b"right", "x")) is False
