"""Opens the sockets of a command. Errors say what to do."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from exporter.errors import UserError
from exporter.web.listen import Address, open_socket

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

_PORTS_TRIED = 20


def open_sockets(addresses: Sequence[Address]) -> list[socket.socket]:
    """Return a listening socket for each address. Raises UserError if one of them cannot be opened."""
    opened: list[socket.socket] = []
    try:
        for address in addresses:
            opened.append(open_socket(address))  # noqa: PERF401 - the earlier ones must be closed
    except OSError as error:
        for each in opened:
            each.close()
        raise refusal(error) from error
    return opened


def open_next_free(address: Address) -> socket.socket:
    """Return a listening socket at an address, or at the first free port after it.

    Raises UserError if none of twenty ports is free, or after another error.
    """
    for port in range(address.port, address.port + _PORTS_TRIED):
        try:
            return open_socket(address._replace(port=port))
        except OSError as error:
            if _errno(error) != errno.EADDRINUSE:
                raise refusal(error) from error
    last = address.port + _PORTS_TRIED - 1
    raise UserError(f"no port from {address.port} to {last} is free: choose one with --web.listen-address")


def refusal(error: OSError) -> UserError:
    """Return an error with the message of ``cannot_listen``, and the flag to change."""
    return UserError(f"{error}: choose another one with --web.listen-address")


def _errno(error: OSError) -> int | None:
    return error.__cause__.errno if isinstance(error.__cause__, OSError) else error.errno
