from __future__ import annotations

import json
from typing import Any

import pytest

from exporter.config import parse
from exporter.permissions import Identity, Trust, identities
from exporter.permissions.as_json import render
from exporter.permissions.statements import LONGEST, document

A, B = "111111111111", "222222222222"


def found(text: str, trust: Trust | None = None) -> tuple[Identity, ...]:
    return identities(parse(f"aws: {{region: eu-west-1}}\n{text}", "config.yaml"), trust)


def printed(text: str, trust: Trust | None = None) -> Any:
    return json.loads(render(found(text, trust)))


def role(account_id: str, name: str = "metrics", partition: str = "aws") -> str:
    return f"arn:{partition}:iam::{account_id}:role/{name}"


def statements(identity: Any) -> list[dict[str, Any]]:
    return [statement for policy in identity["policies"] for statement in policy["Statement"]]


def test_one_policy_alone_is_printed_as_iam_takes_it() -> None:
    assert printed("tuning_jobs: [Churn-V3]") == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TuningJobs",
                "Effect": "Allow",
                "Action": "sagemaker:DescribeHyperParameterTuningJob",
                "Resource": "arn:aws:sagemaker:eu-west-1:*:hyper-parameter-tuning-job/churn-v3",
            },
            {
                "Sid": "Find",
                "Effect": "Allow",
                "Action": "sagemaker:ListHyperParameterTuningJobs",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
            },
        ],
    }


def test_only_what_is_asked_for_is_allowed() -> None:
    policy = printed(
        "collect: [training_jobs]\ntuning_jobs: [{name: a, tag_labels: [team]}, b]\n"
        "discover: [{name_contains: prod, region: us-east-1, tags: {env: prod}}]\n"
    )
    job = "arn:aws:sagemaker:{}:*:hyper-parameter-tuning-job/{}".format
    listed = [job("eu-west-1", "a"), job("eu-west-1", "b"), job("us-east-1", "*prod*")]
    told = [(each["Sid"], each["Action"], each["Resource"]) for each in policy["Statement"]]
    trainings = "sagemaker:ListTrainingJobsForHyperParameterTuningJob"
    assert told == [
        ("TuningJobs", ["sagemaker:DescribeHyperParameterTuningJob", trainings], listed),
        ("TuningJobs2", "sagemaker:ListTags", [listed[0], listed[2]]),
        ("Find", "sagemaker:ListHyperParameterTuningJobs", "*"),
        ("Find2", "sagemaker:Search", "*"),
    ]
    regions = [each["Condition"]["StringEquals"]["aws:RequestedRegion"] for each in policy["Statement"][2:]]
    assert regions == [["eu-west-1", "us-east-1"], "us-east-1"]


def test_each_role_has_what_its_account_needs_and_the_exporter_only_the_roles() -> None:
    text = (
        f"tuning_jobs: [{{name: a, role_arn: '{role(A)}'}}, {{name: b, role_arn: '{role(B)}', region: us-east-1}}]\n"
        f"discover: [{{role_arn: '{role(B)}'}}]\n"
    )
    policies = printed(text)
    assert list(policies) == ["exporter", role(A), role(B)]
    [own] = statements(policies["exporter"])
    assert own == {
        "Sid": "AssumeRoles",
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Resource": [role(A), role(B)],
    }
    assert "trust" not in policies["exporter"]
    describe, find = statements(policies[role(B)])
    job = f"arn:aws:sagemaker:{{}}:{B}:hyper-parameter-tuning-job/{{}}".format
    assert describe["Resource"] == [job("eu-west-1", "*"), job("us-east-1", "b")]
    assert find["Condition"]["StringEquals"]["aws:RequestedRegion"] == ["eu-west-1", "us-east-1"]
    assert policies[role(A)]["trust"]["Statement"] == [
        {
            "Sid": "Exporter",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::EXPORTER_ACCOUNT_ID:role/EXPORTER_ROLE_NAME"},
            "Action": "sts:AssumeRole",
        }
    ]


def test_an_account_that_the_configuration_tells_is_filled_in() -> None:
    policies = printed(f"tuning_jobs: [{{name: a, account_id: '{A}'}}, {{name: b, role_arn: '{role(B)}'}}]\n")
    [trust] = policies[role(B)]["trust"]["Statement"]
    assert trust["Principal"] == {"AWS": f"arn:aws:iam::{A}:role/EXPORTER_ROLE_NAME"}


