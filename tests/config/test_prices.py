"""Prices in the configuration and in a file beside it; mistakes are told with file, line and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config import ConfigError, Settings, parse
from exporter.config.source import MAX_BYTES
from exporter.config.specs import Money

HEAD = "aws: {region: eu-west-1}\ncollect: [training_jobs]\n"
FILE = "currency: EUR\nprices:\n  eu-west-1: {ml.m5.xlarge: 0.257, ml.c5.large: 0.1}\n"


def settings(tmp_path: Path, text: str, prices: str | None = FILE) -> Settings:
    if prices is not None:
        (tmp_path / "prices.yaml").write_text(prices)
    return parse(HEAD + "tuning_jobs: [churn]\n" + text, str(tmp_path / "config.yaml"))


def refusal(tmp_path: Path, text: str, prices: str | None = FILE) -> str:
    with pytest.raises(ConfigError) as raised:
        settings(tmp_path, text, prices)
    return str(raised.value).replace(f"{tmp_path}/", "")


def priced(found: Settings) -> tuple[object, str]:
    spend = found.targets[0].spend
    assert spend is not None
    return spend.prices, spend.currency


def test_without_prices_no_money_is_told(tmp_path: Path) -> None:
    assert priced(settings(tmp_path, ""))[0] is None


def test_prices_are_those_of_the_region_and_the_configuration_s_own_go_first(tmp_path: Path) -> None:
    text = "spend: {prices_file: prices.yaml, prices: {ml.c5.large: 0.09}}"
    assert priced(settings(tmp_path, text)) == ({"ml.m5.xlarge": 0.257, "ml.c5.large": 0.09}, "EUR")


def test_of_a_region_that_the_file_does_not_have_there_are_none(tmp_path: Path) -> None:
    file = "prices: {us-east-1: {ml.m5.xlarge: 0.23}}"
    assert priced(settings(tmp_path, "spend: {prices_file: prices.yaml}", file)) == ({}, "USD")


def test_budgets_are_in_the_currency_of_the_prices(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(FILE)
    text = "tuning_jobs: [churn, {name: ranker, budget: 99.5}]\ndiscover: [{budget: 500}]\nspend: {prices_file: prices.yaml}"
    [target] = parse(HEAD + text, str(tmp_path / "config.yaml")).targets
    assert [job.budget for job in target.jobs] == [None, Money(99.5, "EUR")]
    assert target.rules[0].budget == Money(500.0, "EUR")


@pytest.mark.parametrize(
    ("text", "file", "problem"),
    [
        (
            "spend:\n  prices_file: prices.yaml",
            None,
            (
                "config.yaml:5: spend.prices_file: prices.yaml cannot be read (No such file or directory): write the path of a"
                " file that `sagemaker-tuning-exporter prices` has written"
            ),
        ),
        (
            "spend:\n  prices_file: .",
            None,
            "config.yaml:5: spend.prices_file: ",
        ),
        (
            "spend: {prices_file: prices.yaml}",
            "prices:\n  eu-west-1:\n    ml.m5.xlarge: cheap\n",
            (
                'prices.yaml:3: prices.eu-west-1["ml.m5.xlarge"]: "cheap" is not an amount of money above 0: write digits, for'
                " example 0.23"
            ),
        ),
        (
            "spend: {prices_file: prices.yaml}",
            "prices:\n  eu-west-1:\n    m5.xlarge: 1\n",
            (
                'prices.yaml:3: prices.eu-west-1["m5.xlarge"]: "m5.xlarge" is not an instance type of training jobs: write for'
                " example ml.m5.xlarge"
            ),
        ),
        (
            "spend: {prices_file: prices.yaml}",
            "",
            "prices.yaml: the file is empty: write for example prices: {eu-west-1: {ml.m5.xlarge: 0.23}}",
        ),
        (
            "spend: {prices_file: prices.yaml}",
            "# none\n- ml.m5.xlarge: 0.23\n",
            (
                "prices.yaml:2: the file contains a list where a mapping of keys is expected: write for example prices:"
                " {eu-west-1: {ml.m5.xlarge: 0.23}}"
            ),
        ),
        (
            "spend: {prices_file: prices.yaml}",
            "prices:\n  eu-west-1:\n    ml.m5.xlarge: .inf\n",
            'prices.yaml:3: prices.eu-west-1["ml.m5.xlarge"]: ".inf" is not an amount of money above 0',
        ),
        (
            "spend: {prices_file: /dev/zero}",
            None,
            (
                "config.yaml:4: spend.prices_file: /dev/zero cannot be read (it is a device): write the path of a file that"
                " `sagemaker-tuning-exporter prices` has written"
            ),
        ),
        (
            "spend: {prices_file: prices.yaml}",
            "price:\n  eu-west-1: {}\n",
            'prices.yaml:1: price: unknown key "price": did you mean "prices"?',
        ),
        (
            "spend: {prices_file: prices.yaml}",
            "prices: [1]\n",
            "prices.yaml:1: prices: a mapping is expected here: write 'key: value' on a line of its own for each",
        ),
        ("spend: {prices_file: prices.yaml}", "a: [\n", "prices.yaml:"),
        (
            "spend: {prices_file: prices.yaml, currency: USD}",
            FILE,
            (
                "config.yaml:4: spend.currency: this is USD, but the prices of prices.yaml are in EUR: remove currency, or use a"
                " file of prices in USD"
            ),
        ),
        (
            "spend:\n  prices: {ml.m5.xlarge: -1}",
            None,
            'config.yaml:5: spend.prices["ml.m5.xlarge"]: "-1" is not an amount of money above 0: write digits, for example 0.23 or 250',
        ),
        (
            "spend:\n  currency: dollars",
            None,
            'config.yaml:5: spend.currency: "dollars" is not the code of a currency: write three capital letters, for example USD',
        ),
        (
            "discover:\n- budget: 0",
            None,
            'config.yaml:5: discover[0].budget: "0" is not an amount of money above 0: write digits, for example 0.23 or 250',
        ),
    ],
)
def test_what_is_wrong_is_refused_with_the_line_and_the_remedy(
    tmp_path: Path, text: str, file: str | None, problem: str
) -> None:
    assert refusal(tmp_path, text, file).startswith(problem)


def test_a_file_beyond_all_measure_is_told_as_what_it_is(tmp_path: Path) -> None:
    with (tmp_path / "prices.yaml").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert refusal(tmp_path, "spend: {prices_file: prices.yaml}", None) == (
        "config.yaml:4: spend.prices_file: prices.yaml cannot be read (it has more than 16 MiB): write the path of a file"
        " that `sagemaker-tuning-exporter prices` has written"
    )


@pytest.mark.parametrize(("written", "price"), [("1.12e-05", 1.12e-05), ("0.12345678901234566", 0.12345678901234566)])
def test_a_price_may_be_written_as_programs_write_numbers(tmp_path: Path, written: str, price: float) -> None:
    file = f"prices: {{eu-west-1: {{ml.m5.xlarge: {written}}}}}"
    assert priced(settings(tmp_path, "spend: {prices_file: prices.yaml}", file))[0] == {"ml.m5.xlarge": price}
