"""Parses the address to listen on, and opens its socket."""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
from typing import Any, NamedTuple

# Connections that may wait while the server is busy. If the queue is full, the kernel drops the scraper's SYN, which delays it
# by a second. The kernel reduces this to net.core.somaxconn.
_BACKLOG = 4096

# The bytes of an answer that the kernel buffers for a client that does not read. Without a limit, these are 4 MB.
_UNSENT = 32 * 1024

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?")
_NO_IPV6 = frozenset({errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT})


class Address(NamedTuple):
    """A host (a name, an IP address, or empty for all addresses of the machine) and a TCP port (0: any free port)."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Parse ``host:port``, ``[IPv6]:port`` or ``:port``.

    Raises ValueError, which says what to write instead.
    """
    if "/" in text:
        raise ValueError(f"{text!r} is not a listen address: write host:port, without a scheme and a path")
    if text.isascii() and text.isdigit():
        raise ValueError(f"{text!r} is not a listen address: write ':{text}' to listen on that port of every address")
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        raise ValueError(f"{text!r} has no port: write '{text}:10980'")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise ValueError(f"{text!r} has no usable port: write a number from 0 to 65535 after the last colon")
    return Address(_parse_host(host, text), int(port))


def _parse_host(host: str, text: str) -> str:
    if host.startswith("[") and host.endswith("]"):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            raise ValueError(f"{text!r} has no IPv6 address in its brackets: write '[::1]:10980'") from None
        return host[1:-1]
    if ":" in host:
        raise ValueError(f"{text!r} is ambiguous: put the IPv6 address in brackets, as in '[::1]:10980'")
    if host == "*":
        raise ValueError(f"{text!r} is not a listen address: leave the host out, as in ':10980', to mean every address")
    if host.replace(".", "").isdigit():
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            raise ValueError(f"{text!r} has no valid IPv4 address: write four numbers from 0 to 255") from None
    elif host and not _HOST.fullmatch(host):
        raise ValueError(f"{text!r} has no valid host name: write a name or an IP address before the colon")
    return host


def open_socket(address: Address) -> socket.socket:
    """Return a listening, non-blocking TCP socket.

    ``[::]`` and an empty host accept both IPv4 and IPv6, or only IPv4 on a machine without IPv6. For a name, the first address
    that can be bound is used. Raises OSError with a readable message.
    """
    try:
        if address.host in {"", "::"}:
            return _open_every(address.port)
        return _open_first(address)
    except OSError as error:
        raise cannot_listen(address, error) from error


def cannot_listen(address: Address, error: OSError) -> OSError:
    """Return an error with a readable message for an error of the system about an address."""
    reason = error.strerror or str(error)
    return OSError(f"cannot listen on {address}: {reason[:1].lower()}{reason[1:]}")


def _open_every(port: int) -> socket.socket:
    try:
        return _open(socket.AF_INET6, ("::", port))
    except OSError as error:
        if error.errno not in _NO_IPV6:
            raise
    return _open(socket.AF_INET, ("0.0.0.0", port))  # noqa: S104 - you asked for this


def _open_first(address: Address) -> socket.socket:
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for position, (family, _, _, _, place) in enumerate(found):
        try:
            return _open(family, place)
        except OSError as error:
            if error.errno not in _NO_IPV6 or position == len(found) - 1:
                raise
    raise OSError("the name has no address")


def _open(family: int, place: tuple[Any, ...]) -> socket.socket:
    # asyncio turns off Nagle's delay only if the socket says that its protocol is TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # A restart must not wait for the last connections of the previous process.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(place[0] != "::"))
        # Accepted sockets inherit this.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)
        listener.setblocking(False)  # noqa: FBT003 - the only way to call it
        listener.bind(place)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