class TestExternalIds:
    def test_are_never_told(self) -> None:
        text = f"tuning_jobs: [{{name: a, role_arn: '{role(A)}', external_id: shared-secret}}]"
        assert "shared-secret" not in render(found(text))
        assert "shared-secret" not in repr(found(text))
        [trust] = printed(text)[role(A)]["trust"]["Statement"]
        assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": "EXTERNAL_ID"}}

    def test_have_one_name_each_however_many_roles_they_are_for(self) -> None:
        entries = [(A, "x", "one"), (B, "x", "two"), (B, "y", "one")]
        jobs = [
            f"{{name: j{place}, role_arn: '{role(account_id, name)}', external_id: {secret}}}"
            for place, (account_id, name, secret) in enumerate(entries)
        ]
        policies = printed(f"tuning_jobs: [{', '.join(jobs)}]")
        asked = [
            policies[role(account_id, name)]["trust"]["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"]
            for account_id, name, _ in entries
        ]
        assert asked == ["EXTERNAL_ID_1", "EXTERNAL_ID_2", "EXTERNAL_ID_1"]

    def test_for_many_roles_are_told_in_few_words(self) -> None:
        jobs = ", ".join(f"{{name: a, role_arn: '{role(f'{number:012}')}', external_id: x-y}}" for number in range(200))
        [blank] = {blank for each in found(f"tuning_jobs: [{jobs}]") for blank in each.blanks if blank.secret}
        assert blank.description == (
            f"The external_id that the configuration has for {role('000000000000')} and {role('000000000001')}"
            " and 198 other roles."
        )

    def test_of_which_one_entry_gives_none_cannot_be_asked_for(self) -> None:
        jobs = (
            f"tuning_jobs: [{{name: a, role_arn: '{role(A)}'}}, {{name: b, role_arn: '{role(A)}', external_id: x-y}}]"
        )
        [trust] = printed(jobs)[role(A)]["trust"]["Statement"]
        assert "Condition" not in trust

    def test_of_two_for_one_role_either_will_do(self) -> None:
        jobs = f"tuning_jobs: [{{name: a, role_arn: '{role(A)}', external_id: one}}, {{name: b, role_arn: '{role(A)}', external_id: two}}]"
        [trust] = printed(jobs)[role(A)]["trust"]["Statement"]
        assert trust["Condition"]["StringEquals"]["sts:ExternalId"] == ["EXTERNAL_ID_1", "EXTERNAL_ID_2"]


class TestTrust:
    ROLES = f"tuning_jobs: [{{name: a, role_arn: '{role(A)}', external_id: secret}}]"

    def test_pod_identity_takes_its_tags_along(self) -> None:
        policies = printed(self.ROLES, Trust.POD_IDENTITY)
        [own] = policies["exporter"]["trust"]["Statement"]
        assert own["Principal"] == {"Service": "pods.eks.amazonaws.com"}
        assert own["Action"] == ["sts:AssumeRole", "sts:TagSession"]
        [assume] = statements(policies["exporter"])
        assert assume["Action"] == ["sts:AssumeRole", "sts:TagSession"]
        exporter, tags = policies[role(A)]["trust"]["Statement"]
        assert (exporter["Action"], tags["Action"]) == ("sts:AssumeRole", "sts:TagSession")
        assert "Condition" in exporter
        assert "Condition" not in tags

    def test_a_service_account_has_no_tags(self) -> None:
        policies = printed(self.ROLES, Trust.IRSA)
        assert "TagSession" not in json.dumps(policies)
        [own] = policies["exporter"]["trust"]["Statement"]
        assert own["Principal"] == {"Federated": "arn:aws:iam::EXPORTER_ACCOUNT_ID:oidc-provider/OIDC_PROVIDER"}
        assert own["Condition"]["StringEquals"] == {
            "OIDC_PROVIDER:aud": "sts.amazonaws.com",
            "OIDC_PROVIDER:sub": "system:serviceaccount:NAMESPACE:SERVICE_ACCOUNT",
        }

    def test_is_in_the_partition_of_the_region(self) -> None:
        text = f"tuning_jobs: [{{name: a, region: cn-north-1, account_id: '{A}'}}]"
        [own] = printed(text, Trust.IRSA)["exporter"]["trust"]["Statement"]
        assert own["Principal"] == {"Federated": f"arn:aws-cn:iam::{A}:oidc-provider/OIDC_PROVIDER"}


class TestProfiles:
    def test_have_policies_of_their_own_and_no_trust(self) -> None:
        text = f"tuning_jobs: [a, {{name: b, profile: team, account_id: '{A}'}}, {{name: c, profile: team, role_arn: '{role(B)}'}}]"
        policies = printed(text.replace("[a,", f"[{{name: a, account_id: '{B}'}},"), Trust.POD_IDENTITY)
        assert list(policies) == ["exporter", "profile team", role(B)]
        assert "trust" not in policies["profile team"]
        assert statements(policies["profile team"])[-1]["Action"] == "sts:AssumeRole"
        [trust] = policies[role(B)]["trust"]["Statement"]
        assert trust["Principal"] == {"AWS": f"arn:aws:iam::{A}:role/PROFILE_TEAM_ROLE_NAME"}

    def test_that_assume_one_role_are_both_trusted(self) -> None:
        jobs = [f"{{name: j, region: {region}, profile: {profile}, role_arn: '{role(B)}'}}" for profile, region in (("x-1", "us-east-1"), ("x1", "us-east-2"))]  # fmt: skip
        policies = printed(f"tuning_jobs: [{', '.join(jobs)}]")
        told = [(each["Sid"], each["Principal"]["AWS"]) for each in policies[role(B)]["trust"]["Statement"]]
        assert told == [
            ("Exporter", "arn:aws:iam::PROFILE_X_1_ACCOUNT_ID:role/PROFILE_X_1_ROLE_NAME"),
            ("Exporter2", "arn:aws:iam::PROFILE_X12_ACCOUNT_ID:role/PROFILE_X12_ROLE_NAME"),
        ]


