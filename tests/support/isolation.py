"""A wall around the test process: no real AWS settings come in, nothing outside loopback is reached."""

from __future__ import annotations

import ipaddress
import os
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

AWS_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "not-a-secret",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}

GO_ENVIRONMENT = {"GOMAXPROCS": "1", "GOGC": "400"}
"""What spares a third of the CPU of the many programs in Go that run beside each other, and live for seconds."""


class OutsideLoopbackError(Exception):
    """A test tried to talk to another machine. No OSError, so that no code under test takes it for a bad network."""


def isolate(patch: pytest.MonkeyPatch) -> None:
    """Put up the wall, in this process and in the environment that its children inherit."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "SAGEMAKER_TUNING_EXPORTER_")) or name.lower().endswith("_proxy"):
            patch.delenv(name)
    for name, value in (AWS_ENVIRONMENT | GO_ENVIRONMENT | {"NO_PROXY": "*"}).items():
        patch.setenv(name, value)
    for method in ("connect", "connect_ex"):
        patch.setattr(socket.socket, method, _guarded(getattr(socket.socket, method)))
    patch.setattr(socket, "getaddrinfo", _resolving_only_localhost(socket.getaddrinfo))


def _guarded(connect: Any) -> Any:
    def guarded(sock: socket.socket, address: Any) -> Any:
        if sock.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(address[0]):
            raise OutsideLoopbackError(f"a test tried to connect to {address}")
        return connect(sock, address)

    return guarded


def _resolving_only_localhost(getaddrinfo: Any) -> Any:
    def resolve(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and name != "localhost" and not _is_address(name):
            raise socket.gaierror(socket.EAI_NONAME, f"no names are resolved in tests: {name}")
        return getaddrinfo(host, *arguments, **options)

    return resolve


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_local(host: str) -> bool:
    if host in {"", "localhost"}:
        return True
    if not _is_address(host):
        return False
    address = ipaddress.ip_address(host)
    address = getattr(address, "ipv4_mapped", None) or address
    # An unspecified address connects to this machine.
    return address.is_loopback or address.is_unspecified
