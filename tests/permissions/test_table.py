"""The table narrows what AWS lets be narrowed, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.tools import require

from exporter.permissions.table import ORGANIZATION_PERMISSIONS, PERMISSIONS, ROLE_PERMISSIONS


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    """AWS's service authorization reference, as cfn-lint has it."""
    program = require("cfn-lint")
    [file] = (program.parents[1] / "lib").glob("python3*/site-packages/cfnlint/data/AdditionalSpecs/Policies.json")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def test_only_what_is_about_tuning_jobs_is_narrowed(reference: dict[str, Any]) -> None:
    for permission in PERMISSIONS:
        service, _, action = permission.action.partition(":")
        resources = reference[service]["Actions"][action.lower()].get("Resources", [])
        assert permission.narrows is ("hyper-parameter-tuning-job" in resources), permission.action
    for action in ROLE_PERMISSIONS:
        assert reference["sts"]["Actions"][action.partition(":")[2].lower()] == {"Resources": ["role"]}
    for action in ORGANIZATION_PERMISSIONS:
        assert action.partition(":")[2].lower() in reference["organizations"]["Actions"]


def test_who_one_is_may_be_asked_without_permission(reference: dict[str, Any]) -> None:
    assert "Resources" not in reference["sts"]["Actions"]["getcalleridentity"]
    assert "GetCallerIdentity" not in "".join(permission.action for permission in PERMISSIONS)
