"""``sagemaker-tuning-exporter prices``: make a file of prices out of an offer file of AWS."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from exporter.cli import options
from exporter.config.regions import parse_region

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HOURS = ("Hrs", "Hours", "hours")
_USAGE = "Train:"
"""Where the usage type of a product names an instance of training jobs, as in ``EU-Train:ml.m5.xlarge``."""


def run(argv: Sequence[str]) -> int:
    """Print the file. Return 0, or 1 after saying why there is none."""
    parser = options.Parser(
        prog="sagemaker-tuning-exporter prices",
        description="Print a file for spend.prices_file: what instances of training jobs cost, out of AWS's offer file for AmazonSageMaker.",
    )
    parser.add_argument("--region", action="append", required=True, help="A region; may be repeated.")
    parser.add_argument("--from", dest="offer", metavar="OFFER.json", required=True, help="The offer file, downloaded.")
    parser.add_argument("--currency", default="USD", help="The currency of the offer [default %(default)s].")
    given = parser.parse_args(argv)
    try:
        regions = [parse_region(region) for region in given.region]
    except ValueError as error:
        parser.error(f"argument --region: {error}")
    try:
        offer = json.loads(Path(given.offer).read_text(encoding="utf-8"))
    except OSError as error:
        return _refuse(f"{given.offer} cannot be read: {error.strerror}")
    except ValueError:
        return _refuse(f"{given.offer} is not JSON: download the offer file of AmazonSageMaker as JSON, not as CSV")
    prices: dict[str, dict[str, float]] = {}
    for region, instance_type, price in _prices(offer, given.currency):
        if region in regions:
            prices.setdefault(region, {})[instance_type] = price
    for region in regions:
        if region not in prices:
            return _refuse(
                f"{given.offer} has no prices of training instances for {region} in {given.currency}:"
                f" download the offer file of AmazonSageMaker for {region}"
            )
    told = {region: dict(sorted(prices[region].items())) for region in regions}
    print(yaml.safe_dump({"currency": given.currency, "prices": told}, sort_keys=False), end="")
    return 0


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


def _prices(offer: Any, currency: str) -> Iterator[tuple[str, str, float]]:
    """Yield region, instance type and price for an hour of every on-demand offer of training instances."""
    terms = _member(_member(offer, "terms"), "OnDemand")
    for sku, product in _member(offer, "products").items():
        attributes = _member(product, "attributes")
        region, usage = attributes.get("regionCode"), attributes.get("usagetype")
        if not isinstance(region, str) or not isinstance(usage, str):
            continue
        prefix, found, instance_type = usage.partition(_USAGE)
        if not found or not instance_type.startswith("ml.") or (prefix and not prefix.endswith("-")):
            continue
        for term in _member(terms, sku).values():
            dimensions = _member(term, "priceDimensions")
            for dimension in (_member(dimensions, name) for name in dimensions):
                price = _number(_member(dimension, "pricePerUnit").get(currency))
                if price > 0 and dimension.get("unit") in _HOURS:
                    yield region, instance_type, price


def _member(parent: Any, name: str) -> dict[str, Any]:
    found = parent.get(name) if isinstance(parent, dict) else None
    return found if isinstance(found, dict) else {}


def _number(text: object) -> float:
    try:
        return float(text) if isinstance(text, str | int | float) else 0.0
    except ValueError:
        return 0.0
