from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exporter.cli import prices
from exporter.config import parse


def product(region: str, usage: str, **attributes: str) -> dict[str, Any]:
    return {"productFamily": "ML Instance", "attributes": {"regionCode": region, "usagetype": usage} | attributes}


def term(price: str, unit: str = "Hrs", currency: str = "USD") -> dict[str, Any]:
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
    assert prices.run(["--region", "eu-west-1", "--from", str(offer)]) == 0
    assert capsys.readouterr().out == (
        "currency: USD\nprices:\n  eu-west-1:\n    ml.m5.xlarge: 0.257\n    ml.p3.2xlarge: 3.825\n"
    )


def test_what_it_prints_is_what_the_configuration_reads(
    offer: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prices.run(["--region", "us-east-1", "--region", "eu-west-1", "--from", str(offer)]) == 0
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
        (None, "cannot be read: No such file or directory"),
        ("a,b", "is not JSON: download the offer file of AmazonSageMaker as JSON, not as CSV"),
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
    assert prices.run(["--region", "eu-west-1", "--from", str(file)]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert message in told.err


def test_refuses_what_is_no_region(offer: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        prices.run(["--region", "europe", "--from", str(offer)])
    assert "--region" in capsys.readouterr().err
