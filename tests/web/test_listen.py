from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.processes import PATIENCE

from exporter.web.listen import Address, open_socket, parse_address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("[::]:10980", "::", 10980),
        (":10980", "", 10980),
        ("0.0.0.0:10980", "0.0.0.0", 10980),
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("[::1]:9", "::1", 9),
        ("[fe80::1%lo]:9", "fe80::1%lo", 9),
        ("localhost:65535", "localhost", 65535),
        ("my-host.example.com.:80", "my-host.example.com.", 80),
    ],
)
def test_what_people_write_is_understood_and_written_the_same_way(text: str, host: str, port: int) -> None:
    assert parse_address(text) == Address(host, port)
    assert str(parse_address(text)) == text


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("10980", "':10980'"),
        ("localhost", "'localhost:10980'"),
        ("", "':10980'"),
        ("[::1]", "'[::1]:10980'"),
        ("::1:9", "brackets"),
        ("::", "number from 0 to 65535"),
        ("[::1:9", "brackets"),
        ("[nonsense]:9", "'[::1]:10980'"),
        ("http://localhost:10980", "without a scheme"),
        ("localhost:10980/metrics", "without a scheme and a path"),
        ("localhost:65536", "0 to 65535"),
        ("localhost:http", "0 to 65535"),
        ("localhost:-1", "0 to 65535"),
        ("localhost:", "0 to 65535"),
        ("localhost:\u0661", "0 to 65535"),
        ("*:10980", "':10980'"),
        ("999.0.0.1:80", "0 to 255"),
        ("1.2.3:80", "0 to 255"),
        ("two words:80", "host name"),
        (" :80", "host name"),
    ],
)
def test_a_wrong_address_is_told_what_to_write_instead(text: str, instead: str) -> None:
    with pytest.raises(ValueError, match=r"write|leave|put") as raised:
        parse_address(text)
    assert repr(text) in str(raised.value)
    assert instead in str(raised.value)


@given(st.one_of(st.text(), st.from_regex(r"[\[\]:.0-9a-f%*]{0,20}", fullmatch=True)))
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    try:
        address = parse_address(text)
    except ValueError:
        return
    assert parse_address(str(address)) == address


def reaches(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=PATIENCE):
            return True
    except OSError:
        return False


@pytest.mark.parametrize("text", ["[::]:0", ":0"])
def test_the_address_of_every_address_takes_both_families(text: str) -> None:
    with closing(open_socket(parse_address(text))) as listener:
        port = listener.getsockname()[1]
        assert reaches("127.0.0.1", port)
        assert reaches("::1", port)


@pytest.mark.parametrize(
    ("text", "within", "outside"),
    [("127.0.0.1:0", "127.0.0.1", "::1"), ("[::1]:0", "::1", "127.0.0.1"), ("0.0.0.0:0", "127.0.0.1", "::1")],
)
def test_one_address_takes_only_itself(text: str, within: str, outside: str) -> None:
    with closing(open_socket(parse_address(text))) as listener:
        port = listener.getsockname()[1]
        assert reaches(within, port)
        assert not reaches(outside, port)


def test_a_name_listens_on_one_of_its_addresses() -> None:
    with closing(open_socket(parse_address("localhost:0"))) as listener:
        host, port = listener.getsockname()[:2]
        assert host in {"127.0.0.1", "::1"}
        assert reaches(host, port)


@pytest.fixture
def without_ipv6(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    real = socket.socket

    def make(family: int = -1, *rest: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, *rest)

    with monkeypatch.context() as patch:
        patch.setattr("exporter.web.listen.socket.socket", make)
        yield


@pytest.mark.usefixtures("without_ipv6")
def test_without_ipv6_every_address_means_every_ipv4_address() -> None:
    with closing(open_socket(parse_address("[::]:0"))) as listener:
        assert listener.getsockname()[0] == "0.0.0.0"


@pytest.mark.usefixtures("without_ipv6")
def test_without_ipv6_an_ipv6_address_is_an_error() -> None:
    with pytest.raises(OSError, match=r"^cannot listen on \[::1\]:0: address family not supported"):
        open_socket(parse_address("[::1]:0"))


@pytest.mark.parametrize("host", ["127.0.0.1", "[::]"])
def test_a_used_port_is_named_in_the_error(host: str) -> None:
    with closing(open_socket(parse_address("127.0.0.1:0"))) as first:
        text = f"{host}:{first.getsockname()[1]}"
        with pytest.raises(OSError, match="address already in use") as raised:
            open_socket(parse_address(text))
    assert str(raised.value) == f"cannot listen on {text}: address already in use"


def test_an_address_of_another_machine_is_named_in_the_error() -> None:
    with pytest.raises(OSError, match=r"^cannot listen on 192\.0\.2\.1:0: cannot assign requested address$"):
        open_socket(parse_address("192.0.2.1:0"))


def test_a_port_is_free_again_at_once_after_its_connections_were_closed_by_us() -> None:
    with closing(open_socket(parse_address("127.0.0.1:0"))) as first:
        port = first.getsockname()[1]
        with closing(socket.create_connection(("127.0.0.1", port))) as client:
            first.settimeout(PATIENCE)
            first.accept()[0].close()
            assert client.recv(1) == b""
    open_socket(Address("127.0.0.1", port)).close()
