"""A bounded queue in which clients take turns, so that one client cannot block the others."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")

# A client with one IPv6 address usually has all addresses of this network.
_NETWORK_BITS = 64


def client_network(address: str) -> str:
    """Return the identity of a client: its IPv4 address, or the network of its IPv6 address."""
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
    """Waiting items by client. Clients take turns. ``limit`` is the most items in total."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0
        # In the order of turns. No queue in it is empty.
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()

    def __len__(self) -> int:
        return self._count

    def push(self, client: str, item: T) -> T | None:
        """Add an item. At the limit, remove and return the oldest item of the client with the most items."""
        self._waiting.setdefault(client, deque()).append(item)
        self._count += 1
        if self._count <= self._limit:
            return None
        crowded = max(self._waiting, key=lambda each: len(self._waiting[each]))
        return self._take(crowded)

    def pop(self) -> T | None:
        """Remove and return the next item. None if the queue is empty."""
        if not self._waiting:
            return None
        client = next(iter(self._waiting))
        self._waiting.move_to_end(client)
        return self._take(client)

    def remove(self, client: str, item: T) -> None:
        """Remove an item, if it is still waiting."""
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
