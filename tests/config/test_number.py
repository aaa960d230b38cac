from __future__ import annotations

import json
import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.number import parse_number


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0.0), ("007", 7.0), ("0.5", 0.5), ("1.2500005e+06", 1_250_000.5), ("1E3", 1000.0), ("1e-5", 1e-5)],
)
def test_digits_with_point_and_exponent_are_a_number(text: str, number: float) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", ".5", "1.", "1e", "inf", ".inf", "nan", "0x1", "1_000", "1,5", "1 ", "٣"]
)
def test_anything_else_is_none(text: str) -> None:
    assert parse_number(text) is None


def test_what_is_beyond_all_floats_is_infinite_and_what_is_endless_no_number() -> None:
    assert parse_number("1e999999") == math.inf
    assert parse_number("9" * 100) == pytest.approx(1e100)
    assert parse_number("9" * 101) is None


@given(st.floats(min_value=0, allow_infinity=False, allow_nan=False))
def test_numbers_that_python_json_and_yaml_write_are_read_back(number: float) -> None:
    assert math.copysign(1, number) == 1 or number == 0
    number = abs(number)
    for text in (repr(number), json.dumps(number), yaml.safe_dump(number).splitlines()[0]):
        assert parse_number(text) == number
