from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.cli import main
from exporter.config import parse
from exporter.config.problem import quote


def product(region: str, usage: str, **attributes: str) -> dict[str, Any]:
    return {"productFamily": "ML Instance", "attributes": {"regionCode": region, "usagetype": usage} | attributes}


def term(price: object, unit: str = "Hrs", currency: str = "USD") -> dict[str, Any]:
    return {"t": {"priceDimensions": {"d": {"unit": unit, "pricePerUnit": {currency: price}}}}}


OFFER = {
    "products": {
        "A": product("eu-west-1", "EU-Train:ml.m5.xlarge"),
        "B": product("eu-west-1", "EU-Train:ml.p3.2xlarge"),
        "C": product("eu-west-1", "EU-Host:ml.m5.xlarge"),
        "D": product("us-east-1", "USE1-Train:ml.m5.xlarge"),
        "E": product("eu-west-1", "EU-Train:VolumeUsage.gp2"),
        "F": product("eu-west-1", "EU-SpotTrain:ml.m5.xlarge"),
        "G": {"attributes": {}},
        "H": product("eu-west-1", "EU-Train:ml.free.large"),
        "I": product("eu-west-1", "EU-Train:ml.monthly.large"),
    },
    "terms": {
        "OnDemand": {
            "A": term("0.2570000000"),
            "B": term("3.825"),
            "C": term("9"),
            "D": term("0.23"),
            "E": term("0.1"),
            "F": term("0.01"),
            "H": term("0"),
            "I": term("70", unit="Months"),
        },
        "Reserved": {"A": term("0.1")},
    },
}


@pytest.fixture
def offer(tmp_path: Path) -> Path:
    file = tmp_path / "offer.json"
    file.write_text(json.dumps(OFFER))
    return file


