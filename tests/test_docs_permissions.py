"""What pages tell of permissions is what the table says, and what iam-policy prints."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support.tools import ROOT

from exporter.cli.iam_policy import run
from exporter.permissions.table import (
    ASSUME_ROLE_WITH_WEB_IDENTITY,
    ORGANIZATION_PERMISSIONS,
    PERMISSIONS,
    ROLE_PERMISSIONS,
)

if TYPE_CHECKING:
    from pathlib import Path

DEPLOYING = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
TOLD = {permission.action: permission.purpose for permission in PERMISSIONS} | ROLE_PERMISSIONS
TOLD |= ORGANIZATION_PERMISSIONS


def fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DEPLOYING, re.MULTILINE | re.DOTALL)


def test_no_page_names_another_action() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "config.example.yaml", *ROOT.glob("helm/**/*.*")]
    found = {
        action
        for page in pages
        if page.is_file()
        for action in re.findall(
            r"\b(?:sagemaker|sts|servicequotas|organizations):[A-Z]\w+", page.read_text(encoding="utf-8")
        )
    }
    assert found > set(TOLD)
    assert found - set(TOLD) == {ASSUME_ROLE_WITH_WEB_IDENTITY, "sts:GetCallerIdentity"}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration that step 3 of the deployment begins with."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    given: dict[str, Any] = next(
        values["config"] for text in fenced("yaml") if "config" in (values := yaml.safe_load(text))
    )
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(given))
    return file


def test_the_policy_of_the_deployment_is_what_is_printed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--config.file", str(config)]) == 0
    assert capsys.readouterr().out == fenced("json")[0]


@pytest.mark.parametrize(("place", "trust"), [(1, "pod-identity"), (2, "irsa")])
def test_the_trust_policies_are_what_is_printed(
    place: int, trust: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--config.file", str(config), f"--trust={trust}"]) == 0
    printed = json.dumps(json.loads(capsys.readouterr().out)["exporter"]["trust"])
    for name, value in {
        "EXPORTER_ACCOUNT_ID": "123456789012",
        "OIDC_PROVIDER": "OIDC",
        "NAMESPACE": "monitoring",
        "SERVICE_ACCOUNT": "tuning-sagemaker-tuning-exporter",
    }.items():
        printed = printed.replace(name, value)
    assert json.loads(printed) == json.loads(fenced("json")[place])
