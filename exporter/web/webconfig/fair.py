"""A bounded queue in which each client waits for its own turn, however much another one asks for."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")

# Whoever has one IPv6 address has all of its network.
_NETWORK_BITS = 64


def neighbourhood(address: str) -> str:
    """Return what stands for a client: its IPv4 address, or the network of its IPv6 address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), _NETWORK_BITS), strict=False))


class FairQueue(Generic[T]):
    """What waits, by who it is from: they take turns. ``limit`` is how many may wait in all."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0
        # In the order of their turns; none is empty.
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()

    def __len__(self) -> int:
        return self._count

    def push(self, client: str, item: T) -> T | None:
        """Let an item wait. Return the one that had to leave for it: the oldest of the client with the most."""
        self._waiting.setdefault(client, deque()).append(item)
        self._count += 1
        if self._count <= self._limit:
            return None
        crowded = max(self._waiting, key=lambda each: len(self._waiting[each]))
        return self._take(crowded)

    def pop(self) -> T | None:
        """Return the item whose turn it is, None when nothing waits."""
        if not self._waiting:
            return None
        client = next(iter(self._waiting))
        self._waiting.move_to_end(client)
        return self._take(client)

    def remove(self, client: str, item: T) -> None:
        """Take an item out that nobody wants any more, if it still waits."""
        own = self._waiting.get(client)
        if own is None or item not in own:
            return
        own.remove(item)
        self._count -= 1
        if not own:
            del self._waiting[client]

    def _take(self, client: str) -> T:
        own = self._waiting[client]
        item = own.popleft()
        self._count -= 1
        if not own:
            del self._waiting[client]
        return item
