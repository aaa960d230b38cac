"""The printed policies are what the exporter needs: with them nothing is denied, and each part taken away is missed."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from permissions.world import EXPORTER, NOW, OTHER, Outcome, Printed, less, read, run
from support.clock import ManualClock

from exporter.cli import iam_policy
from exporter.config import parse
from exporter.errors import action_of
from exporter.simulator.service import Simulator

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.simulator.life import Life

REGION = "eu-west-1"
CHINA = "cn-north-1"
GOV = "us-gov-west-1"
TAGS = {"team": "search", "env": "prod"}
EVERYWHERE = ((EXPORTER, REGION), (OTHER, REGION), (OTHER, "us-east-1"), (EXPORTER, CHINA), (EXPORTER, GOV))


@lru_cache
def lives() -> tuple[Life, ...]:
    """Return tuning jobs that soon end, in all accounts and regions, two of them alike; and one that comes in half an hour.

    Made once, for that takes longer than everything else here.
    """
    simulator = Simulator(ManualClock(NOW))
    jobs = (
        ("Churn-V3", -600.0, TAGS),
        ("plain", -300.0, {"env": "test"}),
        ("prod-late", 1800.0, TAGS),
        ("prod-a", -900.0, TAGS),
        ("prod-b", -900.0, TAGS),
    )
    return tuple(
        simulator.create(
            "healthy", name, region=region, account_id=account_id, created=NOW + created, speed=60.0, tags=tags
        )
        for account_id, region in EVERYWHERE
        for name, created, tags in jobs
    )


class Case(NamedTuple):
    """A configuration, and the operations that it takes."""

    text: str
    operations: str
    trust: str | None = None


LISTED = "tuning_jobs: [Churn-V3, plain]\n"
ROLE = f"arn:aws:iam::{OTHER}:role/teams/metrics"
CASES = {
    "listed": Case(LISTED, "Describe List"),
    "only swept": Case(f"describe_max_age: 0s\n{LISTED}", "Describe List"),
    "listed by ARN": Case(
        f"tuning_jobs: ['arn:aws:sagemaker:{REGION}:{EXPORTER}:hyper-parameter-tuning-job/churn-v3']\n", "Describe List"
    ),
    "one with tags": Case(LISTED.replace("plain", "{name: plain, tag_labels: [env]}"), "Describe List ListTags"),
    "several with tags": Case(
        "tag_labels: [team]\ntuning_jobs: [Churn-V3, plain, prod-late]\n", "Describe List ListTags Search"
    ),
    "discovered": Case("discover: [{name_contains: prod}]\n", "Describe List"),
    "discovered by tags": Case(
        "discover: [{name_regex: ^prod-, tags: {env: prod}}]\n", "Describe List ListTags Search"
    ),
    "training jobs": Case(f"collect: [training_jobs]\n{LISTED}", "Describe List Trainings"),
    "bills": Case(f"collect: [training_jobs]\nspend: {{billable: search}}\n{LISTED}", "Describe List Trainings Search"),
    "quotas": Case(f"collect: [quotas]\n{LISTED}", "Describe List ListServiceQuotas"),
    "China": Case("tuning_jobs: [Churn-V3]\naws: {region: cn-north-1}\n", "Describe List"),
    "GovCloud": Case("discover: [{}]\naws: {region: us-gov-west-1}\n", "Describe List"),
    "two regions": Case(
        "tuning_jobs: [Churn-V3]\ndiscover:\n"
        f"  - {{region: us-east-1, role_arn: '{ROLE}', tag_labels: [team]}}\n"
        f"  - {{name: second, region: {REGION}, role_arn: '{ROLE}'}}\n",
        "Describe List ListTags Search AssumeRole",
    ),
    "a role for IRSA": Case(
        f"tuning_jobs: [plain, {{name: plain, role_arn: '{ROLE}', external_id: shared-secret}}]\n"
        f"aws: {{region: {REGION}, account_id: '{EXPORTER}'}}\n",
        "Describe List AssumeRole",
        "irsa",
    ),
    "a role for pod identity": Case(
        f"tuning_jobs: [{{name: plain, role_arn: '{ROLE}', external_id: shared-secret}}]\n",
        "Describe List AssumeRole",
        "pod-identity",
    ),
    "profiles": Case(
        f"tuning_jobs: [{{name: plain, profile: team, account_id: '{EXPORTER}'}}, {{name: plain, profile: team, role_arn: '{ROLE}'}}]\n",
        "Describe List AssumeRole",
    ),
}
NAMES = {
    "Describe": "DescribeHyperParameterTuningJob",
    "List": "ListHyperParameterTuningJobs",
    "Trainings": "ListTrainingJobsForHyperParameterTuningJob",
}


def printed_for(case: Case, file: Path, capsys: pytest.CaptureFixture[str]) -> Printed:
    """Return what the command prints for a configuration."""
    file.write_text(text_of(case))
    assert iam_policy.run(["--config.file", str(file), *([f"--trust={case.trust}"] if case.trust else [])]) == 0
    return read(capsys.readouterr().out)


def text_of(case: Case) -> str:
    region = "" if "\naws:" in case.text else f"aws: {{region: {REGION}}}\n"
    return f"interval: 10m\n{region}{case.text}"


def outcome(case: Case, printed: Printed, *, until_denied: bool = False) -> Outcome:
    settings = parse(text_of(case), "config.yaml")
    return run(settings, printed, lives(), pod=case.trust, until_denied=until_denied)


def actions(printed: Printed) -> set[str]:
    """Return every action that the policies allow, trust apart."""
    found: set[str] = set()
    for identity in printed.values():
        for policy in identity["policies"]:
            for statement in policy["Statement"]:
                given: Any = statement["Action"]
                found |= {given} if isinstance(given, str) else set(given)
    return found


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_denied_and_every_part_is_needed(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[name]
    printed = printed_for(case, tmp_path / "config.yaml", capsys)
    whole = outcome(case, printed)
    assert whole.denials == []
    assert whole.visible == set()

    wanted = {NAMES.get(each, each) for each in case.operations.split()}
    assert {operation for operation, _ in whole.called} == wanted - {"AssumeRole"}
    tagged = {"sts:TagSession"} if case.trust == "pod-identity" else set()
    needed = {"sts:AssumeRole" if each == "AssumeRole" else action_of(each) for each in wanted}
    assert actions(printed) == needed | tagged

    for what, fewer in less(printed):
        broken = outcome(case, fewer, until_denied=True)
        assert broken.denials, what
        assert broken.visible, what
