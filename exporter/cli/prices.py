"""``sagemaker-tuning-exporter prices``: make a file of prices out of an offer file of AWS."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from exporter.cli import options
from exporter.config.money import is_currency, parse_amount, parse_currency, parse_instance_type
from exporter.config.number import parse_number
from exporter.config.problem import quote
from exporter.config.regions import parse_region

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_HOURS = ("Hrs", "Hours", "hours")
_USAGE = "Train:"
"""Where the usage type of a product names an instance of training jobs, as in ``EU-Train:ml.m5.xlarge``."""


def run(argv: Sequence[str]) -> int:
    """Print the file. Return 0, or 1 after saying why there is none. What was left out of it is told on stderr."""
    parser = options.Parser(
        prog="sagemaker-tuning-exporter prices",
        description="Print a file for spend.prices_file: what instances of training jobs cost, out of AWS's offer file for AmazonSageMaker.",
    )
    parser.add_argument("--region", action="append", required=True, help="A region; may be repeated.")
    parser.add_argument("--from", dest="offer", metavar="OFFER.json", required=True, help="The offer file, downloaded.")
    parser.add_argument("--currency", default="USD", help="The currency of the offer [default %(default)s].")
    given = parser.parse_args(argv)
    try:
        regions = list(dict.fromkeys(parse_region(region) for region in given.region))
    except ValueError as error:
        parser.error(f"argument --region: {error}")
    try:
        currency = parse_currency(given.currency)
    except ValueError as error:
        parser.error(f"argument --currency: {error}")
    try:
        text = Path(given.offer).read_text(encoding="utf-8-sig")
        offer = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except OSError as error:
        return _refuse(f"{given.offer} cannot be read: {error.strerror}")
    except (ValueError, RecursionError):  # the latter where lists are in lists without end
        return _refuse(f"{given.offer} is not JSON: download the offer file of AmazonSageMaker as JSON, not as CSV")
    return _print([*_offered(offer)], regions, currency, given.offer)


def _print(offered: Sequence[_Offered], regions: Sequence[str], currency: str, file: str) -> int:
    prices = {region: _Prices() for region in regions}
    for each in offered:
        if each.region in prices and each.currency == currency:
            prices[each.region].add(each)
    for region in regions:
        for left_out in prices[region].left_out():
            print(f"warning: {region}: {left_out}", file=sys.stderr)
    sure = {region: dict(sorted(prices[region].sure().items())) for region in regions}
    for region in regions:
        if not sure[region]:
            remedy = _remedy(offered, region, currency)
            return _refuse(f"{file} has no prices of training instances for {region} in {currency}: {remedy}")
    print(yaml.safe_dump({"currency": currency, "prices": sure}, sort_keys=False), end="")
    return 0


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


@dataclass(frozen=True, slots=True)
class _Offered:
    """One on-demand price of a training instance for an hour, all as the offer file writes it."""

    region: str
    instance: str
    currency: str
    price: object


@dataclass(slots=True)
class _Prices:
    """The prices of a region; an instance type has several if the offer does not say which one is paid."""

    _found: dict[str, set[float]] = field(default_factory=dict)
    _unusable: dict[str, None] = field(default_factory=dict)

    def add(self, offered: _Offered) -> None:
        """Take a price, if the configuration would."""
        text = str(offered.price)
        if parse_number(text) == 0:
            return
        try:
            self._found.setdefault(parse_instance_type(offered.instance), set()).add(parse_amount(text))
        except ValueError:
            self._unusable[
                f"{quote(offered.instance)} at {quote(text)} an hour is left out: the exporter takes no such type or price"
            ] = None

    def sure(self) -> dict[str, float]:
        """Return the prices that are the only one of their instance type."""
        return {name: min(prices) for name, prices in self._found.items() if len(prices) == 1}

    def left_out(self) -> Iterator[str]:
        """Yield what was offered and is no price, and why."""
        yield from self._unusable
        for name, prices in self._found.items():
            if len(prices) > 1:
                several = " and ".join(f"{price}" for price in sorted(prices))
                yield f"{name} is left out, for it is offered at {several}: put what you pay into spend.prices"


def _remedy(offered: Iterable[_Offered], region: str, currency: str) -> str:
    """Return what to do about an offer that has no price for a region."""
    here = [each for each in offered if each.region == region]
    if any(each.currency == currency for each in here):
        return "put what you pay into spend.prices"
    if others := sorted({each.currency for each in here if is_currency(each.currency)}):
        return f"add --currency {' or --currency '.join(others)}"
    return f"download the offer file of AmazonSageMaker for {region}"


def _offered(offer: Any) -> Iterator[_Offered]:
    """Yield every on-demand price of training instances for an hour."""
    terms = _member(_member(offer, "terms"), "OnDemand")
    for sku, product in _member(offer, "products").items():
        attributes = _member(product, "attributes")
        region, usage = attributes.get("regionCode"), attributes.get("usagetype")
        if not isinstance(region, str) or not isinstance(usage, str):
            continue
        prefix, found, instance = usage.partition(_USAGE)
        if not found or not instance.startswith("ml.") or (prefix and not prefix.endswith("-")):
            continue
        for term in _member(terms, sku).values():
            dimensions = _member(term, "priceDimensions")
            for dimension in (_member(dimensions, name) for name in dimensions):
                if dimension.get("unit") in _HOURS:
                    for currency, price in _member(dimension, "pricePerUnit").items():
                        yield _Offered(region, instance, currency, price)


def _member(parent: Any, name: str) -> dict[str, Any]:
    found = parent.get(name) if isinstance(parent, dict) else None
    return found if isinstance(found, dict) else {}
