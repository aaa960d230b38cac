"""Amounts, currencies, and the instance types that have prices."""

from __future__ import annotations

import re

from exporter.config.number import parse_number
from exporter.config.problem import quote

INSTANCE_TYPE_PATTERN = r"ml\.[a-z0-9-]{1,40}\.[a-z0-9-]{1,40}"
LARGEST_AMOUNT = 1e15
"""The largest amount, in any currency. A float cannot represent cents of larger ones."""

_CURRENCY = re.compile("[A-Z]{3}")
_INSTANCE_TYPE = re.compile(INSTANCE_TYPE_PATTERN)


def parse_amount(text: str) -> float:
    """Return an amount of money, which must be above 0. Raises ValueError with the remedy."""
    amount = parse_number(text)
    if amount is None or amount == 0:
        raise ValueError(f"{quote(text)} is not an amount of money above 0: write digits, for example 0.23 or 250")
    if amount > LARGEST_AMOUNT:
        raise ValueError(f"{quote(text)} is too much: write at most {LARGEST_AMOUNT:.0f}")
    return amount


def parse_currency(text: str) -> str:
    """Return the code of a currency. Raises ValueError with the remedy if it is not three capital letters."""
    if is_currency(text):
        return text
    raise ValueError(f"{quote(text)} is not the code of a currency: write three capital letters, for example USD")


def is_currency(text: str) -> bool:
    """Return whether a text has the form of a currency's code."""
    return _CURRENCY.fullmatch(text) is not None


def parse_instance_type(text: str) -> str:
    """Return an instance type such as ``ml.m5.xlarge``. Raises ValueError with the remedy for anything else."""
    if _INSTANCE_TYPE.fullmatch(text):
        return text
    raise ValueError(f"{quote(text)} is not an instance type of training jobs: write for example ml.m5.xlarge")