def test_prints_what_instances_of_training_jobs_cost(offer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prices", "--region", "eu-west-1", "--from", str(offer)]) == 0
    assert capsys.readouterr().out == (
        "currency: USD\nprices:\n  eu-west-1:\n    ml.m5.xlarge: 0.257\n    ml.p3.2xlarge: 3.825\n"
    )


def test_what_it_prints_is_what_the_configuration_reads(
    offer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prices", "--region", "us-east-1", "--region", "eu-west-1", "--from", str(offer)]) == 0
    (tmp_path / "prices.yaml").write_text(capsys.readouterr().out)
    text = (
        "aws: {region: us-east-1}\ntuning_jobs: [a]\ncollect: [training_jobs]\n"
        "spend: {prices_file: prices.yaml, prices: {ml.c5.large: 0.1}}\n"
    )
    [target] = parse(text, str(tmp_path / "config.yaml")).targets
    assert target.spend is not None
    assert target.spend.prices == {"ml.m5.xlarge": 0.23, "ml.c5.large": 0.1}
    assert target.spend.currency == "USD"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read (No such file or directory): name the offer file that you downloaded"),
        ("a,b", "is not JSON: download the offer file of AmazonSageMaker as JSON, not as CSV"),
        ("[" * 100_000 + "]" * 100_000, "is not JSON"),
        ("[]", "has no prices of training instances for eu-west-1 in USD"),
        ('{"products": {"A": 1}, "terms": []}', "has no prices of training instances for eu-west-1 in USD"),
    ],
)
def test_says_why_there_is_none(
    content: str | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "offer.json"
    if content is not None:
        file.write_text(content)
    assert main(["prices", "--region", "eu-west-1", "--from", str(file)]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert message in told.err


def offered(tmp_path: Path, *offers: tuple[str, object], region: str = "eu-west-1", currency: str = "USD") -> Path:
    """Return an offer file of usage types and their prices."""
    file = tmp_path / "offer.json"
    products = {f"S{place}": product(region, usage) for place, (usage, _) in enumerate(offers)}
    terms = {f"S{place}": term(price, currency=currency) for place, (_, price) in enumerate(offers)}
    file.write_text(json.dumps({"products": products, "terms": {"OnDemand": terms}}))
    return file


def made(file: Path, capsys: pytest.CaptureFixture[str], *flags: str) -> tuple[int, dict[str, float], str]:
    """Return the code, what the configuration reads out of what was printed, and what was told."""
    code = main(["prices", "--region", "eu-west-1", "--from", str(file), *flags])
    out, err = capsys.readouterr()
    err = err.replace(f"{file.parent}/", "")
    if code:
        assert out == ""
        return code, {}, err
    (file.parent / "prices.yaml").write_text(out)
    text = "aws: {region: eu-west-1}\ntuning_jobs: [a]\ncollect: [training_jobs]\nspend: {prices_file: prices.yaml}\n"
    [target] = parse(text, str(file.parent / "config.yaml")).targets
    assert target.spend is not None
    return code, dict(target.spend.prices or {}), err


@pytest.mark.parametrize(
    ("usage", "price"),
    [
        ("ml.m5.xlarge-Spot", "0.1"),
        ("ml.m5.xlarge:RI", "0.1"),
        ("ml.M5.xlarge", "0.1"),
        ("ml.p4de", "0.2"),
        ("ml.m5.x\n  ml.evil.y: 3", "0.2"),
        ("ml.m5.xlarge", "Infinity"),
        ("ml.m5.xlarge", "-1"),
        ("ml.m5.xlarge", "1e16"),
        ("ml.m5.xlarge", 10**400),
        ("ml.m5.xlarge", math.inf),
        ("ml.m5.xlarge", True),
        ("ml.m5.xlarge", None),
        ("ml.m5.xlarge", {}),
    ],
)
def test_what_the_configuration_would_refuse_is_left_out_and_told(
    usage: str, price: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = offered(tmp_path, (f"EU-Train:{usage}", price), ("EU-Train:ml.c5.large", "0.1"))
    code, found, told = made(file, capsys)
    assert (code, found) == (0, {"ml.c5.large": 0.1})
    assert told.startswith(
        f"warning: eu-west-1: {quote(usage)} at {quote(str(price).replace('inf', 'Infinity'))} an hour is left out: "
    )
    assert told.count("\n") == 1
    code, _, told = made(offered(tmp_path, (f"EU-Train:{usage}", price)), capsys)
    assert code == 1
    assert told.splitlines()[1] == (
        "offer.json has no prices of training instances for eu-west-1 in USD: put what you pay into spend.prices"
    )


@pytest.mark.parametrize("price", ["0.0000112", "1.12e-05", "0.000000000001", "0.12345678901234567", 0.25, 3, "1e15"])
def test_any_price_is_read_as_it_was_offered(price: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert made(offered(tmp_path, ("Train:ml.m5.xlarge", price)), capsys) == (0, {"ml.m5.xlarge": float(price)}, "")


def test_a_type_with_two_prices_is_left_out_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usage = "EU-Train:ml.m5.xlarge"
    file = offered(tmp_path, (usage, "0.269"), (usage, "0.1"), (usage, "0"), ("EU-Train:ml.c5.large", "0.1"))
    assert made(file, capsys) == (
        0,
        {"ml.c5.large": 0.1},
        "warning: eu-west-1: ml.m5.xlarge is left out, because it is offered at 0.1 and 0.269: put what you pay into spend.prices\n",
    )


def test_the_same_price_twice_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = offered(tmp_path, ("EU-Train:ml.m5.xlarge", "0.269"), ("EU-Train:ml.m5.xlarge", "0.2690000000"))
    assert made(file, capsys) == (0, {"ml.m5.xlarge": 0.269}, "")


def test_an_offer_in_another_currency_is_told_with_the_flag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = offered(tmp_path, ("Train:ml.m5.xlarge", "0.2"), currency="CNY")
    assert made(file, capsys) == (
        1,
        {},
        "offer.json has no prices of training instances for eu-west-1 in USD: add --currency CNY\n",
    )
    assert made(file, capsys, "--currency", "CNY")[:2] == (0, {"ml.m5.xlarge": 0.2})


def test_a_currency_that_nobody_could_give_is_not_proposed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = offered(tmp_path, ("Train:ml.m5.xlarge", "0.2"), currency="US$")
    assert made(file, capsys)[2].endswith(": download the offer file of AmazonSageMaker for eu-west-1\n")


def test_a_byte_order_mark_is_not_minded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = offered(tmp_path, ("Train:ml.m5.xlarge", "0.2"))
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert made(file, capsys) == (0, {"ml.m5.xlarge": 0.2}, "")


@pytest.mark.parametrize("currency", ["usd", "US$", ""])
def test_refuses_what_is_no_currency(currency: str, offer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["prices", "--region", "eu-west-1", "--from", str(offer), "--currency", currency])
    assert "--currency: " in (told := capsys.readouterr().err)
    assert "write three capital letters, for example USD" in told


PARTS = st.sampled_from(["ml.m5.xlarge", "ml.M5.xlarge", "ml.c5.large", "ml.x", "", "ml.a.b: 1", "ml.a.b\n"])
PRICES = st.floats() | st.integers() | st.text(max_size=5) | st.sampled_from(["0.1", "1e-9", "NaN", "0"]) | st.none()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(PARTS.map("EU-Train:{}".format), PRICES), max_size=6))
def test_whatever_is_offered_what_is_printed_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], offers: list[tuple[str, object]]
) -> None:
    code, found, _ = made(offered(tmp_path, *offers), capsys)
    assert code == (0 if found else 1)


def test_refuses_what_is_no_region(offer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["prices", "--region", "europe", "--from", str(offer)])
    assert "--region" in capsys.readouterr().err
