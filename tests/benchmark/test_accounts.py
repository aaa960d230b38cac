"""The bench of many accounts: what it measures of an exporter, and what of that has goals."""

from __future__ import annotations

import pytest

from bench import accounts
from bench.accounts import COUNTS, GOAL, HANGING, Figures, late


def test_an_exporter_is_measured_beside_accounts_that_hang() -> None:
    found = accounts.measure(3, hanging=1, interval=1.0, rounds=1)
    assert 20 < found.resident <= found.peak < 500
    assert 3 < found.threads < 100
    assert 0 < found.tried < 60
    assert 0 <= found.latest < 30


def test_a_describe_is_as_late_as_it_starts_after_it_was_due() -> None:
    asked = [100.0, 120.25, 140.5]
    assert late(asked, due=120.0) == 0.25
    assert late(asked, due=140.0) == 0.5
    assert late([*asked, 140.75], due=140.0) == 0.5, "the first counts"
    assert late(asked, due=120.251) == 0.0, "a time in milliseconds may be later than the moment itself"
    assert late(asked, due=121.0) == 19.5
    assert late(asked, due=141.0) is None


def test_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = []

    def measure(count: int, hanging: int = 0) -> Figures:
        measured.append((count, hanging))
        return Figures(resident=131.0, peak=140.0, threads=41, tried=10.5, latest=1.1)

    monkeypatch.setattr(accounts, "measure", measure)
    rows = accounts.rows()
    assert measured == [*((count, 0) for count in COUNTS), (GOAL, HANGING)]
    assert len(rows) == len({row.what for row in rows}) == 5 * len(measured)
    judged = {row.what: row.met for row in rows if row.limit is not None}
    assert len(judged) == 8
    assert {what.partition(", ")[0] for what in judged} == {
        "memory",
        "most threads",
        "start until all were tried",
        "latest start of a describe after it was due",
    }
    assert [what for what, met in judged.items() if met] == [f"most threads, {GOAL} accounts, {HANGING} of which hang"]
