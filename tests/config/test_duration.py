from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.duration import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60s", 60),
        ("5m", 300),
        ("1h30m", 5400),
        ("7d", 604_800),
        ("500ms", 0.5),
        ("1w", 604_800),
        ("0s", 0),
        ("1m1ms", 60.001),
    ],
)
def test_reads_what_prometheus_reads(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "remedy"),
    [("60", "write 60s"), ("300", "write 5m"), ("1.5", "write 1s500ms"), ("0.5", "write 500ms"), ("0", "write 0s")],
)
def test_a_number_without_unit_gets_its_unit(text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=f"has no unit: {remedy} if seconds"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text", ["", "s", "1.5h", "30m1h", "1m1m", "-1s", "1 s", "5min", "٣s", "1y", "1s\n", "9" * 13 + "s"]
)
def test_refuses_anything_else_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration: write for example 30s"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (60, "60s"), (120, "120s"), (300, "5m"), (86_400, "1d"), (5400.25, "1h30m250ms")]
)
def test_writes_the_way_people_do(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(min_value=0, max_value=10**12))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == milliseconds / 1000
