"""AWS regions: their syntax, their partition, and suggestions for other spellings."""

from __future__ import annotations

import re

from exporter.config.problem import nearest, quote

REGION_PATTERN = "[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}"

_REGION = re.compile(REGION_PATTERN)

PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("us-isof-", "aws-iso-f"),
    ("eu-isoe-", "aws-iso-e"),
    ("eusc-", "aws-eusc"),
)

# Only for suggestions. A region that is missing here is still accepted.
_PLACES = {
    "N. Virginia": "us-east-1",
    "Virginia": "us-east-1",
    "Ohio": "us-east-2",
    "N. California": "us-west-1",
    "Oregon": "us-west-2",
    "GovCloud East": "us-gov-east-1",
    "GovCloud West": "us-gov-west-1",
    "Cape Town": "af-south-1",
    "Hong Kong": "ap-east-1",
    "Taipei": "ap-east-2",
    "Mumbai": "ap-south-1",
    "Hyderabad": "ap-south-2",
    "Singapore": "ap-southeast-1",
    "Sydney": "ap-southeast-2",
    "Jakarta": "ap-southeast-3",
    "Melbourne": "ap-southeast-4",
    "Malaysia": "ap-southeast-5",
    "New Zealand": "ap-southeast-6",
    "Thailand": "ap-southeast-7",
    "Tokyo": "ap-northeast-1",
    "Seoul": "ap-northeast-2",
    "Osaka": "ap-northeast-3",
    "Canada": "ca-central-1",
    "Calgary": "ca-west-1",
    "Beijing": "cn-north-1",
    "Ningxia": "cn-northwest-1",
    "Frankfurt": "eu-central-1",
    "Zurich": "eu-central-2",
    "Ireland": "eu-west-1",
    "London": "eu-west-2",
    "Paris": "eu-west-3",
    "Stockholm": "eu-north-1",
    "Milan": "eu-south-1",
    "Spain": "eu-south-2",
    "Tel Aviv": "il-central-1",
    "UAE": "me-central-1",
    "Bahrain": "me-south-1",
    "Mexico": "mx-central-1",
    "São Paulo": "sa-east-1",
}
_DIRECTION = re.compile("(north|south)?(east|west)?|central")
_SUGGESTIONS = {**{code: code for code in _PLACES.values()}, **_PLACES}


def parse_region(text: str) -> str:
    """Return the region. Raises ValueError with a suggestion if it is not written like ``eu-west-1``."""
    if _REGION.fullmatch(text):
        return text
    several = [each for each in re.split(r"[\s,;|]+", text.strip("[] ")) if each]
    if len(several) > 1 and all(map(_REGION.fullmatch, several)):
        raise ValueError(f"{quote(text)} is more than one region: an entry has one, so write an entry for each")
    close = nearest(text, _SUGGESTIONS)
    remedy = f"did you mean {_SUGGESTIONS[close]}?" if close else "write its code, for example eu-west-1"
    raise ValueError(f"{quote(text)} is not an AWS region: {remedy}")


def doubt(region: str) -> str | None:
    """Return what to write instead if a region cannot be one of AWS. None if it can."""
    if _DIRECTION.fullmatch(region.split("-")[-2]):
        return None
    close = nearest(region, _PLACES.values())
    remedy = f"did you mean {close}?" if close else "check its code"
    return f"{quote(region)} is not a region that AWS is known to have: {remedy}"


def partition_of(region: str) -> str:
    """Return the partition of a region, by its prefix, else ``aws``."""
    return next((partition for prefix, partition in PARTITIONS if region.startswith(prefix)), "aws")
