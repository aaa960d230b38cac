from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.web.webconfig.fair import FairQueue, client_network


def drained(queue: FairQueue[str]) -> list[str]:
    items = []
    while (item := queue.pop()) is not None:
        items.append(item)
    return items


def test_clients_take_turns() -> None:
    queue: FairQueue[str] = FairQueue(10)
    for item in ("a1", "a2", "a3", "b1", "c1", "c2"):
        assert queue.push(item[0], item) is None
    assert drained(queue) == ["a1", "b1", "c1", "a2", "c2", "a3"]
    assert len(queue) == 0


def test_who_comes_while_another_one_asks_for_much_is_next_but_one() -> None:
    queue: FairQueue[str] = FairQueue(100)
    for number in range(50):
        queue.push("flood", f"f{number}")
    assert queue.pop() == "f0"
    queue.push("scraper", "s")
    assert [queue.pop(), queue.pop()] == ["f1", "s"]


def test_when_it_is_full_the_oldest_of_the_one_with_the_most_leaves() -> None:
    queue: FairQueue[str] = FairQueue(3)
    for item in ("b1", "a1", "a2"):
        queue.push(item[0], item)
    assert queue.push("c", "c1") == "a1"
    assert queue.push("a", "a3") == "a2"
    assert queue.push("a", "a4") == "a3"
    assert sorted(drained(queue)) == ["a4", "b1", "c1"]


def test_what_nobody_wants_any_more_takes_no_place() -> None:
    queue: FairQueue[str] = FairQueue(2)
    queue.push("a", "a1")
    queue.push("b", "b1")
    queue.remove("a", "a1")
    queue.remove("a", "a1")
    queue.remove("z", "z1")
    assert queue.push("c", "c1") is None
    assert drained(queue) == ["b1", "c1"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["push", "pop", "remove"])), max_size=60))
def test_nothing_is_lost_doubled_or_beyond_the_limit(steps: list[tuple[str, str]]) -> None:
    queue: FairQueue[str] = FairQueue(4)
    inside: list[str] = []
    for number, (client, step) in enumerate(steps):
        if step == "push":
            item = f"{client}{number}"
            inside.append(item)
            left = queue.push(client, item)
            if left is not None:
                inside.remove(left)
        elif step == "pop":
            popped = queue.pop()
            assert (popped is None) is (not inside)
            if popped is not None:
                inside.remove(popped)
        elif inside:
            gone = inside.pop(0)
            queue.remove(gone[0], gone)
        assert len(queue) == len(inside) <= 4
    assert sorted(drained(queue)) == sorted(inside)


@pytest.mark.parametrize(
    ("address", "stands_for"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("somewhere", "somewhere"),
    ],
)
def test_the_addresses_of_one_network_are_one_client(address: str, stands_for: str) -> None:
    assert client_network(address) == stands_for
