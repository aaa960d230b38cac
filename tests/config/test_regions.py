from __future__ import annotations

import pytest

from exporter.config.regions import doubt, parse_region, partition_of


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-east-1", "cn-northwest-1", "us-iso-west-1", "ap-southeast-12"])
def test_regions_are_accepted_by_their_syntax(region: str) -> None:
    assert parse_region(region) == region
    assert doubt(region) is None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("eu-west1", "eu-west-1"),
        ("Ireland", "eu-west-1"),
        ("ireland", "eu-west-1"),
        ("EU-CENTRAL-1", "eu-central-1"),
        ("us-east-1a", "us-east-1"),
        ("us_west_2", "us-west-2"),
        ("N. Virginia", "us-east-1"),
    ],
)
def test_a_slip_gets_the_region_that_was_meant(text: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"is not an AWS region: did you mean {meant}\\?"):
        parse_region(text)


@pytest.mark.parametrize("text", ["", "12345", "eu-west-1 ", "eu-west-1\n", "٣"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an AWS region"):
        parse_region(text)


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-west-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eu-isoe-west-1", "aws-iso-e"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_the_partition_follows_from_the_region(region: str, partition: str) -> None:
    assert doubt(region) is None
    assert partition_of(region) == partition


@pytest.mark.parametrize(
    ("region", "remedy"),
    [
        ("eu-wset-1", "did you mean eu-west-1?"),
        ("us-easst-1", "did you mean us-east-1?"),
        ("zzzz-qqqq-9", "check its code"),
    ],
)
def test_a_region_without_a_direction_of_the_compass_is_doubted(region: str, remedy: str) -> None:
    assert doubt(region) == f'"{region}" is not a region that AWS is known to have: {remedy}'
