"""Keys speak for their callers as long as they last."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from exporter.simulator import sts
from exporter.simulator.callers import Callers
from exporter.simulator.errors import ApiError

NOW = 1_764_000_000.25
ROLE = "arn:aws:iam::210987654321:role/metrics"


@pytest.fixture
def callers():
    return Callers(random.Random(0))


def test_a_key_that_nobody_added_is_unknown(callers):
    assert callers.get("AKIDANY", None, NOW) is None


def test_a_key_needs_its_token_and_expires(callers):
    caller = replace(sts.user("210987654321"), session_token="its own", expires=NOW + 60)
    callers.add("ASIAOTHER", caller)
    assert callers.get("ASIAOTHER", "its own", NOW) is caller
    with pytest.raises(ApiError, match="UnrecognizedClientException"):
        callers.get("ASIAOTHER", "another", NOW)
    with pytest.raises(ApiError, match="ExpiredTokenException"):
        callers.get("ASIAOTHER", "its own", NOW + 60)


@pytest.mark.parametrize("way", ["role", "web identity"])
def test_the_key_of_a_role_is_known_and_lasts_no_longer_than_it_may(callers, way):
    content = {"RoleArn": ROLE, "RoleSessionName": "test", "WebIdentityToken": "a.b.c"}
    if way == "role":
        answer = callers.assume_role(content, sts.user("123456789012"), {ROLE: None}, now=NOW, lifetime=30.0)
    else:
        answer = callers.assume_role_with_web_identity(content, {"a.b.c": ROLE}, now=NOW, lifetime=30.0)
    key = answer["Credentials"]
    assert callers.get(key["AccessKeyId"], key["SessionToken"], NOW + 29).account_id == "210987654321"
    with pytest.raises(ApiError, match="ExpiredTokenException"):
        callers.get(key["AccessKeyId"], key["SessionToken"], NOW + 30)