def test_unsigned_requests_are_nobodys() -> None:
    assert found("tuning_jobs: [{name: a, sign_requests: false}]") == ()
    [own] = found("tuning_jobs: [{name: a, sign_requests: false, region: us-east-1}, b]")
    assert "us-east-1" not in repr(own)


def listed(count: int) -> str:
    return f"tuning_jobs: [{', '.join(f'job-of-quite-some-length-{number:05}' for number in range(count))}]"


def lengths(identity: Identity) -> list[int]:
    documents = [document(policy, lambda text: text.written(lambda blank: blank.name)) for policy in identity.policies]
    return [len(json.dumps(each, separators=(",", ":"))) for each in documents]


class TestLength:
    @pytest.mark.parametrize("count", [50, 55, 60, 200, 540])
    def test_no_policy_is_longer_than_iam_takes_and_none_is_missing(self, count: int) -> None:
        [own] = found(listed(count))
        assert all(length <= LONGEST for length in lengths(own))
        assert len(own.policies) <= 10
        assert own.notes == ()
        resources = [resource for policy in own.policies for each in policy for resource in each.resources]
        assert len(set(resources)) == count + 1
        # None is half empty but the last.
        assert all(length > LONGEST - 200 for length in lengths(own)[:-1])

    def test_what_takes_too_many_policies_is_allowed_for_the_region(self) -> None:
        [own] = found(listed(700))
        [policy] = own.policies
        assert policy[0].resources == ("arn:aws:sagemaker:eu-west-1:*:hyper-parameter-tuning-job/*",)
        [note] = own.notes
        assert note.startswith("naming every tuning job takes more than the 10 policies that a role may have")

    def test_roles_are_never_left_out(self) -> None:
        jobs = [f"{{name: a, role_arn: '{role(f'{number:012}', 'a-role-of-some-length')}'}}" for number in range(1200)]
        own, *roles = found(f"tuning_jobs: [{', '.join(jobs)}]")
        assert len(roles) == 1200
        resources = [resource for policy in own.policies for each in policy for resource in each.resources]
        assert sorted(resources) == sorted(each.name for each in roles)
        assert own.notes[-1].startswith(f"these are {len(own.policies)} policies: ask AWS to raise the quota of 10")


class TestOrganizations:
    RULE = "discover: [{name_contains: prod, organization: {role_name: teams/metrics}}]"
    ROLE = "arn:aws:iam::*:role/teams/metrics"

    def test_the_exporter_reads_the_accounts_and_may_assume_the_role_in_every_one(self) -> None:
        policies = printed(self.RULE)
        assert list(policies) == ["exporter", self.ROLE]
        assert [(each["Action"], each["Resource"]) for each in statements(policies["exporter"])] == [
            ("organizations:ListAccounts", "*"),
            ("sts:AssumeRole", self.ROLE),
        ]
        describe, _ = statements(policies[self.ROLE])
        assert describe["Resource"] == "arn:aws:sagemaker:eu-west-1:*:hyper-parameter-tuning-job/*prod*"
        [trust] = policies[self.ROLE]["trust"]["Statement"]
        assert trust["Principal"] == {"AWS": "arn:aws:iam::EXPORTER_ACCOUNT_ID:role/EXPORTER_ROLE_NAME"}
        own, _ = found(self.RULE)
        assert own.notes == (
            "only AWS knows the accounts of the organization, so the role may be assumed in every account",
        )

    def test_a_role_beside_the_organization_reads_it_and_the_roles_are_assumed_without_it(self) -> None:
        organization = "{role_name: metrics, include_ous: [ou-ab12-34cd56ef]}"
        policies = printed(
            f"discover: [{{organization: {organization}, role_arn: '{role(A, 'reader')}', external_id: shared-secret}}]"
        )
        assert list(policies) == ["exporter", role("*"), role(A, "reader")]
        [assume] = statements(policies["exporter"])
        assert assume["Resource"] == [role("*"), role(A, "reader")]
        [read] = statements(policies[role(A, "reader")])
        assert read["Action"] == [
            "organizations:ListAccountsForParent",
            "organizations:ListOrganizationalUnitsForParent",
        ]
        for each in (role("*"), role(A, "reader")):
            [trust] = policies[each]["trust"]["Statement"]
            assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": "EXTERNAL_ID"}}

    def test_a_path_of_a_role_stands_for_itself(self) -> None:
        policies = printed(f"tuning_jobs: [{{name: a, role_arn: '{role(A, 'a*/metrics')}'}}]\n{self.RULE}")
        assert statements(policies["exporter"])[-1]["Resource"] == [role(A, "a${*}/metrics"), self.ROLE]
