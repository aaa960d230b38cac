"""Links of the pages lead to files, and to headings, that there are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from support.tools import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("helm/*/README.md")]


def headings(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text(encoding="utf-8")):
        file, _, heading = link.partition("#")
        there = page.parent / file if file else page
        if not there.exists() or (heading and heading not in headings(there)):
            lost.append(link)
    assert lost == []


def test_there_are_pages() -> None:
    assert {page.name for page in PAGES} >= {"README.md", "CONTRIBUTING.md", "configuration.md", "deploying.md"}
