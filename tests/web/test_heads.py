"""What is read of a request, fed to the reader as a network may cut it."""

from __future__ import annotations

from itertools import pairwise

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.web.heads import HEAD_LINES, HEAD_SIZE, RequestReader, too_large

BEGIN = b"GET / HTTP/1.1\r\nHost: x\r\n"


def padded(size: int) -> bytes:
    """Return a complete head of so many bytes."""
    return BEGIN + b"X: " + b"y" * (size - len(BEGIN) - 7) + b"\r\n\r\n"


def lines(count: int) -> bytes:
    """Return a complete head of so many header lines."""
    return BEGIN + b"a: b\r\n" * (count - 1) + b"\r\n"


def read(sent: bytes, cuts: list[int] | None = None) -> tuple[list[type], int | None]:
    """Return the kinds of events that come of it in parts, and the status if it is refused."""
    reader, events = RequestReader(), []
    bounds = [0, *sorted(cut for cut in cuts or [] if cut < len(sent)), len(sent)]
    for start, end in pairwise(bounds):
        if start < end:
            reader.receive_data(sent[start:end])
        try:
            while not isinstance(event := reader.next_event(), type):  # h11's sentinels are types
                events.append(type(event))
        except h11.RemoteProtocolError:
            return events, reader.refusal
    return events, None


sizes = st.integers(HEAD_SIZE - 40, HEAD_SIZE + 40) | st.integers(60, 8 * HEAD_SIZE)
cutting = st.lists(st.integers(0, 8 * HEAD_SIZE), max_size=5)


@given(sizes, cutting)
def test_a_head_is_refused_by_its_size_complete_or_not_however_it_is_cut(size: int, cuts: list[int]) -> None:
    head = padded(size)
    assert read(head, cuts) == (([h11.Request, h11.EndOfMessage], None) if size <= HEAD_SIZE else ([], 431))
    begun = head[:-1]
    assert read(begun, cuts)[1] == (431 if len(begun) >= HEAD_SIZE else None)


@given(st.integers(1, 3 * HEAD_LINES), cutting)
def test_a_head_is_refused_by_its_lines(count: int, cuts: list[int]) -> None:
    assert read(lines(count), cuts) == (([h11.Request, h11.EndOfMessage], None) if count < HEAD_LINES else ([], 431))


@given(st.binary(max_size=2 * HEAD_SIZE), st.sampled_from([b"", BEGIN + b"\r\n", BEGIN]))
def test_what_follows_a_head_does_not_count_as_it(rest: bytes, begin: bytes) -> None:
    sent = begin + rest
    if begin.endswith(b"\r\n\r\n"):
        assert not too_large(sent)
    elif too_large(sent):
        assert too_large(sent + b"more")


BODIES = {"tiny": b"1\r\nx\r\n" * 100_000, "broken": b"nonsense\r\n", "empty": b"0\r\n\r\n", "large": b"\xff" * 50_000}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST"])
def test_a_body_in_chunks_is_not_even_parsed(method: bytes, body: bytes) -> None:
    head = method + b" / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert read(head + body) == ([h11.Request], None)
    reader = RequestReader()
    reader.receive_data(head)
    assert type(reader.next_event()) is h11.Request
    reader.receive_data(body)
    assert reader.trailing_data == (b"", False)


def test_a_body_of_known_length_is_thrown_away() -> None:
    reader = RequestReader()
    reader.receive_data(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000)
    assert type(reader.next_event()) is h11.Request
    assert reader.next_event() == h11.Data(data=b"")
    assert type(reader.next_event()) is h11.EndOfMessage


@given(st.binary(max_size=200), cutting)
def test_nothing_but_a_refusal_comes_of_garbage(sent: bytes, cuts: list[int]) -> None:
    _, refusal = read(sent, [cut % 200 for cut in cuts])
    assert refusal in {None, 400, 431, 501, 505}
