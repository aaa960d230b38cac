"""docs/deploying.md can be followed: each of its commands runs, and what it says comes of them does."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import yaml
from alerts.messages import DEPLOYED, shipped
from chart.rendering import FULLNAME
from deployment.guide import PAGE, STEPS, Follower, blocks, files, starting
from render_rules import alerts, load, render
from rules.rehearsal import rehearse
from rules.story import fire
from rules.world import at, job, notation
from support.isolation import AWS_ENVIRONMENT
from support.tools import ROOT, release

from exporter.config import parse

if TYPE_CHECKING:
    from pathlib import Path

    from support.peers import MotoServer

pytestmark = [pytest.mark.xdist_group("moto"), pytest.mark.timeout(900)]

NAMES, IMAGE, PERMISSIONS = (starting(words) for words in ("export AWS_REGION", "REPOSITORY=", "docker run"))
ADDON, ROLE, OTHER, INSTALL, MESSAGES, SECRET, TRY, REMOVE = (
    starting(words)
    for words in (
        "aws eks create-addon",
        "aws iam create-policy",
        "ROLE=",
        "{ echo config:; sed 's/^/  /' config.yaml",
        "cp deploy/alertmanager",
        'kubectl --namespace "$NAMESPACE" create secret generic alertmanager-tuning',
        "{ echo config:; sed 's/^/  /' try-config.yaml",
        "helm uninstall",
    )
)
OIDC, TRUST, NAMED = (starting(words) for words in ("OIDC=", "cat > trust.json", "printf 'aws:"))
JSON = [block.text for block in blocks() if block.language == "json"]
CONFIGURATION, MORE, VALUES, TRY_CONFIGURATION, TRY_VALUES = files()


@pytest.fixture
def cluster(moto: MotoServer) -> str:
    """Return moto's address, when it has the cluster of the guide and its OIDC provider, and nothing else."""
    keys = {
        "aws_access_key_id": AWS_ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": AWS_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
    }
    eks, iam, ecr = (
        boto3.client(name, endpoint_url=moto.url, region_name="eu-west-1", **keys) for name in ("eks", "iam", "ecr")
    )
    for each in ecr.describe_repositories()["repositories"]:
        ecr.delete_repository(repositoryName=each["repositoryName"], force=True)
    if "my-cluster" not in eks.list_clusters()["clusters"]:
        eks.create_cluster(
            name="my-cluster",
            roleArn="arn:aws:iam::123456789012:role/cluster",
            resourcesVpcConfig={"subnetIds": ["subnet-1", "subnet-2"]},
        )
        issuer = eks.describe_cluster(name="my-cluster")["cluster"]["identity"]["oidc"]["issuer"]
        iam.create_open_id_connect_provider(Url=issuer, ThumbprintList=["0" * 40])
    for name in ("tuning-exporter", "tuning-metrics"):
        for role in (each for each in iam.list_roles()["Roles"] if each["RoleName"] == name):
            for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
            for inline in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                iam.delete_role_policy(RoleName=name, PolicyName=inline)
            iam.delete_role(RoleName=role["RoleName"])
    for policy in iam.list_policies(Scope="Local")["Policies"]:
        iam.delete_policy(PolicyArn=policy["Arn"])
    return moto.url


def rendered(follower: Follower, number: int) -> dict[str, Any]:
    """Return the objects of the chart that one of the installations gave to Kubernetes, by their kind."""
    return {each["kind"]: each for each in yaml.safe_load_all(follower.read(f"rendered-{number}.yaml")) if each}


def test_with_pod_identity_and_another_account(cluster: str, tmp_path: Path) -> None:
    follower = Follower(tmp_path, cluster)
    tour = starting("helm install tuning")
    follower.save(*CONFIGURATION)
    follower.run(NAMES, IMAGE, tour, PERMISSIONS)
    assert json.loads(follower.read("policy.json")) == json.loads(JSON[0])
    assert json.loads(follower.read("trust.json")) == json.loads(JSON[1])
    follower.save(*MORE)
    # The repository is there by now.
    follower.run(NAMES, "REPOSITORY=registry/name", PERMISSIONS, ADDON, ROLE, OTHER)
    assert json.loads(follower.read("policy.json")) == json.loads(JSON[2])
    assert json.loads(follower.read("other-trust.json")) == json.loads(JSON[3])
    for name, text in (VALUES, TRY_CONFIGURATION, TRY_VALUES):
        follower.save(name, text)
    follower.run(NAMES, INSTALL, MESSAGES, SECRET, TRY)
    installed = rendered(follower, 1)
    assert installed["ServiceAccount"]["metadata"]["name"] == FULLNAME
    assert f"--service-account {FULLNAME} " in ROLE
    [container] = installed["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert re.fullmatch(
        r"123456789012\.dkr\.ecr\.eu-west-1\.amazonaws\.com/sagemaker-tuning-exporter:0\.1\.0", container["image"]
    )
    assert f"docker push {container['image']}" in follower.calls
    assert installed["PrometheusRule"]["spec"] == load()
    documents = list(yaml.safe_load_all(follower.read("rendered-1.yaml")))
    [watched] = [
        each["data"]["config.yaml"] for each in documents if each and "config.yaml" in (each.get("data") or {})
    ]
    assert parse(watched, "rendered", "eu-west-1") == parse(MORE[1], "rendered", "eu-west-1")
    secret = {
        name: base64.b64decode(text) for name, text in yaml.safe_load(follower.read("secret.yaml"))["data"].items()
    }
    assert secret["alertmanager.yaml"] == (DEPLOYED / "alertmanager.yml").read_bytes()
    mounted = set(re.findall(r"/etc/alertmanager/config/([\w-]+)\b", json.dumps(shipped())))
    assert mounted <= secret.keys()
    follower.run(NAMES, REMOVE)
    iam = boto3.client("iam", endpoint_url=cluster, region_name="eu-west-1")
    assert "tuning-exporter" not in {each["RoleName"] for each in iam.list_roles()["Roles"]}


