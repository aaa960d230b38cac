from __future__ import annotations

import json
from typing import Any

import pytest

from exporter.config import ConfigError, parse
from exporter.config.shard import Shard
from exporter.config.specs import Account

A, B = "111111111111", "222222222222"
IRELAND, OHIO, BEIJING = "eu-west-1", "us-east-2", "cn-north-1"


def places(aws: dict[str, Any], *rules: dict[str, Any], region: str | None = None) -> list[tuple[str, str | None]]:
    """Return region and role of each target that has a rule."""
    settings = parse(json.dumps({"aws": aws, "discover": rules}), "c.yaml", region)
    return [(target.key.region, target.key.credentials.role_arn) for target in settings.targets if target.rules]


def role(account: str, name: str = "r", partition: str = "aws") -> str:
    return f"arn:{partition}:iam::{account}:role/{name}"


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, "c.yaml")
    return [str(each).removeprefix("c.yaml:") for each in caught.value.problems]


def test_a_rule_looks_in_each_region_of_each_account() -> None:
    everywhere = [(IRELAND, role(A)), (OHIO, role(A)), (IRELAND, role(B)), (OHIO, role(B))]
    spread = {"regions": [IRELAND, OHIO], "accounts": [A, B], "role_name": "r"}
    assert places({}, spread) == everywhere
    assert places(spread, {}) == everywhere
    assert places({"region": BEIJING}, spread) == everywhere
    assert places({"regions": [IRELAND, OHIO]}, {"accounts": [A, B], "role_name": "r"}) == everywhere


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ({"region": BEIJING}, [(BEIJING, role(A, "path/r", "aws-cn"))]),
        ({"regions": [OHIO], "accounts": [B]}, [(OHIO, role(B, "path/r"))]),
        ({"role_name": "own"}, [(IRELAND, role(A, "own"))]),
        ({"role_arn": role(B)}, [(IRELAND, role(B))]),
        ({"account_id": B}, [(IRELAND, None)]),
        ({"sign_requests": False}, [(IRELAND, None)]),
    ],
)
def test_what_a_rule_says_itself_goes_before_the_lists_of_aws(rule: dict[str, Any], found: object) -> None:
    assert places({"regions": [IRELAND], "accounts": [A], "role_name": "path/r"}, rule) == found


def test_the_account_of_a_place_is_claimed_and_the_external_id_goes_with_its_role() -> None:
    text = f"aws: {{regions: [{IRELAND}], accounts: [{A}, {B}], role_name: p/r, external_id: xyz}}\ndiscover: [{{}}]\n"
    targets = parse(text, "c.yaml").targets
    assert [(target.name, target.account_id) for target in targets] == [
        (f"{IRELAND}/{A}/r", A),
        (f"{IRELAND}/{B}/r", B),
    ]
    assert {target.key.credentials.external_id for target in targets} == {"xyz"}


