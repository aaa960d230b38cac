"""Addresses that cannot be listened on, and which flag to change."""

from __future__ import annotations

import socket

import pytest

from exporter.cli import listening
from exporter.cli.listening import open_next_free, open_sockets
from exporter.errors import UserError
from exporter.web.listen import Address

CHOOSE = "choose another one with --web.listen-address"


def test_an_address_in_use_is_told_with_the_flag_and_the_others_are_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = Address("127.0.0.1", taken.getsockname()[1])
        with socket.create_server(("127.0.0.1", 0)) as free:
            first = Address("127.0.0.1", free.getsockname()[1])
        with pytest.raises(UserError) as refused:
            open_sockets([first, address])
        assert str(refused.value) == f"cannot listen on {address}: address already in use: {CHOOSE}"
        for each in open_sockets([first]):
            each.close()


def test_the_next_free_port_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with open_next_free(Address("127.0.0.1", port)) as opened:
            assert port < opened.getsockname()[1] < port + listening._PORTS_TRIED


def test_or_it_is_said_that_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "_PORTS_TRIED", 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            UserError, match=f"no port from {port} to {port} is free: choose one with --web.listen-address"
        ):
            open_next_free(Address("127.0.0.1", port))


def test_what_is_wrong_with_the_host_is_told_at_once() -> None:
    with pytest.raises(UserError, match=f"cannot listen on 192.0.2.1:0: .*: {CHOOSE}"):
        open_next_free(Address("192.0.2.1", 0))
