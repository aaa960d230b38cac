"""What pages tell of permissions is what the table says, and what iam-policy prints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from support.tools import ROOT

from exporter.permissions.table import (
    ASSUME_ROLE_WITH_WEB_IDENTITY,
    ORGANIZATION_PERMISSIONS,
    PERMISSIONS,
    ROLE_PERMISSIONS,
)

if TYPE_CHECKING:
    pass

DEPLOYING = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
TOLD = {permission.action: permission.purpose for permission in PERMISSIONS} | ROLE_PERMISSIONS
TOLD |= ORGANIZATION_PERMISSIONS


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
    assert found - set(TOLD) == {ASSUME_ROLE_WITH_WEB_IDENTITY, "sts:GetCallerIdentity", "sts:ExternalId"}
