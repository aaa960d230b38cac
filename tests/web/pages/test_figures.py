"""Numbers and times as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.web.pages import figures

NOW = datetime(2025, 6, 15, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, "—"),
        (math.nan, "—"),
        (0, "0 s"),
        (0.2, "under 1 s"),
        (1, "1 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3_600, "1 h"),
        (3_659, "1 h"),
        (7_500, "2 h 5 min"),
        (86_400, "1 d"),
        (90_000, "1 d 1 h"),
        (2_592_000, "30 d"),
        (86_400 * 12_345, "12,345 d"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float | None, written: str) -> None:
    assert figures.duration(seconds) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.0, "now"),
        (0.9, "now"),
        (12.0, "12 s ago"),
        (-30.0, "in 30 s"),
        (7_530.0, "2 h 5 min ago"),
        (359.0, "5 min ago"),
    ],
)
def test_an_age_says_which_way(seconds: float, written: str) -> None:
    assert figures.age(NOW - timedelta(seconds=seconds), NOW) == written
    assert figures.age(None, NOW) == "—"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "—"),
        (0, "0"),
        (12_345, "12,345"),
        (12_345.0, "12,345"),
        (-3, "-3"),
        (0.93124567, "0.931246"),
        (1e-7, "1e-07"),
        (1e300, "1e+300"),
        (10**300, "1e+300"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
    ],
)
def test_a_number_has_the_digits_that_matter(value: float | None, written: str) -> None:
    assert figures.number(value) == written


@pytest.mark.parametrize(
    ("amount", "written"),
    [(None, "—"), (0.0, "0.00 USD"), (1_234.5, "1,234.50 USD"), (0.0034, "0.0034 USD"), (-5.0, "-5.00 USD")],
)
def test_money_has_its_currency(amount: float | None, written: str) -> None:
    assert figures.money(amount, "USD") == written


@pytest.mark.parametrize(
    ("share", "written"),
    [(None, "—"), (0.0, "0 %"), (0.999, "99 %"), (1.0, "100 %"), (0.29, "29 %"), (1.2, "120 %"), (math.inf, "—")],
)
def test_only_the_whole_is_a_hundred_percent(share: float | None, written: str) -> None:
    assert figures.percent(share) == written


@pytest.mark.parametrize(("per_second", "written"), [(0.0, "0"), (0.9183, "0.918"), (20.0, "20"), (1_234.5, "1,234")])
def test_a_rate_has_three_digits_that_matter(per_second: float, written: str) -> None:
    assert figures.rate(per_second) == written


def test_a_count_has_its_noun() -> None:
    assert figures.count(1, "tuning job") == "1 tuning job"
    assert figures.count(2_000, "tuning job") == "2,000 tuning jobs"
    assert figures.count(0, "series", "series") == "0 series"


@given(st.one_of(st.none(), st.floats(), st.integers()))
def test_whatever_is_no_time_is_none(seconds: float | None) -> None:
    found = figures.moment(seconds)
    assert found is None or figures.iso(found).endswith("Z")
    assert figures.date(found)


def test_a_time_is_in_utc_to_the_millisecond() -> None:
    moment = figures.moment(1_750_000_000.25)
    assert moment is not None
    assert figures.iso(moment) == "2025-06-15T15:06:40.250Z"
    assert figures.date(moment) == "2025-06-15 15:06:40 UTC"


@given(st.floats(), st.floats(allow_nan=False, allow_infinity=False))
def test_no_number_is_too_odd_to_be_written(value: float, amount: float) -> None:
    assert figures.number(value)
    assert figures.duration(value)
    assert figures.percent(value)
    assert figures.money(amount, "USD").endswith("USD")