def test_lists_are_for_rules_and_listed_jobs_stay_where_they_are() -> None:
    aws = {"region": OHIO, "regions": [IRELAND], "accounts": [A], "role_name": "r"}
    text = json.dumps({"aws": aws, "tuning_jobs": ["churn"], "discover": [{}], "account_names": {A: "research"}})
    listed, found = parse(text, "c.yaml").targets
    assert (listed.key.region, listed.key.credentials.role_arn, listed.rules) == (OHIO, None, ())
    assert (found.key.region, found.account_id, found.jobs) == (IRELAND, A, ())
    assert found.account_names == {A: "research"}
    assert mistakes(f"aws: {{regions: [{IRELAND}]}}\ntuning_jobs: [churn]\n") == [
        "2: tuning_jobs[0]: no region is given: write region under aws: or here, or set AWS_REGION"
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("discover:\n- region: a-b-1\n", "2: discover[0].region: \"a-b-1\" is not an AWS region: "),
        ("aws: {regions: []}\ndiscover: [{region: us-east-2}]", "1: aws.regions: the list is empty: write an item"),
        ("discover:\n- regions:\n  - us-east-2\n  - us_east_2\n", "4: discover[0].regions[1]: \"us_east_2\" is not an AWS region: did you"),
        ("discover:\n- regions: [us-east-2, us-east-2]\n", "2: discover[0].regions: us-east-2 is listed twice: remove one"),
        ("discover:\n- regions: us-east-2\n", "2: discover[0].regions: a list is expected here: write [\"us-east-2\"]"),
        ("discover:\n- region: us-east-2\n  regions: [us-east-1]\n", "2: discover[0].region: region and regions are both given: write only one"),
        ("discover:\n- region: us-east-2\n  accounts: [11]\n", "3: discover[0].accounts[0]: \"11\" is not an AWS account id: write its 12"),
        ("discover:\n- region: us-east-2\n  accounts: [111111111111]\n", "3: discover[0].accounts: the exporter assumes a role of the same name in each account: add role_name"),
        ("discover:\n- region: us-east-2\n  role_name: r\n", "3: discover[0].role_name: role_name works only together with accounts or organization: add one"),
        ("discover:\n- region: us-east-2\n  role_name: a b\n", "3: discover[0].role_name: this does not fit: write the name of a role"),
        ("aws: {region: us-east-2, role_name: r}\ndiscover: [{}]\n", "1: aws.role_name: role_name works only together with accounts or organization: add"),
        ("aws: {region: us-east-2, accounts: [111111111111]}\ndiscover: [{}]\n", "1: aws.accounts: the exporter assumes a role of the same name in each account"),
        (
            "aws: {region: us-east-2}\ndiscover:\n- accounts: [111111111111]\n  role_name: r\n  role_arn: arn:aws:iam::111111111111:role/r\n",
            "5: discover[0].role_arn: role_arn is for one account, but accounts is given: write only one of them",
        ),
        (
            "discover:\n- accounts: [111111111111, 222222222222]\n  role_name: r\n",
            "2: discover[0]: no region is given: write region under aws: or here",
        ),
        (
            "aws: {region: us-east-2, accounts: [111111111111, 222222222222], role_name: r, use_fips: true}\ndiscover:\n- {endpoint_url: 'https://a.example'}\n",
            "3: discover[0].endpoint_url: a custom endpoint has no FIPS variant",
        ),
        ("discover:\n- region: us-east-2\n  organization: {}\n", "3: discover[0].organization: the exporter assumes a role of the same name in each account"),
        ("discover:\n- region: us-east-2\n  organization:\n    role: r\n", "4: discover[0].organization.role: unknown key \"role\": did you mean"),
        ("discover:\n- organization:\n    role_name: r\n    include_ous: [finance]\n", "4: discover[0].organization.include_ous[0]: this does not fit: write an id such as ou-"),
        ("discover:\n- organization:\n    role_name: r\n    exclude_accounts: [1]\n", "4: discover[0].organization.exclude_accounts[0]: \"1\" is not an AWS account"),
        ("discover:\n- organization: {role_name: r}\n", "2: discover[0]: no region is given: write region"),
        ("discover:\n- region: us-east-2\n  role_name: r\n  accounts: [111111111111]\n  organization: {}\n", "5: discover[0].organization: accounts and organization are both given"),
        ("discover:\n- region: us-east-2\n  account_id: 111111111111\n  organization: {role_name: r}\n", "3: discover[0].account_id: account_id is for one account, but organization"),
        ("discover:\n- region: us-east-2\n  organization: [a]\n", "3: discover[0].organization: a mapping is expected here: write 'key: value'"),
        ("aws: {region: us-east-2, organization: {}}\ndiscover: [{}]\n", "1: aws.organization: the exporter assumes a role of the same name in each account"),
        (
            "aws: {region: us-east-2, organization: {role_name: r}, use_fips: true}\ndiscover:\n- {endpoint_url: 'https://a.example'}\n",
            "3: discover[0].endpoint_url: a custom endpoint has no FIPS variant",
        ),
        ("account_names: {1: a}\naws: {region: us-east-2}\ndiscover: [{}]\n", "1: account_names.1: \"1\" is not an AWS account id: write"),
        ("aws: {region: us-east-2}\ntuning_jobs:\n- {name: a, regions: [us-east-1]}\n", "3: tuning_jobs[0].regions: unknown key \"regions\" here: write it under"),
    ],
)  # fmt: skip
def test_each_mistake_is_told_once_where_it_stands(text: str, told: str) -> None:
    [mistake] = mistakes(text)
    assert mistake.startswith(told)


