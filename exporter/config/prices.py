"""Reads the prices file of a configuration. Its mistakes are reported like those of the configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.config import load, source
from exporter.config.model import PricesFile
from exporter.config.problem import ConfigError, Problem
from exporter.config.validate import validate_section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config.load import Document
    from exporter.config.model import Spend

_EXAMPLE = "prices: {eu-west-1: {ml.m5.xlarge: 0.23}}"
_HOW = "write the path of a file that `sagemaker-tuning-exporter prices` has written"


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of an instance per hour, by region and instance type. ``currency`` is None if the file has none."""

    by_region: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    currency: str | None = None


def read_prices(document: Document, spend: Spend) -> tuple[Prices, list[Problem]]:
    """Return the prices in the file that a configuration names, and all mistakes in it."""
    if spend.prices_file is None:
        return Prices(), []
    path = Path(document.file).parent / spend.prices_file
    here = ("spend", "prices_file")
    try:
        text = source.look(path).decode("utf-8")
    except UnicodeDecodeError:
        return Prices(), [Problem(str(path), None, "", "this is not UTF-8: save the file as UTF-8")]
    except (OSError, ValueError) as error:
        return Prices(), [document.problem(here, f"{path} cannot be read ({source.reason(error)}): {_HOW}")]
    try:
        found, problems = validate_section(load.load(text, str(path), _EXAMPLE), PricesFile)
    except ConfigError as error:
        return Prices(), [*error.problems]
    if found is None:
        return Prices(), problems
    if spend.currency is not None and found.currency not in {None, spend.currency}:
        message = (
            f"this is {spend.currency}, but the prices of {path} are in {found.currency}: remove currency, or use"
            f" a file of prices in {spend.currency}"
        )
        problems.append(document.problem(("spend", "currency"), message))
    return Prices(found.prices, found.currency), problems
