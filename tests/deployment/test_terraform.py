"""deploy/terraform gives AWS what its API takes, and the chart what it takes. Terraform itself is not run."""

from __future__ import annotations

import json
import re
from typing import Any

import botocore.session
import hcl2
import pytest
import yaml
from botocore.validate import ParamValidator
from chart.rendering import FULLNAME, RELEASE, rendered
from deployment.guide import JSON_POLICY, files, starting
from support.tools import ROOT

pytestmark = pytest.mark.xdist_group("helm")

MODULE = hcl2.loads((ROOT / "deploy" / "terraform" / "main.tf").read_text(encoding="utf-8"))
ROLE_ARN = "arn:aws:iam::123456789012:role/tuning-sagemaker-tuning-exporter"
POLICY_ARN = "arn:aws:iam::123456789012:policy/tuning-sagemaker-tuning-exporter"
CALLS = {
    "aws_iam_policy": ("iam", "CreatePolicy", {"name": "PolicyName", "policy": "PolicyDocument"}),
    "aws_iam_role": (
        "iam",
        "CreateRole",
        {"name": "RoleName", "assume_role_policy": "AssumeRolePolicyDocument"},
    ),
    "aws_iam_role_policy_attachment": ("iam", "AttachRolePolicy", {"role": "RoleName", "policy_arn": "PolicyArn"}),
    "aws_eks_pod_identity_association": (
        "eks",
        "CreatePodIdentityAssociation",
        {
            "cluster_name": "clusterName",
            "namespace": "namespace",
            "service_account": "serviceAccount",
            "role_arn": "roleArn",
        },
    ),
}
"""Of each resource: service and operation that create it, and the input that each of its arguments becomes."""


def plain(text: str) -> str:
    return text.strip('"')


def blocks(kind: str) -> dict[str, dict[str, Any]]:
    """Return the blocks of a kind by their first label; a module has one of each type of resource."""
    return {plain(label): body for each in MODULE[kind] for label, body in each.items()}


VARIABLES = blocks("variable")
RESOURCES = {name: next(iter(named.values())) for name, named in blocks("resource").items()}


class Evaluated:
    """The expressions of the module for what its caller gives."""

    def __init__(self, **given: str) -> None:
        defaults = {
            name: plain(body["default"]) for name, body in VARIABLES.items() if isinstance(body.get("default"), str)
        }
        self._known = {
            **{f"var.{name}": value for name, value in (defaults | given).items()},
            "aws_iam_role.exporter.arn": ROLE_ARN,
            "aws_iam_policy.exporter.arn": POLICY_ARN,
        }
        [named] = MODULE["locals"]
        self._known["local.service_account"] = self.text(named["service_account"])
        self._known["aws_iam_role.exporter.name"] = self.text(RESOURCES["aws_iam_role"]["name"])

    def text(self, expression: str) -> str:
        """Return the text that an argument is."""
        if called := re.fullmatch(r"\$\{jsonencode\((.*)\)\}", expression, re.DOTALL):
            return json.dumps(self.object(called[1]))
        if called := re.fullmatch(r"\$\{file\(([\w.]+)\)\}", expression):
            return self._known[called[1]]
        return re.sub(r"\$\{([\w.]+)\}", lambda match: self._known[match[1]], plain(expression))

    def object(self, expression: str) -> Any:
        """Return an object constructor, whose values are texts, lists, objects, references, and ``yamldecode(file(…))``."""
        read = re.sub(
            r"yamldecode\(file\(([\w.]+)\)\)",
            lambda match: json.dumps(yaml.safe_load(self._known[match[1]])),
            expression,
        )
        read = re.sub(r"\b(?:var|local)\.\w+", lambda match: json.dumps(self._known[match[0]]), read)
        return json.loads(re.sub(r"(\w+) = ", r'"\1": ', read))


@pytest.fixture
def evaluated() -> Evaluated:
    """The module as the guide calls it, with the files that the guide has you save."""
    [configuration, *_] = [text for name, text in files() if name == "config.yaml"]
    return Evaluated(
        cluster_name="my-cluster",
        image_repository="123456789012.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-tuning-exporter",
        image_tag="0.1.0",
        config_file=configuration,
        policy_file=JSON_POLICY,
    )


def test_every_resource_is_of_a_kind_that_is_known_here() -> None:
    assert RESOURCES.keys() == {*CALLS, "helm_release"}


@pytest.mark.parametrize("resource", CALLS)
def test_aws_takes_its_arguments(resource: str, evaluated: Evaluated) -> None:
    service, operation, names = CALLS[resource]
    arguments = {key: value for key, value in RESOURCES[resource].items() if not key.startswith("__")}
    assert arguments.keys() == names.keys()
    inputs = {names[key]: evaluated.text(value) for key, value in arguments.items()}
    shape = botocore.session.Session().get_service_model(service).operation_model(operation).input_shape
    assert shape is not None
    report = ParamValidator().validate(inputs, shape)
    assert not report.has_errors(), report.generate_report()
    for name, value in inputs.items():
        described = shape.members[name].metadata
        assert described.get("min", 0) <= len(value) <= described.get("max", len(value)), name
        if name.endswith("Document"):
            assert json.loads(value)["Version"] == "2012-10-17"


def test_the_role_trusts_pods_as_the_guide_has_it(evaluated: Evaluated) -> None:
    trusted = json.loads(evaluated.text(RESOURCES["aws_iam_role"]["assume_role_policy"]))
    [statement] = trusted["Statement"]
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]


def test_the_chart_takes_its_values_and_uses_the_associated_service_account(evaluated: Evaluated) -> None:
    release = RESOURCES["helm_release"]
    assert release["create_namespace"] is True
    assert (ROOT / "deploy" / "terraform" / plain(release["chart"]).removeprefix("${path.module}/")).resolve() == (
        ROOT / "helm" / "sagemaker-tuning-exporter"
    )
    given = re.search(r"yamlencode\((\{.*\})\)\]\)\}$", release["values"], re.DOTALL)
    assert given
    values = evaluated.object(given[1])
    made = {each["kind"]: each for each in rendered(yaml.safe_dump(values), release=RELEASE)}
    account = made["ServiceAccount"]["metadata"]["name"]
    assert account == evaluated.text(RESOURCES["aws_eks_pod_identity_association"]["service_account"]) == FULLNAME
    assert made["Deployment"]["spec"]["template"]["spec"]["serviceAccountName"] == account


def test_no_pod_starts_before_it_has_a_role() -> None:
    waits = {plain(each).strip("${}") for each in RESOURCES["helm_release"]["depends_on"]}
    assert waits == {"aws_eks_pod_identity_association.exporter", "aws_iam_role_policy_attachment.exporter"}


def test_the_guide_gives_every_variable_that_has_no_default_and_no_other() -> None:
    [call] = hcl2.loads(starting('module "tuning_exporter"'))["module"]
    [given] = call.values()
    names = {key for key in given if not key.startswith("__")} - {"source"}
    assert plain(given["source"]) == "./deploy/terraform"
    assert {name for name, body in VARIABLES.items() if "default" not in body} <= names <= VARIABLES.keys()


def test_it_says_of_each_variable_what_it_is() -> None:
    for body in VARIABLES.values():
        assert plain(body["description"]).endswith(".")
