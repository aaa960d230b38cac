from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.fleet.agenda import Agenda

ITEMS = st.sampled_from("abcde")
MOMENTS = st.none() | st.integers(0, 20).map(float)


@given(st.lists(st.tuples(ITEMS, MOMENTS), max_size=300), st.integers(0, 20).map(float))
def test_each_item_comes_at_its_last_moment_and_once(plans: list[tuple[str, float | None]], now: float) -> None:
    agenda: Agenda[str] = Agenda()
    expected: dict[str, float] = {}
    for item, at in plans:
        agenda.plan(item, at)
        if at is None:
            expected.pop(item, None)
        else:
            expected[item] = at
        assert agenda.next_at == min(expected.values(), default=None)
    due = {item for item, at in expected.items() if at <= now}
    popped = [agenda.pop(now) for _ in due]
    assert set(popped) == due
    assert [expected[item] for item in popped if item] == sorted(expected[item] for item in due)
    assert agenda.pop(now) is None


def test_what_is_planned_over_and_over_does_not_pile_up() -> None:
    agenda: Agenda[str] = Agenda()
    for moment in range(10_000):
        agenda.plan("a", float(moment))
    assert len(agenda._queue) < 100
