"""The documentation as a site: every page is in it, and every link leads somewhere."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from site_pages import ELSEWHERE, linked
from support.processes import PATIENCE
from support.tools import ROOT, require

if TYPE_CHECKING:
    from pathlib import Path

PAGES = {"index.md", "alerts.md", "chart.md"}
REPOSITORY = "https://example.com/x"


@pytest.mark.parametrize(
    ("source", "link", "there"),
    [
        ("README.md", "docs/alerts.md", "alerts.md"),
        ("README.md", "docs/alerts.md#loading", "alerts.md#loading"),
        ("docs/alerts.md", "../README.md", "index.md"),
        ("docs/alerts.md", "alerts.md#a", "alerts.md#a"),
        ("docs/alerts.md", "#a", "#a"),
        ("docs/alerts.md", "https://example.org/docs/alerts.md", "https://example.org/docs/alerts.md"),
        ("docs/alerts.md", "../helm/sagemaker-tuning-exporter/README.md#values", "chart.md#values"),
        (
            "docs/alerts.md",
            "../helm/sagemaker-tuning-exporter/rules",
            f"{REPOSITORY}/blob/main/helm/sagemaker-tuning-exporter/rules",
        ),
        (
            "helm/sagemaker-tuning-exporter/README.md",
            "../../config.example.yaml",
            f"{REPOSITORY}/blob/main/config.example.yaml",
        ),
        # A page of the repository that only has the name of one of the site's.
        ("docs/alerts.md", "../alerts.md", f"{REPOSITORY}/blob/main/alerts.md"),
    ],
)
def test_a_link_leads_to_the_page_of_the_site_or_into_the_repository(source: str, link: str, there: str) -> None:
    assert linked(f"See [it]({link}).", source, PAGES, REPOSITORY) == f"See [it]({there})."


def test_every_page_is_in_the_navigation_once() -> None:
    listed = re.findall(r"^ +- [^:\n]+: (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted([*(page.name for page in (ROOT / "docs").glob("*.md")), *ELSEWHERE.values()])


def test_it_is_built_without_a_dead_link(tmp_path: Path) -> None:
    mkdocs = require(str(ROOT / ".venv-site" / "bin" / "mkdocs"))
    built = subprocess.run(
        [mkdocs, "build", "--strict", "--quiet", "--site-dir", tmp_path / "site"],
        cwd=ROOT,
        env={"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (built.returncode, built.stdout + built.stderr) == (0, "")
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "images/status.png" in page
    # A reader's browser asks nobody else.
    assert re.findall(r'(?:src|href)="(https?://[^"]+)"[^>]*\b(?:stylesheet|script)', page) == []
