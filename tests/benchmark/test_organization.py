"""The bench of an organization's accounts: what it measures of an exporter, and what of that has a goal."""

from __future__ import annotations

import pytest

from bench import organization
from bench.organization import COUNT, DENYING, HANGING, Figures


def test_an_exporter_is_measured_beside_accounts_that_deny_and_hang() -> None:
    found = organization.measure(3, denying=1, hanging=1, interval=1.0, rounds=1)
    assert 20 < found.resident <= found.peak < 500
    assert 3 < found.threads < 100
    # The organization, the roles (one is asked for in either region), the lists and the describes.
    assert found.calls >= 1 + (2 + 2) + 4 + 2
    assert 0 < found.tried < 60
    [latest] = found.latest
    assert 0 <= latest < 30


def test_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = []

    def measure(count: int, denying: int = 0, hanging: int = 0) -> Figures:
        measured.append((count, denying, hanging))
        return Figures(
            resident=90.0, peak=95.0, threads=40, calls=2_000, tried=9.0, latest=(1.0 + hanging, 1.0, 2.0 + hanging)
        )

    monkeypatch.setattr(organization, "measure", measure)
    rows = organization.rows()
    assert measured == [(COUNT, 0, 0), (COUNT, DENYING, HANGING)]
    assert len(rows) == len({(row.what, row.against) for row in rows}) == 12
    [judged] = [row for row in rows if row.limit is not None]
    assert judged.ratio is not None
    assert (judged.ratio.low, judged.ratio.median, judged.met) == (1.0, 6.0, False)