def test_the_accounts_of_an_organization_are_places_once_they_are_known() -> None:
    text = f"""
aws: {{regions: [{IRELAND}, {OHIO}], role_arn: {role(B, "reader")}, organization: {{role_name: r, exclude_accounts: [{B}]}}}}
account_names: {{{A}: mine}}
discover: [{{name: all}}, {{name: own, role_arn: {role(B)}}}, {{name: unit, organization: {{include_ous: [ou-ab12-34cd56ef], role_name: u}}}}]
"""
    settings = parse(text, "c.yaml")
    assert [target.key.credentials.role_arn for target in settings.targets] == [role(B)] * 2
    everything, unit = settings.organizations
    assert (everything.key.credentials.role_arn, everything.include_ous) == (role(B, "reader"), ())
    assert (unit.name, unit.include_ous) == (f"organization/{B}/ou-ab12-34cd56ef", ("ou-ab12-34cd56ef",))
    assert settings.expand is not None
    other = "333333333333"
    found = settings.expand({everything: [Account(A, "theirs"), Account(B, "b"), Account(other, "c")]})
    assert found.organizations == settings.organizations
    assert [(each.key.region, each.account_id) for each in found.targets if each.rules[0].name == "all"] == [
        (region, account) for account in (A, other) for region in (IRELAND, OHIO)
    ]
    assert {each.account_id: dict(each.account_names) for each in found.targets} == {
        A: {A: "mine"},
        other: {other: "c"},
        B: {B: "b"},
    }
    [small] = Shard(0, 1).part(settings).organizations[1:]
    assert len(Shard(0, 1).part(settings).expand({small: [Account(A, "")]}).targets) == 4  # type: ignore[misc]


def test_what_accounts_contradict_is_told() -> None:
    text = f"""
aws: {{region: {IRELAND}}}
discover: [{{organization: {{role_name: r}}}}, {{role_arn: {role(A)}, requests_per_second: 1}}]
"""
    settings = parse(text, "c.yaml")
    assert settings.expand is not None
    with pytest.raises(ConfigError, match="requests_per_second is 1 here but 5 for"):
        settings.expand({settings.organizations[0]: [Account(A, "a")]})


def test_an_organization_is_read_once_for_rules_of_several_regions_and_others_have_names_of_their_own() -> None:
    text = f"""
aws: {{role_name: r, organization: {{}}}}
discover:
- {{name: a, region: {IRELAND}}}
- {{name: b, region: {OHIO}}}
- {{name: c, region: {OHIO}, organization: {{endpoint_url: 'https://other.example'}}}}
- {{name: d, region: {OHIO}, accounts: [{B}]}}
"""
    settings = parse(text, "c.yaml")
    one, other = settings.organizations
    assert (one.name, other.name) == ("organization", "organization/2")
    found = settings.with_accounts({one: [Account(A, "")], other: [Account(A, "")]})
    assert found.organizations == settings.organizations
    assert [
        (each.key.region, each.account_id, [rule.name for rule in each.rules], each.organization)
        for each in found.targets
    ] == [
        (IRELAND, A, ["a"], "organization"),
        (OHIO, A, ["b", "c"], "organization"),
        (OHIO, B, ["d"], None),
    ]


@pytest.mark.parametrize(
    ("aws", "key"),
    [
        (f"region: {IRELAND}, role_name: r, accounts: [{A}, 12]", "accounts[1]"),
        ("regions: [eu-west1]", "regions[0]"),
        ("regions: []", "regions"),
    ],
)
def test_of_a_list_with_a_mistake_only_the_mistake_is_told(aws: str, key: str) -> None:
    (told,) = mistakes(f"aws: {{{aws}}}\ndiscover: [{{}}]\n")
    assert told.startswith(f"1: aws.{key}: ")


def test_an_arn_is_no_name_of_a_role() -> None:
    (told,) = mistakes(
        f"aws: {{region: {IRELAND}, accounts: [{A}], role_name: '{role(A, 'path/r')}'}}\ndiscover: [{{}}]\n"
    )
    assert told.startswith("1: aws.role_name: this is an ARN")
    assert told.endswith('write its name only, "path/r"')
