"""Checks passwords. bcrypt is slow by design, and must not delay other clients."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from exporter.web.webconfig.fair import FairQueue, client_network
from exporter.web.webconfig.thread import DaemonThread

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_REMEMBERED = 1_000
"""The most wrong pairs of user and password that are remembered."""

MOST_WAITING = 50
"""The most requests that may wait for a check."""

REST = 3.0
"""The pause after a wrong password, as a multiple of the duration of its check. So checks use at most a quarter of a CPU."""

# bcrypt uses only this many bytes. The library raises an error for longer passwords.
_LONGEST_PASSWORD = 72


class Busy(Exception):
    """Too many requests are waiting for a check of their password."""


@dataclass(eq=False, slots=True)
class _Check:
    """A waiting check. Its result is None if it is dropped for another one."""

    user: str
    password: bytes
    digest: bytes
    result: asyncio.Future[bool | None]


class Passwords:
    """Checks passwords of users. All methods are called on one event loop; bcrypt runs in a thread.

    Right pairs are remembered until the users change, so they need no second check. Wrong pairs are remembered too, up to
    ``MOST_REMEMBERED``. Only an HMAC with a key of this process is stored. A check of an unknown user takes the same time.
    """

    def __init__(self) -> None:
        self._thread = DaemonThread(name="passwords")
        self._secret = secrets.token_bytes(32)
        self._users: Mapping[str, bytes] = {}
        self._right: dict[str, bytes] = {}
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self._waiting: FairQueue[_Check] = FairQueue(MOST_WAITING)
        self._working: asyncio.Task[None] | None = None

    def use(self, users: Mapping[str, bytes]) -> None:
        """Use these bcrypt hashes from now on."""
        if users == self._users:
            return
        self._users = users
        self._right.clear()
        self._wrong.clear()

    async def check(self, user: str, password: bytes, client: str) -> bool:
        """Return whether this is the user's password. ``client`` is the address of the client.

        Raises Busy if too many checks are waiting.
        """
        password = password[:_LONGEST_PASSWORD]
        digest = self._digest(user, password)
        known = self._known(user, digest)
        if known is not None:
            return known
        place = client_network(client)
        check = _Check(user, password, digest, asyncio.get_running_loop().create_future())
        left_out = self._waiting.push(place, check)
        if left_out is not None and not left_out.result.done():
            left_out.result.set_result(None)
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        try:
            right = await check.result
        finally:
            self._waiting.remove(place, check)
        if right is None:
            raise Busy
        return right

    def _digest(self, user: str, password: bytes) -> bytes:
        name = user.encode(errors="surrogateescape")
        return hmac.digest(self._secret, b"%d:%b%b" % (len(name), name, password), "sha256")

    def _known(self, user: str, digest: bytes) -> bool | None:
        """Return the remembered result for a pair. None if there is none."""
        right = self._right.get(user)
        if right is not None and hmac.compare_digest(right, digest):
            return True
        if digest in self._wrong:
            self._wrong.move_to_end(digest)
            return False
        return None

    def _remember(self, check: _Check, *, right: bool) -> None:
        if right:
            self._right[check.user] = check.digest
            return
        self._wrong[check.digest] = None
        if len(self._wrong) > MOST_REMEMBERED:
            self._wrong.popitem(last=False)

    async def _work(self) -> None:
        """Do the waiting checks, one after the other."""
        while (check := self._waiting.pop()) is not None:
            if check.result.done():
                continue
            known = self._known(check.user, check.digest)
            if known is not None:
                check.result.set_result(known)
                continue
            users = self._users
            hashed = users.get(check.user) or self._nobodys(check.user)
            right, seconds = await self._thread.submit(partial(_compare, check.password, hashed))
            if users is self._users:
                self._remember(check, right=right)
            if not check.result.done():
                check.result.set_result(right)
            if not right:
                await asyncio.sleep(REST * seconds)

    def _nobodys(self, user: str) -> bytes:
        """Return a hash that no password matches, with the cost of some user's hash. It is always the same for the same name."""
        costs = sorted(hashed[4:6] for hashed in self._users.values()) or [b"10"]
        drawn = int.from_bytes(self._digest(user, b""), "big") % len(costs)
        return b"$2b$" + costs[drawn] + b"$" + b"." * 53


def _compare(password: bytes, hashed: bytes) -> tuple[bool, float]:
    """Return whether a password matches a hash, and how many seconds of CPU this took."""
    import bcrypt  # noqa: PLC0415 - only needed with passwords

    began = time.thread_time()
    try:
        right = bcrypt.checkpw(password, hashed)
    except ValueError:
        right = False
    return right, time.thread_time() - began
