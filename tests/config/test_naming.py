from __future__ import annotations

import re

import pytest

from exporter.config import parse


def names(*jobs: str) -> list[str]:
    text = "tuning_jobs:\n" + "".join(f"  - {{name: job-{place}, {keys}}}\n" for place, keys in enumerate(jobs))
    return [target.name for target in parse(text, "c.yaml").targets]


ROLE = "role_arn: arn:aws:iam::012345670123:role/teams/tuning-metrics"


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ("region: eu-west-1", "eu-west-1"),
        (f"region: eu-west-1, {ROLE}", "eu-west-1/012345670123/tuning-metrics"),
        ("region: us-east-1, profile: x", "us-east-1/profile-x"),
        (f"region: us-east-1, profile: x, {ROLE}", "us-east-1/profile-x/012345670123/tuning-metrics"),
        ("region: eu-west-1, endpoint_url: 'http://[::1]:4566/a'", "eu-west-1"),
        ("region: eu-west-1, sign_requests: false", "eu-west-1/unsigned"),
        ("region: eu-west-1, use_fips: true", "eu-west-1/fips"),
    ],
)
def test_a_name_says_who_calls_what(keys: str, name: str) -> None:
    assert names(keys) == [name]


def test_what_reads_the_same_is_told_apart_by_a_stable_hash() -> None:
    one, other = (f"region: eu-west-1, {ROLE}, external_id: {secret}" for secret in ("first-id", "second-id"))
    both = names(one, other)
    assert len(set(both)) == 2
    for name in both:
        assert re.fullmatch(r"eu-west-1/012345670123/tuning-metrics/[0-9a-f]{8}", name)
        assert "-id" not in name
    assert names(other, one) == both[::-1]


def test_the_host_of_the_endpoint_stands_in_a_name_only_where_nothing_else_tells_targets_apart() -> None:
    public, proxy, other = (
        "region: eu-west-1",
        "region: eu-west-1, endpoint_url: 'http://proxy:4566/a'",
        "region: eu-west-1, endpoint_url: 'http://[::1]:4566'",
    )
    assert names(proxy, "region: us-east-1") == ["eu-west-1", "us-east-1"]
    assert names(proxy, f"{proxy}, profile: x") == ["eu-west-1", "eu-west-1/profile-x"]
    assert names(public, proxy, other) == ["eu-west-1", "eu-west-1/proxy:4566", "eu-west-1/[::1]:4566"]


def test_endpoints_of_one_host_are_told_apart_by_a_hash_on_top() -> None:
    both = names(*(f"region: eu-west-1, endpoint_url: 'http://proxy:4566/{path}'" for path in "ab"))
    assert len(set(both)) == 2
    assert all(re.fullmatch(r"eu-west-1/proxy:4566/[0-9a-f]{8}", name) for name in both)


def test_a_name_does_not_depend_on_the_jobs() -> None:
    assert names("region: eu-west-1", "region: eu-west-1, account_id: '012345670123'") == ["eu-west-1"]
