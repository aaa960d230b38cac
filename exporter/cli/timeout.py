"""``--timeout``, for commands that make one round."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.cli.options import Parser

LONGEST = 12 * 3_600.0
"""The most seconds that a round may take."""

_DEFAULT = "10m"


def add_timeout(parser: Parser) -> None:
    """Add ``--timeout``: the most seconds for one round."""
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=_DEFAULT,
        metavar="DURATION",
        help="The longest that reading from AWS may take [default %(default)s].",
    )


def _seconds(text: str) -> float:
    from exporter.config.duration import format_duration, parse_duration

    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not 1.0 <= seconds <= LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not from 1s to {format_duration(LONGEST)}")
    return seconds
