from __future__ import annotations

import pytest

from exporter.config.money import is_currency, parse_amount, parse_currency, parse_instance_type


def test_an_amount_is_above_nothing_and_below_what_floats_tell_cents_of() -> None:
    assert parse_amount("1e15") == 1e15
    assert parse_amount("1e-12") == 1e-12
    with pytest.raises(ValueError, match="is too much: write at most 1000000000000000"):
        parse_amount("1.1e15")
    with pytest.raises(ValueError, match="is not an amount of money above 0: write digits"):
        parse_amount("0.0000000000")


@pytest.mark.parametrize("text", ["usd", "US$", "USDT", "", "U1D"])
def test_what_is_no_code_of_a_currency_is_refused(text: str) -> None:
    assert not is_currency(text)
    with pytest.raises(ValueError, match="write three capital letters, for example USD"):
        parse_currency(text)


def test_a_code_of_a_currency_is_taken() -> None:
    assert is_currency("CNY")
    assert parse_currency("CNY") == "CNY"


@pytest.mark.parametrize("text", ["ml.m5.xlarge", "ml.p6-b200.48xlarge"])
def test_an_instance_type_is_taken(text: str) -> None:
    assert parse_instance_type(text) == text


@pytest.mark.parametrize(
    "text", ["m5.xlarge", "ml.p4de", "ml.M5.xlarge", "ml.m5.xlarge-Spot", "ml.m5.xlarge:RI", "ml.m5.x\n"]
)
def test_what_is_no_instance_type_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an instance type of training jobs: write for example"):
        parse_instance_type(text)