def test_with_irsa(cluster: str, tmp_path: Path) -> None:
    follower = Follower(tmp_path, cluster)
    follower.save(*CONFIGURATION)
    follower.save(*VALUES)
    first_three = "\n".join(ROLE.splitlines()[:3])
    follower.run(NAMES, IMAGE, PERMISSIONS.replace("pod-identity", "irsa"))
    printed = follower.read("trust.json")
    follower.run(NAMES, OIDC, TRUST, NAMED, first_three, INSTALL)
    written = follower.read("trust.json")
    [provider] = {match[1] for match in re.finditer(r"oidc-provider/([^\"]+)", written)}
    assert re.fullmatch(r"oidc\.eks\.[\w-]+\.amazonaws\.com/id/\w+", provider)
    for name, value in {
        "EXPORTER_ACCOUNT_ID": "123456789012",
        "OIDC_PROVIDER": provider,
        "NAMESPACE": "monitoring",
        "SERVICE_ACCOUNT": FULLNAME,
    }.items():
        printed = printed.replace(name, value)
    assert json.loads(printed) == json.loads(written)
    account = rendered(follower, 0)["ServiceAccount"]
    assert account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] == (
        "arn:aws:iam::123456789012:role/tuning-exporter"
    )


def test_every_command_of_the_steps_is_run_here() -> None:
    run = {
        *(NAMES, IMAGE, PERMISSIONS, ADDON, ROLE, OTHER, INSTALL, MESSAGES, SECRET, TRY, OIDC, TRUST, NAMED),
        starting("helm install tuning"),
        # Tried by a test of its own, as far as can be without systemd at work.
        starting("python3 -m venv"),
    }
    assert run == {block.text for block in blocks(STEPS) if block.language == "sh"}


def test_parts_of_alertmanagers_configuration_are_those_that_ship() -> None:
    parts = [yaml.safe_load(text) for text in re.findall(r"^  ```yaml\n(.*?)^  ```$", STEPS, re.MULTILINE | re.DOTALL)]
    route = shipped()["route"]
    assert [part for part in parts if "group_by" in part] == [{"group_by": route["group_by"]}]
    [routes] = [part["routes"] for part in parts if "routes" in part]
    assert routes == route["routes"][:1]


def test_the_team_is_one_label_from_the_configuration_to_the_route() -> None:
    label = "label_team"
    assert yaml.safe_load(VALUES[1])["prometheusRule"]["teamLabels"] == [label]
    teams = {rule["labels"]["team"] for rule in yaml.safe_load(CONFIGURATION[1])["discover"] if "labels" in rule}
    routed = {
        found[1]
        for each in shipped()["route"]["routes"]
        for found in re.finditer(rf'{label} = "(\w+)"', each["matchers"][1])
    }
    assert routed == teams
    assert f"s/{label}/tag_team/g alertmanager.yaml sagemaker-tuning.tmpl" in STEPS
    template = (DEPLOYED / "sagemaker-tuning.tmpl").read_text(encoding="utf-8")
    assert label in template
    assert label in shipped()["route"]["group_by"]


def test_the_alert_that_is_tried_fires_about_when_it_is_said_to(tmp_path: Path) -> None:
    alert = "SageMakerTuningJobMissing"
    thresholds = yaml.safe_load(TRY_VALUES[1])["prometheusRule"]["alerts"][alert]["thresholds"]
    document = render(load(), values={(alert, name): value for name, value in thresholds.items()})
    [rule] = [each for each in alerts(document) if each["alert"] == alert]
    world = job({0: None}, name="there-is-no-such-job", code="not_found")
    scraped = {series: [at(value, minute) for minute in range(10)] for series, value in world.items()}
    series = [{"series": str(one), "values": notation(values)} for one, values in scraped.items()]
    tests = [{"interval": "1m", "input_series": series, "promql_expr_test": [fire(alert, 1, 0), fire(alert, 4, 1)]}]
    rehearse(release("3", "promtool"), tmp_path, [rule], tests, 60, document)
    assert "About four minutes later `SageMakerTuningJobMissing` fires" in PAGE


def test_the_exporter_can_be_installed_as_for_systemd() -> None:
    """The files that it names are there, and pip's options are those of the Makefile."""
    commands = starting("python3 -m venv")
    for name in re.findall(r"(?:-r|install -m 644) ([\w./-]+)", commands):
        assert (ROOT / name).is_file(), name
    done = subprocess.run(["bash", "-n", "-c", commands], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
