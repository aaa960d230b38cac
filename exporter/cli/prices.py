"""``sagemaker-tuning-exporter prices``: make a prices file from an offer file of AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence


def parser() -> options.Parser:
    """Return the parser of ``prices``."""
    made = options.Parser(
        prog=f"{options.PROGRAM} prices",
        description="Print a file for spend.prices_file: what instances of training jobs cost, from AWS's price list of AmazonSageMaker (its offer file).",
        epilog="The offer file of eu-west-1 is https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonSageMaker/current/"
        "eu-west-1/index.json",
        examples=("prices --region=eu-west-1 --from=index.json > prices.yaml",),
    )
    made.add_argument("--region", action="append", required=True, metavar="REGION", help="A region; may be repeated.")
    made.add_argument(
        "--from", dest="offer", metavar=options.FILE, required=True, help="The offer file, downloaded as JSON."
    )
    made.add_argument("--currency", default="USD", help="The currency of the prices [default %(default)s].")
    return made


def run(argv: Sequence[str]) -> int:
    """Print the file and return 0. Offers that are left out are listed on stderr. Raises UserError if there is no price."""
    made = parser()
    given = made.parse_args(argv)

    from exporter.cli import offer
    from exporter.config.money import parse_currency
    from exporter.config.regions import parse_region

    try:
        regions = list(dict.fromkeys(parse_region(region) for region in given.region))
    except ValueError as error:
        made.error(f"argument --region: {error}")
    try:
        currency = parse_currency(given.currency)
    except ValueError as error:
        made.error(f"argument --currency: {error}")
    offer.print_prices(given.offer, regions, currency)
    return 0
