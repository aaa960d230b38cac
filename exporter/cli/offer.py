"""Reads an offer file of AWS, and makes a prices file for the instances of training jobs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from exporter.cli.failures import say
from exporter.cli.progress import progress
from exporter.config.money import is_currency, parse_amount, parse_instance_type
from exporter.config.number import parse_number
from exporter.config.problem import quote
from exporter.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_HOURS = ("Hrs", "Hours", "hours")
_USAGE = "Train:"
"""The pattern of usage types for training instances, such as ``EU-Train:ml.m5.xlarge``."""


def print_prices(file: str, regions: Sequence[str], currency: str) -> None:
    """Print the prices of an offer file, and on stderr what was left out. Raises UserError if a region has no prices."""
    offered = list(_offered(_read(file)))
    prices = {region: _Prices() for region in regions}
    for each in offered:
        if each.region in prices and each.currency == currency:
            prices[each.region].add(each)
    for region in regions:
        for left_out in prices[region].left_out():
            say(f"warning: {region}: {left_out}")
    sure = {region: dict(sorted(prices[region].sure().items())) for region in regions}
    for region in regions:
        if not sure[region]:
            remedy = _remedy(offered, region, currency)
            raise UserError(f"{file} has no prices of training instances for {region} in {currency}: {remedy}")
    print(yaml.safe_dump({"currency": currency, "prices": sure}, sort_keys=False), end="")


def _read(file: str) -> Any:
    with progress(f"Reading {Path(file).name}"):
        try:
            text = Path(file).read_text(encoding="utf-8-sig")
            return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
        except OSError as error:
            remedy = "download it first" if "://" in file else "name the offer file that you downloaded"
            raise UserError(f"{file} cannot be read ({error.strerror}): {remedy}") from error
        except (ValueError, RecursionError):  # RecursionError for lists that are nested too deeply
            remedy = "download the offer file of AmazonSageMaker as JSON, not as CSV"
            raise UserError(f"{file} is not JSON: {remedy}") from None


@dataclass(frozen=True, slots=True)
class _Offered:
    """One on-demand price of a training instance per hour, as written in the offer file."""

    region: str
    instance: str
    currency: str
    price: object


@dataclass(slots=True)
class _Prices:
    """The prices of a region. An instance type has several if the offer does not say which one applies."""

    _found: dict[str, set[float]] = field(default_factory=dict)
    _unusable: dict[str, None] = field(default_factory=dict)

    def add(self, offered: _Offered) -> None:
        """Add a price, if it is valid in a configuration."""
        text = str(offered.price)
        if parse_number(text) == 0:
            return
        try:
            self._found.setdefault(parse_instance_type(offered.instance), set()).add(parse_amount(text))
        except ValueError:
            self._unusable[
                f"{quote(offered.instance)} at {quote(text)} an hour is left out: the exporter does not accept such a type or price"
            ] = None

    def sure(self) -> dict[str, float]:
        """Return the prices of instance types that have exactly one price."""
        return {name: min(prices) for name, prices in self._found.items() if len(prices) == 1}

    def left_out(self) -> Iterator[str]:
        """Yield the offers that are left out, and why."""
        yield from self._unusable
        for name, prices in self._found.items():
            if len(prices) > 1:
                several = " and ".join(f"{price}" for price in sorted(prices))
                yield f"{name} is left out, because it is offered at {several}: put what you pay into spend.prices"


def _remedy(offered: Iterable[_Offered], region: str, currency: str) -> str:
    """Return what to do if an offer has no price for a region."""
    here = [each for each in offered if each.region == region]
    if any(each.currency == currency for each in here):
        return "put what you pay into spend.prices"
    if others := sorted({each.currency for each in here if is_currency(each.currency)}):
        return f"add --currency {' or --currency '.join(others)}"
    return f"download the offer file of AmazonSageMaker for {region}"


def _offered(offer: Any) -> Iterator[_Offered]:
    """Yield all on-demand prices of training instances per hour."""
    products, terms = _member(offer, "products"), _member(_member(offer, "terms"), "OnDemand")
    with progress("Looking for prices", total=len(products)) as advance:
        for sku, product in products.items():
            yield from _offered_for(product, _member(terms, sku))
            advance()


def _offered_for(product: Any, terms: Any) -> Iterator[_Offered]:
    attributes = _member(product, "attributes")
    region, usage = attributes.get("regionCode"), attributes.get("usagetype")
    if not isinstance(region, str) or not isinstance(usage, str):
        return
    prefix, found, instance = usage.partition(_USAGE)
    if not found or not instance.startswith("ml.") or (prefix and not prefix.endswith("-")):
        return
    for term in terms.values():
        dimensions = _member(term, "priceDimensions")
        for dimension in (_member(dimensions, name) for name in dimensions):
            if dimension.get("unit") in _HOURS:
                for currency, price in _member(dimension, "pricePerUnit").items():
                    yield _Offered(region, instance, currency, price)


def _member(parent: Any, name: str) -> dict[str, Any]:
    found = parent.get(name) if isinstance(parent, dict) else None
    return found if isinstance(found, dict) else {}
