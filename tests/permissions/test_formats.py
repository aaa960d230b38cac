"""Terraform and CloudFormation say what JSON says, in files that their own tools read."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import hcl2
import pytest
import yaml
from support.tools import require

from exporter.config import parse
from exporter.permissions import Identity, Trust, as_json, cloudformation, identities, terraform

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT, OTHER = "111111111111", "022222222222"
ROLE = f"arn:aws:iam::{OTHER}:role/metrics"
SECOND = f"arn:aws:iam::{OTHER}:role/teams/a/Metrics"
HOSTILE = f"arn:aws:iam::{OTHER}:role/a${{b}}%{{c}}*'/metrics"
CONFIGURATIONS = {
    "listed": "tuning_jobs: [Churn-V3, other]",
    "many": f"tuning_jobs: [{', '.join(f'job-of-quite-some-length-{number:05}' for number in range(150))}]",
    "all": "collect: [training_jobs]\nspend: {billable: search}\ntag_labels: [team]\ndiscover: [{}]\ntuning_jobs: [{name: a, region: us-east-1}]",
    "roles": f"tuning_jobs: [a, {{name: b, role_arn: '{ROLE}', external_id: x-y}}, {{name: c, role_arn: '{SECOND}'}}]",
    "own account": f"tuning_jobs: [{{name: a, account_id: '{OTHER}'}}, {{name: b, role_arn: '{ROLE}'}}]",
    "profiles": f"tuning_jobs: [{{name: a, account_id: '{ACCOUNT}'}}, {{name: b, profile: team x, role_arn: '{ROLE}', external_id: x-y}}]",
    "only roles": f"discover: [{{role_arn: '{ROLE}', name_contains: prod}}]",
    "China": "tuning_jobs: [{name: a, region: cn-north-1}]",
    "alike": "tuning_jobs: ["
    + ", ".join(
        f"{{name: j, region: eu-west-{place}, role_arn: 'arn:aws:iam::{OTHER}:role/{name}'}}"
        for place, name in enumerate(
            ("metrics", "metrics-policy", "metrics-trust", "metrics-2", "a.b", "a-b", "a-b2", "ab2"), 1
        )
    )
    + "]",
    "hostile": f'tuning_jobs: [a, {{name: b, profile: \'te"am ${{x}}\', role_arn: "{HOSTILE}"}}]',
}
FOUND = {
    f"{name}, {trust}": identities(parse(f"aws: {{region: eu-west-1}}\n{text}", name), trust)
    for name, text in CONFIGURATIONS.items()
    for trust in (None, *Trust)
}
ORGANIZATION = identities(
    parse(
        "aws: {region: eu-west-1}\ndiscover: [{organization: {role_name: metrics}}]\ntuning_jobs: [a]", "organization"
    ),
    Trust.IRSA,
)
CASES = [pytest.param(found, id=name) for name, found in FOUND.items()]


def blanks(found: tuple[Identity, ...]) -> set[str]:
    return {blank.name for each in found for blank in each.blanks}


def as_object(found: tuple[Identity, ...]) -> dict[str, Any]:
    """Return what the JSON format says, always by identity."""
    printed = json.loads(as_json.render(found))
    return {found[0].name: {"policies": [printed]}} if "Statement" in printed else printed


def one_or_all(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


class TestTerraform:
    def read(self, found: tuple[Identity, ...]) -> dict[str, Any]:
        return hcl2.loads(terraform.render(found))

    def blocks(self, document: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
        """Return the resources or data of all types, by type and name."""
        return {
            f"{self.plain(type_)}.{self.plain(name)}": body
            for block in document.get(kind, [])
            for type_, named in block.items()
            if type_ != "__is_block__"
            for name, body in named.items()
            if name != "__is_block__"
        }

    def plain(self, value: str) -> str:
        """Return a string of HCL as it is meant, its templates as they are; an expression stays one."""
        if not value.startswith('"'):
            return value
        return str(json.loads(value)).replace("$${", "${").replace("%%{", "%{")

    def statement(self, block: dict[str, Any]) -> dict[str, Any]:
        said: dict[str, Any] = {"Sid": self.plain(block["sid"]), "Effect": "Allow"}
        for principal in block.get("principals", []):
            [who] = principal["identifiers"]
            said["Principal"] = {self.plain(principal["type"]): self.plain(who)}
        said["Action"] = one_or_all([self.plain(each) for each in block["actions"]])
        if "resources" in block:
            said["Resource"] = one_or_all([self.plain(each) for each in block["resources"]])
        conditions: dict[str, Any] = {}
        for each in block.get("condition", []):
            assert self.plain(each["test"]) == "StringEquals"
            conditions[self.plain(each["variable"])] = one_or_all([self.plain(value) for value in each["values"]])
        return said | ({"Condition": {"StringEquals": conditions}} if conditions else {})

    def document(self, block: dict[str, Any]) -> dict[str, Any]:
        return {"Version": "2012-10-17", "Statement": [self.statement(each) for each in block["statement"]]}

    @pytest.mark.parametrize("found", CASES)
    def test_says_the_same(self, found: tuple[Identity, ...]) -> None:
        read = self.read(found)
        documents = {
            name.partition(".")[2]: self.document(body)
            for name, body in self.blocks(read, "data").items()
            if name.startswith("aws_iam_policy_document.")
        }
        policies = [document for name, document in documents.items() if not name.endswith("__trust")]
        assert policies == [document for each in as_object(found).values() for document in each["policies"]]
        trusts = [document for name, document in documents.items() if name.endswith("__trust")]

        # What is to be filled in is a variable, or known to the module.
        filled = re.sub(r"\$\{(?:data\.|aws_iam_role\.)?[^}]+\}", "<>", json.dumps(trusts))
        wanted = json.dumps([each["trust"] for each in as_object(found).values() if "trust" in each])
        for name in sorted(blanks(found), key=len, reverse=True):
            wanted = wanted.replace(name, "<>")
        assert filled == wanted

    @pytest.mark.parametrize("found", CASES)
    def test_names_only_what_there_is(self, found: tuple[Identity, ...]) -> None:
        text = terraform.render(found)
        read = hcl2.loads(text)
        variables = {self.plain(name) for block in read.get("variable", []) for name in block if name != "__is_block__"}
        code = re.sub(r"(?m)^ *(?:description|#).*$", "", text)
        assert set(re.findall(r"\bvar\.(\w+)", code)) == variables
        made = set(self.blocks(read, "resource"))
        made |= {f"data.{name}" for name in self.blocks(read, "data")}
        assert set(re.findall(r"\b((?:data\.)?aws_\w+\.\w+)\.\w+", code)) <= made
        aliases = set(re.findall(r"^ +(aws\.\w+),$|= \[(aws\.\w+)\]$", code, re.MULTILINE))
        assert set(re.findall(r"provider += (aws\.\w+)", code)) == {a or b for a, b in aliases}

    def test_an_external_id_is_kept_to_itself(self) -> None:
        found = identities(parse(f"aws: {{region: eu-west-1}}\n{CONFIGURATIONS['roles']}", "roles"))
        [block] = [each for each in self.read(found)["variable"] if '"external_id"' in each]
        assert block['"external_id"']["sensitive"] is True

    def test_a_role_that_is_made_is_the_one_that_is_trusted(self) -> None:
        found = identities(parse(f"aws: {{region: eu-west-1}}\n{CONFIGURATIONS['roles']}", "roles"), Trust.IRSA)
        text = terraform.render(found)
        assert ":role/${aws_iam_role.exporter.name}" in text
        assert "provider           = aws.account_022222222222" in text
        assert 'output "exporter_role_arn"' in text

    def test_makes_nothing_in_accounts_that_nobody_names(self) -> None:
        with pytest.raises(ValueError, match="only AWS knows those of an organization: use --format=cloudformation"):
            terraform.render(ORGANIZATION)


class TestCloudFormation:
    def resolved(self, value: Any, parameters: dict[str, str]) -> Any:
        """Return a document with the names of blanks for its functions."""
        if isinstance(value, list):
            return [self.resolved(each, parameters) for each in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"Ref"}:
            return parameters[value["Ref"]]
        if value.keys() == {"Fn::Sub"}:
            text = re.sub(r"\$\{([\w:]+)\}", lambda found: parameters[found[1]], value["Fn::Sub"]).replace("${!", "${")
            return json.loads(text) if text.startswith("{\n") else text
        return {key: self.resolved(each, parameters) for key, each in value.items()}

    @pytest.mark.parametrize("found", [*CASES, pytest.param(ORGANIZATION, id="organization")])
    def test_says_the_same(self, found: tuple[Identity, ...]) -> None:
        template = yaml.safe_load(cloudformation.render(found))
        names = {
            "".join(part.capitalize() for part in name.split("_")): name
            for name in (*blanks(found), "EXPORTER_ROLE_NAME")
        }
        names["AWS::AccountId"] = "EXPORTER_ACCOUNT_ID"
        resources = [
            (each["Type"], self.resolved(each["Properties"], names | {name: name for name in template["Resources"]}))
            for each in template["Resources"].values()
        ]
        policies = [each["PolicyDocument"] for kind, each in resources if kind == "AWS::IAM::ManagedPolicy"]
        assert policies == [document for each in as_object(found).values() for document in each["policies"]]
        trusts = [each["AssumeRolePolicyDocument"] for kind, each in resources if kind == "AWS::IAM::Role"]
        assert trusts == [each["trust"] for each in as_object(found).values() if "trust" in each]

    @pytest.mark.parametrize("found", CASES)
    def test_each_account_has_what_is_its_own(self, found: tuple[Identity, ...]) -> None:
        template = yaml.safe_load(cloudformation.render(found))
        conditions = {each.get("Condition") for each in template["Resources"].values()}
        several = len({each.account_id for each in found}) > 1
        assert conditions == (set(template["Conditions"]) if several else {None})

    def test_the_role_of_an_organization_is_made_in_every_account(self) -> None:
        template = yaml.safe_load(cloudformation.render(ORGANIZATION))
        assert {name: each.get("Condition") for name, each in template["Resources"].items()} == {
            "RoleExporter": "InExporterAccount",
            "PolicyExporter": "InExporterAccount",
            "RoleAccountAnyMetrics": None,
            "PolicyAccountAnyMetrics": None,
        }
        assert list(template["Conditions"]) == ["InExporterAccount"]

    @pytest.mark.long
    def test_cfn_lint_has_nothing_to_say(self, tmp_path: Path) -> None:
        found = list(FOUND.values())
        for place in range(len(CONFIGURATIONS)):  # each once, and each trust several times: it takes its time
            chosen = found[3 * place + place % 3]
            (tmp_path / f"{place}.yaml").write_text(cloudformation.render(chosen))
        (tmp_path / "organization.yaml").write_text(cloudformation.render(ORGANIZATION))
        done = subprocess.run(
            [require("cfn-lint"), "--regions", "us-east-1", "--include-checks", "I3510", "--", *tmp_path.iterdir()],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
