from __future__ import annotations

import pytest

from exporter.config import defaults
from exporter.config.caller import Callers
from exporter.config.model import Aws
from exporter.config.names import parse_job_arn
from exporter.config.specs import Connection, Credentials, Endpoint, TargetKey

A, B = "111111111111", "222222222222"
ROLE_A, ROLE_B = (f"arn:aws:iam::{account}:role/r" for account in (A, B))
ARN_A = parse_job_arn(f"arn:aws:sagemaker:us-east-1:{A}:hyper-parameter-tuning-job/x")


def callers(default_region: str | None = "eu-west-1", broken: frozenset[str] = frozenset(), **keys: str) -> Callers:
    return Callers(entry(**keys), default_region, broken)


def entry(**keys: str) -> Aws:
    return Aws.model_validate(keys)


def complaints(made: Callers, own: Aws, arn: object = None) -> list[tuple[str, ...]]:
    return [conflict.keys for conflict in made.of(own, ARN_A if arn else None).conflicts]


def test_without_any_key_the_defaults_of_the_exporter_hold() -> None:
    caller = callers().of(entry())
    assert caller.key == TargetKey("aws", "eu-west-1", Credentials(), Endpoint())
    assert caller.connection == Connection(connect_timeout=5.0, read_timeout=15.0)
    assert caller.requests_per_second == defaults.REQUESTS_PER_SECOND == 5.0
    assert (caller.account_id, caller.has_region, caller.conflicts) == (None, True, ())


def test_an_entry_wins_over_the_defaults_key_by_key() -> None:
    made = callers(region="us-east-1", profile="all", read_timeout="30s", connect_timeout="1s", requests_per_second="1")
    caller = made.of(entry(region="cn-north-1", read_timeout="2s", requests_per_second="9", use_fips="true"))
    assert caller.key == TargetKey("aws-cn", "cn-north-1", Credentials("all"), Endpoint(use_fips=True))
    assert caller.connection == Connection(connect_timeout=1.0, read_timeout=2.0)
    assert caller.requests_per_second == 9


def test_the_arn_region_wins_over_the_defaults() -> None:
    assert callers(region="eu-west-1").of(entry(), ARN_A).key.region == "us-east-1"


def test_the_region_of_the_file_wins_over_the_environment() -> None:
    assert callers("eu-west-1", region="us-east-1").of(entry()).key.region == "us-east-1"


def test_no_region_anywhere_is_noticed_unless_one_was_written_wrong() -> None:
    assert not callers(None).of(entry()).has_region
    assert callers(None, frozenset({"aws.region"})).of(entry()).has_region


@pytest.mark.parametrize(
    ("defaults", "own", "arn", "account"),
    [
        ({}, {"account_id": A}, False, A),
        ({}, {}, True, A),
        ({}, {"role_arn": ROLE_A}, False, A),
        ({"account_id": B}, {}, False, B),
        ({"role_arn": ROLE_B}, {}, False, B),
        ({"account_id": B}, {}, True, A),
        ({"account_id": B}, {"role_arn": ROLE_A}, False, A),
        ({"account_id": B}, {"profile": "p"}, False, B),
    ],
)
def test_the_nearest_claim_gives_the_account(
    defaults: dict[str, str], own: dict[str, str], arn: bool, account: str
) -> None:
    caller = Callers(entry(**defaults), "eu-west-1", frozenset()).of(entry(**own), ARN_A if arn else None)
    assert (caller.account_id, caller.conflicts) == (account, ())


@pytest.mark.parametrize(
    ("defaults", "own", "arn", "keys"),
    [
        ({}, {"account_id": A, "role_arn": ROLE_B}, False, ("role_arn", "account_id")),
        ({"role_arn": ROLE_B}, {"account_id": A}, False, ("role_arn", "account_id")),
        ({"role_arn": ROLE_B}, {}, True, ("role_arn", "account_id")),
        ({}, {"role_arn": ROLE_B}, True, ("role_arn", "account_id")),
        ({}, {"region": "cn-north-1", "role_arn": ROLE_A}, False, ("role_arn", "region")),
        ({"role_arn": ROLE_A}, {"region": "us-gov-west-1"}, False, ("role_arn", "region")),
        ({}, {"external_id": "abc"}, False, ("external_id", "role_arn")),
        ({}, {"ca_bundle": "/x", "verify_ssl": "false"}, False, ("ca_bundle", "verify_ssl")),
        ({"verify_ssl": "false"}, {"ca_bundle": "/x"}, False, ("ca_bundle", "verify_ssl")),
        ({"sign_requests": "false"}, {"role_arn": ROLE_A}, False, ("role_arn", "sign_requests")),
        ({}, {"profile": "p", "sign_requests": "false"}, False, ("profile", "sign_requests")),
        ({"endpoint_url": "http://x"}, {"use_fips": "true"}, False, ("endpoint_url", "use_fips")),
    ],
)
def test_what_excludes_each_other_is_a_conflict(
    defaults: dict[str, str], own: dict[str, str], arn: bool, keys: tuple[str, str]
) -> None:
    assert complaints(Callers(entry(**defaults), "eu-west-1", frozenset()), entry(**own), arn) == [keys]


def test_what_an_entry_switches_off_it_need_not_take_away() -> None:
    made = callers(profile="p", role_arn=ROLE_A, external_id="abc", ca_bundle="/x")
    caller = made.of(entry(sign_requests="false", verify_ssl="false"))
    assert caller.key.credentials == Credentials(sign_requests=False)
    assert caller.connection.ca_bundle is None
    assert caller.conflicts == ()


def test_a_conflict_among_defaults_is_theirs_alone() -> None:
    made = callers(ca_bundle="/x", verify_ssl="false", account_id=A, role_arn=ROLE_B)
    assert complaints(made, entry(read_timeout="1s")) == []
    assert [conflict.keys for conflict in made.defaults_conflicts()] == [
        ("role_arn", "account_id"),
        ("ca_bundle", "verify_ssl"),
    ]


def test_an_external_id_for_all_may_wait_for_roles_of_the_entries() -> None:
    made = callers(external_id="abc")
    made.of(entry())
    assert [conflict.keys for conflict in made.defaults_conflicts()] == [("external_id", "role_arn")]
    assert made.of(entry(role_arn=ROLE_A)).key.credentials.external_id == "abc"
    assert made.of(entry()).key.credentials == Credentials()
    assert made.defaults_conflicts() == ()


def test_entries_with_the_same_keys_share_a_caller() -> None:
    made = callers()
    assert made.of(entry(profile="p")) is made.of(entry(profile="p"))
